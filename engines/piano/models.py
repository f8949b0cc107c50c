"""Trained networks of this topic: which there are (no torch), and one loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.core.errors import UserError
from engines.core.weights import ModelCard, list_weights

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


def load_model(name: str, device: str = "auto") -> Loaded:
    """A network by name or file. Raises UserError where there is none or it is not of this topic."""
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
    return Loaded(net.to(choose(device)).eval(), card)
