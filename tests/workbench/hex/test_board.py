import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication

from tests.workbench.hex.fakes import snapshot
from workbench.panels.hex.overlays import OverlayOptions, overlay
from workbench.widgets.hexboard import HexBoard, Mark
from workbench.widgets.hexboard.look import BLACK, WHITE, look_for

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def board(qtbot) -> HexBoard:
    widget = HexBoard(size=5)
    qtbot.addWidget(widget)
    widget.resize(520, 400)
    widget.show()
    return widget


def point(board: HexBoard, cell: int, button: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    """Move the mouse over a cell, as Qt tells a widget of it."""
    at = QPointF(board.cell_centre(cell))
    event = QMouseEvent(QEvent.Type.MouseMove, at, board.mapToGlobal(at), button, button,
                        Qt.KeyboardModifier.NoModifier)  # fmt: skip
    QApplication.sendEvent(board, event)


def colour_at(board: HexBoard, cell: int, dx: float = 0.0, dy: float = 0.0) -> QColor:
    x, y = board.geometry_of_board.centres[cell]
    r = board.geometry_of_board.radius
    image = board.grab().toImage()
    ratio = image.devicePixelRatio()
    return image.pixelColor(round((x + dx * r) * ratio), round((y + dy * r) * ratio))


@pytest.mark.parametrize("rotation", range(1, 13))
def test_a_click_says_which_cell_and_which_button(board: HexBoard, qtbot, rotation: int) -> None:
    board.set_rotation(rotation)
    clicks = []
    board.cell_clicked.connect(lambda cell, button: clicks.append((cell, button)))
    for cell in (0, 4, 12, 20, 24):
        qtbot.mouseClick(board, LEFT, pos=board.cell_centre(cell))
    qtbot.mouseClick(board, RIGHT, pos=board.cell_centre(7))
    assert clicks == [(0, LEFT), (4, LEFT), (12, LEFT), (20, LEFT), (24, LEFT), (7, RIGHT)]


def test_a_press_released_elsewhere_is_a_drag_and_no_click(board: HexBoard, qtbot) -> None:
    clicks, drags = [], []
    board.cell_clicked.connect(lambda cell, _: clicks.append(cell))
    board.cell_dragged.connect(lambda a, b: drags.append((a, b)))
    qtbot.mousePress(board, LEFT, pos=board.cell_centre(6))
    qtbot.mouseRelease(board, LEFT, pos=board.cell_centre(8))
    assert clicks == []
    assert drags == [(6, 8)]


def test_hovering_names_each_cell_once_and_leaving_says_minus_one(board: HexBoard) -> None:
    cells = []
    board.cell_hovered.connect(cells.append)
    for cell in (3, 3, 4):
        point(board, cell)
    QApplication.sendEvent(board, QEvent(QEvent.Type.Leave))
    assert cells == [3, 4, -1]


def test_the_ghost_stone_and_the_cursor_have_the_colour_to_move(board: HexBoard) -> None:
    for to_move, stronger in ((BLACK, QColor.red), (WHITE, QColor.blue)):
        board.set_position(np.zeros((5, 5), np.int8), to_move)
        point(board, 12)
        ghost = colour_at(board, 12, -0.5, 0.1)
        assert stronger(ghost) == max(ghost.red(), ghost.green(), ghost.blue())
        cursor = board.cursor().pixmap().toImage().pixelColor(6, 9)
        assert stronger(cursor) == max(cursor.red(), cursor.green(), cursor.blue())


def test_stones_are_drawn_where_they_stand(board: HexBoard) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[0, 1], cells[1, 0] = BLACK, WHITE
    board.set_position(cells, BLACK)
    red, blue, bare = colour_at(board, 1), colour_at(board, 5), colour_at(board, 13)
    assert red.red() > 2 * red.blue()
    assert blue.blue() > 2 * blue.red()
    assert bare == colour_at(board, 14)


def test_the_borders_have_their_owners_colours(board: HexBoard) -> None:
    top, left = colour_at(board, 2, 0, -1.25), colour_at(board, 10, -1.05, 0.2)
    assert top.red() > 2 * top.blue()
    assert left.blue() > 2 * left.red()


def test_arrow_keys_walk_and_enter_clicks(board: HexBoard, qtbot) -> None:
    clicks = []
    board.cell_clicked.connect(lambda cell, button: clicks.append((cell, button)))
    qtbot.keyClick(board, Qt.Key.Key_Return)
    assert clicks == []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Return):
        qtbot.keyClick(board, key)
    assert board.keyboard_cell in (8, 9)
    assert clicks == [(board.keyboard_cell, LEFT)]
    qtbot.keyClick(board, Qt.Key.Key_Escape)
    assert board.keyboard_cell == -1


def test_every_cell_can_be_reached_with_the_arrow_keys(board: HexBoard, qtbot) -> None:
    board.set_rotation(9)
    seen = set()
    board.cell_hovered.connect(seen.add)
    qtbot.keyClick(board, Qt.Key.Key_Left)
    rng = np.random.default_rng(1)
    keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
    for i in rng.integers(4, size=600):
        qtbot.keyClick(board, keys[i])
    assert seen == set(range(25))


def test_the_wheel_steps_through_the_game_in_whole_notches(board: HexBoard) -> None:
    steps = []
    board.wheel_stepped.connect(steps.append)
    at = QPointF(board.rect().center())
    for delta in (-120, -40, -40, -40, 240):
        event = QWheelEvent(
            at,
            board.mapToGlobal(at),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(board, event)
    assert steps == [1, 1, -2]


def test_a_locked_board_takes_no_clicks(board: HexBoard, qtbot) -> None:
    clicks = []
    board.cell_clicked.connect(lambda cell, _: clicks.append(cell))
    board.set_locked("Blue is thinking")
    qtbot.mouseClick(board, LEFT, pos=board.cell_centre(3))
    assert clicks == []
    board.set_locked("")
    qtbot.mouseClick(board, LEFT, pos=board.cell_centre(3))
    assert clicks == [3]


def test_a_disabled_board_is_pale_and_deaf(board: HexBoard, qtbot) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[2, 2] = WHITE
    board.set_position(cells, BLACK)
    before = colour_at(board, 12)
    clicks = []
    board.cell_clicked.connect(lambda cell, _: clicks.append(cell))
    board.setEnabled(False)
    qtbot.mouseClick(board, LEFT, pos=board.cell_centre(3))
    assert clicks == []
    assert colour_at(board, 12) != before


def test_setup_paints_along_a_drag_and_erases_with_the_right_button(board: HexBoard, qtbot) -> None:
    painted, ended = [], []
    board.stone_painted.connect(lambda cell, colour: painted.append((cell, colour)))
    board.stroke_ended.connect(lambda: ended.append(len(painted)))
    board.set_setup(WHITE)
    qtbot.mousePress(board, LEFT, pos=board.cell_centre(6))
    for cell in (7, 7, 8):
        point(board, cell, LEFT)
    qtbot.mouseRelease(board, LEFT, pos=board.cell_centre(8))
    qtbot.mouseClick(board, RIGHT, pos=board.cell_centre(8))
    assert painted == [(6, WHITE), (7, WHITE), (8, WHITE), (8, 0)]
    assert ended == [3, 4]


def test_setup_on_a_stone_of_that_colour_takes_it_away(board: HexBoard, qtbot) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[1, 1] = WHITE
    board.set_position(cells, BLACK)
    board.set_setup(WHITE)
    with qtbot.waitSignal(board.stone_painted) as signal:
        qtbot.mouseClick(board, LEFT, pos=board.cell_centre(6))
    assert signal.args == [6, 0]


def test_a_new_position_drops_overlay_and_variation_of_the_old_one(board: HexBoard) -> None:
    board.set_heat(overlay("prior", snapshot(5), OverlayOptions()))
    board.set_variation((3, 4, 5))
    cells = board.cells
    board.set_position(cells, WHITE)
    assert board.heat is not None
    cells[0, 0] = BLACK
    board.set_position(cells, WHITE)
    assert board.heat is None
    assert board.variation == ()


def test_an_overlay_of_another_size_is_refused(board: HexBoard) -> None:
    with pytest.raises(ValueError, match="25 cells, got 16"):
        board.set_heat(overlay("prior", snapshot(4), OverlayOptions()))


def test_the_overlay_colours_its_cells(board: HexBoard) -> None:
    snap = snapshot(5)
    found = overlay("q_head", snap, OverlayOptions())
    bare = colour_at(board, 12, 0, 0.6)
    board.set_heat(found)
    seen = colour_at(board, 12, 0, 0.6)
    wanted = QColor(*(int(v) for v in found.fills[12, :3]))
    far = sum(abs(a - b) for a, b in zip(seen.getRgb()[:3], wanted.getRgb()[:3], strict=True))
    assert far < 60 < sum(abs(a - b) for a, b in zip(bare.getRgb()[:3], wanted.getRgb()[:3], strict=True))


def test_a_variation_shows_alternating_ghost_stones_and_goes_away_again(board: HexBoard) -> None:
    before = board.grab().toImage()
    board.set_variation((6, 7), WHITE)
    first, second = colour_at(board, 6, -0.5, 0), colour_at(board, 7, -0.5, 0)
    assert first.blue() > first.red()
    assert second.red() > second.blue()
    board.set_variation(())
    assert board.grab().toImage() == before


def test_marks_last_move_and_the_winning_path_change_the_picture(board: HexBoard) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[:, 2] = BLACK
    pictures = []
    for options in (
        {},
        {"last_move": 2},
        {"winning_path": (2, 7, 12, 17, 22)},
        *({"marks": {2: Mark(kind, "A")}} for kind in ("label", "triangle", "square", "circle", "cross", "swap")),
        {"numbers": {2: 7}},
    ):
        board.set_position(cells, WHITE, **options)
        pictures.append(board.grab().toImage())
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i])


def test_the_board_tells_screen_readers_what_it_shows(board: HexBoard) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[0, 0] = WHITE
    board.set_position(cells, WHITE, last_move=0)
    assert "5 by 5" in board.accessibleName()
    assert "Blue to move" in board.accessibleName()
    assert board.describe_cell(0) == "a1, Blue stone, last move"
    board.set_heat(overlay("prior", snapshot(5), OverlayOptions()))
    best = int(snapshot(5).prior.argmax())
    assert "Prior" in board.describe_cell(best)


def test_the_board_follows_a_dark_window(board: HexBoard) -> None:
    light = board.grab().toImage()
    palette = QPalette(QColor("#24262b"))
    palette.setColor(QPalette.ColorRole.Window, QColor("#1f2126"))
    palette.setColor(QPalette.ColorRole.WindowText, QColor("#f0f0f0"))
    board.setPalette(palette)
    assert look_for(board.palette()).dark
    assert board.grab().toImage() != light


@pytest.mark.parametrize("size", [3, 11, 19])
@pytest.mark.parametrize(("width", "height"), [(140, 110), (300, 220), (1600, 1200)])
def test_any_size_of_board_fits_any_size_of_window(qtbot, size: int, width: int, height: int) -> None:
    board = HexBoard(size=size)
    qtbot.addWidget(board)
    board.resize(width, height)
    board.set_heat(overlay("visits", snapshot(size), OverlayOptions()))
    image = board.grab().toImage()
    assert image.width() == round(width * image.devicePixelRatio())
    assert all(board.rect().contains(board.cell_centre(cell)) for cell in range(size * size))


def test_resizing_the_board_forgets_cells_that_may_not_exist_any_more(board: HexBoard, qtbot) -> None:
    for _ in range(3):
        qtbot.keyClick(board, Qt.Key.Key_Down)
    board.set_position(np.zeros((3, 3), np.int8), BLACK)
    assert board.keyboard_cell == -1
    assert board.hovered_cell == -1
    with pytest.raises(ValueError, match="expected cells"):
        board.set_position(np.zeros((3, 4), np.int8), BLACK)
