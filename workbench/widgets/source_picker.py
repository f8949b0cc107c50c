"""Where pictures come from: an embedded set, a data set, a folder, one picture, or a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from engines.core.data.pictures import SUFFIXES
from workbench import icons
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import ElidedLabel, byte_size, label
from workbench.widgets.drawing_pad import DrawingPad

State = Literal["embedded", "ready", "partial", "missing"]
FOLDER: Final = "folder"
FILE: Final = "file"
DRAWING: Final = "drawing"
_OWN: Final = {
    FOLDER: ("A folder of your own…", "folder"),
    FILE: ("One picture of your own…", "image"),
    DRAWING: ("A drawing", "brush"),
}
PAD_HEIGHT: Final = 260


@dataclass(frozen=True)
class Source:
    """A data set as the list shows it. size: bytes to fetch; state as `engines.core.data.status` names it.
    fetchable: whether it can be downloaded; where not, `help` says how to get it. help: one line besides."""

    name: str
    title: str
    state: State = "ready"
    size: int = 0
    fetchable: bool = True
    help: str = ""


class SourcePicker(QWidget):
    """A list of sources, and below it what the chosen one needs.

    `source` is a data set's name, "drawing", or the path of a folder or file. Signals: `source_changed(source)`
    when the user chose another that can be used now; `fetch_requested(name)` and `fetch_stop_requested(name)`;
    `drawn(pixels)`, uint8 [28, 28], while the source is the drawing.

    own: which of "folder", "file", "drawing" are offered besides the sets.
    """

    source_changed = Signal(str)
    fetch_requested = Signal(str)
    fetch_stop_requested = Signal(str)
    drawn = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str = "Pictures",
        *,
        own: Sequence[str] = (FOLDER, FILE, DRAWING),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._own = tuple(own)
        self._sources: dict[str, Source] = {}
        self._paths: dict[str, str] = {FOLDER: "", FILE: ""}
        self._said = ""  # the last source that was told
        self._fetching: tuple[str, int, int] | None = None
        self._problem = self._remark = ""
        self.setAccessibleName(name)
        self.box = QComboBox()
        self.box.setAccessibleName(name)
        self.box.setMinimumContentsLength(12)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.activated.connect(lambda _: self._chosen())
        self._before = 0
        self.note = ElidedLabel()
        set_role(self.note, "muted")
        self.button = QPushButton()
        self.button.clicked.connect(self._pressed)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName("Download")
        self.remark = label("", "small", muted=True, wrap=True)
        self.problem = label("", "small", wrap=True)
        set_role(self.problem, "error")
        self._pad: DrawingPad | None = None
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(self.note, 1)
        row.addWidget(self.button)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(GRID // 2)
        self._rows.addWidget(self.box)
        self._rows.addLayout(row)
        self._rows.addWidget(self.bar)
        self._rows.addWidget(self.remark)
        self._rows.addWidget(self.problem)
        self.setFocusProxy(self.box)
        self.set_sources([])

    # -- what it offers ---------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """What is chosen: a set's name, "drawing", or a path; "" where nothing is."""
        key = self.box.currentData() or ""
        return self._paths.get(key, key)

    @property
    def pad(self) -> DrawingPad:
        """The sheet; made when it is first asked for."""
        if self._pad is None:
            self._pad = DrawingPad(self.theme)
            self._pad.setFixedHeight(PAD_HEIGHT)
            self._pad.drawn.connect(self._drawn)
            self._rows.addWidget(self._pad)
        return self._pad

    def is_ready(self) -> bool:
        """Whether pictures can be had from the chosen source now."""
        return not self.why_not()

    def why_not(self) -> str:
        """Why the chosen source cannot be used yet, "" if it can."""
        key = self.box.currentData() or ""
        if key in (FOLDER, FILE):
            return "" if self._paths[key] else f"no {'folder' if key == FOLDER else 'picture'} is chosen yet"
        found = self._sources.get(key)
        if found is not None and found.state in ("missing", "partial"):
            return f"{found.title} is not on this computer yet"
        return "" if key else "no source is chosen yet"

    def set_sources(self, sources: Sequence[Source]) -> None:
        """Offer these data sets, before the user's own; the choice stays if it can. Emits nothing."""
        kept = self.box.currentData() or ""
        if not self._paths.get(kept, kept):
            kept = ""  # no folder or file was chosen yet
        self._sources = {source.name: source for source in sources}
        self.box.clear()
        for source in sources:
            missing = source.state in ("missing", "partial")
            text = f"{source.title}  ({byte_size(source.size)})" if missing and source.size else source.title
            self.box.addItem(icons.icon("down" if missing else "data"), text, source.name)
        if sources and self._own:
            self.box.insertSeparator(self.box.count())
        for key in self._own:
            text, icon = _OWN[key]
            self.box.addItem(icons.icon(icon), text, key)
        at = self.box.findData(kept) if kept else 0
        self.box.setCurrentIndex(max(at, 0))
        self._before = self.box.currentIndex()
        self._show()

    def set_source(self, source: str) -> None:
        """Choose a set's name, "drawing", or the path of a folder or picture; emits nothing. What is not offered
        changes nothing."""
        key = source
        if source not in self._sources and source != DRAWING:
            key = FOLDER if Path(source).is_dir() else FILE
            if key not in self._own or not Path(source).exists():
                return
            self._paths[key] = source
        at = self.box.findData(key)
        if at >= 0:
            self.box.setCurrentIndex(at)
            self._before = at
            self._said = self.source
            self._problem = self._remark = ""
            self._show()

    def set_fetching(self, name: str, done: int, total: int) -> None:
        """A set is being fetched: bytes so far, bytes in all (0 where not known)."""
        self._fetching = (name, done, total)
        self._show()

    def end_fetching(self, problem: str = "") -> None:
        """It is there, or `problem` says why not; give the new states to `set_sources` as well."""
        self._fetching = None
        self.show_problem(problem)

    def show_problem(self, text: str) -> None:
        """Say inline what is wrong with the source, "" for nothing."""
        self._problem = text
        self._show()

    def show_remark(self, text: str) -> None:
        """Say below the source what was done to its pictures, "" for nothing."""
        self._remark = text
        self._show()

    # -- inside -----------------------------------------------------------------------------------------------

    def _chosen(self) -> None:
        key = self.box.currentData()
        self._problem = self._remark = ""
        if key in (FOLDER, FILE) and not self._paths[key] and not self._choose_path(key):
            self.box.setCurrentIndex(self._before)  # the dialog was left without a choice
            return
        self._before = self.box.currentIndex()
        self._show()
        self._tell()

    def _tell(self) -> None:
        if self.is_ready() and self.source != self._said:
            self._said = self.source
            self.source_changed.emit(self.source)

    def _choose_path(self, key: str) -> bool:
        now = self._paths[key]
        if key == FOLDER:
            chosen = QFileDialog.getExistingDirectory(self, "A folder of pictures", now)
        else:
            masks = " ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
            chosen, _ = QFileDialog.getOpenFileName(self, "One picture", now, f"Pictures ({masks})")
        if chosen:
            self._paths[key] = chosen
        return bool(chosen)

    def _pressed(self) -> None:
        key = self.box.currentData()
        if key in (FOLDER, FILE):
            if self._choose_path(key):
                self._problem = ""
                self._show()
                self._tell()
        elif self._fetching is not None and self._fetching[0] == key:
            self.fetch_stop_requested.emit(key)
        else:
            self.show_problem("")
            self.fetch_requested.emit(key)

    def _drawn(self, pixels: object) -> None:
        if self.source == DRAWING:
            self.drawn.emit(pixels)

    def _show(self) -> None:
        """Bring the lines below the list in line with the choice."""
        key = self.box.currentData() or ""
        source = self._sources.get(key)
        fetching = self._fetching is not None and self._fetching[0] == key
        note, button = "", ""
        if key in (FOLDER, FILE):
            note, button = self._paths[key] or self.why_not().capitalize(), "Choose…"
        elif key == DRAWING:
            self.pad  # noqa: B018  (made on first use)
        elif source is not None:
            note, button = self._note_of(source, fetching)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.button.setText(button)
        self.button.setVisible(bool(button))
        spoken = f"{button} {source.title}" if source is not None else f"{button} {_OWN.get(key, ('',))[0]}"
        self.button.setAccessibleName(spoken.strip())
        self.bar.setVisible(fetching)
        if fetching and self._fetching is not None:
            _, done, total = self._fetching
            self.bar.setRange(0, 1000 if total else 0)
            self.bar.setValue(round(1000 * done / total) if total else 0)
        self.remark.setText(self._remark)
        self.remark.setVisible(bool(self._remark))
        self.problem.setText(self._problem)
        self.problem.setVisible(bool(self._problem))
        if self._pad is not None:
            self._pad.setVisible(key == DRAWING)
        self.box.setAccessibleDescription(f"{note or self.why_not()} {self._remark}".strip())

    def _note_of(self, source: Source, fetching: bool) -> tuple[str, str]:
        if fetching and self._fetching is not None:
            _, done, total = self._fetching
            of = f" of {byte_size(total)}" if total else ""
            return f"Fetching {byte_size(done)}{of}", "Stop"
        if source.state in ("missing", "partial"):
            if source.fetchable:
                return "Not on this computer yet", f"Fetch {byte_size(source.size)}"
            return source.help or "Not on this computer, and it cannot be fetched", ""
        return source.help, ""
