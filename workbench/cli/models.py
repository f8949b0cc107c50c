"""models list|show|export: the weights that ship and the user's own, with their cards, and as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from engines.core.errors import UserError
from engines.core.results import plain
from workbench.cli import output

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

EXPORTERS: Final = {"hex": "hex.export"}
"""The jobs that write networks for other programs, by the kind of network. Each takes `weights` and `to`."""

app = typer.Typer(help="Trained weights and their model cards.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """All weights here: shipped ones and those in the user's folder."""
    from engines.core import weights

    cards = weights.list_weights()
    broken = weights.problems()
    if as_json:
        output.emit(
            {
                "models": [{**card.to_json(), "path": str(card.path)} for card in cards],
                "problems": [{"path": str(path), "why": why} for path, why in broken],
            }
        )
        return
    rows = [(c.name, c.topic, c.title, f"{c.parameters:,}", output.megabytes(c.bytes), c.date) for c in cards]
    output.table("Models", ("name", "topic", "what", "parameters", "size", "date"), rows, right=(3, 4))
    for path, why in broken:
        output.remark(f"{path}: {why}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name from the list, or a file.")], as_json: AsJson = False
) -> None:
    """One model's card; also checks that the file is the one that the card describes."""
    from engines.core import weights

    path = weights.find_weights(name)
    card = weights.read_card(path)
    weights.verify(path)
    if as_json:
        output.emit({**card.to_json(), "path": str(path)})
        return
    rows = [(key, text) for key, value in card.to_json().items() if (text := _text(value))]
    output.table(card.title or card.name, ("", ""), [*rows, ("path", path)])


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A name from the list, or a file.")],
    to: Annotated[Path, typer.Option("--to", help="The .onnx file to write.", metavar="FILE.onnx")],
    as_json: AsJson = False,
) -> None:
    """One model as ONNX, compared with the original; needs the extra "onnx"."""
    from engines.core import weights
    from engines.core.job import find_job, run_job

    card = weights.read_card(weights.find_weights(name))
    job = EXPORTERS.get(str(card.architecture.get("kind") or card.topic))
    if job is None:
        raise UserError(f"{card.name} cannot be written as ONNX", f"known are networks for {', '.join(EXPORTERS)}")
    result = run_job(job, find_job(job).spec.checked({"weights": name, "to": str(to)}))
    if as_json:
        output.emit(plain(result))
        return
    rows = [(key, _text(value)) for key, value in plain(result).items()]
    output.table(f"{card.title or card.name} as ONNX", ("", ""), rows)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return output.cell(value)
