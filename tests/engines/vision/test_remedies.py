"""Whatever a user is told to be wrong with models and pictures comes with what to do about it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    *sorted((ROOT / "engines" / "vision").rglob("*.py")),
    *sorted((ROOT / "workbench" / "panels" / "vision").rglob("*.py")),
    *sorted((ROOT / "workbench" / "widgets").glob("own_model*.py")),
]


def refusals(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "UserError"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_refusal_has_a_remedy(path: Path) -> None:
    bare = [call.lineno for call in refusals(path) if len(call.args) + len(call.keywords) < 2]
    assert bare == []


def test_there_are_refusals_to_look_at() -> None:
    assert sum(len(refusals(path)) for path in FILES) > 80
