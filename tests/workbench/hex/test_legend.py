import numpy as np
import pytest

from engines.hex.snapshots import ExactSnapshot
from engines.hex.solver import too_large
from tests.workbench.hex.fakes import snapshot
from workbench.panels.hex.overlays import OVERLAYS, OverlayOptions, exact_overlay, overlay
from workbench.widgets.hexboard import HeatLegend

SOLVED = exact_overlay(ExactSnapshot(1, 5, 1, np.ones(25, np.int8), 25))


@pytest.fixture
def legend(qtbot) -> HeatLegend:
    widget = HeatLegend()
    qtbot.addWidget(widget)
    widget.resize(420, widget.sizeHint().height())
    widget.show()
    return widget


def test_the_legend_shows_title_unit_and_range_of_each_overlay(legend: HeatLegend) -> None:
    pictures = [legend.grab().toImage()]
    for info in OVERLAYS:
        heat = SOLVED if info.name == "exact" else overlay(info.name, snapshot(), OverlayOptions())
        legend.set_heat(heat)
        assert info.title in legend.text()
        assert heat.scale.unit in legend.accessibleDescription()
        pictures.append(legend.grab().toImage())
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i])


def test_the_bar_runs_through_the_overlays_own_colours(legend: HeatLegend) -> None:
    heat = overlay("search_q", snapshot(), OverlayOptions())
    legend.set_heat(heat)
    image = legend.grab().toImage()
    y = round((legend.fontMetrics().height() + 11) * image.devicePixelRatio())
    row = [image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())]
    for wanted in (heat.scale.colours[3], heat.scale.colours[128], heat.scale.colours[252]):
        assert min(np.abs(np.array(row) - wanted).sum(axis=1)) < 12


def test_an_empty_overlay_is_explained(legend: HeatLegend) -> None:
    legend.set_heat(exact_overlay(ExactSnapshot(1, 5, 1, np.zeros(25, np.int8), 0, too_large(11, 121))))
    assert "5×5" in legend.text()
    legend.set_heat(None)
    assert legend.text() == ""
