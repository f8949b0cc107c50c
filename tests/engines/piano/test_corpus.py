from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from engines.core import data, paths
from engines.core.errors import Cancelled, UserError
from engines.piano import corpus as music
from engines.piano import library
from engines.piano.codec import decode, encode
from engines.piano.corpus import Corpus, parts_of, refuse_training, sources, tokens_of
from engines.piano.midi import midi_bytes, write_midi
from engines.piano.notes import Notes

needs_data = pytest.mark.skipif(
    not os.environ.get("WORKBENCH_DATA"), reason="WORKBENCH_DATA is not set: no local data sets"
)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pieces, a copy of one, a damaged file and one with too few notes."""
    where = tmp_path / "music"
    for name in ("waltz", "march", "boogie", "chorale", "toccata"):
        write_midi(where / "deep" / f"{name}.mid", library.item(name).notes)
    shutil.copy(where / "deep" / "waltz.mid", where / "again.mid")
    (where / "broken.mid").write_bytes(b"MThd nothing")
    write_midi(where / "few.mid", Notes.of([(0, 1, 60, 64)]))
    return where


def test_a_folder_becomes_pieces_and_says_what_it_left_out(folder: Path) -> None:
    found = tokens_of(str(folder))
    names = ("again.mid", "deep/boogie.mid", "deep/chorale.mid", "deep/march.mid", "deep/toccata.mid")
    assert found.names == names and found.title == "music"
    assert found.pieces[3].dtype == np.int16
    assert np.array_equal(found.pieces[3], encode(library.item("march").notes))
    assert found.tokens == sum(map(len, found.pieces)) and found.seconds > 100
    said = " | ".join(found.remarks)
    assert "broken.mid" in said and "few.mid" in said and "deep/waltz.mid is the same music as again.mid" in said
    assert all(0 < len(melody) < len(decode(p)) for melody, p in zip(found.melodies, found.pieces, strict=True))


def test_a_folder_is_read_once_and_again_when_a_file_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tokens_of(str(folder))
    reads: list[Path] = []
    reader = music.read_midi
    monkeypatch.setattr(music, "read_midi", lambda path: reads.append(path) or reader(path))
    second = tokens_of(str(folder))
    assert not reads and second.names == first.names and second.remarks == first.remarks
    assert all(np.array_equal(a, b) for a, b in zip(first.pieces, second.pieces, strict=True))
    assert all(a.same(b) for a, b in zip(first.melodies, second.melodies, strict=True))
    (folder / "deep" / "march.mid").write_bytes(midi_bytes(library.item("stride").notes))
    assert len(tokens_of(str(folder))) == 5 and len(reads) == 8


def test_a_damaged_copy_in_the_cache_is_read_anew(folder: Path) -> None:
    first = tokens_of(str(folder), melodies=False)
    (kept,) = (paths.cache_folder() / "piano").iterdir()
    kept.write_bytes(kept.read_bytes()[:500])
    again = tokens_of(str(folder), melodies=False)
    assert again.names == first.names and all(len(m) == 0 for m in again.melodies)


def test_the_cache_forgets_the_oldest_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music, "_KEPT_FOLDERS", 1)
    tokens_of(str(folder), melodies=False)
    (folder / "few.mid").unlink()
    tokens_of(str(folder), melodies=False)
    reads: list[Path] = []
    reader = music.read_midi
    monkeypatch.setattr(music, "read_midi", lambda path: reads.append(path) or reader(path))
    tokens_of(str(folder), melodies=False)
    assert len(list((paths.cache_folder() / "piano").iterdir())) == 1 and not reads, "the newest one is kept"


def test_reading_says_how_far_it_is_and_can_be_stopped(folder: Path) -> None:
    said: list[tuple[float, float, str]] = []
    tokens_of(str(folder), progress=lambda *now: said.append(now))
    assert [now[0] for now in said] == list(range(8)) and said[0][1:] == (8, "again.mid")

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        tokens_of(str(folder), stop)


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no source 'nothing'"):
        tokens_of("nothing")
    with pytest.raises(UserError, match="no MIDI file"):
        tokens_of(str(tmp_path))
    (tmp_path / "a.mid").write_bytes(b"x")
    with pytest.raises(UserError, match="nothing to play"):
        tokens_of(str(tmp_path))


def test_what_comes_with_the_program_needs_no_file() -> None:
    own = tokens_of("library")
    assert own.names == library.style_names() and len(own.melodies) == len(own)
    walks = tokens_of("walks")
    assert len(walks) == library.WALKS and not walks.remarks and all(len(m) for m in walks.melodies)
    assert [len(walks.part(p)) for p in music.PARTS] == [128, 16, 16]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (50, (40, 5, 5))]
)
def test_parts_are_disjoint_and_never_change(count: int, sizes: tuple[int, int, int]) -> None:
    names = [f"song {i}" for i in range(count)]
    part = parts_of(names)
    assert tuple(np.bincount(part, minlength=3)) == sizes
    assert np.array_equal(parts_of(names[::-1]), part[::-1]), "the order does not matter"


def test_the_split_is_the_published_one() -> None:
    held = np.flatnonzero(parts_of([f"{i:03d}" for i in range(1, 910)]) == 2) + 1
    assert held[:5].tolist() == [4, 8, 10, 15, 21] and len(held) == 91


def test_a_part_by_another_name_and_a_missing_piece_are_refused() -> None:
    own = tokens_of("library")
    with pytest.raises(UserError, match="train, validation, test"):
        own.part("dev")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no piece"):
        own.index("polka")
    assert own.names[own.index("waltz")] == "waltz"


def test_evaluation_only_music_is_never_trained_on() -> None:
    with pytest.raises(UserError, match="evaluation only"):
        refuse_training("asap")
    refuse_training("pop909")
    known = {source.name: source for source in sources()}
    assert not known["asap"].may_train and known["pop909"].may_train and known["walks"].is_here
    one = Corpus("asap", "ASAP", (np.zeros(40, np.int16),), ("x",), (Notes.empty(),))
    assert len(one.part("train")) == 0 and len(one.part("test")) == 1


def test_music_that_is_not_here_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with pytest.raises(data.MissingData, match="POP909"):
        tokens_of("pop909")
    assert not {s.name: s for s in sources()}["pop909"].is_here


@needs_data
@pytest.mark.slow
def test_pop_songs_are_read_with_the_arrangers_melodies() -> None:
    found = tokens_of("pop909")
    assert len(found) == 909 and not found.remarks and found.names[0] == "001"
    assert all(len(melody) > 20 for melody in found.melodies)
    assert sum(len(p) >= 2048 for p in found.pieces) > 0.9 * 909
    assert 5_800_000 < found.tokens < 5_900_000
    assert tokens_of("pop909").tokens == found.tokens


def test_a_copy_with_wrong_bytes_anywhere_is_read_anew(folder: Path) -> None:
    tokens_of(str(folder), melodies=False)
    (kept,) = (paths.cache_folder() / "piano").iterdir()
    whole, rng = kept.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(0, len(data), rng.integers(1, 9))] = rng.integers(0, 256)
        kept.write_bytes(data.tobytes())
        refused += music._load(kept, "x", "y") is None
    assert refused > 30
