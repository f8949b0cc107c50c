"""Features as normal curves: the shared part is shaded, overlaps are printed, odd numbers are survived."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, shown
from workbench.theme import Theme
from workbench.widgets.gaussians_view import Feature, GaussiansView
from workbench.widgets.roll_ink import mixed

CURVES = ("source", "result", "unconditional")


def feature(name: str, *rows: tuple[float, float], unit: str = "s", overlap: float = 0.62) -> Feature:
    mean, std = np.array(rows).T
    return Feature(name, unit, mean, std, np.array([np.nan, overlap, 0.1][: len(rows)]))


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> GaussiansView:
    made = shown(qtbot, GaussiansView(theme), 820, 420)
    made.set_features([feature(f"Feature {k}", (0, 1), (1, 1), (8, 1)) for k in range(8)], CURVES)
    return made


def spot(view: GaussiansView, cell: int, value: float, low: float, high: float, up: float) -> QPoint:
    """The place of a value of a cell, `up` pixels above its axis."""
    box = view._cells(view.rect())[cell].adjusted(4, 2, -4, -2)
    line = view.fontMetrics().height()
    plot = box.adjusted(8, 0, -8, 0)
    x = plot.left() + (value - low) / (high - low) * plot.width()
    return QPointF(x, box.bottom() - line - 7 - up).toPoint()


def test_what_two_curves_share_is_shaded(view: GaussiansView, theme: Theme) -> None:
    low, high = -3.2, 11.2
    inside = colour_at(view, spot(view, 0, 0.5, low, high, 4))
    outside = colour_at(view, spot(view, 0, 4.5, low, high, 4))
    assert outside.name() == theme.colours.surface
    wanted = mixed(theme.colours.surface, theme.series(0), 60 / 255)
    assert abs(inside.red() - wanted.red()) + abs(inside.blue() - wanted.blue()) < 6


def test_values_stand_behind_the_curves_and_can_be_put_away(view: GaussiansView, theme: Theme) -> None:
    one = feature("spread", (0, 1), (8, 1))
    values = (np.array([4.9, 5.0, 5.1, np.nan]), np.array([np.nan]))
    view.set_features([replace(one, values=values)], CURVES[:2])
    at = spot(view, 0, 5.0, -3.2, 11.2, 20)
    wanted = mixed(theme.colours.surface, theme.colours.muted, 70 / 255)
    assert abs(colour_at(view, at).red() - wanted.red()) < 4
    view.show_histograms(False)
    assert not view.histograms and colour_at(view, at).name() == theme.colours.surface


def test_cells_leave_no_hole_where_they_need_not(view: GaussiansView) -> None:
    for width, height in ((820, 420), (1400, 300), (360, 700), (480, 380)):
        view.resize(width, height)
        cells = view._cells(view.rect())
        columns = len({round(c.left()) for c in cells})
        assert 8 % columns == 0, (width, height)
        assert max(c.bottom() for c in cells) <= height + 1
        view.grab()
    view.resize(1400, 130)
    assert len({round(c.left()) for c in view._cells(view.rect())}) == 8


def test_it_is_told_in_words(view: GaussiansView) -> None:
    said = view.tip_at(view._cells(view.rect())[1].center())
    assert said.splitlines() == [
        "Feature 1: source 0 ± 1 s", "result 1 ± 1 s, overlap 0.62", "unconditional 8 ± 1 s, overlap 0.10",
    ]  # fmt: skip
    assert view.accessibleDescription().startswith("Feature 0: source 0 ± 1 s; result 1 ± 1 s, overlap 0.62;")
    assert view.tip_at(QPointF(2, 2)) == ""


@pytest.mark.parametrize(
    "rows",
    [
        ((0, 0), (1, 1), (2, 1)), ((3, 0), (3, 0), (3, 0)), ((np.nan, np.nan), (1, 1), (2, 1)),
        ((np.nan, 1), (np.nan, 1), (np.inf, 1)), ((0, 1e-9), (1, 1e6), (2, 1)), ((-1e9, 1), (1e9, 1), (0, 1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_odd_numbers_are_painted(
    view: GaussiansView, theme: Theme, rows: tuple[tuple[float, float], ...], mode: str
) -> None:
    theme.set_mode(mode)  # type: ignore[arg-type]
    view.set_features([feature("odd", *rows, overlap=np.nan)], CURVES)
    view.grab()
    theme.set_mode("light")


def test_a_piece_without_spread_is_a_line(view: GaussiansView, theme: Theme) -> None:
    view.set_features([feature("flat", (0, 1), (2, 0), (0, 1))], CURVES)
    row = [colour_at(view, spot(view, 0, 2.0, -3.2, 3.2, 60) + QPoint(d, 0)) for d in range(-2, 3)]
    assert any(c != view.theme.colours.surface and c.blue() > c.red() + 40 for c in row)


def test_counts_must_agree_and_none_is_fine(view: GaussiansView, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="odd: expected 2 numbers each"):
        view.set_features([feature("odd", (0, 1), (1, 1), (2, 1))], CURVES[:2])
    view.save(tmp_path / "features.csv")
    rows = list(csv.DictReader((tmp_path / "features.csv").open()))
    assert rows[0]["result: overlap with source"] == "0.62"
    view.save(tmp_path / "features.svg")
    assert "Feature 7" in (tmp_path / "features.svg").read_text()
    view.set_features([], ())
    view.grab()
    assert view.columns() == {}
