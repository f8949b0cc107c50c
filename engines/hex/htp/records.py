"""Game records for `loadsgf` and `printsgf`."""

from __future__ import annotations

from pathlib import Path

from engines.core import atomic
from engines.core.errors import UserError
from engines.hex.gametree import GameTree
from engines.hex.htp.game import Game
from engines.hex.htp.protocol import SpokenMove
from engines.hex.rules import Swap
from engines.hex.sgf import read_sgf, write_sgf

LARGEST_FILE = 16 * 2**20
"""Bytes; a longer file is no game record."""


def read_game(path: Path, most: int | None = None) -> Game:
    """The main line of an SGF file, or its first `most` moves. Raises UserError."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path} is too long for a game record")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    return main_line(read_sgf(text), most)


def main_line(tree: GameTree, most: int | None = None) -> Game:
    """The game along first children, up to `most` moves. Raises UserError at a move that is not legal."""
    swap: Swap = tree.swap
    game, position, played = Game.new(tree.size, swap), None, 0
    for node in tree.main_line():
        if node.move is not None and played == most:
            break
        if node.setup:
            cells = game.position.cells
            for cell, stone in node.setup.items():
                cells.flat[cell] = stone
            position = tree.position(node) if node.move is None else None
            to_move = node.to_move or (position.to_move if position is not None else node.colour)
            game = Game.from_stones(cells, to_move, swap)
        elif node.to_move:
            game = game.with_turn(node.to_move)
        if node.move is not None:
            game = game.played(node.colour, SpokenMove(node.move))
            played += 1
    return game


def sgf_text(game: Game) -> str:
    """The game as one line of SGF, with its set-up stones."""
    first = game
    while first.before is not None:
        first = first.before
    tree = GameTree(game.size, game.swap)
    if first.setup is not None:
        tree.root.setup = {cell: int(stone) for cell, stone in enumerate(first.setup.flat) if stone}
        tree.root.to_move = first.setup_to_move
    for colour, move in game.turns:
        tree.cursor = tree.add(tree.cursor, move, colour)
    if game.winner:
        tree.set_info("RE", f"{'BW'[game.winner - 1]}+{'Resign' if game.resigned else ''}")
    return write_sgf(tree)


def save_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises UserError."""
    if not path.absolute().parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {path.parent}")
    try:
        atomic.write_text(path, text if text.endswith("\n") else text + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
