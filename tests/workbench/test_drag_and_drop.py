"""A file dropped anywhere reaches the panel that can use it; one that nobody can use is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.toy_panel import OTHER, TOY, ToyPanel
from tests.workbench.windows import attach_services, opened_panel, opened_window
from workbench.main_window import MainWindow


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop_on(target: QWidget, data: QMimeData) -> bool:
    """Drag over `target` and let go there, climbing to the first parent that takes drops, as Qt does."""
    place = target.rect().center()
    while not target.acceptDrops():
        parent = target.parentWidget()
        if parent is None:
            return False
        place = target.mapToParent(place)
        target = parent
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place, copy, data, left, none)
    QApplication.sendEvent(target, enter)
    if not enter.isAccepted():
        return False
    move = QDragMoveEvent(place, copy, data, left, none)
    QApplication.sendEvent(target, move)
    drop = QDropEvent(QPointF(place), copy, data, left, none)
    QApplication.sendEvent(target, drop)
    return drop.isAccepted()


def number_file(folder: Path, name: str = "count.txt", text: str = "12") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def said(window: MainWindow) -> list[str]:
    return [f"{m.what} {m.remedy}".strip() for m in window.messages.messages()]


def test_a_drop_on_any_control_reaches_the_panel(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot) as (window, panel):
        targets = [
            panel.plot.view.viewport(),
            panel.form.editor("text").control(),
            panel.note,
            panel.run_button,
        ]
        for k, target in enumerate(targets):
            path = number_file(tmp_path, f"{k}.txt", str(20 + k))
            assert drop_on(target, files(path)), target
            qtbot.waitUntil(lambda path=path: path in panel.opened)
            assert panel.form.read().steps == 20 + k
        assert window.session.recent_files[0] == str(tmp_path / "3.txt")


def test_a_drop_on_the_home_page_opens_the_panel_that_can_use_it(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, panels=(OTHER, TOY)) as window:
        assert drop_on(window.home, files(number_file(tmp_path)))
        qtbot.waitUntil(lambda: window.current_panel() is not None)
        panel = window.current_panel()
        assert isinstance(panel, ToyPanel)
        assert panel.info.topic == "toy"
        assert [p.name for p in panel.opened] == ["count.txt"]
        assert window.panel("other") is None, "the other panel need not be built for that"


def test_the_current_panel_is_asked_first(qtbot: QtBot, tmp_path: Path) -> None:
    from dataclasses import replace

    twin = replace(TOY, topic="twin", title="Twin")
    with opened_window(qtbot, panels=(TOY, twin)) as window:
        window.show_panel("twin")
        assert drop_on(window.navigation, files(number_file(tmp_path)))
        panel = window.panel("twin")
        assert isinstance(panel, ToyPanel)
        qtbot.waitUntil(lambda: bool(panel.opened))


def test_a_file_that_no_panel_takes_is_said_with_what_can_be_opened(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot, steps=3) as (window, panel):
        assert drop_on(panel, files(number_file(tmp_path, "thing.xyz")))
        qtbot.waitUntil(lambda: bool(window.messages.messages()))
        assert said(window) == ["No panel can open “thing.xyz”. What can be opened: Counting: lists of numbers."]
        assert panel.form.read().steps == 3
        strange = [number_file(tmp_path, name) for name in ("a.xyz", "b.xyz", "count.txt")]
        assert drop_on(panel, files(*strange))
        qtbot.waitUntil(lambda: bool(panel.opened))
        assert [m.what for m in window.messages.messages()] == ["No panel can open “a.xyz”, “b.xyz”."]
        window.open_path(strange[2])
        assert said(window) == [], "that was another time"


def test_a_bad_file_changes_nothing_and_is_said_in_the_panel(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot, steps=3) as (window, panel):
        drop_on(panel.note, files(number_file(tmp_path, "bad.txt", "hello")))
        qtbot.waitUntil(lambda: bool(panel.messages.messages()))
        assert panel.messages.messages()[0].what == "expected a number in bad.txt, got 'hello'"
        assert panel.form.read().steps == 3
        assert window.session.recent_files == []


def test_text_and_web_addresses_are_not_taken(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        text = QMimeData()
        text.setText("12")
        assert not drop_on(panel, text)
        web = QMimeData()
        web.setUrls([QUrl("https://example.org/x.txt")])
        assert not drop_on(panel, web)


def test_several_files_are_opened_one_after_another(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot) as (_, panel):
        paths = [number_file(tmp_path, f"{k}.txt", str(k)) for k in (3, 5)]
        drop_on(panel, files(*paths))
        qtbot.waitUntil(lambda: panel.opened == paths)


def test_a_widget_may_keep_its_drops(qtbot: QtBot, tmp_path: Path) -> None:
    kept: list[Path] = []

    class Well(QWidget):
        def dragEnterEvent(self, event: QDragEnterEvent) -> None:
            event.accept()

        def dragMoveEvent(self, event: QDragMoveEvent) -> None:
            event.accept()

        def dropEvent(self, event: QDropEvent) -> None:
            kept.extend(Path(url.toLocalFile()) for url in event.mimeData().urls())
            event.accept()

    from workbench.drops import let_through

    with opened_panel(qtbot) as (_, panel):
        well = Well(panel)
        well.setAcceptDrops(True)
        well.setProperty("keepsDrops", True)
        let_through(panel)
        path = number_file(tmp_path)
        assert drop_on(well, files(path))
        assert kept == [path]
        assert panel.opened == []


def test_a_file_dropped_before_the_engines_are_there_is_opened_then(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, attach=False) as window:
        assert drop_on(window.home, files(number_file(tmp_path)))
        qtbot.waitUntil(lambda: window._waiting is not None)
        assert window.current_panel() is None
        attach_services(window)
        panel = window.current_panel()
        assert isinstance(panel, ToyPanel)
        assert panel.form.read().steps == 12


def test_a_file_opened_before_is_offered_again(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot) as (window, panel):
        menu = window._actions._recent_menu
        menu.aboutToShow.emit()
        assert [a.text() for a in menu.actions()] == ["No file was opened yet"]
        path = number_file(tmp_path)
        window.open_path(path)
        panel.form.set_values({"steps": 1})
        menu.aboutToShow.emit()
        (action,) = menu.actions()
        action.trigger()
        assert panel.opened == [path, path]
        assert panel.form.read().steps == 12
        assert window.session.recent_files == [str(path)]


def test_ctrl_o_asks_for_a_file(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def choose(_parent: QWidget, title: str, _folder: str, kinds: str) -> tuple[str, str]:
        asked.append(kinds)
        return str(number_file(tmp_path)), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", staticmethod(choose))
    with opened_panel(qtbot) as (window, panel):
        qtbot.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
        assert panel.form.read().steps == 12
        assert asked == ["Files of the panels (*.txt);;All files (*)"]
        assert "Opened count.txt" in window.status_bar.message.text()
