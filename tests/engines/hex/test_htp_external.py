"""Another program's engine as opponent, judge and rival: followed, interrupted, reported when it fails."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job
from engines.hex.htp.client import HtpClient
from engines.hex.htp.opponent import UNDECIDED, ExternalEngine, Told, read_info
from engines.hex.htp.spec import ExternalMatchSpec, ExternalSpec
from engines.hex.rules import Position
from engines.hex.snapshots import SWAP, AnalysisSnapshot, EngineRequest
from tests.engines.hex.test_htp_client import POLITE

OURS = f"{sys.executable} -m engines.hex.htp --player path"


class Session:
    """A running "hex.external" in a thread, as the window's runner holds it."""

    def __init__(self, command: str, **fields: float) -> None:
        self.heard: queue.Queue[AnalysisSnapshot] = queue.Queue()
        self.ctx = LocalContext(on_snapshot=lambda shot, keep: self.heard.put(shot))
        spec = ExternalSpec.checked({"command": command, "answer_s": 20.0, **fields})
        self.thread = threading.Thread(target=self._run, args=(spec,), daemon=True)
        self.error: BaseException | None = None
        self.thread.start()

    def _run(self, spec: ExternalSpec) -> None:
        try:
            run_job("hex.external", spec, self.ctx)
        except Cancelled:
            return
        except (UserError, OSError, ValueError, TypeError, AttributeError) as error:  # `close` fails then
            self.error = error

    def ask(self, kind: str = "move", generation: int = 1, size: int = 5, **fields: object) -> None:
        self.ctx.request(EngineRequest(kind, generation, size, **fields))  # type: ignore[arg-type]

    def hear(self) -> AnalysisSnapshot:
        return self.heard.get(timeout=30)

    def close(self) -> None:
        self.ctx.cancel()
        self.thread.join(20)
        assert not self.thread.is_alive() and self.error is None


MakeSession = Callable[..., Session]


@pytest.fixture
def session() -> Iterator[MakeSession]:
    made: list[Session] = []

    def make(command: str = OURS, **fields: float) -> Session:
        made.append(Session(command, **fields))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def stub(tmp_path: Path) -> Callable[[str], str]:
    """The command line of a stub engine that takes every board command, with `after` for the rest."""

    def made(after: str) -> str:
        path = tmp_path / "stub.py"
        board = '    elif word[0] in ("boardsize", "clear_board", "play"): reply("")\n'
        unknown = '\n    else: reply("unknown command", "?")\n'
        path.write_text(POLITE + board + after + unknown, encoding="utf-8")
        return f"{sys.executable} {path}"

    return made


def test_the_jobs_are_registered_as_a_session_and_a_match() -> None:
    assert find_job("hex.external").session and not find_job("hex.external_match").session


def test_an_external_engine_plays_a_whole_game_with_swap(session: MakeSession) -> None:
    game = session()
    position = Position(5, "pieces")
    position.play(12)
    while not position.winner:
        game.ask(generation=position.ply, moves=position.moves, swap="pieces")
        answer = game.hear()
        assert answer.final and answer.generation == position.ply and answer.note == "Paper Workbench Hex"
        assert answer.to_move == position.to_move
        if position.ply == 1:
            assert answer.best == SWAP
        position.play(answer.best)
    game.ask(generation=99, moves=position.moves)
    over = game.hear()
    assert over.final and over.best == UNDECIDED and "over" in over.note


def test_an_engine_that_hangs_is_reported_and_started_again(
    session: MakeSession, stub: Callable[[str], str], tmp_path: Path
) -> None:
    mark = tmp_path / "once"
    after = f"""
    elif word == ["genmove"]:
        import pathlib, time
        if pathlib.Path({str(mark)!r}).exists(): reply("b2")
        else:
            pathlib.Path({str(mark)!r}).touch(); time.sleep(600)
"""
    game = session(stub(after), grace_s=0.3)
    game.ask(milliseconds=200)
    failed = game.hear()
    assert failed.final and failed.best == UNDECIDED
    assert "did not answer 'genmove black' in time" in failed.note and "started again" in failed.note
    game.ask(generation=2)
    assert game.hear().best == 6


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("sys.exit(4)", "exit code 4"),
        ('reply("z99")', "z99"),
        ('reply("a1")', "not legal"),
        ('reply("")', "answered genmove with ''"),
        ('reply("I am lost", "?")', "I am lost"),
        ('[print("babble", flush=True) for _ in range(999)]', "does not speak"),
    ],
)
def test_whatever_an_engine_does_wrong_is_an_answer_and_not_the_end(
    session: MakeSession, stub: Callable[[str], str], act: str, said: str
) -> None:
    game = session(stub(f'    elif word == ["genmove"]: {act}\n'))
    for generation in (1, 2):
        game.ask(generation=generation, moves=(0,), swap="none")
        failed = game.hear()
        assert failed.final and failed.best == UNDECIDED and said in failed.note
        assert failed.generation == generation


def test_a_missing_engine_and_an_illegal_game_are_told(session: MakeSession) -> None:
    game = session("/no/such/engine")
    game.ask()
    assert "cannot start /no/such/engine" in game.hear().note
    game.ask(moves=(3, 3))
    assert "taken" in game.hear().note
    with pytest.raises(UserError, match="command line"):
        run_job("hex.external", ExternalSpec(), LocalContext())


def test_analysis_goes_on_until_the_next_request(session: MakeSession) -> None:
    game = session()
    game.ask("analyse", moves=(0, 7))
    shots = [game.hear() for _ in range(3)]
    assert all(shot.generation == 1 and not shot.final and shot.lines for shot in shots)
    assert shots[-1].visits.sum() == 1 and shots[-1].best == shots[-1].lines[0][0]
    game.ask("move", generation=2, moves=(0, 7))
    while (shot := game.hear()).generation == 1:
        pass
    assert shot.final and shot.best == shots[-1].best


def test_an_engine_without_analysis_suggests_a_move_and_is_brought_back(
    session: MakeSession, stub: Callable[[str], str]
) -> None:
    game = session(stub('    elif word == ["genmove"]: reply("c3")\n'))
    for generation in (1, 2):
        game.ask("analyse", generation=generation, moves=(0,), swap="none")
        shot = game.hear()
        assert not shot.final and shot.best == 12


def test_positions_are_told_by_the_shortest_way() -> None:
    with HtpClient(OURS) as client:
        engine = ExternalEngine(client)
        engine.go_to(Told(5, "pieces", (0, 12)))
        before = len(client.transcript)
        engine.go_to(Told(5, "pieces", (0, 7, 3)))
        sent = [entry.text for entry in list(client.transcript)[before:] if entry.direction == ">"]
        assert sent == ["undo", "play white c2", "play black d1"]
        stones = np.zeros((4, 4), np.int8)
        stones[1, 1], stones[2, 2] = 1, 2
        engine.go_to(Told(4, "none", (0,), stones, 2))
        board = client.ask("showboard")
        assert board.count("B") == 2 and board.count("W ") >= 2  # stones, and who is to move


def test_reports_of_other_programs_are_read_with_or_without_their_extras() -> None:
    shot = read_info(
        "info move b2 visits 30 utility 0.1 winrate 0.75 prior 0.5 order 0 pv b2 c1 pass "
        "info move A1 visits 10 winrate 2500 order 1 pv A1 info move zz visits 4",
        3, 1, 1.0,
    )  # fmt: skip
    assert shot is not None
    assert shot.visits[4] == 30 and shot.visits[0] == 10 and shot.best == 4
    assert shot.search_q[4] == pytest.approx(0.5) and shot.search_q[0] == pytest.approx(-0.5)
    assert shot.lines == ((4, 2), (0,)) and shot.value == pytest.approx(0.5)
    assert read_info("MCTS is thinking", 3, 1, 0.0) is None


@given(
    st.lists(
        st.sampled_from(["info", "move", "a1", "b9", "visits", "-3", "1e400", "nan", "winrate", "order", "x", "pv"])
    )
)
def test_no_report_upsets_the_reader(words: list[str]) -> None:
    shot = read_info(" ".join(words), 3, 1, 0.0)
    assert shot is None or (shot.visits >= 0).all()


def test_a_match_against_an_external_engine_is_told_game_by_game() -> None:
    from engines.core.weights import list_weights
    from engines.hex.spec import SHIPPED_THREE_HEAD

    if not any(card.name == SHIPPED_THREE_HEAD for card in list_weights()):
        pytest.skip("the shipped weights are not here")
    shots = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    spec = ExternalMatchSpec.checked({"command": OURS, "size": 4, "openings": 2, "simulations": 32})
    table = run_job("hex.external_match", spec, ctx)
    assert len(table.won) == 4 and table.names[1] == "Paper Workbench Hex"
    assert [shot.played for shot in shots] == [1, 2, 3, 4]
    assert sum(shots[-1].wins) == 4 and shots[-1].wins[0] == int(table.won.sum())
