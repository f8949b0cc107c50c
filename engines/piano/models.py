"""Trained networks of this topic: which there are (no torch), and one loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.core.errors import UserError
from engines.core.weights import ModelCard, find_weights, list_weights

if TYPE_CHECKING:
    from engines.piano.nets.transformer import StyleAutoencoder

TOPIC = "piano"


@dataclass(frozen=True)
class Loaded:
    """A network in evaluation mode on its device, and its card."""

    net: StyleAutoencoder
    card: ModelCard

    @property
    def name(self) -> str:
        return self.card.name


def list_models() -> list[ModelCard]:
    """Cards of all weights of this topic, the shipped ones and the user's, by name."""
    return [card for card in list_weights() if card.topic == TOPIC]


def stamp_of(name: str) -> tuple[str, int, int]:
    """What changes when the file of weights `name` is another one: its path, time and size. Raises UserError."""
    path = find_weights(name)
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "choose other weights") from None
    return str(path), state.st_mtime_ns, state.st_size


def load_model(name: str, device: str = "auto") -> Loaded:
    """A network by name or file. Raises UserError where there is none, it is not of this topic, or its numbers are
    damaged."""
    from engines.core.device import choose
    from engines.core.weights import load_weights
    from engines.piano.nets.transformer import StyleConfig, build

    tensors, card = load_weights(name)
    if not card.architecture:
        raise UserError(f"{name} has no card that says how it is built", "choose weights with their .json file")
    net = build(StyleConfig.from_json(card.architecture))
    try:
        net.load_state_dict(tensors)
    except RuntimeError:
        raise UserError(f"the tensors of {name} are not those of its card", "train it again") from None
    if not all(bool(tensor.isfinite().all()) for tensor in net.state_dict().values()):
        raise UserError(f"{name} holds numbers that are not finite", "train it again, at a lower rate")
    return Loaded(net.to(choose(device)).eval(), card)


def load_pooled(name: str, device: str = "auto") -> Loaded:
    """As `load_model`. Raises UserError also for a network without pooling: it keeps no vector, and copies."""
    loaded = load_model(name, device)
    if loaded.net.config.mode == "unpooled":
        raise UserError("a network without pooling copies its source", "choose weights with a style vector")
    return loaded
