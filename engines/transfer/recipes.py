"""From the fields of a spec to recipes. Imports no torch."""

from __future__ import annotations

from engines.core.errors import UserError
from engines.transfer.spec import COLOUR_EPS, GREY_EPS, OWN, RecipeSpec
from engines.vision.attacks.recipe import RECIPES, Recipe, name


def names_of(text: str) -> tuple[str, ...]:
    """Names separated by commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def eps_of(spec: RecipeSpec, shape: tuple[int, int, int]) -> float:
    """The radius: the spec's, or the usual one for grey or colour."""
    return spec.eps if spec.eps is not None else GREY_EPS if shape[0] == 1 else COLOUR_EPS


def recipe_of(spec: RecipeSpec, eps: float, title: str = OWN, *, targeted: bool = False) -> Recipe:
    """The recipe of that title with the spec's numbers; "own" takes the spec's parts too.

    FGSM stays one step of eps, and what a named recipe lacks stays off whatever the spec says.
    Raises UserError for an unknown title or a number that fits no attack.
    """
    if title.lower() == OWN:
        has = {"N": spec.lookahead, "S": spec.scales, "D": spec.diverse, "T": spec.smooth}
        mu, start, steps, policy = spec.mu, spec.random_start, spec.steps, spec.step_policy
    else:
        base = RECIPES.get(title.upper())
        if base is None:
            raise UserError(f"expected a recipe out of {', '.join(RECIPES)} or {OWN!r}, got {title!r}")
        has = {"N": base.lookahead, "S": base.copies > 1, "D": base.di_p > 0, "T": base.ti_kernel > 1}
        mu, start = spec.mu if base.mu else 0.0, base.random_start
        steps, policy = (spec.steps, spec.step_policy) if base.steps > 1 else (1, "eps/T")
    return Recipe(
        eps=eps,
        steps=steps,
        step_policy=policy,
        alpha=spec.alpha,
        mu=mu,
        lookahead=has["N"],
        copies=spec.copies if has["S"] else 1,
        pivot=spec.pivot,
        di_p=spec.di_p if has["D"] else 0.0,
        di_rate=spec.di_rate,
        ti_kernel=spec.ti_kernel if has["T"] else 1,
        normaliser=spec.normaliser,
        random_start=start,
        targeted=targeted,
    )


def recipes_of(spec: RecipeSpec, eps: float, text: str) -> dict[str, Recipe]:
    """The recipes named in `text`, by the name that a table shows. Raises UserError where there is none."""
    found: dict[str, Recipe] = {}
    for title in names_of(text):
        recipe = recipe_of(spec, eps, title)
        shown = name(recipe) if title.lower() == OWN else title.upper()
        if shown in found and found[shown] != recipe:
            shown = f"{shown} ({OWN})"
        found[shown] = recipe
    if not found:
        raise UserError("no recipe is named", f"name some of {', '.join(RECIPES)}, separated by commas")
    return found
