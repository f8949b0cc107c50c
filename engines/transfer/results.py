"""What the transfer jobs return and show while they run: frozen, numpy only, light to import.

Rates are shares in [0, 1]. S sources, T targets, R recipes, N images. A pair of a source and a target is a white box
where the source is that target, or averages it with others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.core.intervals import wilson

UNKNOWN = -1


@dataclass(frozen=True)
class Named:
    """A model or a source as tables and views name it. classes: names of its classes; is_robust: trained against an
    adversary."""

    name: str
    title: str
    classes: tuple[str, ...]
    is_robust: bool = False


@dataclass(frozen=True)
class MatrixResult:
    """Success of every recipe from every source on every target; while it fills, what is missing is -1.

    recipes: names; passes: int64 [R], gradient passes for each image. white_box: bool [S, T].
    wrong: int64 [R, S, T], crafted images that the target names wrongly (of N; the official scripts' count).
    wrong_of_right: int64 [R, S, T], of these, images that the target named rightly before (of right[T]).
    vanished: int64 [R, S], images whose gradient was zero at some step. seconds: float64 [R, S].
    labels, clean: int64 [T, N], each image's label and the answer to the clean image, as the target counts classes.
    named: int16 [R, S, T, N], the answer to the crafted image.
    images: float32 [G, C, H, W], the first clean images; crafted: float32 [R, S, G, C, H, W], theirs (NaN while
    missing). eps: radius. notes: what a reader must know.
    """

    sources: tuple[Named, ...]
    targets: tuple[Named, ...]
    recipes: tuple[str, ...]
    passes: np.ndarray
    white_box: np.ndarray
    wrong: np.ndarray
    wrong_of_right: np.ndarray
    right: np.ndarray
    vanished: np.ndarray
    seconds: np.ndarray
    labels: np.ndarray
    clean: np.ndarray
    named: np.ndarray
    images: np.ndarray
    crafted: np.ndarray
    eps: float
    count: int
    data: str
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> np.ndarray:
        """Success by the official convention, float64 [R, S, T], NaN while missing."""
        return _share(self.wrong, np.full(len(self.targets), self.count))

    @property
    def rate_of_right(self) -> np.ndarray:
        """Success among images that the target named rightly, float64 [R, S, T], NaN while missing."""
        return _share(self.wrong_of_right, self.right)

    def interval(self, recipe: int, source: int, target: int, *, of_right: bool = False) -> tuple[float, float]:
        """The Wilson 95 % interval of one rate; (0, 1) while missing."""
        if self.wrong[recipe, source, target] < 0:
            return 0.0, 1.0
        if of_right:
            return wilson(int(self.wrong_of_right[recipe, source, target]), int(self.right[target]))
        return wilson(int(self.wrong[recipe, source, target]), self.count)

    def mean(self, *, white: bool, robust: bool | None = None, of_right: bool = False) -> np.ndarray:
        """Mean rate of each recipe over the white-box pairs, or over the others, float64 [R]; NaN where there is
        none. robust: only targets that were, or were not, trained against an adversary."""
        chosen = self.white_box == white
        if robust is not None:
            chosen = chosen & (np.array([target.is_robust for target in self.targets]) == robust)[None]
        rates = self.rate_of_right if of_right else self.rate
        picked = rates[:, chosen]
        return picked.mean(1) if picked.shape[1] else np.full(len(self.recipes), np.nan)

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row for each recipe, source and target with its intervals; and each target's clean answers."""
        cells = [
            (r, s, t)
            for r in range(len(self.recipes))
            for s in range(len(self.sources))
            for t in range(len(self.targets))
            if self.wrong[r, s, t] >= 0
        ]
        rates, of_right = self.rate, self.rate_of_right
        ends = [self.interval(*cell) for cell in cells]
        ends_of_right = [self.interval(*cell, of_right=True) for cell in cells]
        at = tuple(np.array(cells, np.int64).reshape(-1, 3).T)
        return {
            "success": {
                "recipe": np.array([self.recipes[r] for r, _, _ in cells]),
                "source": np.array([self.sources[s].name for _, s, _ in cells]),
                "target": np.array([self.targets[t].name for _, _, t in cells]),
                "white_box": np.array([self.white_box[s, t] for _, s, t in cells]),
                "passes": np.array([self.passes[r] for r, _, _ in cells]),
                "wrong": self.wrong[at],
                "images": np.full(len(cells), self.count),
                "success": rates[at],
                "low": np.array([low for low, _ in ends]),
                "high": np.array([high for _, high in ends]),
                "wrong_of_right": self.wrong_of_right[at],
                "right": np.array([self.right[t] for _, _, t in cells]),
                "success_of_right": of_right[at],
                "low_of_right": np.array([low for low, _ in ends_of_right]),
                "high_of_right": np.array([high for _, high in ends_of_right]),
            },
            "targets": {
                "target": np.array([target.name for target in self.targets]),
                "right": self.right,
                "images": np.full(len(self.targets), self.count),
                "clean_accuracy": self.right / max(self.count, 1),
            },
        }


@dataclass(frozen=True)
class RaceResult:
    """Two recipes after each iteration; while it runs, what is missing is -1.

    recipes: their names. passes: int64 [2, I + 1], gradient passes after each iteration (0 … I; -1 beyond a shorter
    recipe's end). wrong, wrong_of_right: int64 [2, I + 1, T], as in MatrixResult; iteration 0 is the clean image (or
    the random start). reach: float64 [2, I + 1], how far the look-ahead lies from the iterate, in steps.
    white_box: bool [T]. frames: float32 [2, I + 1, F, C, H, W], every iterate of the first images (NaN while missing).
    labels: int64 [T, F]; named: int16 [2, I + 1, T, F], what the targets call these.
    """

    source: Named
    targets: tuple[Named, ...]
    recipes: tuple[str, str]
    passes: np.ndarray
    wrong: np.ndarray
    wrong_of_right: np.ndarray
    right: np.ndarray
    reach: np.ndarray
    white_box: np.ndarray
    frames: np.ndarray
    labels: np.ndarray
    named: np.ndarray
    eps: float
    count: int
    data: str
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> np.ndarray:
        """Success by the official convention, float64 [2, I + 1, T], NaN while missing."""
        return _share(self.wrong, np.full(len(self.targets), self.count))

    @property
    def rate_of_right(self) -> np.ndarray:
        """Success among images that the target named rightly, float64 [2, I + 1, T], NaN while missing."""
        return _share(self.wrong_of_right, self.right)

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row for each recipe, iteration and target."""
        rates, of_right = self.rate, self.rate_of_right
        cells = [(r, i, t) for r, i, t in np.ndindex(self.wrong.shape) if self.wrong[r, i, t] >= 0]
        at = tuple(np.array(cells, np.int64).reshape(-1, 3).T)
        ends = [wilson(int(self.wrong[cell]), self.count) for cell in cells]
        return {
            "race": {
                "recipe": np.array([self.recipes[r] for r, _, _ in cells]),
                "iteration": np.array([i for _, i, _ in cells]),
                "passes": np.array([self.passes[r, i] for r, i, _ in cells]),
                "target": np.array([self.targets[t].name for _, _, t in cells]),
                "white_box": np.array([self.white_box[t] for _, _, t in cells]),
                "success": rates[at],
                "low": np.array([low for low, _ in ends]),
                "high": np.array([high for _, high in ends]),
                "success_of_right": of_right[at],
            }
        }


@dataclass(frozen=True)
class ScalesResult:
    """Mean cross-entropy of models against a global scale. factors: float64 [K]. losses: float64 [M, K], NaN while
    missing; while it runs, the newest row is the mean over the images so far. pivot: what scaling leaves alone."""

    models: tuple[Named, ...]
    factors: np.ndarray
    losses: np.ndarray
    pivot: float
    count: int
    data: str
    notes: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row a factor, one column a model."""
        return {
            "scales": {"factor": self.factors, **{m.name: row for m, row in zip(self.models, self.losses, strict=True)}}
        }


@dataclass(frozen=True)
class CraftResult:
    """Crafted images and what the models make of them.

    keys: a name for each image. images, crafted: float32 [N, C, H, W] in [0, 1]; saved: uint8 [N, C, H, W], as in the
    files, rounded and clipped to the ball again. labels: int64 [T, N]; clean, named, named_saved: int64 [T, N], the
    answers of each target (the source's models first) to the clean, the crafted and the saved image.
    fooled, fooled_saved: bool [T, N]. vanished: bool [N], whether the source's gradient was zero at some step.
    eps: radius; largest, largest_saved: the largest change of a pixel. recipe: its name; recipe_json: what recipe.json
    holds. folder: where files were written, empty where nowhere; files: their number.
    """

    source: Named
    targets: tuple[Named, ...]
    keys: tuple[str, ...]
    images: np.ndarray
    crafted: np.ndarray
    saved: np.ndarray
    labels: np.ndarray
    clean: np.ndarray
    named: np.ndarray
    named_saved: np.ndarray
    fooled: np.ndarray
    fooled_saved: np.ndarray
    vanished: np.ndarray
    eps: float
    largest: float
    largest_saved: float
    recipe: str
    recipe_json: str
    data: str
    folder: str = ""
    files: int = 0
    notes: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """Success on each target before and after rounding to eight bits; and the answers, one row an image."""
        answers: dict[str, np.ndarray] = {"image": np.array(self.keys)}
        for t, target in enumerate(self.targets):
            for what, named in (("clean", self.clean), ("crafted", self.named), ("saved", self.named_saved)):
                answers[f"{target.name} {what}"] = np.array([class_name(target.classes, k) for k in named[t]])
        return {
            "targets": {
                "target": np.array([target.name for target in self.targets]),
                "success": self.fooled.mean(1),
                "success_saved": self.fooled_saved.mean(1),
                "clean_accuracy": (self.clean == self.labels).mean(1),
            },
            "images": answers,
        }


def class_name(classes: tuple[str, ...], index: int) -> str:
    """A class's name, or its number where it has none; "" for an unknown one."""
    if index < 0:
        return ""
    return classes[index] if index < len(classes) else str(index)


def _share(counts: np.ndarray, of: np.ndarray) -> np.ndarray:
    """counts / of along the last axis; NaN where nothing was counted yet or there is nothing to count."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((counts >= 0) & (of > 0), counts / np.maximum(of, 1), np.nan)
