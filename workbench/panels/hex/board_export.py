"""The analysis of a position as a file."""

from __future__ import annotations

from pathlib import Path

from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.move_rows import analysis_columns
from workbench.widgets import exports


def save_analysis_csv(snapshot: AnalysisSnapshot, path: Path) -> None:
    """Write every candidate of a snapshot as a row. Raises OSError."""
    exports.save_csv(analysis_columns(snapshot), path)


def analysis_csv(snapshot: AnalysisSnapshot) -> str:
    """The same as text, for the clipboard."""
    return exports.csv_text(analysis_columns(snapshot))
