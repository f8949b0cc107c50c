"""The program starts as a person starts it: quickly, without torch, with files, with no display."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.runners import PATIENCE_MS, wait_end
from tests.workbench.toy_panel import SAMPLE_JOBS, TOY, ToyPanel
from workbench import app
from workbench.main_window import MainWindow
from workbench.session import Session, save_session
from workbench.settings import Settings, save_settings, settings_path

STARTED = """
import json, sys
from PySide6.QtCore import QTimer
from workbench.app import start
started = start()
def painted():
    names = sorted(sys.modules)
    heavy = ("torch", "ray", "sklearn", "skimage", "scipy", "pyspiel", "pyqtgraph")
    slow = [n for n in names if n.split(".")[0] in heavy]
    panels = [n for n in names if n.startswith("workbench.panels.") and "registry" not in n]
    print(json.dumps({"slow": slow, "panels": panels, "numpy": "numpy" in names,
                      "visible": started.window.isVisible()}))
    QTimer.singleShot(0, started.app.quit)
started.window.first_painted.disconnect()
started.window.first_painted.connect(painted)
code = started.app.exec()
started.window.close()
sys.exit(code)
"""


def run_python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    named = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **env}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=named, timeout=120)


def close(qtbot: QtBot, window: MainWindow) -> None:
    """Close it once its look at the computer is over: a thread that imports torch cannot be ended."""
    assert window.machine_job is not None
    wait_end(qtbot, window.machine_job, 60_000)
    window.close()
    window.deleteLater()


def test_nothing_slow_is_imported_before_the_first_paint() -> None:
    done = run_python(STARTED)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {"slow": [], "panels": [], "numpy": False, "visible": True}


def test_the_whole_program_starts_opens_a_file_and_closes(tmp_path: Path) -> None:
    code = f"""
import sys
from PySide6.QtCore import QTimer
from pathlib import Path
from tests.workbench.toy_panel import TOY
from workbench import app, main_window
from workbench.panels import registry
registry.PANELS = main_window.PANELS = (TOY,)
def look(started):
    panel = started.window.current_panel()
    if panel is None or not panel.opened:
        QTimer.singleShot(50, lambda: look(started))
        return
    print("opened", panel.opened[0].name, panel.form.read().steps)
    started.window.close()
usual = app.start
def start(**options):
    started = usual(**options)
    look(started)
    return started
app.start = start
sys.exit(app.main(["--lanes", "inline", {str(tmp_path / "count.txt")!r}]))
"""
    (tmp_path / "count.txt").write_text("42")
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "opened count.txt 42"
    assert "Traceback" not in done.stderr


def test_engines_start_only_after_the_first_paint(qtbot: QtBot) -> None:
    started = app.start(inline=True, panels=(TOY,), restore=False, extra_modules=(SAMPLE_JOBS,))
    window = started.window
    assert window.services is None
    with qtbot.waitSignal(window.attached, timeout=PATIENCE_MS):
        pass
    assert window.painted is not None
    assert window.services is not None
    assert window.services.store is not None
    close(qtbot, window)


def test_the_last_panel_comes_back_at_the_next_start(qtbot: QtBot) -> None:
    save_session(Session(panel="toy", panels={"toy": {"state": {"note": "still here"}}}))
    started = app.start(inline=True, panels=(TOY,), extra_modules=(SAMPLE_JOBS,))
    with qtbot.waitSignal(started.window.panel_shown, timeout=PATIENCE_MS):
        pass
    panel = started.window.current_panel()
    assert isinstance(panel, ToyPanel)
    assert panel.note.text() == "still here"
    close(qtbot, started.window)


def test_broken_settings_and_session_are_said_and_the_window_opens(qtbot: QtBot) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text("{broken")
    (settings_path().parent / "session.json").write_text("[]")
    started = app.start(inline=True, panels=(TOY,))
    texts = [m.what for m in started.window.messages.messages()]
    assert len(texts) == 2
    assert any("settings file is not valid" in text for text in texts)
    assert any("last session could not be read" in text for text in texts)
    with qtbot.waitSignal(started.window.attached, timeout=PATIENCE_MS):
        pass
    close(qtbot, started.window)


def test_a_record_of_runs_that_cannot_be_opened_is_done_without(qtbot: QtBot, home: Path) -> None:
    (home / "data").write_text("a file where the folder should be")
    started = app.start(inline=True, panels=(TOY,), restore=False, extra_modules=(SAMPLE_JOBS,))
    window = started.window
    with qtbot.waitSignal(window.attached, timeout=PATIENCE_MS):
        pass
    assert window.services is not None
    assert window.services.store is None
    assert "Runs will not be recorded" in window.messages.messages()[0].what
    window.show_panel("toy")
    panel = window.panel("toy")
    assert isinstance(panel, ToyPanel)
    with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS):
        panel.demo()
    close(qtbot, window)


def test_settings_reach_the_environment_of_qt_and_the_engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("QT_SCALE_FACTOR", "WORKBENCH_THREADS", "WORKBENCH_DEVICE", "WORKBENCH_DATA"):
        monkeypatch.setenv(name, "kept")
    app.before_qt(Settings(scale=2, threads=3, data_dir=tmp_path))
    assert os.environ["QT_SCALE_FACTOR"] == "kept", "what was set by hand wins"
    for name in ("QT_SCALE_FACTOR", "WORKBENCH_THREADS", "WORKBENCH_DEVICE", "WORKBENCH_DATA"):
        monkeypatch.delenv(name)
    app.before_qt(Settings())
    assert "QT_SCALE_FACTOR" not in os.environ
    app.before_qt(Settings(scale=1.5, threads=3, device="cpu", data_dir=tmp_path))
    assert os.environ["WORKBENCH_DEVICE"] == "cpu"
    assert os.environ["QT_SCALE_FACTOR"] == "1.5"
    assert os.environ["WORKBENCH_THREADS"] == "3"
    assert os.environ["WORKBENCH_DATA"] == str(tmp_path)


def test_the_interface_scale_makes_everything_larger() -> None:
    code = """
from workbench.app import start
started = start(panels=())
print(started.window.devicePixelRatioF(), started.window.grab().width() / started.window.width())
started.window.first_painted.disconnect()
started.window.close()
"""
    save_settings(Settings(scale=2))
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2.0", "2.0"]


@pytest.mark.parametrize(
    ("platform", "env", "seen"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"QT_QPA_PLATFORM": "offscreen"}, True),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_a_display_is_recognised(
    monkeypatch: pytest.MonkeyPatch, platform: str, env: dict[str, str], seen: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert app.has_display() is seen


@pytest.mark.parametrize("code", [0, 1])
def test_without_a_display_it_says_so_and_leaves_a_tour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "has_display", lambda: False)
    toured: list[Path] = []

    def tour(out: Path) -> int:
        toured.append(out)
        return code

    monkeypatch.setattr("workbench.tour.run_tour", tour)
    assert app.main([]) == code
    assert toured == [tmp_path / "workbench-tour"]
    said = capsys.readouterr().err
    assert "There is no display" in said
    assert str(tmp_path / "workbench-tour") in said
    assert ("failed" in said) is bool(code)


def test_warnings_are_kept_in_a_file_that_appears_with_the_first(home: Path) -> None:
    handler = app.log_to_file()
    try:
        file = home / "data" / app.LOG_NAME
        logging.getLogger("workbench").info("nothing much")
        assert not file.exists()
        logging.getLogger("workbench").error("something broke")
        assert "ERROR workbench: something broke" in file.read_text("utf-8")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def test_an_exception_nobody_caught_is_shown_and_the_program_goes_on() -> None:
    code = """
import sys
from PySide6.QtCore import QTimer
from workbench.app import start
started = start(panels=())
def fail():
    raise ValueError("odd number")
def look():
    print([m.what for m in started.window.messages.messages()])
    started.app.quit()
started.window.first_painted.disconnect()
QTimer.singleShot(0, fail)
QTimer.singleShot(200, look)
started.app.exec()
started.window.close()
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert "Something in the program went wrong: ValueError: odd number" in done.stdout
