"""The microscope's session: what is seen of a pass is what the pass did, in every mode."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.core.job import LocalContext
from engines.core.weights import ModelCard, save_weights
from engines.piano.jobs.inspect import NO_MELODY, NO_STYLE, OTHER_STYLE, OWN, Inspection
from engines.piano.looking import Look, encoded, looked_at, loudness, windows
from engines.piano.nets.transformer import StyleAutoencoder, StyleConfig, build
from engines.piano.requests import InspectRequest, InspectSnapshot
from engines.piano.sampling import Sampler, nothing, style_of
from engines.piano.spec import InspectSpec
from tests.engines.piano.sessions import running_session, until

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 24, "ffn": 32, "layers_enc": 1, "layers_dec": 2, "R": 12, "length": 40,
    "melody_length": 30, "dropout": 0.0,
}  # fmt: skip
MODES = [
    ("unconditional", "sum"),
    ("performance", "sum"),
    ("melody", "sum"),
    ("melody+performance", "sum"),
    ("melody+performance", "concat"),
    ("melody+performance", "tile"),
]
STYLE = np.random.default_rng(0).integers(2, 310, 90)
OTHER = np.random.default_rng(1).integers(2, 310, 70)
MELODY = np.random.default_rng(2).integers(2, 92, 200)


def net_of(mode: str, merge: str = "sum", **changes: Any) -> StyleAutoencoder:
    return build(StyleConfig(**{**SMALL, "mode": mode, "merge": merge, **changes}), seed=3).eval()


def tokens(*shape: int, high: int = 310, seed: int = 0) -> torch.Tensor:
    return torch.randint(2, high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Names of small random networks as files."""
    folder: Path = tmp_path_factory.mktemp("weights")

    def made(mode: str, merge: str = "sum", clock: bool = False) -> str:
        path = folder / f"{mode}-{merge}-{clock}.safetensors"
        if not path.is_file():
            net = net_of(mode, merge, clock=clock)
            save_weights(path, net.state_dict(), ModelCard(name="", topic="piano", architecture=net.config.to_json()))
        return str(path)

    return made


def answer(request: InspectRequest, **spec: Any) -> list[InspectSnapshot]:
    """All answers to one request."""
    heard: list[InspectSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda s, keep: heard.append(s))
    ctx.request(request)
    Inspection(InspectSpec(**spec), ctx).turn()
    return heard


def asked(name: str, piece: np.ndarray, **more: Any) -> InspectSnapshot:
    """The last answer on a piece in its own style."""
    told = {"styles": (STYLE,), "melody": MELODY, "other": OTHER, **more}
    last = answer(InspectRequest(1, name, piece, **told))[-1]
    assert last.done and not last.problem, last.problem
    return last


@pytest.mark.parametrize("clock", [False, True])
@pytest.mark.parametrize(("mode", "merge"), MODES)
def test_looking_changes_no_logits(mode: str, merge: str, clock: bool) -> None:
    net = net_of(mode, merge, clock=clock, length=200)
    target = tokens(3, 150)  # More than one block of queries.
    z = net.style(tokens(3, 30, seed=1)) if net.config.reads_performance else None
    melody = net.melody_memory(tokens(3, 30, high=92, seed=2)) if net.config.reads_melody else None
    with torch.no_grad():
        memory, _ = net.memory(z, melody)
        look = Look(net, 150)
        got = looked_at(net, target, memory, look, torch.ones(3, 150, dtype=torch.bool), nothing)
        assert torch.allclose(got, net.decode(target, memory), atol=1e-5)
    assert torch.allclose(look.attention.sum(-1), torch.tensor(450.0).double(), atol=1e-3)
    assert float(look.even.sum()) == pytest.approx(450)
    if net.melody_encoder is not None:
        heard: list[int] = []
        text = tokens(3, 30, high=92, seed=2)
        again = encoded(net.melody_encoder, text, lambda: heard.append(1))
        assert torch.allclose(again, net.melody_memory(text), atol=1e-6) and heard


def test_attention_by_distance_is_that_of_the_sampler() -> None:
    net = net_of("unconditional")
    drawn = tokens(1, 31)
    sampler = Sampler(net)
    sampler.prime(drawn[0])
    one_by_one = sampler.attention()  # [layers, 32]: entry k is k tokens ago, the newest position's
    look = Look(net, 32)
    counted = torch.zeros(1, 32, dtype=torch.bool)
    counted[0, -1] = True
    with torch.no_grad():
        looked_at(net, torch.cat([drawn, drawn[:, :1]], 1), None, look, counted, nothing)
    assert look.positions == 1
    edges = (0, 1, 2, 4, 8, 16, 32)
    for k, (begin, end) in enumerate(pairwise(edges)):
        wanted = one_by_one[:, begin:end].sum(1).double()
        assert torch.allclose(look.attention.mean(1)[:, k], wanted, atol=1e-6)
        assert float(look.even[k]) == pytest.approx((end - begin) / 32)


def test_the_style_slot_of_a_joined_memory_has_a_share_of_its_own() -> None:
    net = net_of("melody+performance", "concat")
    target, z = tokens(2, 10), net.style(tokens(2, 30, seed=1))
    memory, _ = net.memory(z, net.melody_memory(tokens(2, 12, high=92)))
    heard = []
    for layer in net.decoder_layers:  # The same weights, read off the softmax of the real layer.

        def spy(x: torch.Tensor, memory: torch.Tensor, *_: Any, cross: Any = layer.cross) -> torch.Tensor:
            p = cross.projections
            k, v = cross.keys_values(memory)
            heard.append((p.split(p.q(x)) * p.scale @ k.mT).softmax(-1))
            return p.join(heard[-1] @ v)

        layer.cross.forward = spy
    look = Look(net, 10)
    with torch.no_grad():
        net.decode(target, memory)
        counted = torch.arange(10).expand(2, 10) >= 5
        looked_at(net, target, memory, look, counted, nothing)
    assert look.positions == 10 and len(heard) == 2
    for k, weights in enumerate(heard):
        mean = weights.mean(0)[:, 5:].sum((0, 1))
        assert float(look.slots[k, 2]) == pytest.approx(float(mean[-1]), rel=1e-4)
        assert float(look.slots[k, 1]) == pytest.approx(float(mean[-2]), rel=1e-4)
        assert float(look.slots[k].sum()) == pytest.approx(10, rel=1e-5)


@pytest.mark.parametrize(("mode", "merge"), [m for m in MODES if "performance" in m[0]])
def test_how_loudly_the_style_speaks_is_what_it_would_add_alone(mode: str, merge: str) -> None:
    net = net_of(mode, merge)
    z = torch.randn(1, 16)
    for layer, got in zip(net.decoder_layers, loudness(net, z), strict=True):
        p = layer.cross.projections
        slot = torch.cat([torch.zeros(1, 16), z], 1) if merge == "tile" else z
        wanted = (p.o.weight @ p.v.weight @ slot[0]).norm().detach()
        assert float(got) == pytest.approx(float(wanted), rel=1e-5)
    assert torch.allclose(loudness(net, 2 * z), 2 * loudness(net, z))


@pytest.mark.parametrize("length", [1, 2, 39, 40, 41, 60, 61, 200])
def test_windows_score_every_token_once_after_half_a_window(length: int) -> None:
    found = windows(length, 40)
    assert found[0][:2] == (0, 0) and found[-1][2] == length
    for (_, _, before), (first, scored, end) in pairwise(found):
        assert scored == before and scored - first == 20 and end - first <= 40


@pytest.mark.parametrize(("mode", "merge", "clock"), [
    ("unconditional", "sum", False), ("performance", "sum", False), ("melody+performance", "sum", True),
    ("melody+performance", "concat", False),
])  # fmt: skip
def test_a_take_surprises_the_reader_as_it_surprised_its_composer(
    mode: str, merge: str, clock: bool, weights: Callable[..., str]
) -> None:
    net = net_of(mode, merge, clock=clock)
    z = style_of(net, torch.as_tensor(STYLE)) if net.config.reads_performance else None
    melody = torch.as_tensor(MELODY) if net.config.reads_melody else None
    sampler = Sampler(net, 1, z, melody, generator=torch.Generator().manual_seed(4))
    nats = []
    for _ in range(130):  # Beyond the trained length, several times.
        sampler.step()
        nats.append(float(sampler.nll[0]))
    last = asked(weights(mode, merge, clock), sampler.tokens[0].numpy())
    assert last.total == len(last.tokens) == 130 and last.context == 40
    assert np.allclose(last.nll[OWN], nats, atol=1e-4)


def test_what_is_expected_is_a_distribution_and_knows_its_kinds(weights: Callable[..., str]) -> None:
    piece = np.random.default_rng(5).integers(2, 310, 100)
    last = asked(weights("performance"), piece)
    assert np.allclose(last.kinds.sum(1), 1, atol=1e-5) and last.kinds.shape == (100, 5)
    assert (np.diff(last.shares, axis=1) <= 0).all() and last.top.shape == (100, 5)
    hit = last.top[:, 0] == piece
    assert np.allclose(last.shares[hit, 0], np.exp(-last.nll[OWN][hit]), atol=1e-5)
    # By hand for the first token: the network's answer to nothing.
    net = net_of("performance")
    with torch.no_grad():
        z = style_of(net, torch.as_tensor(STYLE))
        p = net.logits(torch.as_tensor(piece[None, :1]), z)[0, 0].softmax(0).numpy()
    wanted = [p[:2].sum(), p[2:90].sum(), p[90:178].sum(), p[178:278].sum(), p[278:].sum()]
    assert np.allclose(last.kinds[0], wanted, atol=1e-5)
    assert last.nll[OWN][0] == pytest.approx(-np.log(p[piece[0]]), abs=1e-4)


def test_each_conditioning_is_told_apart(weights: Callable[..., str]) -> None:
    piece = np.random.default_rng(5).integers(2, 310, 70)
    name = weights("melody+performance")
    last = asked(name, piece)
    assert set(last.nll) == {OWN, NO_STYLE, OTHER_STYLE, NO_MELODY}
    assert np.allclose(asked(name, piece, styles=(OTHER,)).nll[OWN], last.nll[OTHER_STYLE], atol=1e-5)
    silent = asked(name, piece, melody=np.zeros(0, np.int64))
    assert np.allclose(silent.nll[OWN], last.nll[NO_MELODY], atol=1e-5) and NO_MELODY not in silent.nll
    assert "rest" in silent.remarks[0]
    assert not np.allclose(last.nll[OWN], last.nll[NO_STYLE], atol=1e-3)
    # Without a style the performance network is one without attention to a memory.
    plain = asked(weights("performance"), piece)
    net = net_of("performance")
    with torch.no_grad():
        logits = net.decode(torch.as_tensor(piece[None, :40]), None)[0]
    nats = torch.nn.functional.cross_entropy(logits, torch.as_tensor(piece[:40]), reduction="none")
    assert np.allclose(plain.nll[NO_STYLE][:40], nats, atol=1e-4)
    assert len(plain.remarks) == 1 and plain.remarks[0].endswith("reads no melody.")


def test_what_a_network_has_not_is_empty(weights: Callable[..., str]) -> None:
    last = asked(weights("unconditional"), STYLE)
    assert set(last.nll) == {OWN} and not len(last.style) and not len(last.cross) and not len(last.slots)
    assert last.attention.shape == (2, 2, 7) and last.back.tolist() == [1, 2, 4, 8, 16, 32, 64]
    assert np.allclose(last.attention.sum(2), 1, atol=1e-5) and last.even.sum() == pytest.approx(1, abs=1e-5)
    both = asked(weights("melody+performance", "concat"), STYLE)
    assert both.slots.shape == (2, 3) and np.allclose(both.slots.sum(1), 1, atol=1e-5)
    assert both.style.shape == both.cross.shape == both.stream.shape == (2,) and (both.stream > 0).all()


@pytest.mark.parametrize(("changes", "said"), [
    ({"tokens": np.zeros(0, np.int64)}, "no notes"), ({"tokens": np.array([400])}, "piece"),
    ({"styles": ()}, "needs a style"), ({"weights": "nothing-like-it"}, "nothing-like-it"),
    ({"other": np.array([-1])}, "style"), ({"melody": np.array([92])}, "melody"),
])  # fmt: skip
def test_what_is_wrong_is_answered(changes: dict[str, Any], said: str, weights: Callable[..., str]) -> None:
    good = InspectRequest(1, weights("melody+performance"), STYLE, (STYLE,), melody=MELODY)
    last = answer(replace(good, **changes))[-1]
    assert last.done and said in last.problem and last.generation == 1


def test_only_the_beginning_of_a_long_piece_is_read_and_said(weights: Callable[..., str]) -> None:
    last = answer(InspectRequest(1, weights("unconditional"), STYLE), most=50)[-1]
    assert last.total == len(last.tokens) == 50 and "first 50 of 90" in last.remarks[0]


@pytest.fixture
def running() -> Iterator[tuple[LocalContext, list[InspectSnapshot], threading.Thread]]:
    with running_session("piano.inspect", InspectSpec(most=200_000)) as session:
        yield session


def test_a_newer_request_takes_over_and_a_stop_ends_the_session(
    weights: Callable[..., str], running: tuple[LocalContext, list[InspectSnapshot], threading.Thread]
) -> None:
    ctx, heard, thread = running
    long = np.random.default_rng(6).integers(2, 310, 200_000)
    ctx.request(InspectRequest(1, weights("unconditional"), long))
    until(lambda: bool(heard))
    assert 0 < len(heard[0].tokens) < len(long) == heard[0].total
    ctx.request(InspectRequest(2, weights("unconditional"), STYLE))
    until(lambda: any(s.generation == 2 and s.done for s in heard))
    assert not any(s.done for s in heard if s.generation == 1)
    ctx.request(InspectRequest(3, weights("unconditional"), long))
    until(lambda: any(s.generation == 3 for s in heard))
    ctx.cancel()
    thread.join(20)
    assert not thread.is_alive()
