"""Style vectors on a map, and how like its source the music is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard, save_weights
from engines.piano.codec import duration_of, encode
from engines.piano.following import followed
from engines.piano.jobs.likeness import _overlaps
from engines.piano.jobs.styles import beginning
from engines.piano.midi import write_midi
from engines.piano.nets.transformer import StyleConfig, build
from engines.piano.notes import Notes
from engines.piano.spec import LikenessSpec, MeasureSpec, MorphSpec, StylesSpec
from engines.piano.stylemap import between, blend, plane, probe

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 16, "ffn": 32, "layers_enc": 1, "layers_dec": 1, "R": 16, "length": 48,
    "melody_length": 24, "dropout": 0.0,
}  # fmt: skip


def weights(folder: Path, mode: str) -> str:
    net = build(StyleConfig(**SMALL, mode=mode), seed=1)  # type: ignore[arg-type]
    path = folder / f"{mode}.safetensors"
    save_weights(path, net.state_dict(), ModelCard(name="", topic="piano", architecture=net.config.to_json()))
    return str(path)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty pieces that differ in register and density."""
    folder = tmp_path_factory.mktemp("music")
    for seed in range(20):
        rng = np.random.default_rng(seed)
        start = np.arange(0, 20, 0.15 + 0.02 * seed)
        pitch = rng.integers(0, 8, len(start)) + 40 + 2 * seed
        write_midi(folder / f"{seed:02}.mid", Notes(start, start + 0.2, pitch, np.full(len(start), 64)))
    return folder


def test_the_plane_holds_the_directions_of_largest_variance() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 6)) * np.array([5, 0.1, 3, 0.1, 0.1, 0.1]) + 2
    places, mean, basis, variance = plane(z)
    assert places.shape == (50, 2) and variance[0] > variance[1] > 0.2 and variance.sum() == pytest.approx(1, abs=0.01)
    assert np.allclose(places, (z - mean) @ basis.T)
    assert abs(basis[0, 0]) > 0.99 and abs(basis[1, 2]) > 0.99 and (basis.max(1) > 0.99).all()
    assert np.allclose(plane(z[:2])[0][:, 1], 0) and np.allclose(plane(np.ones((3, 4)))[0], 0)


def test_a_blend_is_a_style_at_its_own_place_and_between_them_both() -> None:
    places = np.array([[0.0, 0], [1, 0], [0, 9], [9, 9], [-9, 9]])
    assert blend(places, places[3]).tolist() == [0, 0, 0, 1, 0]
    shares = blend(places, np.array([0.5, 0.0]), neighbours=2)
    assert shares.tolist() == [0.5, 0.5, 0, 0, 0]
    near = blend(places, np.array([0.1, 0.0]))
    assert near.sum() == pytest.approx(1) and near[0] > 0.9 and (near >= 0).all()


def test_between_is_linear() -> None:
    a, b = np.array([1.0, 2]), np.array([3.0, -2])
    assert between(a, b, np.array([0, 0.25, 1])).tolist() == [[1, 2], [1.5, 1], [3, -2]]


def test_a_probe_reads_what_is_there_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(60, 8))
    assert probe(z, z @ rng.normal(size=8) + 3) > 0.99
    assert probe(z, rng.normal(size=60)) < 0.2
    values = z[:, 0].copy()
    values[:5] = np.nan
    assert probe(z, values) > 0.99
    assert np.isnan(probe(z[:9], values[10:19])) and np.isnan(probe(z, np.ones(60)))


def test_a_probe_leaves_the_piece_out_that_it_predicts() -> None:
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(14, 40)), rng.normal(size=14)
    assert probe(z, y) < 0.3  # With more directions than pieces, a fit that had seen them would be perfect.


def test_the_beginning_of_a_piece_is_cut_by_its_clock() -> None:
    tokens = encode(Notes.of([(k, k + 0.5, 60, 64) for k in range(20)]))
    assert duration_of(beginning(tokens, 5.0)) == 5.0
    assert len(beginning(tokens, 1e9)) == len(tokens)


def test_the_map_of_a_folder(music: Path, tmp_path: Path) -> None:
    name = weights(tmp_path, "performance")
    said: list[str] = []
    ctx = LocalContext(on_progress=lambda done, total, text: said.append(text))
    found = run_job("piano.styles", StylesSpec(weights=name, folder=music, seconds=10.0), ctx)
    assert "Reading 3 of 20: 02.mid" in said
    assert found.z.shape == (20, 16) and found.map.shape == (20, 2) and found.features.shape == (20, 8)
    assert found.names[3] == "03.mid"
    assert np.allclose((found.z - found.mean) @ found.basis.T, found.map, atol=1e-4)
    assert found.readable[2] > 0.2  # Even an untrained encoder knows pitch a little: other embeddings.
    assert np.isnan(found.readable[4])  # All are equally loud.
    few = run_job("piano.styles", StylesSpec(weights=name, folder=music, most=5))
    assert few.names == ("00.mid", "05.mid", "10.mid", "14.mid", "19.mid")
    with pytest.raises(UserError, match="no performance"):
        run_job("piano.styles", StylesSpec(weights=weights(tmp_path, "melody"), folder=music))


@pytest.mark.parametrize("mode", ["unconditional", "performance", "melody+performance"])
def test_likeness_is_an_overlap_for_each_piece_and_feature(music: Path, tmp_path: Path, mode: str) -> None:
    spec = LikenessSpec(weights=weights(tmp_path, mode), source=str(music), items=2, tokens=120)
    found = run_job("piano.likeness", spec)
    assert found.overlaps.shape == (2, 8) and set(found.names) <= {f"{k:02}.mid" for k in range(20)}
    known = found.overlaps[np.isfinite(found.overlaps)]
    assert len(known) and (known >= 0).all() and (known <= 1).all()
    assert 0 < found.overlap < 1 and (found.seconds > 0).all()
    assert ((found.followed >= 0) & (found.followed <= 1)).all()
    assert np.array_equal(run_job("piano.likeness", spec).overlaps, found.overlaps, equal_nan=True)


def test_a_morph_compares_with_either_end(music: Path, tmp_path: Path) -> None:
    name = weights(tmp_path, "performance")
    spec = MorphSpec(weights=name, source=str(music), items=1, tokens=100, alphas=(0.0, 0.5, 1.0))
    found = run_job("piano.morph", spec)
    assert found.to_first.shape == found.to_second.shape == (1, 3) and found.pairs[0][0] != found.pairs[0][1]
    assert np.allclose(found.towards, (found.to_second / (found.to_first + found.to_second))[0])
    with pytest.raises(UserError, match="fewer pairs"):
        run_job("piano.morph", MorphSpec(weights=name, source=str(music), items=2))
    with pytest.raises(UserError, match="no style"):
        run_job("piano.morph", MorphSpec(weights=weights(tmp_path, "melody"), source=str(music), items=1))


def test_a_melody_is_followed_note_by_note() -> None:
    melody = Notes.of([(k, k + 0.9, 60 + k, 90) for k in range(10)])
    assert followed(melody, melody) == 1
    assert followed(melody.shifted(0.12), melody, until=9.5) == 1
    assert followed(melody.shifted(0.2), melody, until=9.5) == 0
    assert followed(melody.transposed(12), melody) == 0
    half = melody.take(slice(0, 5))
    assert followed(half, melody) == 1 and followed(half, melody, until=9.5) == 0.5
    assert np.isnan(followed(melody, Notes.empty())) and followed(Notes.empty(), melody) == 0


def test_music_too_short_to_have_a_style_is_like_nothing() -> None:
    from engines.piano.features import profile

    source = profile(Notes.of([(k / 4, k / 4 + 0.2, 60 + k % 5, 64) for k in range(80)]))
    assert (_overlaps(Notes.empty(), source) == 0).all()
    assert np.isnan(_overlaps(Notes.empty(), None)).all()


def test_a_probe_is_an_explicit_leaving_out() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6))
    y = z[:, 0] + rng.normal(size=30)
    errors = []
    for ridge in 10.0 ** np.arange(-4, 4):
        scale = ((z - z.mean(0)) ** 2).sum() / len(z)
        wrong = 0.0
        for k in range(30):
            # Left out of the sums, but the mean and the ridge are those of all points, as the hat matrix has them.
            kept = np.arange(30) != k
            x = np.column_stack((z - z.mean(0), np.ones(30)))
            penalty = np.diag([*[ridge * scale] * 6, 0.0])
            w = np.linalg.solve(x[kept].T @ x[kept] + penalty, x[kept].T @ y[kept])
            wrong += float((y[k] - x[k] @ w) ** 2) / 30
        errors.append(wrong)
    total = float(((y - y.mean()) ** 2).mean() * (30 / 29) ** 2)
    assert probe(z, y) == pytest.approx(1 - min(errors) / total, rel=1e-6)


def test_thousands_of_pieces_are_probed_at_once() -> None:
    z = np.random.default_rng(4).normal(size=(3000, 32))
    start = time.process_time()
    assert probe(z, z[:, 0]) > 0.99
    assert time.process_time() - start < 2, "a matrix of 3,000 x 3,000 takes a minute"


def test_weights_are_measured_on_what_their_card_names() -> None:
    from engines.core import data
    from engines.piano.jobs.measure import trained_on

    assert trained_on("POP909, 727 training pieces") == "pop909"
    assert trained_on(f"{data.find('piano-midi-de').title}, 200 training pieces") == "piano-midi-de"
    with pytest.raises(UserError, match="names no music"):
        trained_on("holiday, 5 training pieces")


def test_a_network_is_measured_with_the_style_and_the_melody_of_other_pieces(music: Path, tmp_path: Path) -> None:
    found = run_job(
        "piano.measure", MeasureSpec(weights=weights(tmp_path, "melody+performance"), source=str(music), crops=6)
    )
    assert found.own == pytest.approx(found.per_crop.mean(), rel=1e-6)
    figures = (found.own, found.elsewhere, found.other_style, found.other_melody)
    assert np.isfinite(figures).all() and len(set(figures)) == 4
