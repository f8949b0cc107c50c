import numpy as np
import pytest

from workbench.widgets.hexboard.geometry import DIAMOND, FLAT, BoardGeometry, cell_label
from workbench.widgets.hexboard.shapes import cut, flattened, rounded

ROTATIONS = range(1, 13)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("size", [1, 3, 11, 19])
def test_a_click_on_a_cells_centre_hits_that_cell(size: int, rotation: int) -> None:
    g = BoardGeometry(size, 700, 500, rotation)
    assert [g.cell_at(x, y) for x, y in g.centres] == list(range(size * size))


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_points_inside_a_hexagon_belong_to_it_and_points_off_the_board_to_none(rotation: int) -> None:
    g = BoardGeometry(7, 600, 600, rotation)
    for cell in (0, 6, 24, 42, 48):
        for corner in g.hexagon * 0.97 + g.centres[cell]:
            assert g.cell_at(*corner) == cell
    assert g.cell_at(1, 1) == -1
    assert g.cell_at(*g.letter_places[0]) == -1


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize(("width", "height"), [(300, 220), (220, 300), (3840, 2160)])
def test_everything_stays_inside_the_widget(rotation: int, width: int, height: int) -> None:
    g = BoardGeometry(11, width, height, rotation)
    points = np.concatenate([g.frame, g.letter_places, g.number_places])
    assert points.min() >= 0
    assert (points <= [width, height]).all()


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_neighbouring_cells_are_one_hexagon_apart_whatever_the_rotation(rotation: int) -> None:
    g = BoardGeometry(6, 500, 500, rotation)
    for cell in range(36):
        far = [float(np.hypot(*(g.centres[cell] - g.centres[other]))) for other in g.neighbours(cell)]
        assert far == pytest.approx([np.sqrt(3) * g.radius] * len(far))
    assert set(g.neighbours(0)) == {1, 6}
    assert set(g.neighbours(5)) == {4, 10, 11}


def test_rotations_are_the_hour_to_which_a1_points() -> None:
    flat = BoardGeometry(5, 500, 400, FLAT)
    assert flat.centres[1][1] == pytest.approx(flat.centres[0][1])
    assert flat.centres[1][0] > flat.centres[0][0]
    left = BoardGeometry(5, 500, 400, DIAMOND)
    assert left.centres[:, 0].argmin() == 0
    assert left.centres[0][1] == pytest.approx(left.centres[24][1])
    assert BoardGeometry(5, 500, 400, 12).centres[:, 1].argmin() == 0
    assert BoardGeometry(5, 500, 400, 3).centres[:, 0].argmax() == 0


def test_the_top_wedge_holds_the_first_row_and_the_left_wedge_the_first_column() -> None:
    g = BoardGeometry(9, 600, 400)
    for wedge, cell in zip(g.wedges, (4, 9 * 4 + 8, 72 + 4, 9 * 4), strict=True):
        a, b, c = wedge
        weights = np.linalg.solve(np.array([a, b, c]).T[:, 1:] - a[:, None], g.centres[cell] - a)
        assert (weights > 0).all()


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_walking_one_way_crosses_the_board_without_drifting_aside(rotation: int) -> None:
    g = BoardGeometry(9, 600, 600, rotation)
    for direction in ((1.0, 0.0), (0.0, 1.0)):
        cell, through = 40, g.centres[40]
        for _ in range(4):
            after = g.step(cell, direction, through)
            assert (g.centres[after] - g.centres[cell]) @ direction > 0
            cell = after
        aside = (g.centres[cell] - through) @ np.array(direction[::-1])
        assert abs(aside) <= 1.01 * g.radius


def test_walking_off_the_edge_stays() -> None:
    g = BoardGeometry(4, 400, 300)
    assert g.step(0, (-1.0, 0.0)) == 0
    assert g.step(15, (0.0, 1.0)) == 15


def test_labels_are_letter_and_number_and_go_on_after_z() -> None:
    assert cell_label(0, 11) == "a1"
    assert cell_label(11, 11) == "a2"
    assert cell_label(1, 11) == "b1"
    assert cell_label(26, 27) == "aa1"


@pytest.mark.parametrize(("size", "rotation"), [(0, 10), (27, 10), (5, 0), (5, 13)])
def test_impossible_boards_are_refused(size: int, rotation: int) -> None:
    with pytest.raises(ValueError, match="expected a"):
        BoardGeometry(size, 100, 100, rotation)


def _area(shape: np.ndarray) -> float:
    following = np.roll(shape, -1, axis=0)
    return abs(float(np.sum(shape[:, 0] * following[:, 1] - shape[:, 1] * following[:, 0]))) / 2


@pytest.mark.parametrize(("size", "width", "height"), [(4, 401, 153), (5, 289, 208), (19, 373, 219), (11, 900, 600)])
def test_the_four_parts_fill_the_rounded_border_and_nothing_beyond(size: int, width: int, height: int) -> None:
    g = BoardGeometry(size, width, height)
    outline = flattened(rounded(g.frame, g.radius * 0.5))
    parts = [cut(outline, wedge) for wedge in g.wedges]
    for part in parts:
        assert (part >= outline.min(axis=0) - 1e-6).all()
        assert (part <= outline.max(axis=0) + 1e-6).all()
    assert sum(map(_area, parts)) == pytest.approx(_area(outline))
