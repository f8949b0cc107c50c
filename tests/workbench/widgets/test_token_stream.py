"""Tokens as chips in step with the playhead, and the bars of what comes next."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, heard, move, shown, wheel
from workbench.theme import Theme
from workbench.widgets.next_tokens import NextTokens
from workbench.widgets.token_stream import TokenStream

KINDS = ("note on", "velocity", "time", "note off")


def fill(stream: TokenStream, count: int, surprise: bool = True) -> None:
    kinds = np.arange(count) % 4
    texts = [f"{['on', 'off', '+', 'vel'][k]} {i}" for i, k in enumerate(kinds)]
    values = np.where(kinds == 1, np.nan, kinds * 1.0) if surprise else None
    stream.set_tokens(texts, kinds, np.arange(count) / 10, kind_names=KINDS, surprise=values)


@pytest.fixture
def stream(qtbot: QtBot, theme: Theme) -> TokenStream:
    made = shown(qtbot, TokenStream(theme), 420, 150)
    fill(made, 400)
    return made


def test_every_chip_is_found_where_it_is_drawn_and_rows_fill_the_width(stream: TokenStream) -> None:
    chips = stream.chips
    for index in range(chips.per_row * chips.rows_seen):
        assert chips.index_at(QPointF(chips.place_of(index).center())) == index
    last = chips.place_of(chips.per_row - 1)
    assert chips.width() - last.right() < 20
    assert chips.index_at(QPointF(1, 1)) == -1


def test_the_playhead_frames_its_token_and_keeps_it_in_sight(stream: TokenStream, theme: Theme) -> None:
    stream.set_playhead(0.55)
    assert stream.chips.current == 5
    edge = stream.chips.place_of(5)
    assert colour_at(stream.chips, QPoint(edge.center().x(), edge.top() - 1)).name() == theme.colours.text
    stream.set_playhead(30.0)
    assert stream.chips.current == 300
    assert 0 <= stream.chips.place_of(300).top() < stream.chips.height()
    stream.chips.scroll_to(0)
    stream.set_playhead(30.1)
    assert stream.chips.top_row == 0, "who scrolled away is left in peace"
    stream.set_playhead(-1.0)
    assert stream.chips.current == -1


def test_whoever_stands_at_the_end_follows_and_who_looks_back_does_not(stream: TokenStream) -> None:
    chips = stream.chips
    fill(stream, 500)
    assert chips.top_row == 0
    chips.scroll_to(10_000)
    at = chips.top_row
    fill(stream, 600)
    assert chips.top_row > at
    assert chips.top_row + chips.rows_seen == chips.rows
    assert stream._bar.value() == stream._bar.maximum() == chips.top_row


def test_clicks_and_keys_choose(stream: TokenStream, qtbot: QtBot) -> None:
    said = heard(stream.token_chosen)
    chips = stream.chips
    qtbot.mouseClick(chips, Qt.MouseButton.LeftButton, pos=chips.place_of(2).center())
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_Left):
        qtbot.keyClick(chips, key)
    assert said == [(2,), (3,), (3 + chips.per_row,), (399,), (399,), (0,), (0,)]
    assert chips.accessibleDescription() == "on 0, note on, token 1 of 400, at 0:00.00, surprise 0\u202fnats"
    qtbot.keyClick(chips, Qt.Key.Key_PageDown)
    assert chips.chosen == chips.per_row * chips.rows_seen


def test_the_wheel_scrolls_and_at_the_ends_lets_the_page(stream: TokenStream) -> None:
    wheel(stream.chips, QPoint(50, 50), -1)
    assert stream.chips.top_row == 2
    wheel(stream.chips, QPoint(50, 50), 5)
    assert stream.chips.top_row == 0


def test_a_chip_is_told(stream: TokenStream) -> None:
    assert stream.chips.tip_at(QPointF(stream.chips.place_of(3).center())).endswith("surprise 3\u202fnats")
    assert "surprise" not in stream.chips.tip_at(QPointF(stream.chips.place_of(1).center()))
    assert stream.chips.columns()["kind"][2] == "time"
    fill(stream, 4, surprise=False)
    assert "surprise (nats)" not in stream.chips.columns()


def test_tokens_that_were_not_chosen_elsewhere_step_back(stream: TokenStream, theme: Theme) -> None:
    def edge(index: int) -> object:
        box = stream.chips.place_of(index)
        return colour_at(stream.chips, QPoint(box.left() + 2, box.center().y()))

    marked = np.zeros(400, bool)
    marked[[200, 202]] = True
    stream.set_marked(marked)
    assert stream.chips.shows(200) and stream.chips.accessibleDescription() == "2 of 400 tokens chosen"
    assert edge(200) == theme.series(0) and edge(201) != theme.series(1)
    stream.set_marked(None)
    assert edge(201) == theme.series(1)
    with pytest.raises(ValueError, match="400 marks, got 3"):
        stream.set_marked(np.zeros(3, bool))
    stream.set_marked(marked)
    fill(stream, 10)  # marks are of the tokens before
    stream.grab()


def test_a_token_chosen_elsewhere_is_framed_without_a_word(stream: TokenStream, theme: Theme) -> None:
    said = heard(stream.token_chosen)
    stream.show_chosen(300)
    edge = stream.chips.place_of(300)
    assert stream.chips.shows(300) and not said
    assert colour_at(stream.chips, QPoint(edge.center().x(), edge.top() - 1)).name() == theme.colours.accent
    stream.show_chosen(999)
    assert stream.chips.chosen == -1
    stream.set_tips(lambda k: f"expected: token {k}")
    assert stream.chips.tip_at(QPointF(stream.chips.place_of(300).center())).endswith("\nexpected: token 300")


def test_odd_tokens_are_refused_and_none_are_fine(stream: TokenStream, qtbot: QtBot) -> None:
    with pytest.raises(ValueError, match="2 kinds"):
        stream.set_tokens(["a", "b"], np.zeros(1), np.zeros(2), kind_names=KINDS)
    with pytest.raises(ValueError, match="below 4"):
        stream.set_tokens(["a"], np.array([7]), np.zeros(1), kind_names=KINDS)
    stream.set_tokens([], np.zeros(0), np.zeros(0), kind_names=KINDS)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_End):
        qtbot.keyClick(stream.chips, key)
    stream.set_playhead(3.0)
    move(stream.chips, QPoint(5, 5))
    stream.resize(130, 60)
    stream.grab()
    assert not stream._bar.isVisible()


def test_many_tokens_paint_no_more_than_is_seen(stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[int] = []
    usual = type(stream.chips)._paint_chip

    def note(self: object, painter: object, index: int) -> None:
        painted.append(index)
        usual(stream.chips, painter, index)  # type: ignore[arg-type]

    monkeypatch.setattr(type(stream.chips), "_paint_chip", note)
    fill(stream, 20_000)
    stream.grab()
    assert 0 < len(set(painted)) <= stream.chips.per_row * (stream.chips.rows_seen + 1)


@pytest.fixture
def bars(qtbot: QtBot, theme: Theme) -> NextTokens:
    made = shown(qtbot, NextTokens(theme), 320, 180)
    made.set_next(
        ("on C4", "off E4", "+90 ms"), np.array([0.5, 0.25, 0.05]), np.array([0, 3, 2]), kind_names=KINDS, taken=1
    )
    return made


def test_bars_are_as_long_as_likely_and_coloured_by_kind(bars: NextTokens, theme: Theme) -> None:
    line, count = bars._lines(bars.rect())
    assert count == 3
    image = bars.grab().toImage()

    def length(k: int, kind: int) -> int:
        y = round(26 + (k + 0.5) * line)
        return sum(image.pixelColor(x, y) == theme.series(kind) for x in range(image.width()))

    assert length(0, 0) == pytest.approx(2 * length(1, 3), abs=4)
    assert length(0, 0) == pytest.approx(10 * length(2, 2), abs=30)
    assert bars.accessibleDescription() == "Expected: on C4 50\u202f%, off E4 25\u202f%, +90 ms 5\u202f%"


def test_shares_of_kinds_are_told(bars: NextTokens) -> None:
    assert "note on: 62.5\u202f%" in bars.tip_at(QPointF(10, 8))
    bars.set_next(
        ("on C4",), np.array([1.0]), np.array([0]), kind_names=KINDS, kind_shares=np.array([0.4, 0.1, 0.3, 0.2])
    )
    assert "velocity: 10.0\u202f%" in bars.tip_at(QPointF(10, 8))
    assert bars.tip_at(QPointF(10, 30)) == "on C4: 100.00\u202f%"
    with pytest.raises(ValueError, match="2 probabilities"):
        bars.set_next(("a", "b"), np.zeros(1), np.zeros(2), kind_names=KINDS)
    bars.set_next((), np.zeros(0), np.zeros(0, int), kind_names=KINDS)
    bars.grab()
    assert bars.columns() == {}


def test_the_name_of_the_token_that_was_drawn_is_not_cut(qtbot: QtBot, theme: Theme) -> None:
    names = ("MMMM 69", "on 1")
    made = shown(qtbot, NextTokens(theme), 320, 120)
    made.set_next(names, np.array([0.6, 0.4]), np.array([0, 1]), kind_names=KINDS, taken=0)
    line, _ = made._lines(made.rect())
    image = made.grab().toImage()
    ground = image.pixelColor(0, image.height() - 1)
    first = [image.pixelColor(0, y) for y in range(28, 26 + round(line))]
    assert all(colour == ground for colour in first), "letters begin inside"
