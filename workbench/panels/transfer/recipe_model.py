"""The recipe under the hand: its parts and numbers, its name and cost, and the way back and forth through changes."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.transfer.recipes import recipe_of
from engines.transfer.spec import COLOUR_EPS, GREY_EPS, RecipeSpec
from engines.vision.attacks.recipe import RECIPES, Recipe, name, passes

PARTS: Final = ("lookahead", "scales", "diverse", "smooth")
"""Fields of the chips N, S, D and T."""
MOST_EPS: Final = {1: 0.5, 3: 32 / 255}
"""End of the ε slider, for grey and for colour images."""
_KEPT: Final = 100
_PLAIN: Final = {"seed": 0, "device": "auto"}


class RecipeModel(QObject):
    """What bar and form edit together. ε is always a number here, kept apart for grey and for colour images.

    changed(RecipeSpec): after every change, whoever made it.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._eps = {1: GREY_EPS, 3: COLOUR_EPS}
        self._colours = 1
        self.spec = RecipeSpec(eps=GREY_EPS)
        self._past: list[RecipeSpec] = []
        self._future: list[RecipeSpec] = []
        self._last: frozenset[str] = frozenset()

    @property
    def most_eps(self) -> float:
        """Largest ε that the slider offers."""
        return MOST_EPS[self._colours]

    @property
    def eps(self) -> float:
        """The radius, on the pixel scale of [0, 1]."""
        return float(self.spec.eps or self._eps[self._colours])

    def recipe(self, *, targeted: bool = False) -> Recipe:
        """As the attacks take it. Raises UserError for numbers that fit no attack."""
        return recipe_of(self.spec, self.eps, targeted=targeted)

    @property
    def title(self) -> str:
        """What the literature calls it."""
        return name(self.recipe())

    @property
    def passes(self) -> int:
        """Gradient passes for each image."""
        return passes(self.recipe())

    def set_shape(self, shape: tuple[int, int, int]) -> None:
        """Take the ε that belongs to grey or to colour images."""
        colours = 3 if shape[0] == 3 else 1
        if colours != self._colours:
            self._eps[self._colours] = self.eps
            self._colours = colours
            self._set(self.spec.changed(eps=self._eps[colours]))

    def change(self, **values: Any) -> None:
        """Change some fields; a value that is out of range raises UserError and changes nothing."""
        fresh = self.spec.changed(**values)
        recipe_of(fresh, float(fresh.eps or self.eps))  # An even kernel is refused here, not in the engine.
        if fresh != self.spec:
            # A slider on its way is one change, not a hundred.
            if frozenset(values) != self._last or frozenset(values) != {"eps"}:
                self._past = [*self._past[-_KEPT:], self.spec]
            self._last = frozenset(values)
            self._future.clear()
            self._set(fresh)

    def choose(self, title: str) -> None:
        """Take the parts of a named recipe; numbers stay, but for T where it was FGSM's single step."""
        base = RECIPES[title]
        steps = 1 if base.steps == 1 else max(self.spec.steps, 2) if self.spec.steps > 1 else 10
        self.change(
            lookahead=base.lookahead, scales=base.copies > 1, diverse=base.di_p > 0, smooth=base.ti_kernel > 1,
            mu=base.mu, random_start=base.random_start, steps=steps,
            copies=max(self.spec.copies, 2) if base.copies > 1 else self.spec.copies,
            di_p=self.spec.di_p or 0.5, ti_kernel=max(self.spec.ti_kernel, 3),
        )  # fmt: skip

    def matching(self) -> str:
        """The named recipe whose parts these are, "" for a mixture without a name."""
        title = self.title
        return title if title in RECIPES else ""

    # -- there and back ---------------------------------------------------------------------------------------

    def why_no_undo(self) -> str:
        return "" if self._past else "The recipe has not been changed yet."

    def why_no_redo(self) -> str:
        return "" if self._future else "Nothing was taken back."

    def undo(self) -> None:
        if self._past:
            self._future.append(self.spec)
            self._last = frozenset()
            self._set(self._past.pop())

    def redo(self) -> None:
        if self._future:
            self._past.append(self.spec)
            self._last = frozenset()
            self._set(self._future.pop())

    # -- session ----------------------------------------------------------------------------------------------

    def save_state(self) -> dict[str, Any]:
        return {"spec": self.spec.model_dump(mode="json"), "colours": self._colours,
                "eps": {str(colours): value for colours, value in self._eps.items()}}  # fmt: skip

    def restore_state(self, state: object) -> None:
        """Take up what `save_state` said; what does not fit is ignored."""
        if not isinstance(state, dict):
            return
        kept = state.get("eps")
        for colours in self._eps:
            value = kept.get(str(colours)) if isinstance(kept, dict) else None
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1:
                self._eps[colours] = float(value)
        if isinstance(state.get("spec"), dict):
            self.load({**state["spec"], "eps": state["spec"].get("eps") if state.get("colours") == self._colours else
                       self._eps[self._colours]})  # fmt: skip

    def load(self, values: dict[str, Any]) -> tuple[str, ...]:
        """Take fields of a RecipeSpec from outside, each as far as it fits; says what did not, and why."""
        fresh, refused = self.spec, []
        for field, value in values.items():
            if field not in RecipeSpec.model_fields or field in _PLAIN:
                continue
            try:
                tried = fresh.changed(**{field: value})
                recipe_of(tried, float(tried.eps or self.eps))
            except UserError as error:
                refused.append(error.what)
                continue
            fresh = tried
        if fresh.eps is None:
            fresh = fresh.changed(eps=self.eps)
        if fresh != self.spec:
            self._past = [*self._past[-_KEPT:], self.spec]
            self._set(fresh)
        return tuple(refused)

    def _set(self, spec: RecipeSpec) -> None:
        self.spec = spec
        self._eps[self._colours] = float(spec.eps or self._eps[self._colours])
        self.changed.emit(spec)


def spec_values(recipe: dict[str, Any]) -> dict[str, Any]:
    """Fields of a RecipeSpec from those of a `Recipe`, as recipe.json keeps them; unknown ones are left out."""
    same = ("eps", "steps", "step_policy", "alpha", "mu", "lookahead", "pivot", "di_rate", "normaliser", "random_start")
    found = {key: recipe[key] for key in same if key in recipe}
    for key, on, off in (("copies", "scales", 1), ("di_p", "diverse", 0), ("ti_kernel", "smooth", 1)):
        if isinstance(recipe.get(key), (int, float)):
            found[on] = recipe[key] > off
            if recipe[key] > off:
                found[key] = recipe[key]
    return found
