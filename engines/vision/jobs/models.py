"""Looking into a user's model file before it is added ("vision.inspect")."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.spec import Spec, param
from engines.vision.own import SUFFIXES, Answer, OwnModel

if TYPE_CHECKING:
    from engines.vision.nets.foreign import Probe
    from engines.vision.nets.models import Model


class InspectSpec(Spec):
    """A model file, and what is already known of it. Zeros are filled in from the file where it says."""

    path: str = param("", "The file: a torch.export program (.pt2) or weights (.safetensors, .pt).")
    kind: str = param("", "Architecture that bare weights belong to; empty tries all of them.")
    colours: int = param(0, "Colours of the input: 1 or 3; 0 asks the file.", ge=0, le=3)
    height: int = param(0, "Height of the input; 0 asks the file.", ge=0, le=1024, unit="px")
    width: int = param(0, "Width of the input; 0 asks the file.", ge=0, le=1024, unit="px")


@dataclass(frozen=True)
class InspectResult:
    """What is in a file that was not refused.

    path: of the file. is_program: a torch.export program rather than weights. input_shape: int64 [3], (C, H, W), 0
    where the program takes any. classes: numbers that it answers with. outputs: "logits" or "probabilities", by
    their look. architecture_kind: of weights, "" for a program; candidates: every kind they fit. architecture: the
    first of these with all settings it fits with, as for `zoo.build`; empty for a program. fixed_batch: the batch
    size it was exported for, 0 where any goes. operations: of a program. parameters: numbers in it. gradient:
    largest slope of an answer along a pixel. notes: what to know before adding it.
    """

    path: str
    is_program: bool
    input_shape: np.ndarray
    classes: int
    class_names: tuple[str, ...]
    outputs: Answer
    architecture_kind: str
    candidates: tuple[str, ...]
    fixed_batch: int
    operations: int
    parameters: int
    gradient: float
    torch_version: str
    notes: tuple[str, ...]
    architecture: dict[str, Any] = field(default_factory=dict)

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row with what a table can hold."""
        row = {
            "file": self.path, "kind": self.architecture_kind or "program", "classes": self.classes,
            "outputs": self.outputs, "parameters": self.parameters, "notes": "; ".join(self.notes),
        }  # fmt: skip
        return {"model": {key: np.array([value]) for key, value in row.items()}}


@job("vision.inspect", InspectSpec, title="Look into a model file")
def inspect(spec: InspectSpec, ctx: JobContext) -> InspectResult:
    """Say what a model file holds and whether it runs; refuse what could run code, with the reason."""
    path = Path(spec.path.strip()).expanduser()
    if not spec.path.strip() or not path.is_file():
        raise UserError(f"there is no file {spec.path!r}", "choose a model file")
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"expected a file ending in {', '.join(SUFFIXES)}, got {path.name!r}",
            "save a program with torch.export.save, or weights with safetensors.torch.save_file",
        )
    ctx.progress(0, 2, f"Checking {path.name}")
    given = (spec.colours, spec.height, spec.width)
    if path.suffix.lower() == ".pt2":
        return _program(path, given, ctx)
    return _weights(path, spec.kind, given, ctx)


def _program(path: Path, given: tuple[int, int, int], ctx: JobContext) -> InspectResult:
    from engines.vision.nets.foreign import probe
    from engines.vision.nets.models import refuse_shape
    from engines.vision.nets.program import Program

    program = Program.read(path)
    shape = tuple(own or stated or 0 for own, stated in zip(given, program.sizes[1:], strict=True))
    notes = [] if program.sizes[0] is None else [_fixed(program.sizes[0])]
    found: Probe | None = None
    ctx.progress(1, 2, "Trying it")
    if all(shape):
        refuse_shape(program.sizes, (shape[0], shape[1], shape[2]), path.name)
        found = probe(program, (shape[0], shape[1], shape[2]), path.name)
        notes += _remarks(found)
    else:
        notes.append("It takes images of any size: say which one, to try it.")
    ctx.progress(2, 2, "Done")
    return InspectResult(
        path=str(path),
        is_program=True,
        input_shape=np.array(shape, np.int64),
        classes=found.classes if found else 0,
        class_names=(),
        outputs="probabilities" if found and found.sums_to_one else "logits",
        architecture_kind="",
        candidates=(),
        fixed_batch=program.sizes[0] or 0,
        operations=program.operations,
        parameters=sum(p.numel() for p in program.parameters()),
        gradient=found.gradient if found else 0.0,
        torch_version=program.torch_version,
        notes=tuple(notes),
    )


def _weights(path: Path, kind: str, given: tuple[int, int, int], ctx: JobContext) -> InspectResult:
    from engines.core.weights import load_weights
    from engines.vision.nets.foreign import probe
    from engines.vision.nets.models import load_own
    from engines.vision.nets.zoo import kinds

    tensors, card = load_weights(path)
    if kind and kind not in kinds():
        raise UserError(f"there is no architecture {kind!r}", f"known: {', '.join(kinds())}")
    ctx.progress(1, 2, "Trying architectures")
    fitting: list[tuple[dict[str, Any], Model]] = []
    refusal = ""
    for architecture in _architectures(card.architecture, kind, given):
        ctx.check()
        try:
            classes = _outputs_of(tensors, architecture)
            complete = {**architecture, "classes": classes}
            shape = tuple(complete["input_shape"])
            names = card.classes if len(card.classes) == classes else tuple(map(str, range(classes)))
            own = OwnModel("inspected", str(path), names, (shape[0], shape[1], shape[2]), architecture=complete)
            fitting.append((complete, load_own(own)))
        except UserError as error:
            refusal = error.what
    if not fitting:
        raise UserError(
            f"{path.name} fits none of the architectures with their usual settings: {refusal}",
            "export the network as a program (.pt2) instead",
        )
    architecture, model = fitting[0]
    found = probe(model.net, model.input_shape, path.name)
    notes = _remarks(found)
    if not card.architecture:
        notes.append("The file does not say what its classes are called, nor how its pictures were prepared.")
    ctx.progress(2, 2, "Done")
    return InspectResult(
        path=str(path),
        is_program=False,
        input_shape=np.array(model.input_shape, np.int64),
        classes=found.classes,
        class_names=card.classes,
        outputs="probabilities" if found.sums_to_one else "logits",
        architecture_kind=str(architecture["kind"]),
        candidates=tuple(dict.fromkeys(str(a["kind"]) for a, _ in fitting)),
        fixed_batch=0,
        operations=0,
        parameters=model.card.parameters,
        gradient=found.gradient,
        torch_version="",
        notes=tuple(notes),
        architecture=architecture,
    )


def _architectures(card: dict[str, Any], kind: str, given: tuple[int, int, int]) -> list[dict[str, Any]]:
    """What bare weights may be: the card's architecture, else each kind at its usual settings and a few widths."""
    from engines.vision.nets.zoo import kinds

    if card.get("kind"):
        return [dict(card)]
    found = []
    for name, known in kinds().items():
        if kind and name != kind:
            continue
        shape = [own or usual for own, usual in zip(given, known.input_shape, strict=True)]
        usual = getattr(known.config(), "width", None)
        plain: dict[str, Any] = {"kind": name, "input_shape": shape}
        found.append(plain)
        found += [{**plain, "width": width} for width in (0.5, 1.0, 2.0) if usual not in (None, width)]
    return found


def _outputs_of(tensors: dict[str, Any], architecture: dict[str, Any]) -> int:
    """How many classes the weights have, told by the last matrix of the architecture. Raises UserError where they have
    no such matrix."""
    from engines.vision.nets.zoo import build

    if architecture.get("classes"):
        return int(architecture["classes"])
    last = [key for key, tensor in build(architecture).state_dict().items() if tensor.dim() == 2]
    for key in reversed(last):
        stored = tensors.get(key, tensors.get(key.removeprefix("body.")))
        if stored is not None and stored.dim() == 2:
            return int(stored.shape[0])
    raise UserError(f"it lacks {last[-1] if last else 'a last layer'}", "choose the architecture it was trained with")


def _remarks(found: Probe) -> list[str]:
    notes = []
    if found.sums_to_one:
        notes.append("Its answers sum to one: they are taken for probabilities, and their logarithms for logits.")
    if found.classes == 1:
        notes.append("It answers with one number: with a single class there is nothing to be fooled into.")
    return notes


def _fixed(batch: int) -> str:
    return (
        f"It was exported for batches of exactly {batch}: images are fed in such pieces, which is slow. "
        "Export it with a dynamic batch size to make it faster."
    )
