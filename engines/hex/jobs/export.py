"""Networks for other programs ("hex.export")."""

from __future__ import annotations

from pathlib import Path

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.results import ExportResult
from engines.hex.spec import ExportSpec


@job("hex.export", ExportSpec, title="Export a network")
def export(spec: ExportSpec, ctx: JobContext) -> ExportResult:
    """Write a network as ONNX and compare what it says with the original."""
    from engines.core.weights import find_weights
    from engines.hex.onnx_export import export_onnx

    weights = find_weights(spec.weights)
    if spec.to:
        path = Path(spec.to).expanduser()
    elif ctx.folder is not None:
        path = ctx.folder / f"{weights.stem}.onnx"
    else:
        raise UserError("expected a file to write", "give one, for example --set to=hex.onnx")
    ctx.progress(0, 1, f"Writing {path.name}")
    result = export_onnx(weights, path, ctx.check)
    ctx.progress(1, 1, "Written")
    return result
