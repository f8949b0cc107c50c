"""Starts the window: look and home page first, engines after the first picture is on the screen."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from workbench.main_window import MainWindow
    from workbench.panels.registry import PanelInfo
    from workbench.services import Services
    from workbench.settings import Settings

log = logging.getLogger(__name__)
NO_DISPLAY_FOLDER: Final = "workbench-tour"
LOG_NAME: Final = "workbench.log"
LOG_BYTES: Final = 500_000


@dataclass
class Started:
    """What `start` made. Keep it while the window lives."""

    app: QApplication
    window: MainWindow


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window until it is closed; `argv` are files to open and options. Returns the exit code.

    Without a display it says so and leaves a tour's pictures instead.
    """
    multiprocessing.freeze_support()
    arguments = _parser().parse_args(list(sys.argv[1:] if argv is None else argv))
    if not has_display():
        return _tour_instead()
    log_to_file()
    started = start(inline=arguments.lanes == "inline", files=arguments.files)
    return started.app.exec()


def start(
    *,
    inline: bool = False,
    files: Sequence[Path] = (),
    panels: tuple[PanelInfo, ...] | None = None,
    restore: bool = True,
    extra_modules: tuple[str, ...] = (),
) -> Started:
    """Make application and window and show it; engines follow by themselves after the first paint.

    inline: engines run in threads of this process. panels: instead of the registered ones.
    restore: bring the last session back. extra_modules: register further jobs in the engines.
    """
    from workbench.settings import load_settings

    settings, problems = load_settings()
    before_qt(settings)
    from PySide6.QtWidgets import QApplication

    from workbench.main_window import MainWindow, app_icon
    from workbench.panels.registry import PANELS
    from workbench.session import Session, load_session
    from workbench.theme import Theme

    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Paper Workbench")
    app.setDesktopFileName("paper-workbench")
    app.setStyle("Fusion")
    app.setWindowIcon(app_icon())
    theme = Theme(settings.theme, settings.accent, parent=app)
    theme.set_mode(settings.theme)
    session, trouble = load_session() if restore else (Session(), "")
    window = MainWindow(theme, settings, session, panels=PANELS if panels is None else panels)
    for text in [*problems, trouble]:
        if text:
            window.show_message(text, "warn")
    services = partial(make_services, window, inline=inline, extra_modules=extra_modules)
    window.first_painted.connect(lambda: _after_first_paint(window, services, files, restore))
    _report_faults_in(window)
    window.show()
    return Started(app, window)


def before_qt(settings: Settings) -> None:
    """Settings that must be in the environment before Qt and the engine processes start."""
    if settings.scale != 1.0 and "QT_SCALE_FACTOR" not in os.environ:
        os.environ["QT_SCALE_FACTOR"] = f"{settings.scale:g}"
    if settings.threads and "WORKBENCH_THREADS" not in os.environ:
        os.environ["WORKBENCH_THREADS"] = str(settings.threads)
    if settings.device != "auto" and "WORKBENCH_DEVICE" not in os.environ:
        os.environ["WORKBENCH_DEVICE"] = settings.device
    if settings.data_dir is not None and "WORKBENCH_DATA" not in os.environ:
        os.environ["WORKBENCH_DATA"] = str(settings.data_dir)


def log_to_file() -> logging.Handler:
    """Keep warnings and faults in the user's data folder; the file appears with the first one."""
    from logging.handlers import RotatingFileHandler

    from engines.core import paths

    class Late(RotatingFileHandler):
        def _open(self) -> TextIOWrapper:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            return super()._open()

    file = paths.data_folder() / LOG_NAME
    handler = Late(file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def make_services(window: MainWindow, *, inline: bool = False, extra_modules: tuple[str, ...] = ()) -> Services:
    """The runner and the store for a window. A store that cannot be opened is done without, and said."""
    from engines.core import paths
    from engines.core.errors import UserError
    from engines.core.store import Store
    from workbench.runner import Runner
    from workbench.services import Services

    try:
        store: Store | None = Store()
    except (UserError, OSError) as error:
        store = None
        window.show_message(f"Runs will not be recorded: {error}", "warn")
    runner = Runner(store, inline=inline, extra_modules=("workbench.machine", *extra_modules), parent=window)
    return Services(runner, store, window.settings, window.theme, paths.data_sets_folder())


def has_display() -> bool:
    """Whether a window can be seen: always on Windows and macOS, elsewhere if a display server is named."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _after_first_paint(window: MainWindow, make: Callable[[], Services], files: Sequence[Path], restore: bool) -> None:
    services = make()
    window.attach(services)
    services.runner.start_lanes()
    if os.environ.get("WORKBENCH_PROBE"):
        _measure(window, services)
        return
    window.look_at_machine()
    if files:
        for path in files:
            window.open_path(path)
    elif restore:
        window.restore_last_panel()


def _measure(window: MainWindow, services: Services) -> None:
    """Run the measurement that `bench window` asked for; it quits by itself."""
    from workbench.runner import probe

    # Kept by the window, whose child it is.
    probe.install(window, services.runner, painted=window.painted)


def _report_faults_in(window: MainWindow) -> None:
    """Exceptions that nobody caught are logged and shown; the program goes on."""
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            usual(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("nobody caught this:\n%s", details)
        window.show_fault(f"{kind.__name__}: {error}", details)

    if "pytest" not in sys.modules:  # there the test shall fail
        sys.excepthook = hook


def _tour_instead() -> int:
    from workbench.tour import run_tour

    out = Path(NO_DISPLAY_FOLDER).absolute()
    _say(f"There is no display, so the tour runs instead and leaves its pictures in {out}.")
    code = run_tour(out)
    _say(f"Pictures and summary.json are in {out}." if code == 0 else f"The tour failed; see {out}/summary.json.")
    return code


def _say(text: str) -> None:
    if sys.stderr is not None:  # None in a frozen program without a console
        sys.stderr.write(text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="paper-workbench", description="Open the Paper Workbench.")
    parser.add_argument("files", nargs="*", type=Path, help="files to open")
    parser.add_argument("--lanes", choices=("process", "inline"), default="process", help="where jobs run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
