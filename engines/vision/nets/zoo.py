"""The architectures by name, and the network that holds one with its normalisation inside.

``build({"kind": "stdcnn", "width": 0.5})`` gives an untrained network; a model card's `architecture` is such a
dictionary. Images are float32 [B, C, H, W] in [0, 1], always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.vision.nets import bodies
from engines.vision.nets.bodies import Body
from engines.vision.nets.detectors import Detectors

COMMON = ("kind", "input_shape", "classes", "mean", "std")
"""Keys of an architecture that every kind knows; the others belong to its config."""


@dataclass(frozen=True)
class Architecture:
    """One kind of network. config: the dataclass of its own settings. make: from config, shape and classes."""

    kind: str
    title: str
    config: type
    make: Callable[[Any, tuple[int, int, int], int], Body]
    input_shape: tuple[int, int, int]


_kinds: dict[str, Architecture] = {}


def architecture(kind: str, *, title: str, shape: tuple[int, int, int] = (1, 28, 28)) -> Callable[[type], type]:
    """Register a config dataclass, whose `make(shape, classes)` builds the body, under `kind`.

    shape: of the input where the dictionary names none.
    """

    def register(config: type) -> type:
        _kinds[kind] = Architecture(kind, title, config, config.make, shape)  # type: ignore[attr-defined]
        return config

    return register


def kinds() -> dict[str, Architecture]:
    """Every architecture by name."""
    return dict(_kinds)


class Normalise(nn.Module):
    """(x - mean) / std per colour; part of the network, so that attacks and turns see pixels."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class ImageNet(nn.Module):
    """A network on pixels. architecture: what `build` was given, complete. input_shape: (C, H, W).

    classes: number of logits. stages: names of the trunk's stages, empty where there are no feature maps.
    """

    def __init__(self, normalise: Normalise, body: Body, architecture: dict[str, Any]) -> None:
        super().__init__()
        self.normalise = normalise
        self.body = body
        self.architecture = architecture
        self.input_shape: tuple[int, int, int] = tuple(architecture["input_shape"])
        self.classes = int(architecture["classes"])

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.body.trunk.named_children())

    @property
    def group(self) -> int:
        """Elements of the symmetry group of its feature maps: 4 (p4), 8 (p4m), or 1 for an ordinary network."""
        return self.body.group

    def forward(self, x: Tensor) -> Tensor:
        """Pixels [B, C, H, W] in [0, 1] to logits [B, K]."""
        return self.body(self.normalise(x))

    def features(self, x: Tensor, stage: str = "") -> Tensor:
        """Feature maps after `stage` (the last when empty): [B, C', H', W'], or [B, C', G, H', W'] for a group.

        Raises UserError where the network has no such stage.
        """
        names = self.stages
        if not names or (stage and stage not in names):
            known = f"known: {', '.join(names)}" if names else "choose a network with convolutions"
            raise UserError(f"a {self.architecture['kind']} has no feature maps {stage!r}", known)
        x = self.normalise(x)
        for name, module in self.body.trunk.named_children():
            x = module(x)
            if name == stage:
                break
        return x

    def each(self, x: Tensor) -> Tensor:
        """Detectors only: logit k on its own batch. x: [K, B, C, H, W]. Returns [K, B]."""
        if not isinstance(self.body, Detectors):
            raise UserError(f"a {self.architecture['kind']} has no separate detectors", "use one of kind detectors")
        return self.body.each(self.normalise(x.flatten(0, 1)).unflatten(0, x.shape[:2]))


def build(architecture: Mapping[str, Any], *, seed: int | None = None) -> ImageNet:
    """An untrained network, in training mode.

    architecture: `kind`, and optionally input_shape (C, H, W), classes (10), mean and std per colour (0 and 1), and
    the settings of that kind. seed: of the initial weights; None draws from torch's global generator.
    Raises UserError when something in it is unknown, out of range, or does not fit the input.
    """
    values = dict(architecture)
    kind = values.pop("kind", None)
    if kind not in _kinds:
        raise UserError(f"there is no architecture {kind!r}", f"known: {', '.join(sorted(_kinds))}")
    found = _kinds[kind]
    shape = _shape(values.pop("input_shape", found.input_shape))
    classes = values.pop("classes", 10)
    if not isinstance(classes, int) or not 1 <= classes <= 10_000:
        raise UserError(f"expected 1 to 10000 classes, got {classes!r}", "10 is usual")
    mean = _per_colour(values.pop("mean", 0.0), shape[0], "mean")
    std = _per_colour(values.pop("std", 1.0), shape[0], "std")
    if min(std) <= 0:
        raise UserError(f"expected standard deviations above 0, got {std}", "1 leaves the pixels as they are")
    config = _config(found, values)
    if seed is None:
        body = _made(found, config, shape, classes)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = _made(found, config, shape, classes)
    complete = {
        "kind": kind, "input_shape": list(shape), "classes": classes, "mean": list(mean), "std": list(std),
        **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()},
    }  # fmt: skip
    return ImageNet(Normalise(mean, std), body, complete)


def _made(found: Architecture, config: Any, shape: tuple[int, int, int], classes: int) -> Body:
    try:
        return found.make(config, shape, classes)
    except bodies.TooSmall as error:
        raise UserError(
            f"a {found.kind} does not fit images of {shape[2]}×{shape[1]} pixels: {error}", "use larger images"
        ) from None


def _shape(value: Any) -> tuple[int, int, int]:
    try:
        c, h, w = (int(v) for v in value)
    except (TypeError, ValueError):
        raise UserError(
            f"expected an input shape (C, H, W), got {value!r}", "(1, 28, 28) and (3, 32, 32) are usual"
        ) from None
    if c not in (1, 3) or not (4 <= h <= 1024 and 4 <= w <= 1024):
        raise UserError(
            f"expected 1 or 3 colours and 4 to 1024 pixels a side, got {(c, h, w)}",
            "(1, 28, 28) and (3, 32, 32) are usual",
        )
    return c, h, w


def _per_colour(value: Any, colours: int, what: str) -> tuple[float, ...]:
    values = [value] if isinstance(value, int | float) else list(value)
    if len(values) == 1:
        values *= colours
    if len(values) != colours or not all(isinstance(v, int | float) for v in values):
        raise UserError(
            f"expected {colours} numbers for the {what}, got {value!r}", "give one for all colours, or one for each"
        )
    return tuple(float(v) for v in values)


def _config(found: Architecture, values: dict[str, Any]) -> Any:
    known = {f.name for f in fields(found.config)}
    unknown = [name for name in values if name not in known]
    if unknown:
        said = f"known: {', '.join(sorted(known))}" if known else "it has none"
        raise UserError(f"a {found.kind} has no setting {', '.join(map(repr, unknown))}", said)
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    defaults = asdict(found.config())
    for name, value in plain.items():
        _refuse_bad(found.kind, name, value, defaults[name])
    return found.config(**plain)


def _refuse_bad(kind: str, name: str, value: Any, default: Any) -> None:
    """Every number in a config is positive and of its default's type; a choice is the config's own affair."""
    if isinstance(default, bool | str):
        good = type(value) is type(default)
    elif isinstance(default, tuple):
        good = isinstance(value, tuple) and all(type(v) is int and 0 < v <= 65_536 for v in value)
    elif isinstance(default, int):
        good = type(value) is int and 0 < value <= 65_536
    else:
        good = type(value) in (int, float) and 0 < value <= 64
    if not good:
        raise UserError(f"{kind}: {name} cannot be {value!r}", f"something like {default!r}")


@architecture("stdcnn", title="Plain CNN (paper 02)")
@dataclass(frozen=True)
class StdCnnConfig:
    """conv10-conv10-pool-conv20-conv20-pool-fc50-dropout-fc: 23,010 parameters. width: factor on the filters."""

    width: float = 1.0

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.stdcnn(shape, classes, self.width)


@architecture("gcnn", title="Rotation-equivariant CNN (p4)")
@dataclass(frozen=True)
class GcnnConfig:
    """The plain CNN over p4: 89,910 parameters; 38,935 at width 0.5. invariant: pool the group away before the
    dense layers instead of flattening it."""

    width: float = 1.0
    invariant: bool = False

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.gcnn(shape, classes, self.width, mirrors=False, invariant=self.invariant)


@architecture("p4m-gcnn", title="Rotation- and mirror-equivariant CNN (p4m)")
@dataclass(frozen=True)
class P4mGcnnConfig:
    """The plain CNN over p4m."""

    width: float = 0.5
    invariant: bool = False

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.gcnn(shape, classes, self.width, mirrors=True, invariant=self.invariant)


@architecture("lenet", title="LeNet (Madry)")
@dataclass(frozen=True)
class LenetConfig:
    """conv32-pool-conv64-pool-fc1024, 5×5 filters, same padding: the MNIST challenge's network."""

    filters: tuple[int, ...] = (32, 64)
    hidden: int = 1024

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.lenet(shape, classes, self.filters, self.hidden)


@architecture("lenet-small", title="Small LeNet")
@dataclass(frozen=True)
class LenetSmallConfig:
    """conv16-conv32-fc100, 4×4 filters with stride 2: small and quick to train adversarially.

    Source: Wong & Kolter 2018; Wong, Rice, Kolter 2020.
    """

    filters: tuple[int, ...] = (16, 32)
    hidden: int = 100

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.strided(shape, classes, self.filters, self.hidden)


@architecture("mlp", title="Dense network (MLP)")
@dataclass(frozen=True)
class MlpConfig:
    """Dense layers with ReLU; no convolution."""

    hidden: tuple[int, ...] = (200, 100)

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.mlp(shape, classes, self.hidden)


@architecture("bncnn", title="CNN with batch normalisation")
@dataclass(frozen=True)
class BncnnConfig:
    """Stages of convolution, batch normalisation, ReLU and pooling, then global mean and a dense layer."""

    widths: tuple[int, ...] = (16, 32, 64)
    kernel: int = 5

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        if self.kernel % 2 == 0:
            raise UserError(f"expected filters of an odd size, got {self.kernel}", "5 is usual")
        return bodies.vgg(shape, classes, self.widths, convolutions=1, kernel=self.kernel)


@architecture("vgg", title="Narrow VGG with batch normalisation", shape=(3, 32, 32))
@dataclass(frozen=True)
class VggConfig:
    """Stages of two (or more) 3×3 convolutions with batch normalisation, each followed by pooling."""

    widths: tuple[int, ...] = (32, 64, 128, 128)
    convolutions: int = 2

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.vgg(shape, classes, self.widths, convolutions=self.convolutions, kernel=3)


@architecture("resnet", title="Residual network", shape=(3, 32, 32))
@dataclass(frozen=True)
class ResnetConfig:
    """Post-activation residual network in the CIFAR style (He et al. 2016): `blocks` per stage of each width.

    pool_stem: halve the image after the first convolution, which makes it about four times cheaper.
    """

    widths: tuple[int, ...] = (16, 32, 64)
    blocks: int = 1
    pool_stem: bool = False

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.resnet(shape, classes, self.widths, self.blocks, pool_stem=self.pool_stem)


@architecture("wideresnet", title="Wide residual network", shape=(3, 32, 32))
@dataclass(frozen=True)
class WideResnetConfig:
    """Pre-activation wide residual network (Zagoruyko & Komodakis 2016): three stages of base × widen × (1, 2, 4)."""

    base: int = 16
    widen: int = 2
    blocks: int = 1
    pool_stem: bool = False

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.wideresnet(shape, classes, self.base, self.widen, self.blocks, pool_stem=self.pool_stem)


@architecture("p4m-resnet", title="Equivariant residual network (p4m)", shape=(3, 32, 32))
@dataclass(frozen=True)
class P4mResnetConfig:
    """The residual network over p4m. Stages end in pooling, not in strides, so that it stays exactly equivariant
    where each pooling halves an even size. invariant: mean over the group before the dense layer."""

    widths: tuple[int, ...] = (6, 12, 24)
    blocks: int = 1
    pool_stem: bool = False
    invariant: bool = True

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        return bodies.group_resnet(
            shape, classes, self.widths, self.blocks, pool_stem=self.pool_stem, invariant=self.invariant
        )


@architecture("detectors", title="One-logit detectors")
@dataclass(frozen=True)
class DetectorsConfig:
    """K independent one-logit networks as one batched module, K the number of classes: 5×5 convolutions with
    pooling, then dense layers. Empty `filters` gives dense networks.

    stride: convolutions with stride 2 instead of pooling, about five times cheaper. kernel: side of the filters, odd.
    Source: Yin, Kolouri, Rohde 2020 (paper 10): filters 32, 64, hidden 1024.
    """

    filters: tuple[int, ...] = field(default=(32, 64))
    hidden: tuple[int, ...] = (1024,)
    stride: bool = False
    kernel: int = 5

    def make(self, shape: tuple[int, int, int], classes: int) -> Body:
        if self.kernel % 2 == 0:
            raise UserError(f"expected filters of an odd size, got {self.kernel}", "5 is usual")
        return Detectors(shape, classes, self.filters, self.hidden, stride=self.stride, kernel=self.kernel)
