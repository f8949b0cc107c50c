"""Paper file 08: check 5; 08b: check 5. Cached steps give the logits of the full pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engines.core.errors import UserError
from engines.piano.nets.relative import causal_scores
from engines.piano.nets.transformer import StyleAutoencoder, StyleConfig, build, sinusoids
from engines.piano.sampling import Sampler, clock, nucleus, style_of

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 24, "ffn": 32, "layers_enc": 1, "layers_dec": 2, "R": 12, "length": 40,
    "melody_length": 30, "dropout": 0.3,
}  # fmt: skip


def net_of(mode: str, merge: str = "sum", **changes: Any) -> StyleAutoencoder:
    return build(StyleConfig(**{**SMALL, "mode": mode, "merge": merge, **changes}), seed=3).eval()


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tokens(*shape: int, low: int = 2, high: int = 310, seed: int = 0) -> torch.Tensor:
    return torch.randint(low, high, shape, generator=drawn(seed))


MODES = [
    ("unconditional", "sum"),
    ("performance", "sum"),
    ("melody", "sum"),
    ("unpooled", "sum"),
    ("melody+performance", "sum"),
    ("melody+performance", "concat"),
    ("melody+performance", "tile"),
]


@pytest.mark.parametrize(("mode", "merge"), MODES)
@pytest.mark.parametrize(("batch", "clock"), [(1, False), (8, False), (3, True)])
def test_check_5_cached_steps_equal_the_full_pass(mode: str, merge: str, batch: int, clock: bool) -> None:
    """Check 5 of paper file 08 (to 1e-5, for every memory), and of 08b (t < R and t >= R, batches of 1 and 8)."""
    net = net_of(mode, merge, clock=clock)
    performance, melody = tokens(1, 25, seed=1), tokens(1, 30, high=92, seed=2)
    z = None
    if net.config.reads_performance:
        z = net.encode(performance) if mode == "unpooled" else net.style(performance)
    sampler = Sampler(net, batch, z, melody[0], generator=drawn())
    seen = [sampler.logits]
    for _ in range(net.config.length - 1):  # Beyond R = 12 and up to the trained length.
        sampler.step()
        seen.append(sampler.logits)
    drawn_tokens = torch.cat([sampler.tokens, torch.full((batch, 1), 2)], 1)
    with torch.no_grad():
        full = net(drawn_tokens, performance.expand(batch, -1), melody.expand(batch, -1))
    assert full.shape[1] == len(seen) == net.config.length
    assert (torch.stack(seen, 1) - full).abs().max() < 1e-5


def test_rows_of_a_batch_are_drawn_apart_and_priming_equals_stepping() -> None:
    net = net_of("unconditional")
    sampler = Sampler(net, 3, generator=drawn())
    for _ in range(20):
        sampler.step()
    rows = sampler.tokens
    assert not torch.equal(rows[0], rows[1])
    for parts in ([20], [1, 19], [7, 0, 13]):
        primed = Sampler(net, 3)
        for part in rows.split(parts, 1):
            primed.prime(part)
        assert torch.allclose(primed.logits, sampler.logits, atol=1e-5)
        assert torch.equal(primed.tokens, rows)


@pytest.mark.parametrize("told_time", [False, True])
@pytest.mark.parametrize("how", ["step", "prime"])
def test_beyond_the_trained_length_the_last_half_is_read_anew(how: str, told_time: bool) -> None:
    net = net_of("melody+performance", clock=told_time)
    z, melody = net.style(tokens(1, 25)).detach(), tokens(400, high=92, seed=2)
    sampler = Sampler(net, 2, z, melody, generator=drawn())
    for _ in range(40):
        sampler.step()
    if how == "prime":
        rows = sampler.tokens
        sampler = Sampler(net, 2, z, melody)
        sampler.prime(rows)
    kept = sampler.tokens[:, -20:]
    begin = (clock(sampler.tokens[:, :20]) / 10).round().long()
    windows = torch.stack([melody[b : b + 30] for b in begin.tolist()])
    with torch.no_grad():
        memory = net.melody_memory(windows)
        full = net.logits(torch.cat([kept, kept[:, :1]], 1), z.expand(2, -1), memory)
    assert torch.allclose(sampler.logits, full[:, -1], atol=1e-5)
    assert begin[0] != begin[1]  # Each row has its own clock.
    for _ in range(100):
        chosen, _ = sampler.step()
    assert sampler.tokens.shape == (2, 140)
    assert bool((chosen >= 2).all())


def test_a_melody_that_ended_goes_on_without_events() -> None:
    net = net_of("melody")
    a = Sampler(net, 1, melody=tokens(5, high=92))
    b = Sampler(net, 1, melody=torch.cat([tokens(5, high=92), torch.full((60,), 2)]))
    assert torch.equal(a.logits, b.logits)


def test_the_same_seed_draws_the_same_and_temperature_zero_takes_the_likeliest() -> None:
    net = net_of("unconditional")

    def run(**settings: Any) -> torch.Tensor:
        sampler = Sampler(net, 1, **settings)
        for _ in range(30):
            sampler.step()
        return sampler.tokens

    assert torch.equal(run(generator=drawn(4)), run(generator=drawn(4)))
    assert not torch.equal(run(generator=drawn(4)), run(generator=drawn(5)))
    likeliest = run(temperature=0.0)
    with torch.no_grad():
        logits = net(likeliest)
    logits[..., :2] = -torch.inf
    assert torch.equal(likeliest, logits.argmax(-1))


def test_nucleus_keeps_the_likeliest_that_reach_the_share() -> None:
    p = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.05, 0.9, 0.03, 0.02]])
    got = nucleus(p, 0.75)
    assert torch.allclose(got, torch.tensor([[0.625, 0.375, 0, 0], [0, 1.0, 0, 0]]))
    assert torch.allclose(nucleus(p, 1.0), p)
    assert torch.allclose(nucleus(p, 1e-6).max(1).values, torch.ones(2))


class NoShifts:
    """A grammar that forbids time to pass, and remembers what it was told."""

    def __init__(self, batch: int) -> None:
        self.fed: list[np.ndarray] = []
        self.batch = batch

    def allowed(self) -> np.ndarray:
        mask = np.ones((self.batch, 310), bool)
        mask[:, 178:278] = False
        return mask

    def feed(self, tokens: np.ndarray) -> None:
        self.fed.append(tokens)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_a_grammar_is_obeyed_and_told_everything(temperature: float) -> None:
    grammar = NoShifts(2)
    sampler = Sampler(net_of("unconditional"), 2, generator=drawn(), temperature=temperature, mask=grammar)
    sampler.prime(torch.tensor([200, 5]))
    for _ in range(30):
        _, probabilities = sampler.step()
        assert torch.allclose(probabilities.sum(1), torch.ones(2), atol=1e-5)
        assert (probabilities[:, 178:278] == 0).all() and (probabilities[:, :2] == 0).all()
    assert np.array_equal(np.stack(grammar.fed, 1), sampler.tokens.numpy())
    assert ((sampler.tokens[:, 2:] < 178) | (sampler.tokens[:, 2:] >= 278)).all()


def test_attention_counts_backwards_from_the_newest_token() -> None:
    net = net_of("unconditional")
    sampler = Sampler(net, 2, generator=drawn())
    for _ in range(5):
        sampler.step()
    got = sampler.attention(1)
    layer = net.layers[0].attention
    x = torch.cat([torch.zeros(2, 1, 16), net.embedding(sampler.tokens)], 1) + sinusoids(6, net.norm.weight)
    with torch.no_grad():
        h = net.layers[0].norm_self(x)
        p = layer.projections
        q, k = p.split(p.q(h)) * p.scale, p.split(p.k(h))
        scores = (q @ k.mT + causal_scores(q, layer.table, 6))[:, 1, -1].softmax(-1)
    assert got.shape == (2, 6)
    assert torch.allclose(got[0], scores.mean(0).flip(0), atol=1e-5)


def test_nll_is_that_of_the_networks_own_distribution() -> None:
    net = net_of("unconditional")
    sampler = Sampler(net, 1, generator=drawn(), temperature=0.5, top_p=0.5)
    sampler.prime(tokens(6))
    before = sampler.logits.log_softmax(1)
    chosen, _ = sampler.step()
    assert sampler.nll.item() == pytest.approx(-before[0, chosen[0]].item(), abs=1e-5)


def test_a_style_of_many_windows_is_their_mean_over_positions() -> None:
    net = net_of("performance")
    text = tokens(100)
    with torch.no_grad():
        windows = [net.encode(text[None, at : at + 40])[0] for at in (0, 40, 80)]
    assert torch.allclose(style_of(net, text)[0], torch.cat(windows).mean(0), atol=1e-5)
    with pytest.raises(UserError, match="no notes"):
        style_of(net, text[:0])


def test_what_cannot_be_sampled_is_said() -> None:
    net = net_of("melody")
    with pytest.raises(UserError, match="melody"):
        Sampler(net)
    with pytest.raises(UserError, match="style"):
        Sampler(net_of("performance"))
    for wrong in ({"top_p": 0.0}, {"temperature": -1.0}, {"batch": 0}):
        with pytest.raises(UserError, match="expected"):
            Sampler(net_of("unconditional"), **wrong)
    with pytest.raises(UserError, match="309"):
        Sampler(net_of("unconditional")).prime(torch.tensor([310]))


def test_a_temperature_too_small_for_single_precision_takes_the_likeliest() -> None:
    net = net_of("unconditional")
    for temperature in (1e-300, 1e-45, 1e-6):
        cold, zero = Sampler(net, 1, generator=drawn(), temperature=temperature), Sampler(net, 1, temperature=0.0)
        for _ in range(5):
            token, probabilities = cold.step()
            assert torch.equal(token, zero.step()[0]) and float(probabilities.sum()) == 1
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(UserError, match="temperature"):
            Sampler(net, 1, temperature=wrong)


def test_a_generator_for_each_row_draws_what_it_would_alone() -> None:
    net = net_of("unconditional")
    together = Sampler(net, 3, generator=[drawn(k) for k in range(3)])
    alone = [Sampler(net, 1, generator=[drawn(k)]) for k in range(3)]
    for _ in range(30):
        rows, _ = together.step()
        assert rows.tolist() == [int(one.step()[0]) for one in alone]
    with pytest.raises(ValueError, match="3 rows"):
        Sampler(net, 3, generator=[drawn()])
