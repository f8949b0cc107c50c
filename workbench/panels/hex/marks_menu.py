"""The menu of a cell: marks and labels of the position shown, as SGF knows them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from engines.hex.coordinates import cell_name

if TYPE_CHECKING:
    from workbench.panels.hex.game import GameModel

MARKS: Final = (("TR", "Triangle"), ("SQ", "Square"), ("CR", "Circle"), ("MA", "Cross"))


def marks_menu(model: GameModel, cell: int, parent: QWidget) -> QMenu:
    """A menu that marks `cell` in `model`; it deletes itself when it closes."""
    menu = QMenu(f"Mark {cell_name(cell, model.size)}", parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    now = model.node.marks.get(cell, "")
    for key, text in MARKS:
        action = menu.addAction(text, partial(model.set_mark, cell, "" if key == now else key))
        action.setCheckable(True)
        action.setChecked(key == now)
    label = model.node.labels.get(cell, "")
    menu.addAction("Label…" if not label else f"Label “{label}”…", lambda: _ask_label(model, cell, label, parent))
    menu.addSeparator()
    clear = menu.addAction("Clear", lambda: model.set_mark(cell, ""))
    clear.setEnabled(bool(now or label))
    clear.setToolTip("" if now or label else "There is no mark on this cell")
    return menu


def _ask_label(model: GameModel, cell: int, before: str, parent: QWidget) -> None:
    name = cell_name(cell, model.size)
    text, taken = QInputDialog.getText(parent, "Label", f"Label on {name}:", text=before)
    if taken:
        model.set_mark(cell, text.strip()[:8])
