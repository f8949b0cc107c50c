"""A network saved as ONNX from the export menu: a job, because the window holds no tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.hex.onnx_export import why_missing
from engines.hex.spec import ExportSpec

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle


def why_no_onnx() -> str:
    """Why the menu cannot offer it, or ""."""
    why = why_missing()
    return f"ONNX is not installed: {why}." if why else ""


def save_onnx(panel: Panel, weights: str | Path, path: Path) -> str:
    """Start writing the network as ONNX; what comes of it is told by the panel. Returns what to say meanwhile."""
    spec = ExportSpec.checked({"weights": str(weights), "to": str(path)})
    handle = panel.start("hex.export", spec, lane="interactive", main=False)
    handle.ended.connect(lambda ended: _tell(panel, ended))
    return f"Saving {path.name}…"


def _tell(panel: Panel, handle: JobHandle) -> None:
    """Success in the status bar; the panel itself shows why a job failed."""
    if handle.state == "done":
        found = handle.result
        sizes = ", ".join(f"{size}×{size}" for size in found.sizes)
        panel.status_message.emit(
            f"Saved {found.path}; it says what the network says on {sizes} (within {found.difference:.0e})", "ok"
        )
    elif handle.state == "cancelled":
        panel.status_message.emit("The network was not saved", "warn")
