"""The numbers that are put into help pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.core import measured
from engines.core.errors import UserError
from engines.core.measured import BEGIN, END, bench_table, fill, main, table


def test_a_benchmark_row_says_what_it_is_compared_with() -> None:
    measure = {"measure": "time | move", "ours": 20.0, "peer": 25.0, "limit": None, "ratio": 0.8,
               "target": 1.0, "meets": True, "unit": "ms", "of": "peer", "note": "all\ngames"}  # fmt: skip
    text = bench_table("hex-peers", [measure])
    assert "| time \\| move | 20 ms | 25 ms | 0.8 | 1 | yes |" in text and text.endswith("all games")
    assert table({"name": "hex-peers", "measures": [measure]}) == text


def test_files_that_are_no_reports_are_refused() -> None:
    with pytest.raises(UserError, match="claims"):
        table({"x": 1})
    with pytest.raises(UserError, match="marks"):
        fill("# no marks", [])


def test_the_page_of_the_topic_that_is_named_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "resources_folder", lambda: tmp_path)
    page, figures = tmp_path / "help" / "toy.md", tmp_path / "bench.json"
    page.parent.mkdir()
    page.write_text(f"# Toy\n{BEGIN}\nold\n{END}\nend\n", "utf-8")
    row = {"measure": "speed", "ours": 2.0, "limit": 4.0, "ratio": 0.5, "target": 0.4, "meets": True, "of": "limit"}
    figures.write_text(json.dumps({"name": "toy", "measures": [row]}), "utf-8")
    assert main(["toy", str(figures)]) == 0
    text = page.read_text("utf-8")
    assert "| speed | 2 | 4 | 0.5 | 0.4 | yes |" in text and "old" not in text and text.endswith("end\n")
    assert main([]) == main(["no such topic"]) == main(["toy", str(tmp_path / "missing.json")]) == 2
