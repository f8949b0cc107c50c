import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from engines.hex.snapshots import ExactSnapshot
from tests.workbench.hex.fakes import snapshot
from workbench.panels.hex.board_export import analysis_csv, save_analysis_csv
from workbench.panels.hex.overlays import OverlayOptions, overlay
from workbench.widgets.hexboard import HexBoard, Mark


@pytest.fixture
def board(qtbot) -> HexBoard:
    widget = HexBoard(size=5)
    qtbot.addWidget(widget)
    widget.resize(300, 220)
    cells = np.zeros((5, 5), np.int8)
    cells[0, 1], cells[2, 3] = 1, 2
    widget.set_position(cells, 1, last_move=13, marks={12: Mark("label", "Key")})
    widget.set_heat(overlay("search_q", snapshot(5, (1, 13)), OverlayOptions()))
    return widget


def test_a_png_is_larger_and_sharper_than_the_widget(board: HexBoard, tmp_path: Path) -> None:
    board.save_png(tmp_path / "board.png", width=800)
    image = QImage(str(tmp_path / "board.png"))
    assert image.width() == 1600
    assert image.height() == pytest.approx(1600 / board.geometry_of_board.aspect, abs=2)
    x, y = 0, 0
    assert image.pixelColor(x, y).name() == board.look.ground.name()


def test_an_svg_shows_the_same_board_with_text_as_text(board: HexBoard, tmp_path: Path) -> None:
    path = tmp_path / "board.svg"
    board.save_svg(path, width=400)
    texts = "".join(ElementTree.parse(path).getroot().itertext())
    assert "Key" in texts
    drawn = QImage(board.picture_size(400), QImage.Format.Format_RGB32)
    painter = QPainter(drawn)
    QSvgRenderer(str(path)).render(painter, QRectF(drawn.rect()))
    painter.end()
    board.save_png(tmp_path / "board.png", width=400)
    wanted = QImage(str(tmp_path / "board.png")).scaled(drawn.size()).convertToFormat(drawn.format())
    far = np.abs(_pixels(drawn).astype(int) - _pixels(wanted).astype(int)).mean()
    assert far < 6


def _pixels(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())


def test_the_analysis_is_a_table_with_one_row_per_candidate(tmp_path: Path) -> None:
    snap, solved = snapshot(5, (1, 13)), ExactSnapshot(1, 5, 1, np.ones(25, np.int8), 23)
    save_analysis_csv(snap, tmp_path / "analysis.csv", solved)
    with (tmp_path / "analysis.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 23
    assert int(rows[0]["visits"]) == snap.visits.max()
    assert rows[0]["line"].startswith(rows[0]["move"])
    assert rows[-1]["win_percent"] == ""
    assert {row["exact"] for row in rows} == {"1"}
    assert analysis_csv(snap, solved) == (tmp_path / "analysis.csv").read_text()
    assert {row["exact"] for row in csv.DictReader(analysis_csv(snap).splitlines())} == {"0"}


def test_what_cannot_be_written_raises(board: HexBoard, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        board.save_png(tmp_path / "no" / "board.png")
