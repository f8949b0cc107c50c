"""Trails, the Pareto front and colours, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from engines.invariance.results import Trained
from workbench.panels.invariance.trails import colours_of, families, pareto, staircase, trails, trained_text


def model(name: str, theta: float = 0.0, eps: float = 0.0, family: str = "f") -> Trained:
    return Trained(name, f"{family.upper()}, {name}", "stdcnn", theta, eps, family)


MODELS = [model("wide", 180), model("plain"), model("mid", 60), model("at", eps=0.1), model("other", family="g"),
          model("both", 60, 0.1)]  # fmt: skip


def test_a_trail_joins_what_grows_and_begins_with_the_plain_model() -> None:
    found = trails(MODELS)
    assert [(t.kind, t.members) for t in found] == [("θ", (1, 2, 0)), ("ε", (1, 3))]


def test_models_alone_and_trained_alike_have_no_trail() -> None:
    assert trails([model("a"), model("b", family="g")]) == []
    assert trails([model("seed 0", 60), model("seed 1", 60)]) == []


def test_families_are_named_by_their_first_title() -> None:
    numbers, names = families(MODELS)
    assert numbers == [0, 0, 0, 0, 1, 0] and names == ["F", "G"]


def test_words_for_training() -> None:
    assert [trained_text(m) for m in MODELS[:4]] == ["±180°", "plain", "±60°", "ε 0.1"]
    assert trained_text(MODELS[5]) == "±60°, ε 0.1"


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1, 3), (2, 2), (3, 1)], [0, 1, 2]),
        ([(1, 1), (2, 2)], [1]),
        ([(2, 1), (2, 2), (1, 2)], [1]),  # as good in one and worse in the other is beaten
        ([(1, float("nan")), (0, 0)], [1]),
        ([], []),
    ],
)
def test_the_front_is_what_nothing_beats(points: list[tuple[float, float]], front: list[int]) -> None:
    x, y = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
    assert pareto(x, y) == front


def test_every_point_is_on_the_front_or_beaten_by_it() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random(60), rng.random(60)
    front = pareto(x, y)
    for i in range(60):
        beaten = any(x[j] >= x[i] and y[j] >= y[i] and (x[j] > x[i] or y[j] > y[i]) for j in front)
        assert beaten != (i in front)


def test_the_staircase_goes_down_to_the_right() -> None:
    x, y = np.array([1.0, 3.0]), np.array([2.0, 1.0])
    corners = staircase(x, y, pareto(x, y), 0.0, 0.0)
    assert corners.tolist() == [[0, 2], [1, 2], [1, 1], [3, 1], [3, 0]]
    assert staircase(x, y, [], 0.0, 0.0).shape == (0, 2)


def test_a_family_shares_its_hue_and_more_training_is_stronger() -> None:
    colours = colours_of(MODELS[:3], ("#ff0000", "#00ff00"), "#ffffff")
    assert colours[0] == "#ff0000" and colours[1] == "#ff8080"
    assert colours_of([MODELS[1]], ("#ff0000",), "#ffffff") == ["#ff0000"]
