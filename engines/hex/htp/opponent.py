"""Another program's engine as a player of Hex: it is kept on our position, and its words become snapshots."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.core.errors import UserError
from engines.hex.coordinates import cell_name, parse_cell
from engines.hex.htp.client import EngineFailed, EngineRefused, HtpClient
from engines.hex.htp.protocol import COLOUR_NAMES, move_name, parse_move
from engines.hex.player import replay
from engines.hex.rules import Position, Swap
from engines.hex.snapshots import PASS, RESIGN, SWAP, AnalysisSnapshot

UNDECIDED = -4


def swap_of(text: str) -> Swap:
    """A swap convention by its name. Raises UserError."""
    known: dict[str, Swap] = {"none": "none", "pieces": "pieces", "sides": "sides"}
    if text not in known:
        raise UserError(f"expected swap to be none, pieces or sides, got {text!r}")
    return known[text]


@dataclass(frozen=True)
class Told:
    """A position as an engine is told it (see `EngineRequest`)."""

    size: int
    swap: Swap
    moves: tuple[int, ...] = ()
    setup: np.ndarray | None = None
    setup_to_move: int = 1

    def position(self) -> Position:
        """Raises UserError for an illegal game."""
        return replay(self.size, self.moves, self.swap, self.setup, self.setup_to_move)

    def base(self) -> tuple[object, ...]:
        """Equal for two positions that differ only in moves."""
        return self.size, self.swap, None if self.setup is None else self.setup.tobytes(), self.setup_to_move


class ExternalEngine:
    """A running engine and what it knows of the game."""

    def __init__(self, client: HtpClient) -> None:
        self.client = client
        self._at: Told | None = None

    @property
    def can_analyse(self) -> bool:
        """Whether it can search without end and show how it goes."""
        return "kata-analyze" in self.client.commands

    def go_to(self, told: Told) -> None:
        """Bring the engine to this position: by moves and undos where that leads there, else from the start.

        Raises EngineFailed, and EngineRefused where it does not play this board.
        """
        now, self._at = self._at, None  # unknown until all is said
        if now is not None and now.base() == told.base():
            common = _common(now.moves, told.moves)
            if self._undo(len(now.moves) - common, now.moves[common:]):
                self._play(told, common)
                self._at = told
                return
        self._reset(told)
        self._play(told, 0)
        self._at = told

    def move(self, told: Told, seconds: float, wait_s: float, stop: Callable[[], bool]) -> int:
        """Its move: a cell, SWAP or RESIGN. seconds: its time, which it is told (0: none).

        Raises EngineFailed also for a move that is not legal; the engine then lives on, its board unknown.
        """
        position = told.position()
        if seconds > 0 and "time_settings" in self.client.commands:
            self.client.ask(f"time_settings 0 {math.ceil(seconds)} 1", may_refuse=True)
        colour = COLOUR_NAMES[position.to_move]
        said = self.client.ask(f"genmove {colour}", timeout_s=wait_s, stop=stop)
        self._at = None
        try:
            spoken = parse_move(said.split()[0] if said else "", told.size)
        except UserError:
            raise EngineFailed("illegal", f"{self.client.name} answered genmove with {said!r}") from None
        if not position.is_legal(spoken.move) or spoken.move == PASS:
            raise EngineFailed("illegal", f"{self.client.name} wants to play {said}, which is not legal here")
        if spoken.move != RESIGN and (spoken.convention or told.swap) == told.swap:
            self._at = Told(told.size, told.swap, (*told.moves, spoken.move), told.setup, told.setup_to_move)
        return spoken.move

    def suggest(self, told: Told, wait_s: float, stop: Callable[[], bool]) -> int:
        """The move it would make, without making it."""
        if "reg_genmove" not in self.client.commands:
            return self.move(told, 0.0, wait_s, stop)  # the next `go_to` takes it back
        position = told.position()
        said = self.client.ask(f"reg_genmove {COLOUR_NAMES[position.to_move]}", timeout_s=wait_s, stop=stop)
        move = parse_move(said.split()[0] if said else "", told.size).move
        if not position.is_legal(move):
            raise EngineFailed("illegal", f"{self.client.name} suggests {said}, which is not legal here")
        return move

    def analyse(self, told: Told, watch: Callable[[AnalysisSnapshot], None], stop: Callable[[], bool]) -> None:
        """Let it search until `stop()`, each of its reports as a snapshot."""
        to_move, started = told.position().to_move, time.perf_counter()

        def hear(line: str) -> None:
            snapshot = read_info(line, told.size, to_move, time.perf_counter() - started)
            if snapshot is not None:
                watch(snapshot)

        self.client.stream(f"kata-analyze {COLOUR_NAMES[to_move]} 10", hear, stop)

    def _undo(self, count: int, moves: tuple[int, ...]) -> bool:
        if PASS in moves or RESIGN in moves:  # neither was told
            return False
        try:
            for _ in range(count):
                self.client.ask("undo")
        except EngineRefused:
            return False
        return True

    def _reset(self, told: Told) -> None:
        ask, n = self.client.ask, told.size
        try:
            ask(f"boardsize {n} {n}")
        except EngineRefused:
            ask(f"boardsize {n}")
        ask("clear_board")
        if "param_game" in self.client.commands:
            ask(f"param_game allow_swap {int(told.swap != 'none')}", may_refuse=True)
        if told.setup is not None:
            for cell, stone in enumerate(told.setup.flat):
                if stone:
                    ask(f"play {COLOUR_NAMES[int(stone)]} {cell_name(cell, n)}")

    def _play(self, told: Told, first: int) -> None:
        """Say the moves from number `first` on; passes are left out, as colours are said with every move."""
        position = Told(told.size, told.swap, told.moves[:first], told.setup, told.setup_to_move).position()
        for move in told.moves[first:]:
            if move not in (PASS, RESIGN):
                colour = COLOUR_NAMES[position.to_move]
                word = move_name(move, told.size, swap=told.swap)
                try:
                    self.client.ask(f"play {colour} {word}")
                except EngineRefused:
                    if move != SWAP:
                        raise
                    self.client.ask(f"play {colour} swap")
            position.play(move)


def _common(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """How many moves two games share from their beginning."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count


def single_move(
    size: int, to_move: int, move: int, *, generation: int = 0, seconds: float = 0.0, note: str = "",
    final: bool = True,
) -> AnalysisSnapshot:  # fmt: skip
    """A snapshot that knows a move and nothing else (move UNDECIDED: not even that)."""
    cells = size * size
    unknown = np.full(cells, np.nan, np.float32)
    visits = np.zeros(cells, np.int32)
    if move >= 0:
        visits[move] = 1
    nan = float("nan")
    return AnalysisSnapshot(
        generation=generation, size=size, to_move=to_move, prior=np.zeros(cells, np.float32), visits=visits,
        search_q=unknown, q_head=unknown.copy(), proven=np.zeros(cells, np.int8), value=nan, net_value=nan,
        min_q=nan, mean_q=nan, simulations=0, net_calls=0, cache_hits=0, depth=0, seconds=seconds,
        lines=((move,),) if move >= 0 else (), best=move, final=final, note=note,
    )  # fmt: skip


def read_info(line: str, size: int, to_move: int, seconds: float) -> AnalysisSnapshot | None:
    """A line of kata-analyze as a snapshot, or None for anything else.

    Win rates are taken as the mover's in [0, 1], or in ten thousandths as Leela Zero writes them; what cannot
    be read is left out.
    """
    cells = size * size
    prior, visits = np.zeros(cells, np.float32), np.zeros(cells, np.int32)
    search_q, q_head = (np.full(cells, np.nan, np.float32) for _ in range(2))
    lines: list[tuple[int, tuple[int, ...]]] = []
    for record in re.split(r"(?:^|\s)info\s+", line)[1:]:
        words = record.split()
        split = words.index("pv") if "pv" in words else len(words)
        values = dict(zip(words[0:split:2], words[1:split:2], strict=False))
        cell = _cell(values.get("move", ""), size)
        if cell is None:
            continue
        visits[cell] = max(0, int(_number(values.get("visits"), 0.0)))
        search_q[cell] = 2 * _chance(values.get("winrate")) - 1
        q_head[cell] = 2 * _chance(values.get("qhead")) - 1
        prior[cell] = np.nan_to_num(_chance(values.get("prior")))
        line_cells = [_cell(word, size) for word in words[split + 1 :]]
        known = line_cells[: line_cells.index(None)] if None in line_cells else line_cells
        pv = tuple(c for c in known if c is not None) or (cell,)
        lines.append((int(_number(values.get("order"), float(len(lines)))), pv))
    if not lines:
        return None
    lines.sort(key=lambda entry: entry[0])
    best = lines[0][1][0]
    nan, value = float("nan"), float(search_q[best])
    return AnalysisSnapshot(
        generation=0, size=size, to_move=to_move, prior=prior, visits=visits, search_q=search_q,
        q_head=q_head, proven=np.zeros(cells, np.int8), value=value, net_value=nan, min_q=nan, mean_q=nan,
        simulations=int(visits.sum()), net_calls=0, cache_hits=0, depth=max(len(pv) for _, pv in lines),
        seconds=seconds, lines=tuple(pv for _, pv in lines), best=best,
    )  # fmt: skip


def _cell(word: str, size: int) -> int | None:
    try:
        return parse_cell(word, size)
    except UserError:
        return None


def _number(word: str | None, otherwise: float) -> float:
    try:
        value = float(word or "")
    except ValueError:
        return otherwise
    return value if math.isfinite(value) and abs(value) < 2**31 else otherwise


def _chance(word: str | None) -> float:
    """A probability in [0, 1], NaN where there is none."""
    value = _number(word, float("nan"))
    if value > 1:
        value /= 10_000
    return value if 0 <= value <= 1 else float("nan")
