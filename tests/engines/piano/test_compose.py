"""The composing session: streams, latest-wins, stops, and says what is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard, save_weights
from engines.piano.codec import decode
from engines.piano.jobs.compose import Session, _Piece, checked
from engines.piano.nets.transformer import StyleConfig, build
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from engines.piano.spec import ComposeSpec
from tests.engines.piano.sessions import running_session, until

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 16, "ffn": 32, "layers_enc": 1, "layers_dec": 2, "R": 16, "length": 32,
    "melody_length": 16, "dropout": 0.0,
}  # fmt: skip
STYLE = np.random.default_rng(0).integers(2, 310, 80)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Names of small random networks as files."""
    folder = tmp_path_factory.mktemp("weights")

    def made(mode: str) -> str:
        path = folder / f"{mode}.safetensors"
        if not path.is_file():
            net = build(StyleConfig(**SMALL, mode=mode), seed=1)  # type: ignore[arg-type]
            save_weights(path, net.state_dict(), ModelCard(name="", topic="piano", architecture=net.config.to_json()))
        return str(path)

    return made


def answer(request: ComposeRequest) -> list[ComposeSnapshot]:
    """All answers to one request."""
    heard: list[ComposeSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda s, keep: heard.append(s))
    ctx.request(request)
    Session(ComposeSpec(), ctx).turn()
    return heard


def test_variations_stream_and_the_last_answer_holds_every_note(weights: Callable[[str], str]) -> None:
    heard = answer(
        ComposeRequest(7, weights("melody+performance"), (STYLE,), melody=np.full(30, 44), length=120, variations=3)
    )
    assert [s.done for s in heard] == [False] * (len(heard) - 1) + [True]
    last = heard[-1]
    assert last.generation == 7 and not last.problem and last.tokens_per_second > 0
    assert last.z.shape == (16,) and last.loudness.shape == (2,)
    texts = [v.tokens for v in last.variations]
    assert len(texts) == 3 and not np.array_equal(texts[0], texts[1])
    for v in last.variations:
        assert len(v.tokens) == len(v.nll) == 120
        assert np.isfinite(v.nll).all()
        assert np.array_equal(v.notes, decode(v.tokens).rows)
        assert v.attention.shape == (2, 25) and np.allclose(v.attention.sum(1), 1, atol=1e-5)
        assert v.shares.sum() <= 1 + 1e-6 and (np.diff(v.shares) <= 0).all()


def test_the_same_request_gives_the_same_piece(weights: Callable[[str], str]) -> None:
    request = ComposeRequest(1, weights("performance"), (STYLE,), length=60, seed=5)
    a, b, c = (answer(r)[-1].variations[0].tokens for r in (request, request, replace(request, seed=6)))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_styles_are_mixed_by_their_shares(weights: Callable[[str], str]) -> None:
    other = np.random.default_rng(1).integers(2, 310, 50)
    name = weights("performance")

    def z(styles: tuple[np.ndarray, ...], shares: tuple[float, ...] = ()) -> np.ndarray:
        return answer(ComposeRequest(1, name, styles, shares, length=1))[-1].z

    a, b = z((STYLE,)), z((other,))
    assert np.allclose(z((STYLE, other), (0.25, 0.75)), 0.25 * a + 0.75 * b, atol=1e-6)
    assert np.allclose(z((STYLE, other)), (a + b) / 2, atol=1e-6)
    assert "share" in answer(ComposeRequest(1, name, (STYLE,), (1.0, 2.0)))[-1].problem


def test_each_variation_may_have_its_own_mixture_of_the_styles(weights: Callable[[str], str]) -> None:
    other = np.random.default_rng(1).integers(2, 310, 50)
    blends = ((1.0, 0.0), (2.0, 6.0), (0.0, 1.0))
    for mode in ("performance", "melody+performance"):
        request = ComposeRequest(1, weights(mode), (STYLE, other), length=40, seed=2, variations=3, blends=blends)
        last = answer(request)[-1]
        a, mixed, b = (v.z for v in last.variations)
        assert np.allclose(mixed, 0.25 * a + 0.75 * b, atol=1e-6) and not np.allclose(a, b)
        assert np.array_equal(last.z, a)
        # A row composes as it would if all rows had its style: only its own z reaches it.
        for row, style in ((0, STYLE), (2, other)):
            alone = answer(replace(request, styles=(style,), blends=()))[-1].variations[row]
            assert np.array_equal(alone.tokens, last.variations[row].tokens) and not len(alone.z)
    wrong = answer(replace(request, blends=blends[:2]))[-1].problem
    assert "mixture for each of 3" in wrong
    assert "share" in answer(replace(request, blends=((1.0,),) * 3))[-1].problem


def test_a_primer_is_part_of_the_piece_and_is_not_scored(weights: Callable[[str], str]) -> None:
    primer = np.array([293, 41, 227, 129])
    v = answer(ComposeRequest(1, weights("unconditional"), primer=primer, length=10))[-1].variations[0]
    assert v.tokens[:4].tolist() == primer.tolist() and len(v.tokens) == 14
    assert np.isnan(v.nll[:4]).all() and np.isfinite(v.nll[4:]).all()
    assert v.notes[0].tolist() == [0, 0.5, 60, 61]


def test_a_piece_ends_with_its_seconds(weights: Callable[[str], str]) -> None:
    last = answer(ComposeRequest(1, weights("unconditional"), length=2000, seconds=4.0, variations=2))[-1]
    for v in last.variations:
        assert v.clock == 4.0 and len(v.tokens) < 2000
        assert v.notes[:, 1].max() <= 4.0
        assert decode(v.tokens).duration >= v.notes[:, 1].max() - 1e-9


@pytest.mark.parametrize("grammar", [True, False])
def test_the_grammar_leaves_no_release_without_a_strike(weights: Callable[[str], str], grammar: bool) -> None:
    v = answer(ComposeRequest(1, weights("unconditional"), length=400, grammar=grammar))[-1].variations[0]
    held, orphans = set(), 0
    for token in v.tokens.tolist():
        if 2 <= token < 90:
            orphans += token - 2 in held
            held.add(token - 2)
        elif token < 178:
            orphans += token - 90 not in held
            held.discard(token - 90)
    assert (orphans == 0) is grammar
    assert np.array_equal(v.notes, decode(v.tokens).rows)


def test_a_variation_is_the_same_however_many_there_are(weights: Callable[[str], str]) -> None:
    request = ComposeRequest(1, weights("performance"), (STYLE,), length=60, seed=5)
    alone, three, five = (answer(replace(request, variations=k))[-1].variations for k in (1, 3, 5))
    assert np.array_equal(alone[0].tokens, five[0].tokens)
    assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(three, five, strict=False))


def test_two_networks_whose_files_have_one_name_keep_their_own_styles(
    weights: Callable[[str], str], tmp_path: Path
) -> None:
    first = weights("performance")
    second = tmp_path / Path(first).name
    net = build(StyleConfig(**SMALL, mode="performance"), seed=2)
    save_weights(second, net.state_dict(), ModelCard(name="", topic="piano", architecture=net.config.to_json()))
    heard: list[ComposeSnapshot] = []
    session = Session(ComposeSpec(), LocalContext(on_snapshot=lambda s, keep: heard.append(s)))
    for name in (first, str(second)):
        session.answer(ComposeRequest(1, name, (STYLE,), length=1))
    assert not np.allclose(heard[0].z, heard[-1].z)


def test_weights_that_were_trained_again_are_read_again(tmp_path: Path) -> None:
    path, found = tmp_path / "again.safetensors", []
    heard: list[ComposeSnapshot] = []
    session = Session(ComposeSpec(), LocalContext(on_snapshot=lambda s, keep: heard.append(s)))
    for seed in (1, 2):
        net = build(StyleConfig(**SMALL, mode="performance"), seed=seed)
        save_weights(path, net.state_dict(), ModelCard(name="", topic="piano", architecture=net.config.to_json()))
        session.answer(ComposeRequest(1, str(path), (STYLE,), length=1))
        found.append(heard[-1].z)
    assert not np.allclose(*found)


def test_a_long_piece_of_many_variations_is_answered_quickly(weights: Callable[[str], str]) -> None:
    session = Session(ComposeSpec(), LocalContext())
    piece = _Piece(session, checked(ComposeRequest(1, weights("unconditional"), length=4000, variations=16)))
    rng = np.random.default_rng(0)
    for token in rng.integers(2, 310, (4000, 16)):
        piece._rows.feed(token)
    piece._count = 4000
    piece.snapshot(0.0, done=False)
    start = time.process_time()
    piece.snapshot(0.0, done=False)
    assert time.process_time() - start < 0.06


def test_a_piece_that_ends_before_its_seconds_says_so(weights: Callable[[str], str]) -> None:
    name = weights("unconditional")
    short = answer(ComposeRequest(1, name, length=20, seconds=100.0))
    assert "20 tokens" in short[-1].remarks[-1] and "100 s" in short[-1].remarks[-1]
    assert not answer(ComposeRequest(1, name, length=2000, seconds=2.0))[-1].remarks


def test_a_long_primer_can_be_given_up(weights: Callable[[str], str]) -> None:
    ctx = LocalContext()
    session, checks = Session(ComposeSpec(), ctx), []
    session.check = lambda: checks.append(1)  # type: ignore[method-assign]
    for grammar in (True, False):
        checks.clear()
        session.answer(ComposeRequest(1, weights("unconditional"), primer=np.full(300, 200), length=1, grammar=grammar))
        assert len(checks) >= 300


def test_what_a_network_does_not_read_is_said(weights: Callable[[str], str]) -> None:
    remarks = answer(ComposeRequest(1, weights("unconditional"), (STYLE,), melody=np.full(9, 50), length=1))[-1].remarks
    assert len(remarks) == 2
    assert "rest" in answer(ComposeRequest(1, weights("melody"), length=1))[-1].remarks[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": "no-such-weights"}, "no weights"),
        ({"styles": ()}, "needs a style"),
        ({"styles": (np.zeros(0, np.int32),)}, "no notes"),
        ({"variations": 0}, "variations"),
        ({"length": 0}, "tokens"),
        ({"seconds": -1.0}, "seconds"),
        ({"top_p": 0.0}, "top-p"),
        ({"primer": np.array([310])}, "primer"),
        ({"primer": np.full(20_001, 200)}, "shorter part"),
        ({"melody": np.array([-1])}, "melody"),
        ({"styles": (np.array([5, 310]),)}, "style as tokens"),
        ({"styles": (np.zeros((2, 2), np.int32),)}, "style as tokens"),
        ({"seed": 2**64}, "64 bits"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
    ],
)
def test_what_is_wrong_is_answered_and_ends_nothing(
    weights: Callable[[str], str], change: dict[str, Any], said: str
) -> None:
    good = ComposeRequest(3, weights("performance"), (STYLE,), length=3)
    (only,) = answer(replace(good, **change))
    assert only.done and only.generation == 3 and said in only.problem
    assert answer(good)[-1].problem == ""
    with pytest.raises(UserError):
        checked(replace(good, variations=99))


@pytest.fixture
def running(weights: Callable[[str], str]) -> Iterator[tuple[LocalContext, list[ComposeSnapshot], threading.Thread]]:
    with running_session("piano.compose", ComposeSpec()) as session:
        yield session


def test_a_newer_request_takes_over_and_a_stop_ends_the_session(
    weights: Callable[[str], str], running: tuple[LocalContext, list[ComposeSnapshot], threading.Thread]
) -> None:
    ctx, heard, thread = running
    name = weights("unconditional")
    ctx.request(ComposeRequest(1, name, length=20_000))
    until(lambda: any(s.variations for s in heard))
    ctx.request(ComposeRequest(2, name, length=5))
    until(lambda: any(s.generation == 2 and s.done for s in heard))
    assert not any(s.done for s in heard if s.generation == 1)
    ctx.request(ComposeRequest(3, name, length=20_000))
    until(lambda: any(s.generation == 3 for s in heard))
    ctx.cancel()
    thread.join(20)
    assert not thread.is_alive()


def test_a_piece_as_files(weights: Callable[[str], str], tmp_path: Path) -> None:
    from engines.piano.midi import read_midi
    from engines.piano.spec import WriteSpec

    name = weights("melody+performance")
    spec = WriteSpec(weights=name, style="ragtime", second="chorale", melody="twinkle", seconds=6.0, variations=2)
    shares: list[float] = []
    ctx = LocalContext(folder=tmp_path, on_progress=lambda done, total, text: shares.append(done / total))
    found = run_job("piano.write", spec, ctx)
    assert found.files == ("piece-1.mid", "piece-1-tokens.npy", "piece-2.mid", "piece-2-tokens.npy", "style.npy")
    assert found.seconds == 6.0 and shares[-1] == 1
    assert np.isfinite(found.followed).all()
    for k in range(2):
        assert len(read_midi(tmp_path / f"piece-{k + 1}.mid").notes) <= found.notes[k]
    assert np.load(tmp_path / "style.npy").shape == (16,)
    assert np.load(tmp_path / "piece-2-tokens.npy").dtype == np.int16
    again = run_job("piano.write", spec.changed(style=str(tmp_path / "piece-1.mid"), second="", melody="", seconds=2.0))
    assert not again.files and "rest" in again.remarks[0]


def test_a_piece_of_nothing_is_refused(weights: Callable[[str], str]) -> None:
    from engines.piano.spec import WriteSpec

    for change, said in (({"style": "no-such-piece"}, "no piece"), ({"style": "nowhere.mid"}, "nowhere.mid")):
        with pytest.raises(UserError, match=said):
            run_job("piano.write", WriteSpec(weights=weights("performance"), **change))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no weights"):
        run_job("piano.write", WriteSpec(weights="no-such-weights"))


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    import torch

    save_weights(tmp_path / "w.safetensors", {"a": torch.zeros(2)}, ModelCard(name="", architecture={"kind": "lenet"}))
    assert "style autoencoder" in answer(ComposeRequest(1, str(tmp_path / "w.safetensors")))[-1].problem


def test_weights_with_damaged_numbers_are_refused(tmp_path: Path) -> None:
    net = build(StyleConfig(**SMALL, mode="unconditional"), seed=2)
    tensors = {**net.state_dict(), "softmax.weight": net.softmax.weight.detach() * float("nan")}
    path = tmp_path / "bad.safetensors"
    save_weights(path, tensors, ModelCard(name="", topic="piano", architecture=net.config.to_json()))
    assert "not finite" in answer(ComposeRequest(1, str(path), length=3))[-1].problem
