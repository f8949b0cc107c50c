"""Overlays of the board as pure functions: a search snapshot and the user's options in, colours and texts
out.

Values of moves are those of `engines.hex.snapshots.AnalysisSnapshot`: for the player to move, so that the
q-head stands here as -q(s, a). Shown as win probabilities, x in [-1, 1] becomes (1 + x) / 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engines.hex.snapshots import AnalysisSnapshot, ExactSnapshot
from workbench.widgets.hexboard.colourmaps import MapName, colours, table
from workbench.widgets.hexboard.heat import Heat, Scale
from workbench.widgets.hexboard.look import PLAYER_NAMES

OverlayName = Literal["prior", "visits", "search_q", "q_head", "exact", "difference"]

FAINT = 0.30
"""Opacity of the cells outside the top k."""
WON_RGB, LOST_RGB, OPEN_RGB = (0, 158, 115), (204, 121, 167), (150, 150, 150)
"""Okabe and Ito's green and purple: proven wins and losses, told apart without red and green."""


@dataclass(frozen=True)
class OverlayOptions:
    """How overlays are shown.

    top: only so many moves get a number and full colour, the rest are faint; 0 shows all.
    always_red: win % from Red's side whoever is to move. dark: colours for a dark window.
    """

    top: int = 0
    always_red: bool = False
    dark: bool = False


@dataclass(frozen=True)
class OverlayInfo:
    """An overlay's name for the user, its key, and one sentence on what it shows."""

    name: OverlayName
    title: str
    key: str
    help: str


OVERLAYS: tuple[OverlayInfo, ...] = (
    OverlayInfo("prior", "Prior", "1", "The policy head: how likely the network thinks each move."),
    OverlayInfo("visits", "Visits", "2", "Simulations that the search has given to each move."),
    OverlayInfo("search_q", "Search Q", "3", "Mean value that the search has found for each move."),
    OverlayInfo("q_head", "q-head", "4", "What the q-head says of every move in one network call."),
    OverlayInfo("exact", "Exact", "5", "Proven result of each move: on any board up to 5×5, on 6×6 and 7×7 later on."),
    OverlayInfo(
        "difference",
        "q-head − Q",
        "6",
        "q-head minus search: purple moves are damned by the q-head (the AND term) but not by the search.",
    ),
)


def overlay_info(name: OverlayName) -> OverlayInfo:
    """The description of an overlay."""
    return next(info for info in OVERLAYS if info.name == name)


def overlay(name: OverlayName, snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    """The overlay `name` of a search, any but "exact" (see `exact_overlay`). Cells without a value (stones, unvisited
    moves) stay bare."""
    return _BUILDERS[name](snapshot, options)


def win_percent(value: np.ndarray | float, to_move: int, *, always_red: bool) -> np.ndarray:
    """Values in [-1, 1] for the player to move as win %, for that player or always for Red (player 1)."""
    sign = -1.0 if always_red and to_move == 2 else 1.0
    return 50.0 * (1.0 + sign * np.asarray(value, float))


def short_count(count: int) -> str:
    """A count in at most four characters: 7, 950, 1.2k, 31k, 1.5M."""
    if count < 1000:
        return str(count)
    for factor, letter in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        share = count / factor
        if share < 999.5:
            return f"{share:.1f}{letter}" if share < 9.95 else f"{share:.0f}{letter}"
    return f"{count:.0e}"


def _prior(snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    values = np.where(_is_empty(snapshot), snapshot.prior * 100.0, np.nan)
    highest = float(np.nanmax(values, initial=1.0))
    # Priors span three orders of magnitude: the square root keeps the second-best moves visible.
    share = np.sqrt(np.nan_to_num(values) / highest)
    texts = [_percent_text(v) if v >= 0.95 else "" for v in np.nan_to_num(values)]
    scale = _scale("prior", "% of the policy", "visits", options, _root_ticks(highest, "{:.0f}"))
    return _heat(snapshot, options, values, share, "visits", texts, scale)


def _visits(snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    values = np.where(snapshot.visits > 0, snapshot.visits, np.nan).astype(float)
    highest = float(np.nanmax(values, initial=1.0))
    share = np.sqrt(np.nan_to_num(values) / highest)
    texts = ["" if np.isnan(v) else short_count(int(v)) for v in values]
    total = max(float(snapshot.visits.sum()), 1.0)
    subs = ["" if np.isnan(v) or v / total < 0.005 else f"{100 * v / total:.0f}%" for v in values]
    ticks = tuple((place, short_count(round(place**2 * highest))) for place in (0.0, 0.5, 1.0))
    scale = _scale("visits", "simulations", "visits", options, ticks)
    note = "" if np.isfinite(values).any() else "no simulations yet"
    return _heat(snapshot, options, values, share, "visits", texts, scale, subs=subs, note=note)


def _search_q(snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    known = np.where(snapshot.visits > 0, snapshot.search_q, np.nan)
    known = np.where(snapshot.proven != 0, snapshot.proven, known)
    subs = [short_count(int(n)) if n > 0 else "" for n in snapshot.visits]
    return _win_heat("search_q", snapshot, options, known, subs, "no simulations yet")


def _q_head(snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    subs = [""] * len(snapshot.prior)
    return _win_heat("q_head", snapshot, options, snapshot.q_head, subs, "this network has no q-head")


def _win_heat(
    name: OverlayName,
    snapshot: AnalysisSnapshot,
    options: OverlayOptions,
    known: np.ndarray,
    subs: list[str],
    note: str,
) -> Heat:
    values = win_percent(known, snapshot.to_move, always_red=options.always_red)
    colour_map: MapName = "players" if options.always_red else "win"
    unit = "win % for Red" if options.always_red else f"win % for {PLAYER_NAMES[snapshot.to_move]}, to move"
    texts = ["" if np.isnan(v) else f"{v:.0f}" for v in values]
    if name == "search_q":
        subs = [_PROOFS.get(int(proof), sub) for proof, sub in zip(snapshot.proven, subs, strict=True)]
    scale = _scale(name, unit, colour_map, options, percent_ticks())
    note = "" if np.isfinite(values).any() else note
    return _heat(snapshot, options, values, values / 100, colour_map, texts, scale, subs=subs, note=note)


_PROOFS = {1: "proven", -1: "lost"}


def exact_overlay(snapshot: ExactSnapshot) -> Heat:
    """What the exact solver has found so far: wins, losses, and how far it is."""
    known, count = snapshot.moves, len(snapshot.moves)
    values = np.where(known != 0, known, np.nan).astype(np.float32)
    fills = np.zeros((count, 4), np.uint8)
    fills[known == 1] = (*WON_RGB, 225)
    fills[known == -1] = (*LOST_RGB, 140)
    mover = PLAYER_NAMES[snapshot.to_move]
    words = {1: "W", -1: "L", 0: ""}
    swatches = ((WON_RGB, f"W {int((known == 1).sum())} win"), (LOST_RGB, f"L {int((known == -1).sum())} lose"))
    scale = Scale(
        overlay_info("exact").title,
        f"for {mover}, to move",
        np.zeros((0, 3), np.uint8),
        swatches=swatches if snapshot.total else (),
    )
    texts = tuple(words[int(v)] for v in known)
    note = snapshot.note
    if not note and snapshot.known < snapshot.total:
        note = f"solving … {snapshot.known} of {snapshot.total}"
    return Heat(values, fills, texts, ("",) * count, scale, -1, note)


def _difference(snapshot: AnalysisSnapshot, options: OverlayOptions) -> Heat:
    known = np.where(snapshot.visits > 0, snapshot.search_q, np.nan)
    values = 50.0 * (snapshot.q_head.astype(float) - known)  # points of win %, for the mover
    reach = max(float(np.nanmax(np.abs(values), initial=0.0)), 10.0)
    share = 0.5 + values / (2 * reach)
    texts = ["" if np.isnan(v) else _signed(v) for v in values]
    subs = [short_count(int(n)) if n > 0 else "" for n in snapshot.visits]
    ticks = tuple((place, _signed((2 * place - 1) * reach)) for place in (0.0, 0.5, 1.0))
    scale = _scale("difference", "points of win %, q-head minus search", "difference", options, ticks)
    note = "" if np.isfinite(values).any() else "needs a q-head and a search under way"
    return _heat(snapshot, options, values, share, "difference", texts, scale, subs=subs, note=note)


_BUILDERS: dict[OverlayName, Callable[[AnalysisSnapshot, OverlayOptions], Heat]] = {
    "prior": _prior,
    "visits": _visits,
    "search_q": _search_q,
    "q_head": _q_head,
    "difference": _difference,
}


def _heat(
    snapshot: AnalysisSnapshot,
    options: OverlayOptions,
    values: np.ndarray,
    share: np.ndarray,
    colour_map: MapName,
    texts: list[str],
    scale: Scale,
    *,
    subs: list[str] | None = None,
    note: str = "",
) -> Heat:
    """Colours by `share` in [0, 1]; cells with NaN stay bare, those outside the top k are faint."""
    shown = np.isfinite(values)
    top = top_moves(snapshot, options.top)
    fills = np.zeros((len(values), 4), np.uint8)
    fills[:, :3] = colours(colour_map, share, dark=options.dark)
    # Amounts near nothing let the board through; win chances are all equally solid.
    solid = np.clip(40 + 900 * np.nan_to_num(share), 0, 235) if colour_map == "visits" else 235
    fills[:, 3] = np.where(shown, solid, 0)
    faint = shown & ~top
    fills[faint, 3] = round(255 * FAINT)
    keep = shown & top
    return Heat(
        values.astype(np.float32),
        fills,
        tuple(text if keep[i] else "" for i, text in enumerate(texts)),
        tuple(text if keep[i] else "" for i, text in enumerate(subs or [""] * len(texts))),
        scale,
        snapshot.best if snapshot.best >= 0 else -1,
        note,
    )


def percent_ticks() -> tuple[tuple[float, str], ...]:
    """Ticks of a scale from 0 to 100 %."""
    return tuple((place, f"{100 * place:.0f}") for place in (0.0, 0.25, 0.5, 0.75, 1.0))


def top_moves(snapshot: AnalysisSnapshot, top: int) -> np.ndarray:
    """bool [N]: the `top` moves by visits, then by prior (all for 0)."""
    count = len(snapshot.prior)
    if top <= 0 or top >= count:
        return np.ones(count, bool)
    order = np.lexsort((-snapshot.prior, -snapshot.visits.astype(np.int64)))
    chosen = np.zeros(count, bool)
    chosen[order[:top]] = True
    return chosen


def _is_empty(snapshot: AnalysisSnapshot) -> np.ndarray:
    """bool [N]: cells that may be played, as far as the snapshot tells (stones have no prior, value or
    visit)."""
    return (snapshot.prior > 0) | (snapshot.visits > 0) | np.isfinite(snapshot.q_head)


def _scale(
    name: OverlayName,
    unit: str,
    colour_map: MapName,
    options: OverlayOptions,
    ticks: tuple[tuple[float, str], ...],
) -> Scale:
    return Scale(overlay_info(name).title, unit, table(colour_map, options.dark), ticks)


def _root_ticks(highest: float, form: str) -> tuple[tuple[float, str], ...]:
    """Ticks of a scale on which colour goes with the square root."""
    return tuple((place, form.format(place**2 * highest)) for place in (0.0, 0.5, 1.0))


def _percent_text(value: float) -> str:
    return f"{value:.0f}"


def _signed(value: float) -> str:
    """A difference with its sign, a real minus, and no sign on zero."""
    whole = round(float(value))
    return "0" if whole == 0 else f"+{whole}" if whole > 0 else f"−{-whole}"
