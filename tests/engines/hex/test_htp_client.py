"""The HTP client against engines that greet, flood, hang, die, lie and leave children behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engines.core.errors import Cancelled, UserError
from engines.hex.htp.client import EngineFailed, EngineRefused, HtpClient, split_command

POLITE = """
import sys
def reply(text, sign="="):
    sys.stdout.write(f"{sign} {text}\\n\\n"); sys.stdout.flush()
for line in sys.stdin:
    word = line.split("#")[0].split()[:1]
    if not word: continue
    if word == ["name"]: reply("Stub")
    elif word == ["list_commands"]: reply("name\\nlist_commands\\nquit\\ngenmove")
    elif word == ["quit"]: reply(""); break
"""
"""What all stub engines begin with; the misbehaviour follows."""

MakeEngine = Callable[..., HtpClient]


@pytest.fixture
def make(tmp_path: Path) -> MakeEngine:
    """An engine from Python source: `after` handles what `POLITE` does not."""

    def made(after: str = "", *, source: str = POLITE, **options: object) -> HtpClient:
        path = tmp_path / "stub.py"
        path.write_text(source + after, encoding="utf-8")
        settings: dict[str, object] = {"timeout_s": 30.0, **options}
        return HtpClient([sys.executable, str(path)], **settings)  # type: ignore[arg-type]

    return made


def test_an_engine_tells_its_name_and_commands(make: MakeEngine) -> None:
    with make() as engine:
        assert engine.name == "Stub" and engine.is_alive
        assert engine.commands == {"name", "list_commands", "quit", "genmove"}
    assert not engine.is_alive


def test_a_refusal_is_told_apart_and_the_engine_goes_on(make: MakeEngine) -> None:
    with make('    else: reply("not today", "?")') as engine:
        with pytest.raises(EngineRefused, match="not today"):
            engine.ask("genmove b")
        assert engine.ask("genmove b", may_refuse=True) == ""
        assert engine.ask("name") == "Stub"


def test_an_engine_that_hangs_is_ended_reported_and_can_be_started_again(make: MakeEngine) -> None:
    engine = make("    else:\n        import time; time.sleep(600)")
    engine.start()
    started = time.monotonic()
    with pytest.raises(EngineFailed, match="did not answer 'genmove b' in time") as failure:
        engine.ask("genmove b", timeout_s=0.3)
    assert failure.value.kind == "hung" and time.monotonic() - started < 10
    assert not engine.is_alive
    with pytest.raises(EngineFailed, match="not running"):
        engine.ask("name")
    engine.start()
    assert engine.ask("name") == "Stub"
    engine.close()


def test_an_engine_that_dies_is_reported_with_its_last_words(make: MakeEngine) -> None:
    engine = make('    else:\n        sys.stderr.write("out of cheese\\n"); sys.stderr.flush(); sys.exit(3)')
    engine.start()
    with pytest.raises(EngineFailed, match=r"exit code 3.*out of cheese") as failure:
        engine.ask("genmove b")
    assert failure.value.kind == "died" and not engine.is_alive


def test_an_engine_that_dies_amid_its_answer_is_no_answer(make: MakeEngine) -> None:
    engine = make('    else:\n        sys.stdout.write("= a1\\n"); sys.stdout.flush(); sys.exit(0)')
    engine.start()
    with pytest.raises(EngineFailed, match="exit code 0"):
        engine.ask("genmove b")


@pytest.mark.parametrize(
    "source",
    [
        "print('Traceback: I am no engine', flush=True)\nimport time\ntime.sleep(60)",
        "import sys\nwhile True:\n    sys.stdout.write('noise ' * 10 + '\\n')",
        "import sys, time\nwhile True:\n    sys.stdout.write('x' * 100000); time.sleep(0.001)",
        "import sys, os\nwhile True:\n    sys.stdout.buffer.write(os.urandom(1000))",
        "import sys\nsys.stdout.write('= name\\n')\nwhile True:\n    sys.stdout.write('more\\n')",
    ],
    ids=["a greeting only", "endless lines", "one endless line", "random bytes", "an endless answer"],
)
def test_garbage_is_recognised_whatever_its_shape(make: MakeEngine, source: str) -> None:
    engine = make(source=source, timeout_s=1.0)
    with pytest.raises(EngineFailed) as failure:
        engine.start()
    assert failure.value.kind in ("garbage", "hung") and not engine.is_alive


def test_a_greeting_and_live_pictures_before_an_answer_are_forgiven(make: MakeEngine) -> None:
    source = "print('Welcome to Stub 1.0', flush=True)" + POLITE
    picture = '    else:\n        sys.stdout.write("gogui-gfx:\\nuct\\nVAR B a1\\n\\n"); reply("b2")'
    with make(picture, source=source) as engine:
        assert engine.ask("genmove b") == "b2"


def test_answers_of_windows_programs_and_with_ids_are_read(make: MakeEngine) -> None:
    with make('    else:\n        sys.stdout.write("=17 b2\\r\\n\\r\\n"); sys.stdout.flush()') as engine:
        assert engine.ask("genmove b") == "b2"


def test_no_child_of_an_engine_survives_it(make: MakeEngine, tmp_path: Path) -> None:
    child = tmp_path / "pid"
    after = f"""
    else:
        import subprocess
        p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(child)!r}, "w").write(str(p.pid)); reply("a1")
"""
    engine = make(after)
    engine.start()
    engine.ask("genmove b")
    pid = int(child.read_text())
    assert psutil.pid_exists(pid)
    engine.close()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_an_engine_that_ignores_quit_is_ended_all_the_same(make: MakeEngine) -> None:
    source = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + POLITE.replace("break", "continue")
    engine = make("import time; time.sleep(600)", source=source)
    engine.start()
    process = engine._process
    engine.close(0.2)
    assert process is not None and process.returncode is not None


def test_a_cancel_while_waiting_ends_the_engine(make: MakeEngine) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 30:
            raise Cancelled

    engine = make("    else:\n        import time; time.sleep(600)", check=check, timeout_s=60)
    with pytest.raises(Cancelled):
        engine.start()
        engine.ask("genmove b")
    assert not engine.is_alive


def test_an_interrupt_brings_the_move_at_once(make: MakeEngine) -> None:
    after = """
    elif word == ["genmove"]:
        assert sys.stdin.readline().strip() == "# interrupt"
        reply("c3")
"""
    with make(after, timeout_s=30) as engine:
        assert engine.ask("genmove b", stop=lambda: True) == "c3"


def test_an_engine_that_complains_of_the_interrupt_does_not_fall_out_of_step(make: MakeEngine) -> None:
    after = """
    elif word == ["genmove"]:
        sys.stdin.readline()
        reply("c3"); reply("unknown command", "?")
"""
    with make(after, timeout_s=30) as engine:
        assert engine.ask("genmove b", stop=lambda: True) == "c3"
        assert engine.ask("name") == "Stub"


def test_the_transcript_keeps_both_sides_and_a_file_gets_it(make: MakeEngine, tmp_path: Path) -> None:
    with make(log_file=tmp_path / "talk.txt") as engine:
        said = [(entry.direction, entry.text) for entry in engine.transcript]
    assert (">", "name") in said and ("<", "= Stub") in said
    assert "< = Stub" in (tmp_path / "talk.txt").read_text(encoding="utf-8")


def test_a_program_that_does_not_exist_and_an_empty_line_are_the_users_mistakes() -> None:
    with pytest.raises(EngineFailed, match="cannot start /no/such/engine") as failure:
        HtpClient("/no/such/engine --hex").start()
    assert failure.value.kind == "missing"
    for bad in ("", "   ", 'mohex "half a name'):
        with pytest.raises(UserError):
            split_command(bad)
    assert split_command('"/opt/my engine/hex" --size 11') == ["/opt/my engine/hex", "--size", "11"]
