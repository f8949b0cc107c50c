"""All panels, by metadata only: nothing of a panel is imported before it is shown."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.services import Services


@dataclass(frozen=True)
class PanelInfo:
    """One panel as the window knows it before it is built.

    topic: its name in commands, files and help. family: heading in the navigation. icon: a name of
    `workbench.icons`. paper: authors, title, year. summary: one sentence on what one can do here; abilities:
    the same in a few short phrases. action: text of its one obvious button on the home page. target:
    "module:Class". accepts: suffixes of files it opens, lower case with the dot; accepts_text: what those are.
    """

    topic: str
    title: str
    family: str
    icon: str
    paper: str
    summary: str
    target: str
    action: str = "Open"
    accepts: tuple[str, ...] = ()
    accepts_text: str = ""
    abilities: tuple[str, ...] = ()


FAMILIES: tuple[str, ...] = ("Games and search", "Vision", "Language", "Music", "Theory")
"""Order of the headings in the navigation; a family without panels is not shown."""

PANELS: tuple[PanelInfo, ...] = (
    PanelInfo(
        topic="hex",
        title="Hex",
        family="Games and search",
        icon="game",
        paper="Gao, Müller, Hayward, Yao, Jui: Three-Head Neural Network Architecture for AlphaZero Learning, 2020",
        summary="Play Hex against a network that values every move at once, watch its search think, "
        "review your games, and train one yourself.",
        target="workbench.panels.hex.panel:HexPanel",
        action="Play Hex",
        accepts=(".sgf", ".hex"),
        accepts_text="Hex games (SGF)",
        abilities=(
            "Play from 3×3 to 19×19, with swap, undo and variations",
            "Watch the search think, move by move",
            "See what each of the three heads says, and where they disagree",
            "Let two networks duel at equal cost",
            "Review a game, find its mistakes, learn from them",
            "Train a network of your own and follow its strength",
        ),
    ),
    PanelInfo(
        topic="invariance",
        title="Invariance",
        family="Vision",
        icon="dial",
        paper="Kamath, Deshpande, Subrahmanyam: Invariance vs Robustness of Neural Networks, 2020",
        summary="Turn an image under the eyes of many networks, and measure what their invariance to turns costs "
        "them against an adversary.",
        target="workbench.panels.invariance.panel:InvariancePanel",
        action="Turn an image",
        accepts=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pt2", ".safetensors", ".pt", ".pth"),
        accepts_text="pictures and image networks",
        abilities=(
            "Drag an image through 360° and watch every network's answer",
            "Draw a digit of your own and turn it",
            "See whether feature maps turn with the input, to the last bit",
            "Cut through the decision regions, along the adversary and along the turn",
            "Measure invariance against robustness for many networks at once",
            "Train on turned or attacked images, live",
        ),
    ),
    PanelInfo(
        topic="transfer",
        title="Transfer attacks",
        family="Vision",
        icon="transfer",
        paper="Lin, Song, He, Wang, Hopcroft: Nesterov Accelerated Gradient and Scale Invariance for Adversarial "
        "Attacks, 2020",
        summary="Attack one network and see which others fall for the same picture: build the attack from its parts, "
        "watch each step, and measure what every part is worth.",
        target="workbench.panels.transfer.panel:TransferPanel",
        action="Attack an image",
        accepts=(
            ".png",
            ".jpg",
            ".jpeg",
            ".tif",
            ".tiff",
            ".bmp",
            ".pt2",
            ".safetensors",
            ".pt",
            ".pth",
            ".npz",
            ".json",
        ),
        accepts_text="pictures, image networks, crafted images (NPZ), recipes (JSON)",
        abilities=(
            "Attack a picture or your own drawing, live while you drag ε",
            "Mix look-ahead, scale copies, random resizing and smoothing, and see the cost",
            "Take every iteration apart: gradient, momentum, look-ahead, copies",
            "Measure every network against every other, with intervals",
            "Race two recipes by iterations or by gradient passes",
            "See the look-ahead in a slice of the loss",
        ),
    ),
    PanelInfo(
        topic="asymmetric",
        title="Detection",
        family="Vision",
        icon="shield",
        paper="Yin, Kolouri, Rohde: Adversarial Example Detection and Classification with Asymmetrical Adversarial "
        "Training, 2020",
        summary="Vet every answer with a detector per class, push images towards classes and judge the result by eye, "
        "and see which attack breaks the whole system.",
        target="workbench.panels.asymmetric.panel:DetectionPanel",
        action="Morph an image",
        accepts=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pt2", ".safetensors", ".pt", ".pth"),
        accepts_text="pictures, image networks, detectors",
        abilities=(
            "Push a picture or your own drawing towards any class, live",
            "Make images from noise by climbing a detector",
            "Attack classifier and detectors together, the adaptive attack included",
            "Move the threshold and see what passes, with every image behind it",
            "Draw a shape and watch a detector's negatives swim onto it",
            "Train a detector for each class of your own pictures",
        ),
    ),
    PanelInfo(
        topic="piano",
        title="Piano style",
        family="Music",
        icon="music",
        paper="Choi, Hawthorne, Simon, Dinculescu, Engel: Encoding Musical Style with Transformer Autoencoders, 2020",
        summary="Hear one performance in the style of another: choose a style and a melody, and listen while a network "
        "writes the music.",
        target="workbench.panels.piano.panel:PianoPanel",
        action="Compose",
        accepts=(".mid", ".midi", ".kar", ".rmi"),
        accepts_text="MIDI files",
        abilities=(
            "Listen while the music is still being written",
            "Blend two performances' styles, or drag between them on a map",
            "Draw the melody, or have it found in a performance",
            "Keep variations with their seeds and compare them",
            "See how alike result and style are, feature by feature",
            "Train a network on your own MIDI files",
        ),
    ),
)


def find(topic: str, panels: tuple[PanelInfo, ...] = PANELS) -> PanelInfo:
    """The panel of a topic. Raises KeyError naming the known ones."""
    for info in panels:
        if info.topic == topic:
            return info
    raise KeyError(f"there is no panel {topic!r}; known: {', '.join(p.topic for p in panels)}")


def by_family(panels: tuple[PanelInfo, ...] = PANELS) -> dict[str, tuple[PanelInfo, ...]]:
    """Panels under their headings, in the order of `FAMILIES`, other headings after them."""
    headings = [*FAMILIES, *(p.family for p in panels)]
    found = {h: tuple(p for p in panels if p.family == h) for h in dict.fromkeys(headings)}
    return {heading: members for heading, members in found.items() if members}


def build(info: PanelInfo, services: Services) -> Panel:
    """Import and construct a panel."""
    module, _, name = info.target.partition(":")
    return getattr(importlib.import_module(module), name)(services, info)
