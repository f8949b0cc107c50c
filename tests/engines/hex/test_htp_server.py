"""The HTP engine as a program on the other side of a pipe sees it, and no line that could upset it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engines.hex.htp.client import HtpClient
from engines.hex.htp.game import Game
from engines.hex.htp.players import Limits, PathPlayer, Player, Stop, Watch, through_lengths
from engines.hex.htp.protocol import SpokenMove, answer, parse_line, parse_move
from engines.hex.htp.registry import COMMANDS
from engines.hex.htp.server import Server
from engines.hex.rules import BLACK, WHITE, parse_cell
from engines.hex.snapshots import AnalysisSnapshot

ENGINE = [sys.executable, "-m", "engines.hex.htp", "--player", "path", "--size", "5"]

FROM_THE_PAPER_FILE = """
protocol_version name version known_command list_commands quit boardsize clear_board play genmove reg_genmove
undo showboard final_score all_legal_moves loadsgf play-game time_left time_settings param_game
hexgui-analyze_commands nn_evaluate nn_load nn_ls param_mohex mohex-get-pv mohex-self-play kata-analyze
gogui-gfx-analyze kata-raw-nn kata-set-param set_position printsgf stop
"""


class Talk:
    """A server in this process: lines in, answers out."""

    def __init__(self, player: Player | None = None, size: int = 5) -> None:
        self.sent: list[str] = []
        self.server = Server(player or PathPlayer(), lambda: b"", self.hear, size=size)
        self.server.session.broken_off = lambda: False  # the input has ended, but nobody wants to stop

    def hear(self, data: bytes) -> None:
        self.sent.append(data.decode())

    def ask(self, line: str) -> str:
        asked = parse_line(line)
        assert asked is not None
        self.sent.clear()
        return self.server.answer(asked)

    @property
    def game(self) -> Game:
        return self.server.session.game


def spoken(lines: bytes, *more: str) -> str:
    """What the real engine writes when it is given these bytes and then the end of input."""
    ran = subprocess.run([*ENGINE, *more], input=lines, capture_output=True, timeout=60, check=True)
    return ran.stdout.decode()


@pytest.fixture
def engine() -> Iterator[HtpClient]:
    with HtpClient(ENGINE, timeout_s=30) as client:
        yield client


def test_the_engine_answers_every_command_of_the_protocol_file(engine: HtpClient) -> None:
    wanted = set(FROM_THE_PAPER_FILE.split())
    assert wanted <= engine.commands
    assert all(engine.ask(f"known_command {name}") == "true" for name in wanted)
    assert engine.ask("known_command fly") == "false"
    assert engine.ask("protocol_version") == "2"


def test_ids_comments_control_characters_and_windows_line_ends_are_read_as_gtp_says() -> None:
    text = spoken(b"\r\n# only a comment\r\n7 name\r\n  \t 12\tprotocol_ver\x07sion # why not\r\n13\nquit")
    assert text == "=7 Paper Workbench Hex\n\n=12 2\n\n?13 syntax error: no command\n\n= \n\n"


def test_the_end_of_input_ends_the_engine_even_in_an_analysis() -> None:
    text = spoken(b"kata-analyze 10\n")
    assert text.startswith("= \ninfo move c3 ") and text.endswith("\n\n")


def test_a_whole_game_as_hexgui_plays_it(engine: HtpClient) -> None:
    for line in ("name", "version", "hexgui-analyze_commands", "boardsize 4 4", "showboard"):
        assert engine.ask(line) != "" or line.startswith("boardsize")
    assert engine.ask("play black a1") == ""
    stones = {"a1"}
    for colour in ("white", "black") * 8:
        move = engine.ask(f"genmove {colour}")
        if move == "resign":
            break
        assert parse_cell(move, 4) >= 0 and move not in stones
        stones.add(move)
    assert engine.ask("final_score") in ("B+", "W+")
    assert engine.ask("all_legal_moves") == ""
    engine.ask("undo")
    assert engine.ask("final_score") == "cannot score"


def test_swap_is_understood_and_said_in_both_conventions_and_in_little_golems_word() -> None:
    talk = Talk()
    talk.ask("play b b1")
    assert talk.ask("play w swap-pieces") == "= \n\n"
    assert talk.game.position.cells[1, 0] == WHITE and talk.game.to_move == BLACK
    talk.ask("undo")
    assert talk.ask("play w swap-sides") == "= \n\n"
    assert talk.game.position.cells[0, 1] == BLACK and talk.game.to_move == WHITE
    talk.ask("clear_board")
    talk.ask("play b c3")
    talk.ask("param_game swap_rule pieces")
    assert talk.ask("genmove w") == "= swap-pieces\n\n"
    talk.ask("undo")
    talk.ask("param_game little_golem 1")
    assert talk.ask("genmove w") == "= swap\n\n"
    talk.ask("undo")
    talk.ask("param_game allow_swap 0")
    assert talk.ask("play w swap-pieces").startswith("? illegal move: swap")
    assert "swap" not in talk.ask("genmove w")


def test_a_player_who_resigns_has_lost_until_it_is_undone() -> None:
    talk = Talk()
    talk.ask("play b a1")
    talk.ask("play w resign")
    assert talk.ask("final_score") == "= B+Resign\n\n"
    assert talk.ask("genmove b") == "= resign\n\n"
    assert talk.ask("play b b2").startswith("? illegal move")
    talk.ask("undo")
    assert talk.ask("final_score") == "= cannot score\n\n"


def test_colours_may_move_out_of_turn_as_setups_in_hexgui_do() -> None:
    talk = Talk()
    for line in ("play w c3", "play w d4", "play b a1"):
        assert talk.ask(line) == "= \n\n"
    assert talk.game.position.cells[2, 2] == WHITE and talk.game.position.cells[0, 0] == BLACK
    talk.ask("undo"), talk.ask("undo"), talk.ask("undo")
    assert not talk.game.position.cells.any()
    assert talk.ask("undo") == "? cannot undo\n\n"


def test_set_position_takes_all_stones_or_none() -> None:
    talk = Talk()
    assert talk.ask("set_position b a1 w b2 b c3") == "= \n\n"
    assert talk.game.to_move == WHITE and talk.game.position.cells.sum() == 4
    before = talk.game
    for bad in ("set_position b a1 w a1", "set_position b", "set_position b z9", "set_position x a1"):
        assert talk.ask(bad).startswith("? ")
        assert talk.game is before


def test_a_line_ends_an_analysis_and_is_answered_itself(engine: HtpClient) -> None:
    lines: list[str] = []
    engine.stream("kata-analyze 1", lines.append, lambda: len(lines) >= 3)
    assert all(line.startswith("info move c3 visits 1 winrate ") for line in lines)
    assert engine.ask("name") == "Paper Workbench Hex"


def test_live_pictures_for_hexgui_come_before_the_answer() -> None:
    talk = Talk()
    text = talk.ask("gogui-gfx-analyze b 10")
    assert text.startswith("= 1 simulations")
    assert talk.sent[0].startswith("gogui-gfx:\nuct\nVAR B c3\nINFLUENCE c3 0.") and talk.sent[0].endswith("\n\n")
    assert " LABEL c3 1 TEXT " in talk.sent[0].replace("\n", " ")


def test_time_runs_down_with_the_moves_and_a_trial_costs_none() -> None:
    seen: list[Limits] = []

    class Watched(PathPlayer):
        def think(self, game: Game, limits: Limits, stop: Stop) -> AnalysisSnapshot:
            seen.append(limits)
            time.sleep(0.02)
            return super().think(game, limits, stop)

    talk = Talk(Watched())
    talk.ask("param_mohex max_time 100")
    talk.ask("time_settings 60 0 0")
    talk.ask("reg_genmove b")
    assert talk.ask("time_left") == "= Black: 60, White: 60\n\n"
    talk.ask("genmove b")
    assert 55 < talk.server.session.state.clocks[BLACK].left < 60
    talk.ask("time_left w 6 3")
    talk.ask("param_game allow_swap 0")
    talk.ask("genmove w")
    assert seen[0].seconds == pytest.approx(60 / 6 - 0.05) and seen[-1].seconds == pytest.approx(6 / 3 - 0.05)
    talk.ask("time_settings 0 1 0")
    talk.ask("genmove b")
    assert seen[-1].seconds == 100


def test_a_bug_in_a_command_is_a_refusal_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(PathPlayer):
        def think(self, game: Game, limits: Limits, stop: Stop) -> AnalysisSnapshot:
            raise ZeroDivisionError("of\n\nall things")

        def analyse(self, game: Game, watch: Watch, stop: Stop) -> None:
            raise ZeroDivisionError("again")

    talk = Talk(Broken())
    talk.ask("play b a1")
    before = talk.game
    assert talk.ask("3 genmove w") == "?3 internal error: ZeroDivisionError: of  all things\n\n"
    assert talk.ask("kata-analyze") == "\n" and talk.sent == ["= \n"]
    assert talk.game is before and "ZeroDivisionError" in caplog.text


def test_self_play_leaves_the_board_alone_and_ends_with_a_winner() -> None:
    talk = Talk(size=4)
    talk.ask("play b b2")
    before = talk.game
    lines = talk.ask("mohex-self-play 2").splitlines()
    assert [line.split()[-1] in ("B+", "W+") for line in lines if line.strip("= ")] == [True, True]
    assert talk.game is before
    assert talk.ask("play-game").rstrip().endswith("+")
    assert talk.game.winner


def test_no_answer_holds_an_empty_line_that_would_end_it_early() -> None:
    assert answer("4", "\n\na\n\n\nb\t\x00c") == "=4 \na\nb c\n\n"
    talk = Talk()
    for name in COMMANDS:
        if name not in ("quit", "kata-analyze"):
            text = talk.ask(name)
            assert text[0] in "=?" and text[1] == " " and text.endswith("\n\n") and "\n\n" not in text[:-1], name


WORDS = st.one_of(
    st.sampled_from(sorted(COMMANDS)),
    st.sampled_from(["b", "w", "black", "a1", "e5", "f1", "swap-pieces", "swap", "resign", "pass", "0", "5"]),
    st.sampled_from(["19", "-1", "1e9", "nan", "allow_swap"]),
    st.sampled_from(["max_time", "n0", "interval", '"', "#", "/nonexistent/x", "9" * 40]),
    st.text(max_size=12),
)  # fmt: skip
LINES = st.one_of(st.text(max_size=60), st.lists(WORDS, min_size=1, max_size=5).map(" ".join))
WRITES_FILES = ("printsgf", "mohex-self-play")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["play b c3", "5 play w c3", "genmove w", "genmove purple"])
@example(["loadsgf /", "set_position b a1 w", "kata-analyze interval", 'nn_load "x'])
@given(st.lists(LINES, max_size=6))
def test_any_line_is_answered_and_a_refused_one_changes_nothing(lines: list[str]) -> None:
    talk = Talk(size=3)
    for line in lines:
        asked = parse_line(line)
        if asked is None or asked.name in WRITES_FILES:
            continue
        before = talk.server.session.state
        talk.sent.clear()
        end = talk.server.answer(asked)
        text = "".join(talk.sent) + end
        assert text.endswith("\n\n")
        picture = text.startswith("gogui-gfx:")
        assert picture or text.startswith((f"={asked.id} ", f"?{asked.id} "))
        assert "internal error" not in text
        if text.startswith("?"):
            assert talk.server.session.state is before
        assert talk.game.position.cells.shape == (talk.game.size, talk.game.size)


def test_a_flood_of_nonsense_through_the_real_pipe_gets_one_answer_a_line() -> None:
    rng = np.random.default_rng(5)
    junk = [
        bytes(rng.integers(0, 256, 30, dtype=np.uint8)).replace(b"\n", b".").replace(b"#", b".") for _ in range(200)
    ]
    lines = [b"7 zz" + line for line in junk] + [b"8 " + b"x" * 3_000_000, b"9 name"]
    text = spoken(b"\n".join(lines) + b"\n")
    answers = text.split("\n\n")
    assert sum(part.startswith("?7 unknown command") for part in answers) == 200
    assert any(part.startswith("?8 ") for part in answers) and "=9 Paper Workbench Hex" in answers


def test_a_game_goes_through_a_file_and_back(tmp_path: Path) -> None:
    talk, path = Talk(), tmp_path / "a game.sgf"
    for line in ("play b b1", "play w swap-pieces", "play b c3", "play b d3", "play w resign"):
        assert talk.ask(line) == "= \n\n", line
    written = talk.game
    assert talk.ask(f'printsgf "{path}"') == "= \n\n"
    talk.ask("clear_board")
    assert talk.ask(f'loadsgf "{path}"') == "= \n\n"
    assert (talk.game.position.cells == written.position.cells).all()
    assert talk.game.winner == BLACK and talk.game.turns[:2] == written.turns[:2]
    assert talk.ask(f'loadsgf "{path}" 1') == "= \n\n"
    assert talk.game.turns == ((BLACK, 1),)
    before = talk.game
    path.write_text("(;GM[1]SZ[19]", encoding="utf-8")
    for bad in (
        f'loadsgf "{path}"',
        "loadsgf /no/such/file",
        f"loadsgf {tmp_path}",
        "printsgf /no/such/folder/x",
    ):
        assert talk.ask(bad).startswith("? ")
        assert talk.game is before
    assert not Path("/no").exists()


def test_moves_are_read_in_either_case_and_never_off_the_board() -> None:
    assert parse_move("A2", 5) == SpokenMove(5) and parse_move("B1", 5) == SpokenMove(1)
    assert parse_move("Swap-Pieces", 5).convention == "pieces"


def test_the_path_player_counts_cells_on_the_shortest_paths() -> None:
    cells = np.zeros((3, 3), np.int8)
    cells[0, 1] = cells[1, 1] = BLACK
    lengths = through_lengths(cells, BLACK)
    assert lengths[parse_cell("a3", 3)] == 1 and lengths[parse_cell("b3", 3)] == 1
    assert through_lengths(cells, WHITE)[parse_cell("a3", 3)] == 3
    assert PathPlayer().look(Game.from_stones(cells, BLACK)).best in (
        parse_cell("a3", 3),
        parse_cell("b3", 3),
    )
