"""What a momentum attack is made of: numbers only, no tensors, so that a window can name and price a recipe.

Source: Lin et al. 2020 (arXiv 1908.06281), with DIM (Xie et al. 2019) and TIM (Dong et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engines.core.errors import UserError


@dataclass(frozen=True)
class Recipe:
    """One member of the family FGSM … SI-NI-TI-DIM, for an l-inf ball.

    eps: radius on the pixel scale, 0 < eps <= 1. steps: T. step_policy: "eps/T", or "fixed" with steps of `alpha`.
    mu: decay of the momentum; 0: none. lookahead: take the gradient where the momentum leads (NI).
    copies: m images at scales 1, 1/2, … 1/2^(m-1) about `pivot` (SI); 0.5 is the official code's mid-grey, 0 the
    black of the PyTorch ports. di_p: probability of a random resize and pad (DI) to at most di_rate times the size,
    padded with `pivot`. ti_kernel: odd width of the Gaussian over the gradient (TI); 1: none.
    normaliser: the gradient is divided by its mean absolute value, as the official code does, or by its l1 norm, as
    the paper prints; with the latter the look-ahead all but vanishes.
    random_start: begin at a random point of the ball. targeted: lower the loss of a given class.
    """

    eps: float = 16 / 255
    steps: int = 10
    step_policy: Literal["eps/T", "fixed"] = "eps/T"
    alpha: float = 1.6 / 255
    mu: float = 1.0
    lookahead: bool = False
    copies: int = 1
    pivot: float = 0.5
    di_p: float = 0.0
    di_rate: float = 1.1
    ti_kernel: int = 1
    normaliser: Literal["mean", "l1"] = "mean"
    random_start: bool = False
    targeted: bool = False

    def __post_init__(self) -> None:
        _expect(0 < self.eps <= 1, f"expected eps in (0, 1] on the pixel scale, got {self.eps}", "8/255 is usual")
        _expect(self.steps >= 1, f"expected at least one step, got {self.steps}")
        _expect(self.alpha > 0, f"expected a step above 0, got {self.alpha}")
        _expect(self.mu >= 0, f"expected a decay mu of 0 or more, got {self.mu}")
        _expect(1 <= self.copies <= 32, f"expected 1 to 32 scale copies, got {self.copies}", "the paper takes 5")
        _expect(0 <= self.di_p <= 1, f"expected a probability in [0, 1], got {self.di_p}")
        _expect(1 <= self.di_rate <= 4, f"expected a resize rate in [1, 4], got {self.di_rate}", "the paper: 1.1")
        odd = self.ti_kernel >= 1 and self.ti_kernel % 2 == 1
        _expect(odd, f"expected an odd kernel width, got {self.ti_kernel}", "the paper takes 7")

    @property
    def step_size(self) -> float:
        """a, the length of a step on the pixel scale."""
        return self.eps / self.steps if self.step_policy == "eps/T" else self.alpha

    @property
    def is_random(self) -> bool:
        """Whether it draws random numbers."""
        return self.random_start or self.di_p > 0


def _expect(holds: bool, what: str, remedy: str = "") -> None:
    if not holds:
        raise UserError(what, remedy)


def name(recipe: Recipe) -> str:
    """What the literature calls it, for example "SI-NI-TI-DIM"; what has no name there is spelled out.

    As in the paper's tables, TIM, DIM and TI-DIM have momentum; without it they are TI-FGSM, DI-FGSM and TI-DI-FGSM.
    """
    parts = ["SI"] if recipe.copies > 1 else []
    ti, di = recipe.ti_kernel > 1, recipe.di_p > 0
    # After a single step there is nothing to remember, to look ahead of or to repeat.
    moves, repeats = recipe.mu > 0 and recipe.steps > 1, recipe.steps > 1
    if moves and recipe.lookahead:
        parts.append("NI")
    if ti or di:
        short = [*(["TI"] if ti else []), *(["DI"] if di else [])]
        parts += [*short[:-1], short[-1] + "M"] if moves else [*short, "FGSM"]
    else:
        plain = ["PGD"] if recipe.random_start and repeats and not moves else ["FGSM"]
        if not moves and repeats and not recipe.random_start:
            parts.append("I")
        if moves and not recipe.lookahead:
            parts.append("MI")
        parts += plain
    title = "-".join(parts)
    extras = []
    if recipe.random_start and "PGD" not in parts:
        extras.append("random start")
    if moves and recipe.lookahead and recipe.normaliser == "l1":
        extras.append("literal l1")
    if recipe.targeted:
        extras.append("targeted")
    return f"{title} ({', '.join(extras)})" if extras else title


def passes(recipe: Recipe) -> int:
    """Forward and backward passes of the source for each image: T·m."""
    return recipe.steps * recipe.copies


_MI = Recipe()
_NI = Recipe(lookahead=True)
_SI_NI = Recipe(lookahead=True, copies=5)

RECIPES: dict[str, Recipe] = {
    "FGSM": Recipe(steps=1),
    "I-FGSM": Recipe(mu=0.0),
    "PGD": Recipe(mu=0.0, random_start=True),
    "MI-FGSM": _MI,
    "NI-FGSM": _NI,
    "TIM": replace(_MI, ti_kernel=7),
    "DIM": replace(_MI, di_p=0.5),
    "TI-DIM": replace(_MI, ti_kernel=7, di_p=0.5),
    "SI-MI-FGSM": replace(_MI, copies=5),
    "SI-NI-FGSM": _SI_NI,
    "SI-NI-TIM": replace(_SI_NI, ti_kernel=7),
    "SI-NI-DIM": replace(_SI_NI, di_p=0.5),
    "SI-NI-TI-DIM": replace(_SI_NI, ti_kernel=7, di_p=0.5),
}
"""The paper's methods with its numbers (eps 16/255, T 10, mu 1, m 5, DIM 0.5 and 1.1, kernel 7)."""


def recipe_named(title: str, **changes: object) -> Recipe:
    """The paper's recipe of that name with some fields changed. Raises UserError for an unknown name.

    `steps` is not changed for FGSM, which is one step.
    """
    if title not in RECIPES:
        raise UserError(f"expected a recipe out of {', '.join(RECIPES)}, got {title!r}", "choose one of these")
    if title == "FGSM":
        changes.pop("steps", None)
    return replace(RECIPES[title], **changes)  # type: ignore[arg-type]
