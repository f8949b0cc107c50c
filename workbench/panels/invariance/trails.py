"""What connects the dots of the trade-off plane: trails of growing training, the Pareto front, colours. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.invariance.results import Trained


@dataclass(frozen=True)
class Trail:
    """Models of one family in the order of growing training. family: its number. kind: what grows. members: indices."""

    family: int
    kind: str
    members: tuple[int, ...]


def families(models: Sequence[Trained]) -> tuple[list[int], list[str]]:
    """The number of each model's family, and a name for each family: what its first model's title says before a
    comma."""
    keys = list(dict.fromkeys(model.family for model in models))
    numbers = [keys.index(model.family) for model in models]
    names = [models[numbers.index(n)].title.split(",")[0].strip() for n in range(len(keys))]
    for n, name in enumerate(names):
        if names.count(name) > 1:  # the same title over different settings
            names[n] = f"{name} ({models[numbers.index(n)].name})"
    return numbers, names


def trails(models: Sequence[Trained]) -> list[Trail]:
    """Trails of at least two models: growing theta among those without an adversary, growing eps among those without
    turns. The plain model, if there is one, begins both."""
    numbers, names = families(models)
    found = []
    for family in range(len(names)):
        members = [i for i, n in enumerate(numbers) if n == family]
        for kind, grows, stays in (("θ", "theta", "eps"), ("ε", "eps", "theta")):
            chosen = [i for i in members if getattr(models[i], stays) == 0]
            strength = [getattr(models[i], grows) for i in chosen]
            if len(set(strength)) > 1:
                order = np.argsort(strength, kind="stable")
                found.append(Trail(family, kind, tuple(chosen[n] for n in order)))
    return found


def trained_text(model: Trained) -> str:
    """How a model was trained in few letters: "±60°", "ε 0.1", "±60°, ε 0.1", "CuSP ±180°, ε 0.2", "plain"."""
    said = [f"±{model.theta:g}°"] if model.theta else []
    said += [f"ε {model.eps:.2g}"] if model.eps else []
    return ("CuSP " if model.is_by_curriculum else "") + (", ".join(said) or "plain")


def pareto(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Indices of points [n] that no other point beats in both, from left to right; NaN is left out.

    A point beats another when it is at least as good in both coordinates and better in one.
    """
    known = [i for i in range(len(x)) if np.isfinite(x[i]) and np.isfinite(y[i])]
    best = -np.inf
    front: list[int] = []
    for i in sorted(known, key=lambda i: (-x[i], -y[i])):  # from the right: each has to be higher than those before
        if y[i] > best:
            front.append(i)
            best = float(y[i])
    return front[::-1]


def staircase(x: np.ndarray, y: np.ndarray, front: Sequence[int], left: float, bottom: float) -> np.ndarray:
    """Corners float64 [n, 2] of the region that the front dominates, from its upper left to its lower right."""
    if not front:
        return np.zeros((0, 2))
    corners = [(left, y[front[0]])]
    for at, i in enumerate(front):
        corners.append((x[i], y[i]))
        following = y[front[at + 1]] if at + 1 < len(front) else bottom
        corners.append((x[i], following))
    return np.array(corners, np.float64)


def blend(colour: str, ground: str, share: float) -> str:
    """ "#rrggbb" of `share` of a colour and the rest of the ground."""
    parts = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in parts)


def colours_of(models: Sequence[Trained], series: Sequence[str], ground: str) -> list[str]:
    """ "#rrggbb" for each model: one hue a family, paler where less was trained for."""
    numbers, _ = families(models)
    found = []
    for i in range(len(models)):
        members = [j for j, n in enumerate(numbers) if n == numbers[i]]
        order = sorted(members, key=lambda j: (models[j].eps > 0, models[j].theta + 1000 * models[j].eps, j))
        share = 1.0 if len(order) < 2 else 0.5 + 0.5 * order.index(i) / (len(order) - 1)
        found.append(blend(series[numbers[i] % len(series)], ground, share))
    return found
