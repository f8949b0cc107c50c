"""How searches and boards are written for HexGui, GoGui and KataGo's readers."""

from __future__ import annotations

import math

import numpy as np

from engines.hex.htp.game import Game
from engines.hex.htp.players import NetView
from engines.hex.htp.protocol import COLOUR_LETTERS, move_name
from engines.hex.rules import cell_name
from engines.hex.snapshots import AnalysisSnapshot

_STONES = ".BW"


def board_text(game: Game) -> str:
    """The board as text, each row half a cell further right, then who is on turn and the last move."""
    n, cells = game.size, game.position.cells
    letters = " ".join(cell_name(column, n).rstrip("0123456789") for column in range(n))
    rows = [f"    {letters}"]
    for r in range(n):
        rows.append(f"{' ' * r}{r + 1:>3} {' '.join(_STONES[stone] for stone in cells[r])} {r + 1}")
    rows.append(f"{' ' * n}    {letters}")
    state = f"{COLOUR_LETTERS[game.winner]} won" if game.winner else f"{COLOUR_LETTERS[game.to_move]} to move"
    if game.turns:
        colour, move = game.turns[-1]
        state += f", last {COLOUR_LETTERS[colour]} {move_name(move, n, swap=game.swap)}"
    return "\n" + "\n".join([*rows, state])


def win_rate(value: float) -> float:
    """A value in [-1, 1] as a probability; NaN counts as even."""
    return 0.5 if math.isnan(value) else min(1.0, max(0.0, (value + 1) / 2))


def line_names(line: tuple[int, ...], size: int) -> list[str]:
    """A variation as words, up to its first move that is no cell."""
    names: list[str] = []
    for move in line:
        if move < 0:
            break
        names.append(cell_name(move, size))
    return names


def kata_info(snapshot: AnalysisSnapshot, *, most: int = 0) -> str:
    """One line of kata-analyze: a record for each visited move, best first; most: how many (0: all)."""
    records = []
    for order, line in enumerate(snapshot.lines[: most or None]):
        move = line[0]
        if move < 0:
            continue
        rate = win_rate(float(snapshot.search_q[move]))
        head = float(snapshot.q_head[move])
        records.append(
            f"info move {cell_name(move, snapshot.size)} visits {int(snapshot.visits[move])} "
            f"winrate {rate:.6f} prior {float(snapshot.prior[move]):.6f} lcb {rate:.6f} order {order}"
            + ("" if math.isnan(head) else f" qhead {win_rate(head):.6f}")
            + f" pv {' '.join(line_names(line, snapshot.size))}"
        )
    return " ".join(records)


def gogui_gfx(snapshot: AnalysisSnapshot) -> str:
    """A live picture for HexGui, its closing empty line included; "" while there is no variation to show."""
    if not snapshot.lines or snapshot.lines[0][0] < 0:
        return ""
    colours = (COLOUR_LETTERS[snapshot.to_move], COLOUR_LETTERS[3 - snapshot.to_move])
    names = line_names(snapshot.lines[0], snapshot.size)
    variation = " ".join(f"{colours[i % 2]} {name}" for i, name in enumerate(names))
    moves = [line[0] for line in snapshot.lines if line[0] >= 0]
    scores = " ".join(f"{cell_name(m, snapshot.size)} {_score(snapshot, m)}" for m in moves)
    counts = " ".join(f"{cell_name(m, snapshot.size)} {int(snapshot.visits[m])}" for m in moves)
    return f"gogui-gfx:\nuct\nVAR {variation}\nINFLUENCE {scores}\nLABEL {counts}\nTEXT {summary(snapshot)}\n\n"


def _score(snapshot: AnalysisSnapshot, move: int) -> str:
    """Win rate in three digits, or W/L where proven, which HexGui paints green and red."""
    if snapshot.proven[move]:
        return "W" if snapshot.proven[move] > 0 else "L"
    return f"{win_rate(float(snapshot.search_q[move])):.3f}"


def summary(snapshot: AnalysisSnapshot) -> str:
    """One line of what a search has done."""
    return (
        f"{snapshot.simulations} simulations, {snapshot.net_calls} network calls, depth {snapshot.depth}, "
        f"{COLOUR_LETTERS[snapshot.to_move]} wins {100 * win_rate(snapshot.value):.1f} %"
    )


def net_lines(view: NetView, game: Game) -> str:
    """The bare network as text: value first, then each empty cell, the likeliest first.

    q is written in the paper's sign: the value of the position after the move, for the player then to move.
    """
    rows = [f"value {view.value:.6f}"]
    empty = np.flatnonzero(game.position.cells.reshape(-1) == 0)
    for cell in sorted(map(int, empty), key=lambda c: (-float(view.prior[c]), c)):
        q = "" if view.q is None else f" q {float(view.q[cell]):.6f}"
        rows.append(f"{cell_name(cell, game.size)} prior {float(view.prior[cell]):.6f}{q}")
    return "\n" + "\n".join(rows)


def kata_raw_net(view: NetView, game: Game, symmetry: int) -> str:
    """KataGo's raw network output: win chances of White, then policy (and q) row by row, NAN on stones."""
    white = win_rate(view.value if game.to_move == 2 else -view.value)
    rows = [
        f"symmetry {symmetry}",
        f"whiteWin {white:.6f}",
        f"whiteLoss {1 - white:.6f}",
        "noResult 0.000000",
    ]
    for name, values in (("policy", view.prior), ("q", view.q)):
        if values is None:
            continue
        rows.append(name)
        grid = np.asarray(values, np.float64).reshape(game.size, game.size)
        for r in range(game.size):
            rows.append(" ".join("NAN" if game.position.cells[r, c] else f"{grid[r, c]:.6f}" for c in range(game.size)))
    return "\n" + "\n".join(rows)
