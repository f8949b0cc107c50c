import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage

from workbench.widgets.hexboard import MiniBoardWall
from workbench.widgets.hexboard.wall import best_columns


@pytest.fixture
def wall(qtbot) -> MiniBoardWall:
    widget = MiniBoardWall()
    qtbot.addWidget(widget)
    widget.resize(600, 300)
    widget.show()
    return widget


def colour(wall: MiniBoardWall, board: int, cell: int, dy: float = 0.0) -> QColor:
    image = wall.grab().toImage()
    g = wall._tools.geometry
    at = wall.place(board)
    x, y = g.centres[cell] + (0, dy * g.radius)
    ratio = image.devicePixelRatio()
    return image.pixelColor(round((at.x() + x) * ratio), round((at.y() + y) * ratio))


def pixels(image: QImage) -> np.ndarray:
    """int [height, bytes]."""
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1).astype(int)


def test_each_stone_stands_on_its_own_board(wall: MiniBoardWall) -> None:
    boards = np.zeros((6, 5, 5), np.int8)
    boards[1, 0, 2], boards[4, 3, 3] = 1, 2
    wall.set_boards(boards)
    assert colour(wall, 1, 2).red() > 2 * colour(wall, 1, 2).blue()
    assert colour(wall, 4, 18).blue() > 2 * colour(wall, 4, 18).red()
    assert colour(wall, 0, 2) == colour(wall, 2, 2) == colour(wall, 4, 2)


def test_drawing_only_changes_gives_the_same_picture_as_drawing_all(wall: MiniBoardWall, qtbot) -> None:
    rng = np.random.default_rng(0)
    boards = np.zeros((12, 5, 5), np.int8)
    for step in range(30):
        for board in boards:
            free = np.flatnonzero(board.reshape(-1) == 0)
            if rng.random() < 0.1 or not len(free):
                board[:] = 0  # the next game begins
            else:
                board.reshape(-1)[rng.choice(free)] = 1 + step % 2
        wall.set_boards(boards.copy(), np.full(12, step % 25, np.int32))
        wall.grab()
    fresh = MiniBoardWall()
    qtbot.addWidget(fresh)
    fresh.resize(wall.size())
    fresh.set_boards(boards, np.full(12, 29 % 25, np.int32))
    once, grown = (pixels(widget.grab().toImage()) for widget in (fresh, wall))
    assert np.abs(once - grown).max() <= 4  # soft shadows that overlap round differently in another order


def test_an_array_changed_in_place_is_redrawn(wall: MiniBoardWall) -> None:
    boards = np.zeros((2, 5, 5), np.int8)
    wall.set_boards(boards)
    before = colour(wall, 0, 12)
    boards[0, 2, 2] = 1
    wall.set_boards(boards)
    assert colour(wall, 0, 12) != before


def test_a_click_names_the_board_and_the_gap_names_none(wall: MiniBoardWall, qtbot) -> None:
    wall.set_boards(np.zeros((7, 4, 4), np.int8))
    wall.grab()
    clicks = []
    wall.board_clicked.connect(clicks.append)
    for index in (0, 6, 3):
        middle = wall.place(index).toPoint() + QPoint(20, 15)
        qtbot.mouseClick(wall, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseClick(wall, Qt.MouseButton.LeftButton, pos=wall.place(1).toPoint() - QPoint(3, 0))
    assert clicks == [0, 6, 3]


@pytest.mark.parametrize("count", [1, 2, 7, 64])
@pytest.mark.parametrize(("width", "height"), [(600, 300), (200, 900)])
def test_boards_are_as_large_as_fits(count: int, width: int, height: int) -> None:
    columns, across = best_columns(count, width, height, 1.5)
    rows = -(-count // columns)
    assert columns * across <= width
    assert rows * across / 1.5 <= height
    for other in range(1, count + 1):
        lines = -(-count // other)
        assert across >= min((width - 6 * (other - 1)) / other, (height - 6 * (lines - 1)) / lines * 1.5) - 1e-9


def test_nothing_to_show_and_wrong_shapes_are_handled(wall: MiniBoardWall) -> None:
    assert not wall.grab().isNull()
    wall.set_boards(np.zeros((0, 5, 5), np.int8))
    assert wall.count == 0
    assert not wall.grab().isNull()
    with pytest.raises(ValueError, match=r"\[K, n, n\]"):
        wall.set_boards(np.zeros((3, 5, 4), np.int8))
