"""The analysis of a position as a file."""

from __future__ import annotations

from pathlib import Path

from engines.hex.snapshots import AnalysisSnapshot, ExactSnapshot
from workbench.panels.hex.move_rows import analysis_columns
from workbench.widgets import exports


def save_analysis_csv(snapshot: AnalysisSnapshot, path: Path, exact: ExactSnapshot | None = None) -> None:
    """Write every candidate of a snapshot as a row. Raises OSError."""
    exports.save_csv(analysis_columns(snapshot, exact), path)


def analysis_csv(snapshot: AnalysisSnapshot, exact: ExactSnapshot | None = None) -> str:
    """The same as text, for the clipboard."""
    return exports.csv_text(analysis_columns(snapshot, exact))
