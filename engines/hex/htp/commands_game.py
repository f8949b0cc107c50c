"""Commands about the board, the game and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines import __version__
from engines.core.errors import UserError
from engines.hex.htp.game import Game, balanced_turn
from engines.hex.htp.protocol import (
    COLOUR_LETTERS,
    SpokenMove,
    move_name,
    parse_bool,
    parse_colour,
    parse_int,
    parse_move,
    parse_number,
)
from engines.hex.htp.registry import COMMANDS, command
from engines.hex.htp.render import board_text
from engines.hex.htp.session import Clock, Session
from engines.hex.rules import BLACK, WHITE
from engines.hex.snapshots import RESIGN

ENGINE_NAME = "Paper Workbench Hex"
SMALLEST, LARGEST = 3, 19
LONGEST_S = 1e7


@command("protocol_version", high=0)
def protocol_version(session: Session, words: Sequence[str]) -> str:
    return "2"


@command("name", high=0)
def name(session: Session, words: Sequence[str]) -> str:
    return ENGINE_NAME


@command("version", high=0)
def version(session: Session, words: Sequence[str]) -> str:
    return f"{__version__} ({session.player.name})"


@command("known_command", low=1, high=1)
def known_command(session: Session, words: Sequence[str]) -> str:
    return "true" if words[0].lower() in COMMANDS else "false"


@command("list_commands", high=0)
def list_commands(session: Session, words: Sequence[str]) -> str:
    return "\n".join(sorted(COMMANDS))


@command("quit", high=0)
def quit_(session: Session, words: Sequence[str]) -> str:
    session.quitting = True
    return ""


def put_game(session: Session, game: Game) -> None:
    """A new game begins: fresh clocks, no variation left over."""
    session.state = replace(session.state, game=game, last=None).fresh_clocks()


@command("boardsize", low=1, high=2)
def boardsize(session: Session, words: Sequence[str]) -> str:
    sizes = [parse_int(word, "a board size", 1, 99) for word in words]
    if len(set(sizes)) != 1 or not SMALLEST <= sizes[0] <= LARGEST:
        raise UserError(f"unacceptable size: square boards from {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}")
    put_game(session, Game.new(sizes[0], session.game.swap))
    return ""


@command("clear_board", high=0)
def clear_board(session: Session, words: Sequence[str]) -> str:
    put_game(session, Game.new(session.game.size, session.game.swap))
    return ""


@command("play", low=2, high=2)
def play(session: Session, words: Sequence[str]) -> str:
    colour = parse_colour(words[0])
    game = session.game.played(colour, parse_move(words[1], session.game.size))
    session.state = replace(session.state, game=game)
    return ""


def spoken(session: Session, move: int) -> str:
    """The word for a move of ours, in the dialect that the other side asked for."""
    return move_name(move, session.game.size, swap=session.game.swap, little_golem=session.state.little_golem)


def choose(session: Session, word: str) -> tuple[Game, int]:
    """The game with that colour on turn and the move it should make; RESIGN once the game is over."""
    colour = parse_colour(word)
    if session.game.winner:
        return session.game, RESIGN
    game = session.game.with_turn(colour)
    return game, session.search(game).best


@command("genmove", low=1, high=1)
def genmove(session: Session, words: Sequence[str]) -> str:
    game, move = choose(session, words[0])
    if not game.winner:
        session.state = replace(session.state, game=session.game.played(game.to_move, SpokenMove(move)))
    return spoken(session, move)


@command("reg_genmove", low=1, high=1)
def reg_genmove(session: Session, words: Sequence[str]) -> str:
    clocks = session.state.clocks
    _, move = choose(session, words[0])
    session.state = replace(session.state, clocks=clocks)  # a trial costs no time
    return spoken(session, move)


@command("undo", high=0)
def undo(session: Session, words: Sequence[str]) -> str:
    if session.game.before is None:
        raise UserError("cannot undo")
    session.state = replace(session.state, game=session.game.before)
    return ""


@command("showboard", high=0)
def showboard(session: Session, words: Sequence[str]) -> str:
    return board_text(session.game)


@command("final_score", high=0)
def final_score(session: Session, words: Sequence[str]) -> str:
    return score(session.game)


def score(game: Game) -> str:
    """The result as HexGui reads it."""
    if not game.winner:
        return "cannot score"
    return f"{COLOUR_LETTERS[game.winner]}+{'Resign' if game.resigned else ''}"


@command("all_legal_moves", high=0)
def all_legal_moves(session: Session, words: Sequence[str]) -> str:
    return " ".join(spoken(session, move) for move in session.game.legal_moves())


@command("stop", high=0)
def stop(session: Session, words: Sequence[str]) -> str:
    """Analysis ends with any line; this one does nothing else."""
    return ""


@command("set_position")
def set_position(session: Session, words: Sequence[str]) -> str:
    """Stones as pairs "colour cell"; the past is forgotten."""
    if len(words) % 2:
        raise UserError("set_position expects pairs of a colour and a cell")
    n = session.game.size
    cells = np.zeros(n * n, np.int8)
    for colour, point in zip(words[::2], words[1::2], strict=True):
        move = parse_move(point, n).move
        if move < 0 or cells[move]:
            raise UserError(f"illegal stone: {point} is {'no cell' if move < 0 else 'given twice'}")
        cells[move] = parse_colour(colour)
    board = cells.reshape(n, n)
    put_game(session, Game.from_stones(board, balanced_turn(board), session.game.swap))
    return ""


@command("loadsgf", low=1, high=2)
def loadsgf(session: Session, words: Sequence[str]) -> str:
    """The main line of a file, or its first N moves."""
    from engines.hex.htp.records import read_game

    most = parse_int(words[1], "a number of moves", 0, 10_000) if len(words) > 1 else None
    put_game(session, read_game(Path(words[0]), most))
    return ""


@command("printsgf", high=1)
def printsgf(session: Session, words: Sequence[str]) -> str:
    """The game as SGF, or into a file."""
    from engines.hex.htp.records import save_text, sgf_text

    text = sgf_text(session.game)
    if not words or words[0] == "-":
        return text
    save_text(Path(words[0]), text)
    return ""


@command("play-game", high=1)
def play_game(session: Session, words: Sequence[str]) -> str:
    """Play both sides to the end (or N moves); the answer is the moves and the result."""
    most = parse_int(words[0], "a number of moves", 1, 10_000) if words else 10_000
    moves: list[str] = []
    while not session.game.winner and len(moves) < most and not session.broken_off():
        game = session.game
        move = session.search(game).best
        session.state = replace(session.state, game=game.played(game.to_move, SpokenMove(move)))
        moves.append(spoken(session, move))
    return " ".join([*moves, score(session.game)])


@command("param_game", high=2)
def param_game(session: Session, words: Sequence[str]) -> str:
    """allow_swap, swap_rule pieces/sides, little_golem, game_time seconds; without arguments, the list."""
    state, game = session.state, session.game
    if not words:
        return (
            f"\n[bool] allow_swap {int(game.swap != 'none')}"
            f"\n[string] swap_rule {'sides' if game.swap == 'sides' else 'pieces'}"
            f"\n[bool] little_golem {int(state.little_golem)}\n"
            f"[string] game_time {state.game_time[0] if state.game_time else 0:g}"
        )
    if len(words) != 2:
        raise UserError("param_game expects a parameter and its value")
    key, value = words[0].lower(), words[1]
    if key == "allow_swap":
        allowed = parse_bool(value, key)
        kept = game.swap if game.swap != "none" else "pieces"
        session.state = replace(state, game=game.with_swap(kept if allowed else "none"))
    elif key == "swap_rule" and value in ("pieces", "sides"):
        session.state = replace(state, game=game.with_swap("sides" if value == "sides" else "pieces"))
    elif key == "little_golem":
        session.state = replace(state, little_golem=parse_bool(value, key))
    elif key == "game_time":
        main = parse_number(value, "seconds", 0, LONGEST_S)
        session.state = replace(state, game_time=(main, 0.0, 0) if main else None).fresh_clocks()
    else:
        raise UserError(f"there is no parameter {words[0]!r} with the value {value!r}")
    return ""


@command("time_settings", low=3, high=3)
def time_settings(session: Session, words: Sequence[str]) -> str:
    """Main time, byo-yomi time and stones; "S 1 0" means no time limit, as in GTP."""
    main, byo_s = (parse_number(word, "seconds", 0, LONGEST_S) for word in words[:2])
    stones = parse_int(words[2], "a number of stones", 0, 10_000)
    unlimited = stones == 0 and byo_s > 0
    state = replace(session.state, game_time=None if unlimited else (main, byo_s, stones))
    session.state = state.fresh_clocks()
    return ""


@command("time_left", high=3)
def time_left(session: Session, words: Sequence[str]) -> str:
    """Say both clocks, or set one: colour, seconds, stones of the byo-yomi period."""
    if not words:
        black, white = (session.state.clocks[colour].left for colour in (BLACK, WHITE))
        return f"Black: {black:g}, White: {white:g}"
    if len(words) == 1:
        raise UserError("time_left expects a colour and seconds")
    colour, left = parse_colour(words[0]), parse_number(words[1], "seconds", 0, LONGEST_S)
    stones = parse_int(words[2], "a number of stones", 0, 10_000) if len(words) > 2 else 0
    session.state = session.state.with_clock(colour, Clock(left, stones))
    return ""
