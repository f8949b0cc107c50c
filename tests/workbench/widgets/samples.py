"""Models, sources and model files for the tests of lists and dialogs, without an engine behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.errors import UserError
from workbench.widgets.own_model_answers import Answers, OwnModelTools, Question
from workbench.widgets.source_picker import Source

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Info:
    """A model as the lists of the engine describe one."""

    name: str
    title: str
    input_shape: tuple[int, int, int] = (1, 28, 28)
    classes: tuple[str, ...] = DIGITS
    metrics: dict[str, Any] = field(default_factory=dict)
    is_own: bool = False
    problem: str = ""


MODELS = [
    Info("mnist-stdcnn", "Plain CNN on MNIST", metrics={"clean_accuracy": 0.991, "rotated_180": 0.43}),
    Info("mnist-gcnn", "Equivariant CNN (p4) on MNIST, turned by up to 60°", metrics={"clean_accuracy": 0.988}),
    Info("mnist-at", "Plain CNN, adversarially trained", metrics={"clean_accuracy": 0.975, "rotated_180": 0.31}),
    Info("cifar-resnet", "ResNet on CIFAR-10", (3, 32, 32), metrics={"clean_accuracy": 0.874}),
    Info("my-net", "my net", is_own=True),
    Info("gone", "lost network", is_own=True, problem="The file /home/me/lost.pt2 is gone"),
]
SOURCES = [
    Source("digits", "Handwritten digits, 8×8", "embedded"),
    Source("photos", "Sample photographs", "embedded"),
    Source("mnist", "MNIST", "missing", 11_594_722),
    Source("cifar10", "CIFAR-10", "missing", 170_052_171),
    Source("games", "A set without address", "missing", 469_151, False, "Put its file into the data folder"),
]


@dataclass(frozen=True)
class Found:
    """A file that was looked into, as the engine's answer describes it."""

    is_program: bool = True
    input_shape: np.ndarray = field(default_factory=lambda: np.array([1, 28, 28]))
    classes: int = 10
    class_names: tuple[str, ...] = ()
    outputs: str = "logits"
    architecture_kind: str = ""
    candidates: tuple[str, ...] = ()
    architecture: dict[str, Any] = field(default_factory=dict)
    operations: int = 12
    parameters: int = 1_199_882
    notes: tuple[str, ...] = ()


def found_weights() -> Found:
    """Bare weights that two architectures take."""
    note = "The file does not say what its classes are called."
    return Found(False, architecture_kind="lenet", candidates=("lenet", "lenet-small"), operations=0, notes=(note,))


class Engine:
    """Answers at once, or when `later` is set, when `answer` is called; remembers what it was asked."""

    def __init__(self, found: Found, *, refused: bool = False, later: bool = False) -> None:
        self.found, self.refused, self.later = found, refused, later
        self.questions: list[Question] = []
        self.saved: list[Answers] = []
        self.tried: list[tuple[Answers, Path]] = []
        self.stopped = 0
        self.answer: Callable[[], None] = lambda: None

    def inspect(self, question: Question, answered: Any, refused: Any) -> Callable[[], None]:
        self.questions.append(question)

        def say() -> None:
            if self.refused:
                refused(f"{Path(question.path).name} would run code when it is opened: it asks for posix.system",
                        "save its weights with safetensors.torch.save_file")  # fmt: skip
            else:
                answered(self.found)

        self.answer = say
        if not self.later:
            say()
        return self._stop

    def predict(self, answers: Answers, path: Path, answered: Any, refused: Any) -> Callable[[], None]:
        self.tried.append((answers, path))
        if path.suffix == ".png":
            answered([("7", 0.981), ("1", 0.012), ("9", 0.004)])
        else:
            refused(f"{path.name} is not a picture", "choose another")
        return self._stop

    def save(self, answers: Answers) -> None:
        if answers.name == "taken":
            raise UserError("there is already a model called 'taken'", "choose another name")
        self.saved.append(answers)

    def _stop(self) -> None:
        self.stopped += 1


def tools(found: Found | None = None, *, refused: bool = False) -> OwnModelTools:
    """An engine that answers at once, as tools for the dialog."""
    engine = Engine(found or Found(), refused=refused)
    return OwnModelTools(engine.inspect, engine.save, engine.predict)
