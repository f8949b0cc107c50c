"""A walk through the real window: every panel's demonstration, pictures in both themes, and what came out."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from workbench.main_window import MainWindow
    from workbench.panels.base import Panel
    from workbench.panels.registry import PanelInfo

DEMO_TIMEOUT_S: Final = 240.0
START_TIMEOUT_S: Final = 90.0
SETTLE_S: Final = 0.4  # the last snapshots arrive and are drawn
SIZE: Final = (1400, 900)


def run_tour(
    out: Path,
    topics: Sequence[str] | None = None,
    *,
    panels: tuple[PanelInfo, ...] | None = None,
    themes: Sequence[str] = ("light", "dark"),
    size: tuple[int, int] = SIZE,
    timeout_s: float = DEMO_TIMEOUT_S,
    inline: bool = False,
    extra_modules: tuple[str, ...] = (),
) -> int:
    """Build the window (offscreen without a display), run the demos of `topics` (all by default), write
    home.png, <topic>.png, the same with -dark, and summary.json into `out`. Returns 1 if any panel failed.

    Raises UserError for an unknown topic, OSError if `out` cannot be written.
    """
    from engines.core.errors import UserError
    from workbench.app import has_display, start
    from workbench.panels.registry import PANELS

    infos = PANELS if panels is None else panels
    known = [info.topic for info in infos]
    unknown = [topic for topic in topics or () if topic not in known]
    if unknown:
        raise UserError(f"there is no panel {', '.join(unknown)}", f"known: {', '.join(known)}")
    out.mkdir(parents=True, exist_ok=True)
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    began = time.monotonic()
    started = start(inline=inline, panels=infos, restore=False, extra_modules=extra_modules)
    window = started.window
    # A tour shows the program, not the user's last session, and leaves that as it was.
    window.settings = window.settings.model_copy(update={"autosave_s": 0, "confirm_close": False})
    window.save_session = lambda: None  # type: ignore[method-assign]
    window.resize(*size)
    try:
        summary = _walk(window, list(topics or known), out, themes, timeout_s)
    finally:
        window.close()
        window.deleteLater()
    summary["seconds"] = round(time.monotonic() - began, 3)
    (out / "summary.json").write_text(json.dumps(summary, indent=2, default=str) + "\n", "utf-8")
    return 0 if summary["ok"] else 1


def _walk(window: MainWindow, topics: list[str], out: Path, themes: Sequence[str], timeout_s: float) -> dict[str, Any]:
    from PySide6.QtCore import qVersion
    from PySide6.QtGui import QFontDatabase, QGuiApplication

    summary: dict[str, Any] = {
        "platform": QGuiApplication.platformName(),
        "qt": qVersion(),
        "python": sys.version.split()[0],
        "fonts": len(QFontDatabase.families()),
        "ok": True,
        "pictures": [],
        "panels": [],
    }
    if not summary["fonts"]:
        summary["warning"] = "No fonts were found, so texts are boxes; install some, such as fonts-dejavu-core."
    if window.services is None and not _wait(window.attached, START_TIMEOUT_S):
        summary["ok"] = False
        summary["error"] = "the engines did not start"
        return summary
    if window.machine_job is not None and not window.machine_job.has_ended:
        _wait(window.machine_job.ended, START_TIMEOUT_S)
    _rest(SETTLE_S)
    summary["pictures"] += _pictures(window, out, "home", themes)
    for topic in topics:
        entry = _visit(window, topic, timeout_s)
        entry["pictures"] = _pictures(window, out, topic, themes)
        summary["panels"].append(entry)
        summary["ok"] = summary["ok"] and entry["ok"]
        panel = window.panel(topic)
        if panel is not None:
            panel.stop()
    return summary


def _visit(window: MainWindow, topic: str, timeout_s: float) -> dict[str, Any]:
    """Show one panel, run its demonstration, and say what came of it."""
    began = time.monotonic()
    entry: dict[str, Any] = {"topic": topic, "ok": False, "figures": {}, "error": ""}
    window.show_panel(topic)
    panel = window.panel(topic)
    if panel is None:
        entry["error"] = "the panel could not be built"
        return entry
    figures, problem = _run_demo(panel, timeout_s)
    entry["figures"] = figures
    entry["error"] = problem
    entry["ok"] = not problem
    entry["messages"] = [m.what for m in panel.messages.messages() if m.kind == "error"]
    entry["seconds"] = round(time.monotonic() - began, 3)
    _rest(SETTLE_S)
    return entry


def _run_demo(panel: Panel, timeout_s: float) -> tuple[dict[str, Any], str]:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    outcome: list[tuple[dict[str, Any], str]] = []

    def ended(figures: dict[str, Any], problem: str) -> None:
        outcome.append((figures, problem))
        loop.quit()

    done = panel.demo_done.connect(lambda figures: ended(dict(figures), ""))
    failed = panel.demo_failed.connect(lambda text: ended({}, text or "the demonstration failed"))
    timer = QTimer(singleShot=True)
    timer.timeout.connect(lambda: ended({}, f"the demonstration did not end within {timeout_s:g} s"))
    timer.start(round(timeout_s * 1000))
    panel.demo()
    if not outcome:
        loop.exec()
    timer.stop()
    panel.demo_done.disconnect(done)
    panel.demo_failed.disconnect(failed)
    return outcome[0]


def _pictures(window: MainWindow, out: Path, name: str, themes: Sequence[str]) -> list[str]:
    written = []
    for theme in themes:
        window.theme.set_mode(theme)  # type: ignore[arg-type]
        _rest(0.05)
        file = f"{name}.png" if theme == "light" else f"{name}-{theme}.png"
        if not window.grab().save(str(out / file), "PNG"):
            raise OSError(f"{out / file} could not be written")
        written.append(file)
    return written


def _wait(signal: SignalInstance, timeout_s: float) -> bool:
    """Let events run until `signal` comes; False if it does not."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    came: list[bool] = []

    def quit_loop(*_: object) -> None:
        came.append(True)
        loop.quit()

    connection = signal.connect(quit_loop)
    timer = QTimer(singleShot=True)
    timer.timeout.connect(loop.quit)
    timer.start(round(timeout_s * 1000))
    loop.exec()
    timer.stop()
    signal.disconnect(connection)
    return bool(came)


def _rest(seconds: float) -> None:
    """Let events run for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()
