from pathlib import Path

import pytest

from engines.core.errors import UserError
from engines.hex.rules import WHITE
from workbench.panels.hex.game import GameModel
from workbench.widgets.hexboard import HexBoard, Mark


@pytest.fixture
def game(qapp) -> GameModel:
    model = GameModel(5)
    yield model
    model.deleteLater()


def test_each_kind_of_change_has_its_signal(game: GameModel) -> None:
    heard = []
    game.position_changed.connect(lambda: heard.append("position"))
    game.tree_changed.connect(lambda: heard.append("tree"))
    game.game_replaced.connect(lambda: heard.append(f"game {game.size} {game.position.size}"))
    game.dirty_changed.connect(lambda dirty: heard.append(f"dirty {dirty}"))
    game.play(3)
    assert heard == ["tree", "dirty True", "position"]
    heard.clear()
    game.back()
    assert heard == ["position"]
    heard.clear()
    game.new_game(7)
    assert heard[0] == "game 7 7"
    assert heard.count("dirty False") == 1
    heard.clear()
    game.undo()
    assert heard[0] == "game 5 5"


def test_a_game_saved_and_opened_again_is_the_same(game: GameModel, tmp_path: Path) -> None:
    for move in (3, 12, 7):
        game.play(move)
    path = tmp_path / "game.sgf"
    game.save(path)
    assert not game.is_dirty
    assert game.path == path
    other = GameModel(11)
    other.open(path)
    assert other.size == 5
    assert not other.is_dirty
    other.to_end()
    assert (other.position.cells == game.position.cells).all()
    other.deleteLater()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"(;FF[4]GM[11]SZ[5];B[a1]", b"(;FF[4]GM[11]SZ[99])"])
def test_a_damaged_file_is_named_and_changes_nothing(game: GameModel, tmp_path: Path, content: bytes) -> None:
    game.play(3)
    path = tmp_path / "bad.sgf"
    path.write_bytes(content)
    before = game.to_sgf()
    with pytest.raises(UserError):
        game.open(path)
    assert game.to_sgf() == before
    assert game.path is None
    with pytest.raises(UserError, match=r"none\.sgf"):
        game.open(tmp_path / "none.sgf")


def test_saving_where_one_may_not_says_so_and_stays_dirty(game: GameModel, tmp_path: Path) -> None:
    game.play(3)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        game.save(tmp_path / "file" / "game.sgf")
    assert game.is_dirty


def test_the_board_shows_the_game_with_its_marks(game: GameModel, qtbot) -> None:
    board = HexBoard(size=11)
    qtbot.addWidget(board)
    game.play(1)
    game.swap_now()
    game.set_mark(12, "A")
    game.show_on(board, numbers=True)
    assert board.board_size == 5
    assert board.cells[1, 0] == WHITE
    assert game.marks() == {5: Mark("swap"), 12: Mark("label", "A")}
    assert "Red to move" in board.accessibleName()


def test_a_won_game_shows_who_won(game: GameModel, qtbot) -> None:
    board = HexBoard(size=5)
    qtbot.addWidget(board)
    for move in (2, 3, 7, 8, 12, 13, 17, 18, 22):
        game.play(move)
    game.show_on(board)
    assert "Red has won" in board.accessibleName()
