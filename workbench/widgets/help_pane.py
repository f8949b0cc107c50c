"""Help beside the work: resources/help/<topic>.md in the colours of the theme."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QEvent, QUrl
from PySide6.QtGui import (
    QBrush,
    QColor,
    QDesktopServices,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from workbench.theme import GRID, Theme, font

MISSING = (
    "# No help yet\n\nThere is no page `help/{topic}.md` in this installation. "
    "The tooltips of the settings explain each value."
)


def help_text(topic: str, folder: Path | None = None) -> str:
    """The help page of a topic as Markdown; a page that says so where there is none."""
    page = folder / f"{topic}.md" if folder else files("resources") / "help" / f"{topic}.md"
    try:
        return page.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError, ModuleNotFoundError):
        return MISSING.format(topic=topic)


class HelpPane(QTextBrowser):
    """Shows one topic's help. Links to other topics ("hex.md") open here, others in the browser."""

    topic: str = ""
    _is_ready = False  # Qt calls changeEvent while it is still being constructed

    def __init__(self, theme: Theme, parent: QWidget | None = None, folder: Path | None = None) -> None:
        super().__init__(parent)
        self._theme, self._folder = theme, folder
        self._is_ready = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setAccessibleName("Help")
        self.document().setDocumentMargin(2 * GRID)
        self.anchorClicked.connect(self._follow)

    def show_topic(self, topic: str) -> None:
        """Show a topic's page from its beginning."""
        self.topic = topic
        self._render()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._is_ready and self.topic:
            place = self.verticalScrollBar().value()
            self._render()
            self.verticalScrollBar().setValue(place)

    def _render(self) -> None:
        self.setMarkdown(help_text(self.topic, self._folder))
        self._style_blocks()
        self._style_tables()
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _style_blocks(self) -> None:
        mono, sizes = font("mono"), {1: "title", 2: "heading", 3: "strong"}
        block = self.document().begin()
        while block.isValid():
            cursor = QTextCursor(block)
            shape = QTextBlockFormat()
            level = block.blockFormat().headingLevel()
            if level:
                shape.setTopMargin(GRID * (0 if block.blockNumber() == 0 else 2))
                shape.setBottomMargin(GRID / 2)
                look = QTextCharFormat()
                look.setFont(font(sizes.get(level, "strong")))  # type: ignore[arg-type]
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.mergeCharFormat(look)
            elif block.textList() is None and cursor.currentTable() is None:
                shape.setBottomMargin(GRID)
                shape.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            QTextCursor(block).mergeBlockFormat(shape)
            pieces = block.begin()
            while not pieces.atEnd():
                piece = pieces.fragment()
                if piece.charFormat().fontFixedPitch():
                    marked = QTextCursor(self.document())
                    marked.setPosition(piece.position())
                    marked.setPosition(piece.position() + piece.length(), QTextCursor.MoveMode.KeepAnchor)
                    look = QTextCharFormat()
                    look.setFontFamilies([mono.family()])
                    look.setBackground(self.palette().alternateBase())
                    marked.mergeCharFormat(look)
                pieces += 1
            block = block.next()

    def _style_tables(self) -> None:
        border = self._theme.colours.border
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                shape = frame.format()
                shape.setCellPadding(GRID / 2)
                shape.setCellSpacing(0)
                shape.setBorder(1)
                shape.setBorderCollapse(True)
                shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                shape.setBorderBrush(QBrush(QColor(border)))
                shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
                shape.setBottomMargin(GRID)
                frame.setFormat(shape)

    def _follow(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https", "mailto"):
            QDesktopServices.openUrl(url)
        elif url.path().endswith(".md"):
            self.show_topic(Path(url.path()).stem)
        elif url.fragment():
            self.scrollToAnchor(url.fragment())
