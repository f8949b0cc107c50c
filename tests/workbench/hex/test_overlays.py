import numpy as np
import pytest

from engines.hex.snapshots import ExactSnapshot
from tests.workbench.hex.fakes import snapshot
from workbench.panels.hex.overlays import (
    OVERLAYS,
    OverlayOptions,
    exact_overlay,
    overlay,
    overlay_info,
    short_count,
    top_moves,
    win_percent,
)

NAMES = [info.name for info in OVERLAYS if info.name != "exact"]
PLAIN = OverlayOptions()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dark", [False, True])
def test_stones_stay_bare_in_every_overlay(name: str, dark: bool) -> None:
    stones = (3, 7, 24)
    found = overlay(name, snapshot(5, stones), OverlayOptions(dark=dark))
    assert found.fills.shape == (25, 4)
    assert found.fills.dtype == np.uint8
    for cell in stones:
        assert found.fills[cell, 3] == 0
        assert found.texts[cell] == ""
        assert np.isnan(found.values[cell])


def test_the_prior_shows_percent_and_the_likeliest_move_in_the_strongest_colour() -> None:
    snap = snapshot()
    found = overlay("prior", snap, PLAIN)
    best = int(snap.prior.argmax())
    assert found.values.sum() == pytest.approx(100, abs=0.1)
    assert found.texts[best] == f"{100 * snap.prior[best]:.0f}"
    assert (found.fills[best, :3] == found.scale.colours[-1]).all()
    assert found.texts[int(snap.prior.argmin())] == ""


def test_unvisited_moves_are_bare_in_visits_q_and_difference() -> None:
    snap = snapshot()
    unvisited = np.flatnonzero(snap.visits == 0)
    assert len(unvisited) > 3
    for name in ("visits", "search_q", "difference"):
        found = overlay(name, snap, PLAIN)
        assert (found.fills[unvisited, 3] == 0).all()
        assert np.isnan(found.values[unvisited]).all()
    assert (overlay("q_head", snap, PLAIN).fills[:, 3] > 0).all()


def test_win_percent_turns_round_for_red_only_when_blue_moves() -> None:
    assert win_percent(0.5, 1, always_red=False) == 75
    assert win_percent(0.5, 2, always_red=False) == 75
    assert win_percent(0.5, 2, always_red=True) == 25
    assert win_percent(0.5, 1, always_red=True) == 75


def test_always_red_mirrors_the_numbers_of_blues_moves_and_says_so() -> None:
    snap = snapshot(to_move=2)
    mover = overlay("search_q", snap, PLAIN)
    red = overlay("search_q", snap, OverlayOptions(always_red=True))
    seen = np.isfinite(mover.values)
    assert mover.values[seen] + red.values[seen] == pytest.approx(np.full(seen.sum(), 100.0), abs=1e-4)
    assert "Blue" in mover.scale.unit
    assert "Red" in red.scale.unit


def test_proven_moves_are_certain_in_search_q() -> None:
    proven = np.zeros(25, np.int8)
    snap = snapshot()
    won, lost = np.argsort(-snap.visits)[:2]
    proven[won], proven[lost] = 1, -1
    found = overlay("search_q", snapshot(proven=proven), PLAIN)
    assert found.texts[won] == "100"
    assert found.texts[lost] == "0"
    assert found.subtexts[won] == "proven"
    assert found.subtexts[lost] == "lost"


def test_the_difference_is_purple_where_only_the_q_head_damns() -> None:
    snap = snapshot()
    cell = int(snap.visits.argmax())
    q = snap.search_q.copy()
    head = snap.q_head.copy()
    q[cell], head[cell] = 0.8, -0.8
    found = overlay("difference", snapshot(search_q=q, q_head=head), PLAIN)
    assert found.texts[cell] == "−80"
    assert (found.fills[cell, :3] == found.scale.colours[0]).all()


def test_equal_opinions_are_neutral_in_the_difference() -> None:
    snap = snapshot()
    found = overlay("difference", snapshot(q_head=snap.search_q), PLAIN)
    seen = np.isfinite(found.values)
    assert {found.texts[i] for i in np.flatnonzero(seen)} == {"0"}
    assert (found.fills[seen, :3] == found.scale.colours[128]).all()


def test_exact_tells_wins_losses_and_the_unsolved_apart() -> None:
    moves = np.zeros(25, np.int8)
    moves[:3] = (1, -1, 0)
    found = exact_overlay(ExactSnapshot(1, 5, 2, moves, 24))
    assert found.texts[:3] == ("W", "L", "")
    assert len({tuple(found.fills[i]) for i in range(3)}) == 3
    assert [word for _, word in found.scale.swatches] == ["W 1 win", "L 1 lose"]
    assert "Blue" in found.scale.unit
    assert np.isfinite(found.values).sum() == 2


def test_exact_says_how_far_it_is_and_why_it_is_not_to_be_had() -> None:
    moves = np.zeros(25, np.int8)
    moves[:12] = 1
    assert exact_overlay(ExactSnapshot(1, 5, 1, moves, 25)).empty_note == "solving … 12 of 25"
    moves[12:] = -1
    assert exact_overlay(ExactSnapshot(1, 5, 1, moves, 25)).empty_note == ""
    refused = exact_overlay(ExactSnapshot(1, 5, 1, np.zeros(25, np.int8), 0, "the game is over"))
    assert refused.empty_note == "the game is over"
    assert not refused.scale.swatches
    assert not refused.fills[:, 3].any()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("q_head", {"q_head": np.full(25, np.nan, np.float32)}),
        ("difference", {"q_head": np.full(25, np.nan, np.float32)}),
        ("visits", {"visits": np.zeros(25, np.int32)}),
        ("search_q", {"visits": np.zeros(25, np.int32), "search_q": np.full(25, np.nan, np.float32)}),
    ],
)
def test_an_overlay_with_nothing_to_show_says_why(name: str, changes: dict) -> None:
    found = overlay(name, snapshot(**changes), PLAIN)
    assert found.empty_note
    assert not found.fills[:, 3].any()


def test_only_the_top_moves_get_numbers_the_rest_is_faint() -> None:
    snap = snapshot()
    found = overlay("q_head", snap, OverlayOptions(top=4))
    chosen = top_moves(snap, 4)
    assert chosen.sum() == 4
    assert {i for i, text in enumerate(found.texts) if text} == set(np.flatnonzero(chosen).tolist())
    assert found.fills[~chosen, 3].max() < found.fills[chosen, 3].min()
    assert top_moves(snap, 0).all()
    assert snap.visits[chosen].min() >= snap.visits[~chosen].max()


def test_every_overlay_has_its_own_key_and_a_sentence() -> None:
    assert len({info.key for info in OVERLAYS}) == len(OVERLAYS) == 6
    assert all(info.help.endswith(".") for info in OVERLAYS)
    assert overlay_info("q_head").title == "q-head"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (9949, "9.9k"),
        (12_345, "12k"),
        (999_499, "999k"),
        (2_500_000, "2.5M"),
    ],
)
def test_counts_are_at_most_four_characters(count: int, text: str) -> None:
    assert short_count(count) == text
