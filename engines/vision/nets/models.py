"""Trained classifiers by name or file: shipped ones, the user's trained ones, and the user's own files.

Listing imports no torch. Nothing that a file holds is ever run or unpickled (see `archive` and core's `weights`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.core import weights
from engines.core.errors import UserError
from engines.core.weights import ModelCard
from engines.vision.own import OwnModel, find_own, own_models

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class ModelInfo:
    """A model as a list shows it. name: what `load_model` takes. input_shape: (C, H, W). metrics: measured figures of
    its card (empty for an own one). kind: of its architecture. parameters: 0 where unknown. problem: why it cannot
    be used now, or ""."""

    name: str
    title: str
    classes: tuple[str, ...]
    input_shape: Shape
    metrics: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    parameters: int = 0
    data: str = ""
    notes: str = ""
    is_own: bool = False
    is_shipped: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Model:
    """A classifier ready for use. net: pixels [B, C, H, W] in [0, 1] to logits [B, K], with gradients; in eval mode,
    its parameters frozen. name: what it was asked for by."""

    net: nn.Module
    card: ModelCard
    classes: tuple[str, ...]
    input_shape: Shape
    device: torch.device
    name: str = ""

    def logits(self, x: Tensor) -> Tensor:
        """Logits [B, K] of pixels [B, C, H, W], without gradients, on the model's device.

        Raises UserError where the images do not fit the model, or it answers with what is no number.
        """
        import torch

        if x.dim() != 4 or tuple(x.shape[1:]) != self.input_shape:
            raise UserError(
                f"{self.title} takes images {list(self.input_shape)}, got {list(x.shape[1:])}",
                "choose images or a model of the other's size",
            )
        with torch.no_grad():
            out: Tensor = self.net(x.to(self.device, torch.float32))
        if not bool(torch.isfinite(out).all()):
            raise UserError(f"{self.title} answered with NaN or infinity", "check its weights and its preprocessing")
        return out

    @property
    def title(self) -> str:
        """The name that a person reads."""
        return self.card.title or self.name or self.card.name


def list_models(shape: Shape | None = None, topic: str = "vision") -> list[ModelInfo]:
    """What can be loaded: shipped ones, trained ones, own ones. Imports no torch.

    shape: only models of that input (C, H, W). topic: of the card; own models belong to "vision".
    """
    found = [_of_card(card) for card in weights.list_weights() if card.topic == topic and card.architecture]
    if topic == "vision":
        found += [_of_own(model) for model in own_models()]
    return [info for info in found if shape is None or info.input_shape == tuple(shape)]


def model_info(name: str, topic: str = "vision") -> ModelInfo:
    """The list's entry of one model. Raises UserError for an unknown one."""
    for info in list_models(topic=topic):
        if info.name == name:
            return info
    raise UserError(f"there is no model called {name!r}", "choose one of the list")


def load_model(name_or_path: str | Path, device: str | torch.device = "auto") -> Model:
    """A model by name, or straight from a file (with plain preprocessing, and numbers for classes, where the file was
    not added as an own model).

    Raises UserError where there is none, the file is refused or damaged, or it is no classifier of images.
    """
    import torch

    from engines.core.device import choose

    place = device if isinstance(device, torch.device) else choose(device)
    own = _own_of(str(name_or_path))
    if own is not None:
        return _frozen(load_own(own), place)
    path = weights.find_weights(name_or_path)
    if path.suffix.lower() == ".pt2":
        return _frozen(_bare_program(path), place)
    return _frozen(_of_weights(path), place)


def load_own(own: OwnModel) -> Model:
    """An own model on the CPU, checked: its file, its answers to a few images, its gradients, its class names.

    Raises UserError saying what does not fit.
    """
    import torch

    from engines.vision.nets.foreign import Foreign, probe
    from engines.vision.nets.program import Program

    own = own.checked()
    path = Path(own.path).expanduser()
    if not path.is_file():
        raise UserError(f"the file of {own.name!r} is gone: {path}", "put it back, or remove the model from the list")
    inner: nn.Module
    if own.is_program:
        inner = Program.read(path)
        refuse_shape(inner.sizes, own.input_shape, path.name)
        net: nn.Module = Foreign(inner, own)
    else:
        built, has_normalisation = _with_weights(weights.load_weights(path)[0], own.architecture, path.name)
        net = built if has_normalisation else Foreign(built, own)
    found = probe(net, own.input_shape, path.name)
    if found.classes != len(own.classes):
        raise UserError(
            f"{own.name} answers with {found.classes} numbers an image, but has {len(own.classes)} class names",
            f"give {found.classes} names",
        )
    count = sum(p.numel() for p in net.parameters())
    kind = str(own.architecture.get("kind", "own program"))
    card = ModelCard(
        own.name, "vision", own.title or own.name, dict(own.architecture), own.classes, data="unknown",
        input=f"{list(own.input_shape)}, pixels in [0, 1]", notes=f"own file, {kind}", parameters=count,
    )  # fmt: skip
    return Model(net, card, own.classes, own.input_shape, torch.device("cpu"), own.name)


def save_model(path: Path, net: nn.Module, card: ModelCard) -> ModelCard:
    """Write a network of the zoo and its card, so that `load_model` finds it; returns the card as written.

    The card's architecture and input are taken from the network, where it leaves them empty its topic and classes.
    """
    architecture = getattr(net, "architecture", None)
    if not architecture:
        raise UserError("only networks of the workbench's own architectures can be saved", "keep the original file")
    classes = card.classes or tuple(map(str, range(int(architecture["classes"]))))
    if len(classes) != architecture["classes"]:
        raise ValueError(f"{len(classes)} class names for {architecture['classes']} classes")
    card = replace(
        card,
        topic=card.topic or "vision",
        architecture=dict(architecture),
        classes=classes,
        input=card.input or f"{list(architecture['input_shape'])}, pixels in [0, 1]",
        normalisation=f"inside: mean {list(architecture['mean'])}, std {list(architecture['std'])}",
    )
    return weights.save_weights(path, net.state_dict(), card)


def refuse_shape(sizes: tuple[int | None, ...], shape: Shape, name: str) -> None:
    """Raises UserError where a program was exported for images of another shape."""
    for what, wanted, given in zip(("colours", "rows", "columns"), sizes[1:], shape, strict=True):
        if wanted is not None and wanted != given:
            raise UserError(f"{name} was exported for {wanted} {what}, got {given}", f"set {wanted} {what}")


def _of_card(card: ModelCard) -> ModelInfo:
    shape = tuple(card.architecture.get("input_shape", ()))
    return ModelInfo(
        name=card.name,
        title=card.title or card.name,
        classes=card.classes,
        input_shape=shape if len(shape) == 3 else (0, 0, 0),
        metrics=dict(card.metrics),
        kind=str(card.architecture.get("kind", "")),
        parameters=card.parameters,
        data=card.data,
        notes=card.notes,
        is_shipped=card.path is not None and card.path.parent == weights.paths.shipped_weights_folder(),
    )


def _of_own(model: OwnModel) -> ModelInfo:
    return ModelInfo(
        name=model.name,
        title=model.title or model.name,
        classes=model.classes,
        input_shape=model.input_shape,
        kind=str(model.architecture.get("kind", "own program")),
        is_own=True,
        problem="" if Path(model.path).is_file() else "its file is gone",
    )


def _own_of(text: str) -> OwnModel | None:
    """The own model of that name, or of that file."""
    named = find_own(text)
    if named is not None:
        return named
    path = Path(text).expanduser()
    if not path.is_file():
        return None
    return next((model for model in own_models() if Path(model.path) == path.resolve()), None)


def _bare_program(path: Path) -> Model:
    """A program that nobody described: pixels in [0, 1] go in as they are, and classes are numbers."""
    from engines.vision.nets.foreign import probe
    from engines.vision.nets.program import Program

    program = Program.read(path)
    shape = program.sizes[1:]
    if None in shape:
        raise UserError(f"{path.name} takes images of any size", "add it as an own model and say which size")
    fixed: Any = tuple(shape)
    classes = tuple(map(str, range(probe(program, fixed, path.name).classes)))
    return load_own(OwnModel(path.stem.replace("/", "-")[:80], str(path.resolve()), classes, fixed))


def _of_weights(path: Path) -> Model:
    import torch

    tensors, card = weights.load_weights(path)
    if not card.architecture.get("kind"):
        raise UserError(
            f"{path.name} does not say which architecture it belongs to",
            "add it as an own model and choose the architecture",
        )
    net, _ = _with_weights(tensors, card.architecture, path.name)
    classes = card.classes or tuple(map(str, range(net.classes)))
    if len(classes) != net.classes:
        raise UserError(
            f"{path.name} has {net.classes} outputs, but its card names {len(classes)} classes",
            "name as many classes in the card beside it",
        )
    card = card if card.path is None else replace(card, name=path.stem)
    return Model(net, card, classes, net.input_shape, torch.device("cpu"), path.stem)


def _with_weights(tensors: dict[str, Tensor], architecture: dict[str, Any], name: str) -> tuple[Any, bool]:
    """The network of an architecture with these tensors, and whether they held its normalisation too.

    Takes the whole network's names, or its body's. Raises UserError where names or shapes do not fit.
    """
    import torch

    from engines.vision.nets.zoo import build

    bad = next((key for key, t in tensors.items() if t.is_floating_point() and not bool(torch.isfinite(t).all())), None)
    if bad is not None:
        raise UserError(f"{name} holds NaN or infinity in {bad}", "train or fetch it again")
    net = build(architecture)
    wanted = net.state_dict()
    whole = bool(tensors.keys() & {key for key in wanted if key.startswith("body.")})
    prefix = "" if whole else "body."
    given = {prefix + key: value for key, value in tensors.items()}
    needed = wanted if whole else {key: value for key, value in wanted.items() if key.startswith("body.")}
    missing, extra = sorted(needed.keys() - given.keys()), sorted(given.keys() - needed.keys())
    if missing or extra:
        said = f"it lacks {missing[0]}" if missing else f"it has {extra[0]}, which the network has not"
        raise UserError(
            f"{name} does not fit a {architecture['kind']}: {said} ({len(missing)} missing, {len(extra)} too many)",
            "choose the architecture it was trained with, with the same settings",
        )
    for key, tensor in needed.items():
        if tensor.shape != given[key].shape:
            raise UserError(
                f"{name} does not fit a {architecture['kind']}: {key} is {list(given[key].shape)}, "
                f"expected {list(tensor.shape)}",
                "choose the right width, input shape and number of classes",
            )
    net.load_state_dict(given, strict=whole)
    return net, whole and "normalise.mean" in tensors


def _frozen(model: Model, device: torch.device) -> Model:
    import torch
    from torch import nn

    from engines.core.device import precision

    net = model.net.eval().requires_grad_(False).to(device)
    if getattr(net, "architecture", None) and precision(device).channels_last:
        # Forward and backward passes of the zoo's nets took 6 to 26 % less time on a processor. Not for programs of
        # the user's, which may depend on the order of memory.
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return replace(model, net=net, device=device)


def parameter_text(count: int) -> str:
    """A number of parameters for a person: "38.9 k", "1.2 M"."""
    if count < 1000:
        return str(count)
    power = min(2, int(math.log10(count)) // 3)
    return f"{count / 1000**power:.1f} {('', 'k', 'M')[power]}"
