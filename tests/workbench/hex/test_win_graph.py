import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from engines.hex.snapshots import RESIGN, ReviewedMove, ReviewSnapshot
from workbench.panels.hex.mistakes import (
    Thresholds,
    biggest_mistakes,
    curve_of_review,
    curve_of_values,
    mean_loss,
    tally,
)
from workbench.panels.hex.win_graph import MistakesList, ThresholdBar, WinRateGraph
from workbench.theme import Theme

LEFT = Qt.MouseButton.LeftButton


def review() -> ReviewSnapshot:
    def move(index: int, loss: float, player: int) -> ReviewedMove:
        return ReviewedMove(index, player, index, 0.0, 0.0, loss, 20, (20,), 0, 0)

    value = np.array([0.1, -0.5, 0.0, 0.04, np.nan], np.float32)
    return ReviewSnapshot(5, value, (move(0, 0.30, 1), move(1, 0.25, 2), move(2, -0.02, 1)))


@pytest.fixture
def theme(qapp) -> Theme:
    theme = Theme("light")
    yield theme
    theme.deleteLater()


def test_a_review_becomes_reds_win_percent_and_points_lost() -> None:
    curve = curve_of_review(review())
    assert curve.red[:4] == pytest.approx([55, 25, 50, 52], abs=1e-4)
    assert np.isnan(curve.red[4])
    assert curve.loss[:3] == pytest.approx([30, 25, 0])
    assert np.isnan(curve.loss[3])
    assert curve.player.tolist() == [1, 2, 1, 2]


def test_the_engines_own_choice_is_no_mistake_though_its_value_fell() -> None:
    agreed = ReviewedMove(0, 1, 20, 0.0, 0.0, 0.30, 20, (20,), 0, 0)
    curve = curve_of_review(ReviewSnapshot(5, np.array([0.1, -0.5], np.float32), (agreed,)))
    assert curve.loss.tolist() == [0.0]
    assert biggest_mistakes(curve, Thresholds()) == ()


def test_live_values_become_losses_of_whoever_moved() -> None:
    curve = curve_of_values(np.array([0.0, -0.2, 0.2, 0.2]), [1, 2, 1], [3, 4, RESIGN])
    assert curve.loss[:2] == pytest.approx([10, 20])
    assert np.isnan(curve.loss[2])
    gain = curve_of_values(np.array([0.0, 0.4]), [1], [3])
    assert gain.loss.tolist() == [0.0]
    with pytest.raises(ValueError, match="2 values"):
        curve_of_values(np.zeros(3), [1], [3])


def test_the_biggest_mistakes_come_worst_first_and_only_from_the_first_threshold_on() -> None:
    curve = curve_of_review(review())
    found = biggest_mistakes(curve, Thresholds(5, 12, 28))
    assert [(m.ply, m.severity, m.best) for m in found] == [(0, "blunder", 20), (1, "mistake", 20)]
    assert [m.ply for m in biggest_mistakes(curve, Thresholds(5, 12, 28), player=2)] == [1]
    assert biggest_mistakes(curve, Thresholds(31, 50, 60)) == ()
    assert len(biggest_mistakes(curve, Thresholds(), count=1)) == 1


def test_tallies_leave_unknown_moves_out() -> None:
    curve = curve_of_review(review())
    assert tally(curve, Thresholds(5, 12, 25), 1) == {"fine": 1, "inaccuracy": 0, "mistake": 0, "blunder": 1}
    assert sum(tally(curve, Thresholds(), 2).values()) == 1
    assert mean_loss(curve, 1) == pytest.approx(15)
    assert np.isnan(mean_loss(curve_of_values(np.array([0.0]), [], []), 1))


@pytest.mark.parametrize("values", [(0, 1, 2), (5, 4, 6), (5, 6, 101), (7, 9, 8)])
def test_thresholds_out_of_order_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="inaccuracy <= mistake <= blunder"):
        Thresholds(*values)


def test_a_click_in_the_graph_goes_to_that_move(theme: Theme, qtbot) -> None:
    graph = WinRateGraph(theme)
    qtbot.addWidget(graph)
    graph.resize(500, 240)
    graph.set_curve(curve_of_values(np.linspace(-0.5, 0.5, 21), [1, 2] * 10, list(range(20))))
    with qtbot.waitExposed(graph):
        graph.show()
    view = graph.plot.view
    scene = graph.plot.axes.vb.mapViewToScene(QPointF(13.2, 40))
    with qtbot.waitSignal(graph.ply_clicked) as signal:
        qtbot.mouseClick(view.viewport(), LEFT, pos=view.mapFromScene(scene))
    assert signal.args == [13]


def test_arrow_keys_go_through_the_game_and_stop_at_its_ends(theme: Theme, qtbot) -> None:
    graph = WinRateGraph(theme)
    qtbot.addWidget(graph)
    graph.set_curve(curve_of_review(review()))
    asked = []
    graph.ply_clicked.connect(asked.append)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_End):
        qtbot.keyClick(graph, key)
    assert asked == [1, 4]
    graph.set_ply(2)
    assert "50 %" in graph.accessibleDescription()


def test_the_graph_counts_each_players_mistakes_by_the_users_thresholds(theme: Theme, qtbot) -> None:
    graph = WinRateGraph(theme)
    qtbot.addWidget(graph)
    graph.set_curve(curve_of_review(review()))
    assert graph._tallies[1].text().startswith("Red: 1 blunder ")
    graph.set_thresholds(Thresholds(5, 31, 50))
    assert "1 inaccuracy" in graph._tallies[1].text()
    graph.set_curve(None)
    assert graph._tallies[1].text() == ""


def test_the_graph_can_be_exported_as_columns(theme: Theme, qtbot) -> None:
    graph = WinRateGraph(theme)
    qtbot.addWidget(graph)
    graph.set_curve(curve_of_review(review()))
    columns = graph.plot.columns()
    assert any("Red %" in name for name in columns)
    assert any("points lost" in name for name in columns)


def test_raising_one_threshold_pushes_those_above_it(qtbot) -> None:
    bar = ThresholdBar()
    qtbot.addWidget(bar)
    heard = []
    bar.changed.connect(heard.append)
    box = bar._boxes["inaccuracy"]
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "30")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert heard[-1] == Thresholds(30, 30, 30)
    bar._boxes["blunder"].setValue(8)
    assert heard[-1] == Thresholds(8, 8, 8)


def test_the_list_of_mistakes_leads_to_the_board_before_each(theme: Theme, qtbot) -> None:
    mistakes = MistakesList(theme)
    qtbot.addWidget(mistakes)
    mistakes.resize(320, 120)
    mistakes.show()
    mistakes.set_curve(curve_of_review(review()), Thresholds(), 5)
    assert mistakes.count() == 2
    assert mistakes.item(0).text() == "1. Red a1  −30 points, better a5"
    with qtbot.waitSignal(mistakes.ply_chosen) as signal:
        at = mistakes.visualItemRect(mistakes.item(1)).center()
        qtbot.mouseClick(mistakes.viewport(), LEFT, pos=at)
    assert signal.args == [1]
    mistakes.set_curve(None, Thresholds(), 5)
    assert "No game" in mistakes.item(0).text()
