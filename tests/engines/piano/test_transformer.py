"""Paper file 08: checks 5 (causality), 6, 7 and 9; the modes and their memories."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from engines.core.errors import UserError
from engines.piano.nets.relative import AFTER, BEFORE
from engines.piano.nets.transformer import (
    StyleAutoencoder,
    StyleConfig,
    build,
    nll,
    sinusoids,
)
from engines.piano.training import paper_rate

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 24, "ffn": 32, "layers_enc": 2, "layers_dec": 2, "R": 8, "length": 40,
    "melody_length": 20, "dropout": 0.0,
}  # fmt: skip
MODES = ("unconditional", "performance", "melody", "melody+performance", "unpooled")
MERGES = ("sum", "concat", "tile")


def net_of(mode: str, merge: str = "sum", **changes: Any) -> StyleAutoencoder:
    return build(StyleConfig(**{**SMALL, "mode": mode, "merge": merge, **changes}), seed=2).eval()


def tokens(*shape: int, high: int = 310, seed: int = 0) -> torch.Tensor:
    return torch.randint(2, high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("clock", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_check_5_a_token_changes_no_logits_up_to_its_own_position(mode: str, clock: bool) -> None:
    net = net_of(mode, clock=clock)
    target, performance, melody = tokens(2, 40), tokens(2, 33, seed=1), tokens(2, 20, high=92, seed=2)
    with torch.no_grad():
        before = net(target, performance, melody)
        for t in (0, 17, 39):
            changed = target.clone()
            changed[:, t] = (changed[:, t] - 2 + 7) % 308 + 2
            after = net(changed, performance, melody)
            assert torch.equal(before[:, : t + 1], after[:, : t + 1])
            if t < 39:
                assert not torch.allclose(before[:, t + 1], after[:, t + 1])


def test_check_6_without_a_style_the_decoder_is_one_without_cross_attention() -> None:
    net = net_of("performance")
    plain = net_of("unconditional")
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k in plain.state_dict()})
    target = tokens(2, 40)
    with torch.no_grad():
        assert torch.allclose(net.logits(target, torch.zeros(2, 16)), plain(target), atol=1e-6)
        assert not torch.allclose(net.logits(target, torch.ones(2, 16)), plain(target), atol=1e-3)


def test_check_7_the_style_does_not_see_the_padding_of_a_batch() -> None:
    net = net_of("performance")
    short = tokens(1, 21)
    padded = torch.cat([short, torch.zeros(1, 12, dtype=torch.int64)], 1)
    with torch.no_grad():
        z = net.style(short)
        assert torch.allclose(net.style(padded, padded != 0), z, atol=1e-6)
        assert not torch.allclose(net.style(padded), z, atol=1e-3)  # The reference code's mean has no mask.


def test_check_7_a_sum_with_an_empty_melody_is_the_performance_network() -> None:
    net, plain = net_of("melody+performance"), net_of("performance")
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k in plain.state_dict()})
    target, z = tokens(2, 30), torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        both = net.logits(target, z, torch.zeros(2, 20, 16))
        assert torch.allclose(both, plain.logits(target, z), atol=1e-5)


def test_check_7_the_memories_of_the_three_merges() -> None:
    z, m = torch.randn(2, 16), torch.randn(2, 5, 16)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    summed, _ = net_of("melody+performance", "sum").memory(z, m)
    assert torch.equal(summed, m + z[:, None])
    joined, kept = net_of("melody+performance", "concat").memory(z, m, mask)
    assert joined.shape == (2, 7, 16) and torch.equal(joined[:, :5], m)
    assert (joined[:, 5] == 0).all() and torch.equal(joined[:, 6], z)
    assert kept[1].tolist() == [True, True, False, False, False, True, True]
    tiled, _ = net_of("melody+performance", "tile").memory(z, m)
    assert tiled.shape == (2, 5, 32) and torch.equal(tiled[:, 3, 16:], z)


@pytest.mark.parametrize("merge", MERGES)
def test_a_masked_melody_equals_a_shorter_one(merge: str) -> None:
    net = net_of("melody+performance", merge)
    target, performance, melody = tokens(1, 30), tokens(1, 30, seed=1), tokens(1, 12, high=92, seed=2)
    longer = torch.cat([melody, tokens(1, 8, high=92, seed=3)], 1)
    mask = torch.arange(20)[None] < 12
    with torch.no_grad():
        wanted = net(target, performance, melody)
        assert torch.allclose(net(target, performance, longer, None, mask), wanted, atol=1e-5)
        assert not torch.allclose(net(target, performance, longer), wanted, atol=1e-4)


def test_check_9_the_loss_of_an_untrained_network_is_that_of_unit_logits() -> None:
    # 32 layers' worth of widths are not needed: the last norm makes logits of unit variance at any width.
    net = net_of("performance", d=128, heads=4, key_channels=128, ffn=256)
    target = tokens(8, 40)
    with torch.no_grad():
        logits = net(target, tokens(8, 40, seed=1))
        assert float(nll(logits, target)) == pytest.approx(math.log(310) + 0.5, abs=0.12)
        assert float(logits.std()) == pytest.approx(1.0, abs=0.1)


def test_check_9_the_rate_of_the_reference_code() -> None:
    assert paper_rate(8000, 384) == pytest.approx(1.1411e-3, rel=1e-4)
    assert paper_rate(4000, 384) == pytest.approx(1.1411e-3 / 2, rel=1e-4)
    assert paper_rate(32_000, 384) == pytest.approx(1.1411e-3 / 2, rel=1e-4)


def test_the_papers_size_has_the_papers_number_of_parameters() -> None:
    """28.53 million, of which 6.29 million relative distances, without the rows for later keys that ours adds."""
    with torch.device("meta"):
        net = StyleAutoencoder(StyleConfig(encoder_relative="spill"))
    tables = sum(p.numel() for name, p in net.named_parameters() if name.endswith("attention.table"))
    assert tables == 12 * 8 * 1024 * 64
    # The reference also keeps a table of 32 target spaces, of which one row is used: ours is that row.
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(28.53, abs=0.02)


def test_padding_is_embedded_as_zeros_and_every_text_has_its_own_table() -> None:
    net = net_of("melody+performance")
    with torch.no_grad():
        assert (net.embedding(torch.tensor([[0, 5]]))[0, 0] == 0).all()
        norm = net_of("unconditional", d=64, key_channels=64).embedding(tokens(1, 300)).std()
    assert float(norm) == pytest.approx(1, abs=0.1)
    assert net.melody_encoder is not None and net.performance_encoder is not None
    tables = [net.embedding.table, net.melody_encoder.embedding.table, net.performance_encoder.embedding.table]
    assert len({t.data_ptr() for t in tables}) == 3
    assert net.softmax.weight.data_ptr() != net.embedding.table.data_ptr()


def test_absolute_positions_are_sines_then_cosines() -> None:
    like = torch.zeros(8)
    wave = sinusoids(5, like)
    assert wave.shape == (5, 8)
    assert torch.allclose(wave[:, 0], torch.arange(5.0).sin())
    assert torch.allclose(wave[:, 4], torch.arange(5.0).cos())
    assert torch.allclose(wave[3, 3], torch.tensor(3 / 10_000).sin())
    assert torch.equal(sinusoids(2, like, 3), wave[3:])


@pytest.mark.parametrize("merge", MERGES)
def test_timed_attention_knows_how_far_each_melody_step_is(merge: str) -> None:
    net = net_of("melody+performance", merge, clock=True)
    cross = net.layers[0].cross
    heard: list[torch.Tensor] = []
    forward = cross.forward
    cross.forward = lambda x, memory, mask, place: heard.append(place) or forward(x, memory, mask, place)
    target = torch.tensor([[41, 227, 178, 277, 129]])  # a key, 50, 1 and 100 hundredths, a release
    with torch.no_grad():
        net(target, target, torch.full((1, 20), 2))
        assert heard[0].tolist() == [[0, 0, 5, 5, 15]]
        q = torch.randn(2, 1, 5, 12)
        slots = 20 + cross.untimed
        got = cross.time_scores(q, heard[0], slots)
        for i, step in enumerate([0, 0, 5, 5, 15]):
            for j in range(slots):
                o = j - step
                wanted = torch.zeros(2, 1)
                if -BEFORE <= o <= AFTER and j < 20:
                    e, b = cross.time_table[:, :, BEFORE + o], cross.time_bias_table[:, BEFORE + o]
                    wanted = (q[:, :, i] * e[:, None]).sum(-1) + b[:, None]
                assert torch.allclose(got[:, :, i, j], wanted, atol=1e-5)
    assert not any("time" in name for name in net_of("performance", clock=True).state_dict())


def test_the_same_seed_builds_the_same_network_and_its_card_builds_it_again() -> None:
    a = net_of("melody+performance", "tile")
    torch.rand(3)
    b = build(StyleConfig.from_json(a.config.to_json()), seed=2)
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(UserError, match="heads"):
        StyleConfig(d=100, heads=8)
    with pytest.raises(UserError, match="mode"):
        StyleConfig(mode="both")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="ffn"):
        StyleConfig(ffn=0)
    with pytest.raises(UserError, match="style autoencoder"):
        StyleConfig.from_json({"kind": "lenet"})
    net = net_of("melody")
    with pytest.raises(UserError, match="no performance"):
        net.style(tokens(1, 4))
    with pytest.raises(UserError, match="melody"):
        net(tokens(1, 4))
    with pytest.raises(UserError, match="no melody"):
        net_of("performance").melody_memory(tokens(1, 4))
    with pytest.raises(UserError, match="style"):
        net_of("performance").logits(tokens(1, 4))


@pytest.mark.parametrize(
    "damage",
    [{"heads": 0}, {"d": 16.0}, {"d": "16"}, {"encoder_relative": "left"}, {"dropout": "x"}, {"dropout": 1.5},
     {"clock": "no"}, {"layers_dec": True}, {"mode": ["performance"]}, {"length": -4}],
)  # fmt: skip
def test_a_damaged_card_is_refused(damage: dict[str, Any]) -> None:
    card = {**StyleConfig(**SMALL).to_json(), **damage}
    with pytest.raises(UserError):
        build(card)
