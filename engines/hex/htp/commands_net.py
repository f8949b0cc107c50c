"""Commands about the network and the search: neurobenzene's, KataGo's and HexGui's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from engines.core.errors import UserError
from engines.hex.htp.game import Game
from engines.hex.htp.protocol import (
    COLOUR_LETTERS,
    SpokenMove,
    move_name,
    parse_bool,
    parse_colour,
    parse_int,
    parse_number,
)
from engines.hex.htp.registry import command
from engines.hex.htp.render import (
    gogui_gfx,
    kata_info,
    kata_raw_net,
    line_names,
    net_lines,
    summary,
    win_rate,
)
from engines.hex.htp.session import Limits, Session
from engines.hex.rules import cell_name
from engines.hex.snapshots import AnalysisSnapshot

MOHEX_NAMES = {
    "expand_threshold": "n0",
    "prior_pb": "c_puct",
    "first_play_urgency": "fpu",
    "root_dirichlet_prior": "alpha",
    "leaf_batch": "batch",
}
"""neurobenzene's names of search settings that ours has too."""

ANALYZE_COMMANDS = """
gfx/Live analysis/gogui-gfx-analyze
pspairs/Win rates/wb-winrates
pspairs/Visits/wb-visits
pspairs/Prior/wb-prior
pspairs/Q-head/wb-qhead
pspairs/Q-head minus search/wb-qhead-minus-q
varp/Principal variation/mohex-get-pv
hstring/Network/nn_evaluate
string/Networks/nn_ls
string/Load network/nn_load %s
param/Game Parameters/param_game
param/Search Parameters/param_mohex
plist/All legal moves/all_legal_moves
string/Final Score/final_score
string/Print SGF/printsgf
"""


@command("hexgui-analyze_commands", high=0)
def analyze_commands(session: Session, words: Sequence[str]) -> str:
    return ANALYZE_COMMANDS.rstrip()


@command("gogui-analyze_commands", high=0)
def gogui_analyze_commands(session: Session, words: Sequence[str]) -> str:
    return ANALYZE_COMMANDS.rstrip()


def wanted(session: Session, words: Sequence[str]) -> tuple[Game, float, int]:
    """The optional arguments of an analysis: colour, interval in 1/100 s, "interval N", "maxmoves N"."""
    game, interval_s, most, rest = session.game, 0.5, 0, list(words)
    if rest and rest[0].lower() in ("b", "w", "black", "white"):
        game = game.with_turn(parse_colour(rest.pop(0)))
    if rest and rest[0].isascii() and rest[0].isdigit():
        interval_s = parse_int(rest.pop(0), "centiseconds", 0, 1_000_000) / 100
    while rest:
        key, value = rest.pop(0).lower(), rest.pop(0) if rest else ""
        if key == "interval":
            interval_s = parse_int(value, "centiseconds", 0, 1_000_000) / 100
        elif key == "maxmoves":
            most = parse_int(value, "a number of moves", 1, 1000)
        else:
            raise UserError(f"unknown argument {key!r} of an analysis")
    if session.game.winner:
        raise UserError("the game is over, there is nothing to analyse")
    return game, interval_s, most


def analyse(session: Session, words: Sequence[str], form: str) -> AnalysisSnapshot | None:
    """Search until the next line, writing each `interval` seconds; returns the last snapshot."""
    game, interval_s, most = wanted(session, words)
    newest: list[AnalysisSnapshot] = []
    due = time.perf_counter()

    def write(snapshot: AnalysisSnapshot) -> None:
        text = gogui_gfx(snapshot) if form == "gogui" else kata_info(snapshot, most=most)
        if text:
            session.emit(text if form == "gogui" else text + "\n")

    def watch(snapshot: AnalysisSnapshot) -> None:
        nonlocal due
        newest[:] = [snapshot]
        if snapshot.lines and time.perf_counter() >= due:
            due = time.perf_counter() + interval_s
            write(snapshot)

    if form == "kata":
        session.begin()
    session.player.analyse(game, watch, session.interrupted)
    if newest:
        session.state = replace(session.state, last=newest[0], searched=game)
    return newest[0] if newest else None


@command("kata-analyze")
def kata_analyze(session: Session, words: Sequence[str]) -> None:
    """[colour] [centiseconds] [interval N] [maxmoves N]: "= " at once, then a line each interval."""
    analyse(session, words, "kata")


@command("gogui-gfx-analyze")
def gogui_gfx_analyze(session: Session, words: Sequence[str]) -> str:
    """The same as pictures for HexGui; the answer itself comes when the next line ends it."""
    last = analyse(session, words, "gogui")
    return summary(last) if last else ""


@command("nn_evaluate", high=0)
def nn_evaluate(session: Session, words: Sequence[str]) -> str:
    return net_lines(session.player.network(session.game), session.game)


@command("kata-raw-nn", high=1)
def kata_raw_nn(session: Session, words: Sequence[str]) -> str:
    """[symmetry 0, 1 or "all"]: 1 is the board turned by 180°; "all" is written as 0."""
    import numpy as np

    from engines.hex.htp.players import NetView

    symmetry = parse_int(words[0], "a symmetry", 0, 1) if words and words[0] != "all" else 0
    game = session.game
    if not symmetry:
        return kata_raw_net(session.player.network(game), game, 0)
    turned = Game.from_stones(np.ascontiguousarray(game.position.cells[::-1, ::-1]), game.to_move)
    view = session.player.network(turned)
    back = NetView(view.prior[::-1], view.value, None if view.q is None else view.q[::-1])
    return kata_raw_net(back, game, 1)


@command("nn_load", low=1, high=1)
def nn_load(session: Session, words: Sequence[str]) -> str:
    session.player.load(words[0])
    forget_search(session)
    return session.player.name


@command("nn_ls", high=0)
def nn_ls(session: Session, words: Sequence[str]) -> str:
    from engines.core.weights import list_weights

    names = [card.name for card in list_weights() if card.topic == "hex"]
    return "\n".join(["", *names]) if names else "no networks are installed"


def forget_search(session: Session) -> None:
    """What another network or other settings found must not be shown as if these had."""
    session.state = replace(session.state, last=None, searched=None)


def set_limits(session: Session, key: str, value: str) -> bool:
    """Change a limit of the search if `key` is one."""
    limits = session.state.limits
    if key in ("max_games", "maxvisits", "maxplayouts", "max_simulations"):
        limits = replace(limits, simulations=parse_int(value, "simulations", 0, 1_000_000_000))
    elif key in ("max_time", "maxtime"):
        limits = replace(limits, seconds=parse_number(value, "seconds", 0, 1e7))
    else:
        return False
    session.state = replace(session.state, limits=limits)
    return True


@command("param_mohex", high=2)
def param_mohex(session: Session, words: Sequence[str]) -> str:
    """max_games, max_time and the settings of the search; without arguments, the list."""
    if not words:
        back = {ours: theirs for theirs, ours in MOHEX_NAMES.items()}
        limits: Limits = session.state.limits
        rows = [f"[string] max_games {limits.simulations}", f"[string] max_time {limits.seconds:g}"]
        for key, value in session.player.settings().items():
            kind, shown = ("bool", int(value)) if isinstance(value, bool) else ("string", value)
            rows.append(f"[{kind}] {back.get(key, key)} {shown}")
        return "\n" + "\n".join(rows)
    if len(words) != 2:
        raise UserError("param_mohex expects a parameter and its value")
    key = words[0].lower()
    if not set_limits(session, key, words[1]):
        ours = MOHEX_NAMES.get(key, key)
        current = session.player.settings().get(ours)
        session.player.set(ours, str(parse_bool(words[1], key)) if isinstance(current, bool) else words[1])
        forget_search(session)
    return ""


@command("kata-set-param", low=2, high=2)
def kata_set_param(session: Session, words: Sequence[str]) -> str:
    """maxVisits, maxPlayouts, maxTime, or a setting of the search by name."""
    return param_mohex(session, words) or ""


@command("kata-get-param", low=1, high=1)
def kata_get_param(session: Session, words: Sequence[str]) -> str:
    key, limits = words[0].lower(), session.state.limits
    known = {"maxvisits": limits.simulations, "maxplayouts": limits.simulations, "maxtime": limits.seconds}
    values = {**known, **session.player.settings()}
    if key not in values:
        raise UserError(f"there is no parameter {words[0]!r}")
    return str(values[key])


@command("kata-list-params", high=0)
def kata_list_params(session: Session, words: Sequence[str]) -> str:
    return " ".join(["maxVisits", "maxTime", *session.player.settings()])


@command("mohex-get-pv", high=1)
def mohex_get_pv(session: Session, words: Sequence[str]) -> str:
    """The best variation of the latest search."""
    last = session.state.last
    return " ".join(line_names(last.lines[0], last.size)) if last and last.lines else ""


@command("mohex-self-play", high=2)
def mohex_self_play(session: Session, words: Sequence[str]) -> str:
    """[games [file]]: games against itself from the empty board; one line each, moves and result."""
    from pathlib import Path

    from engines.hex.htp.records import save_text

    games = parse_int(words[0], "a number of games", 1, 100_000) if words else 1
    kept, rows = session.state, []
    for _ in range(games):
        session.state = replace(kept, game=Game.new(kept.game.size, kept.game.swap)).fresh_clocks()
        while not session.game.winner and not session.broken_off():
            game = session.game
            move = session.search(game).best
            session.state = replace(session.state, game=game.played(game.to_move, SpokenMove(move)))
        if session.broken_off():
            break
        game = session.game
        moves = " ".join(move_name(move, game.size, swap=game.swap) for _, move in game.turns)
        rows.append(f"{moves} {COLOUR_LETTERS[game.winner]}+")
    session.state = kept
    if len(words) > 1:
        save_text(Path(words[1]), "\n".join(rows))
        return f"{len(rows)} games in {words[1]}"
    return "\n".join(["", *rows])


def looked_at(session: Session) -> AnalysisSnapshot:
    """The latest search if it is of this position, else a new one, which costs nobody time."""
    game, clocks = session.game, session.state.clocks
    if game.winner:
        raise UserError("the game is over, there is nothing to search")
    if session.state.last is not None and session.state.searched is game:
        return session.state.last
    found = session.search(game)
    session.state = replace(session.state, clocks=clocks)
    return found


def pairs(session: Session, kind: str) -> str:
    """Cells with a number each, as HexGui's "pspairs" wants them; cells without a number are left out."""
    seen = looked_at(session)
    values = {
        "winrates": seen.search_q, "visits": seen.visits, "prior": seen.prior, "qhead": seen.q_head,
        "qhead-minus-q": (seen.q_head - seen.search_q) / 2,
    }[kind]  # fmt: skip
    words = []
    for cell in session.game.legal_moves():
        if cell < 0 or values[cell] != values[cell] or (kind == "visits" and not values[cell]):
            continue
        if kind == "visits":
            shown = str(int(values[cell]))
        else:
            number = float(values[cell])
            shown = f"{win_rate(number) if kind in ('winrates', 'qhead') else number:.2f}"
        words.append(f"{cell_name(cell, seen.size)} {shown}")
    return " ".join(words)


def _register_overlays() -> None:
    for kind in ("winrates", "visits", "prior", "qhead", "qhead-minus-q"):

        def overlay(session: Session, words: Sequence[str], kind: str = kind) -> str:
            return pairs(session, kind)

        command(f"wb-{kind}", high=0)(overlay)


_register_overlays()
