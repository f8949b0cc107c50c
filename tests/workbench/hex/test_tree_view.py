import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from engines.hex.gametree import Node
from workbench.panels.hex.record import Record
from workbench.panels.hex.tree_layout import lay_out
from workbench.panels.hex.tree_view import VariationTreeView

LEFT = Qt.MouseButton.LeftButton


def branched() -> Record:
    """a1 b2 c3 with b3 instead of b2, and then d4 or e5."""
    record = Record(5)
    for move in (0, 6, 12):
        record.play(move)
    record.jump_to_ply(1)
    record.play(11)
    record.play(18)
    record.back()
    record.play(24)
    return record


def sprout(parents: list[int]) -> list[Node]:
    nodes = [Node()]
    for number in parents:
        parent = nodes[number % len(nodes)]
        node = Node(parent, move=0, colour=1)
        parent.children.append(node)
        nodes.append(node)
    return nodes


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=60))
def test_no_two_nodes_share_a_place_and_no_line_runs_over_a_node(parents: list[int]) -> None:
    nodes = sprout(parents)
    layout = lay_out(nodes[0])
    assert len(layout.nodes) == len(nodes)
    places = set(zip(layout.depth.tolist(), layout.lane.tolist(), strict=True))
    assert len(places) == len(nodes)
    for i, node in enumerate(layout.nodes):
        assert layout.depth[i] == node.depth
        above = int(layout.parent[i])
        if above < 0:
            assert node.parent is None
            continue
        assert layout.nodes[above] is node.parent
        assert layout.lane[above] <= layout.lane[i]
        column = int(layout.depth[above])
        for lane in range(int(layout.lane[above]) + 1, int(layout.lane[i]) + 1):
            assert (column, lane) not in places


def test_the_main_line_lies_in_the_first_lane_and_branches_below() -> None:
    record = branched()
    layout = lay_out(record.tree.root)
    lane = {node.move: int(layout.lane[layout.index_of(node)]) for node in layout.nodes}
    assert [lane[move] for move in (None, 0, 6, 12)] == [0, 0, 0, 0]
    assert 0 < lane[11] == lane[18] < lane[24]


def test_long_games_are_laid_out_in_a_moment() -> None:
    nodes = sprout([*range(360), *np.random.default_rng(0).integers(0, 360, 400).tolist()])
    layout = lay_out(nodes[0])
    assert layout.columns >= 361
    assert len(layout.nodes) == 761


@pytest.fixture
def view(qtbot) -> VariationTreeView:
    widget = VariationTreeView()
    qtbot.addWidget(widget)
    widget.resize(400, 200)
    widget.show()
    return widget


def test_clicking_a_node_chooses_it(view: VariationTreeView, qtbot) -> None:
    record = branched()
    view.set_tree(record.tree)
    chosen = []
    view.node_chosen.connect(chosen.append)
    nodes = list(record.tree.root.walk())
    for node in nodes:
        qtbot.mouseClick(view.viewport(), LEFT, pos=view.place(node).toPoint())
    assert chosen == nodes
    qtbot.mouseClick(view.viewport(), LEFT, pos=QPoint(390, 190))
    assert len(chosen) == len(nodes)


def test_arrow_keys_walk_the_tree(view: VariationTreeView, qtbot) -> None:
    record = branched()
    view.set_tree(record.tree)
    view.node_chosen.connect(lambda node: (record.jump(node), view.set_current(node)))
    seen = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Right,
                Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_End):  # fmt: skip
        qtbot.keyClick(view, key)
        seen.append(record.node.move)
    assert seen == [None, 0, 6, 11, 18, 24, 18, 12, 6, 12]


def test_delete_asks_for_the_current_branch_but_never_for_the_beginning(view: VariationTreeView, qtbot) -> None:
    record = branched()
    view.set_tree(record.tree)
    asked = []
    view.delete_asked.connect(asked.append)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    view.set_current(record.tree.root)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert asked == [record.node]


def test_a_right_click_asks_for_a_menu_at_that_node(view: VariationTreeView) -> None:
    record = branched()
    view.set_tree(record.tree)
    asked = []
    view.menu_asked.connect(lambda node, at: asked.append((node, at)))
    node = record.tree.root.children[0]
    at = view.place(node).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at))
    QApplication.sendEvent(view.viewport(), event)
    assert asked == [(node, view.viewport().mapToGlobal(at))]


def test_the_current_node_is_scrolled_into_view(view: VariationTreeView) -> None:
    record = Record(11)
    for move in range(80):
        record.play(int(np.random.default_rng(2).permutation(121)[move]))
    view.set_tree(record.tree)
    room = view.viewport().rect()
    assert room.contains(view.place(record.node).toPoint())
    record.to_start()
    view.set_current(record.node)
    assert room.contains(view.place(record.node).toPoint())


def test_comments_mistakes_and_the_current_node_are_seen(view: VariationTreeView) -> None:
    record = branched()
    pictures = []

    def take() -> None:
        view.set_tree(record.tree)
        pictures.append(view.grab().toImage())

    take()
    record.set_comment("good")
    take()
    view.set_severities({record.tree.root.children[0]: "blunder"})
    take()
    record.to_start()
    take()
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i])


def test_nodes_are_described_in_words(view: VariationTreeView) -> None:
    record = branched()
    record.set_comment("strong")
    view.set_tree(record.tree)
    view.set_severities({record.tree.root.children[0]: "mistake"})
    assert view.describe(record.tree.root) == "beginning"
    assert view.describe(record.tree.root.children[0]) == "1. Red a1, 2 variations follow, mistake"
    assert view.describe(record.node) == "3. Red e5: strong"
    assert "e5" in view.accessibleDescription()
    with pytest.raises(ValueError, match="tree that is shown"):
        view.set_current(Node())


def test_nothing_lies_beyond_the_tree(view: VariationTreeView) -> None:
    view.set_tree(branched().tree)
    assert view.node_at(-5, -5) is None
    at: QPointF = view.place(view.current)
    assert view.node_at(at.x() + 200, at.y()) is None


def test_the_current_node_is_in_sight_once_the_view_has_its_size(qtbot) -> None:
    record = Record(11)
    for move in range(40):
        record.play(move)
    view = VariationTreeView()
    qtbot.addWidget(view)
    view.set_tree(record.tree)
    view.resize(240, 90)
    view.show()
    view.resize(260, 100)
    assert 0 < view.place(record.node).x() < view.viewport().width()
