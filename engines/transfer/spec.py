"""Every number a user may change when attacks are transferred from one model to others."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param

GREY_EPS = 0.15
COLOUR_EPS = 8 / 255
"""Radii where none is given, for small grey and small colour images; the paper's 16/255 is for 299×299 photographs."""
OWN = "own"
"""Name of the recipe that the fields describe."""
_MODEL = "Names or files of models, separated by commas; a+b attacks their mean logits. Empty takes those that fit."


class RecipeSpec(Spec):
    """The parts of an attack. A named recipe takes its numbers from here and its parts from its name."""

    eps: float | None = param(
        None,
        "Largest change of a pixel, in [0, 1]; none takes 0.15 for grey images, 8/255 for colour.",
        gt=0,
        le=1,
        group="Recipe",
        label="ε",
    )
    steps: int = param(10, "Iterations.", ge=1, le=200, group="Recipe", label="T")
    step_policy: Literal["eps/T", "fixed"] = param(
        "eps/T", "Length of a step: ε/T, or fixed.", group="Recipe", advanced=True
    )
    alpha: float = param(
        1 / 255, "Length of a fixed step, in pixels of [0, 1].", gt=0, le=1, group="Recipe", label="a", advanced=True
    )
    mu: float = param(1.0, "Decay of the momentum; 0 forgets it.", ge=0, le=2, group="Recipe", label="μ")
    lookahead: bool = param(True, "N: take the gradient where the momentum leads.", group="Parts", label="Look-ahead")
    scales: bool = param(True, "S: add the gradients of scaled copies.", group="Parts", label="Scale copies")
    copies: int = param(5, "Scaled copies of the image: 1, 1/2, 1/4 and so on.", ge=1, le=8, group="Parts", label="m")
    pivot: float = param(
        0.5,
        "Pixel value that copies shrink towards and padding takes: 0.5 as the official code, 0 as its ports.",
        ge=0,
        le=1,
        group="Parts",
        advanced=True,
    )
    diverse: bool = param(False, "D: resize and pad at random.", group="Parts", label="Random resize")
    di_p: float = param(
        0.5, "Probability of that.", ge=0, le=1, group="Parts", label="Resize probability", advanced=True
    )
    di_rate: float = param(
        1.1, "Largest size, as a factor.", ge=1, le=2, group="Parts", label="Resize rate", advanced=True
    )
    smooth: bool = param(False, "T: smooth the gradient with a Gaussian.", group="Parts", label="Smoothed gradient")
    ti_kernel: int = param(7, "Width of that Gaussian; odd.", ge=1, le=31, unit="px", group="Parts", advanced=True)
    normaliser: Literal["mean", "l1"] = param(
        "mean",
        "Divide gradients by their mean size (official code) or by their l1 norm (as printed; NI then fades into MI).",
        group="Parts",
        advanced=True,
    )
    random_start: bool = param(False, "Begin at a random point of the ball.", group="Parts", advanced=True)


class ImagesSpec(RecipeSpec):
    """A recipe, and the images it is tried on."""

    data: str = param(
        "", "Data set, folder of pictures or picture file; empty takes the best one here.", group="Images"
    )
    images: int = param(200, "Images.", ge=1, le=50_000, group="Images")
    choose: Literal["right", "any"] = param(
        "right",
        "Only images that all models name rightly, as in the paper, or any.",
        group="Images",
    )
    labels: Literal["truth", "own"] = param(
        "truth",
        "What an attack leaves: the true label, or the source's own answer (as the official scripts do).",
        group="Images",
        advanced=True,
    )
    batch: int = param(0, "Images attacked together; 0 chooses.", ge=0, le=4096, group="Run", advanced=True)


class MatrixSpec(ImagesSpec):
    """Success of several recipes from every source on every target."""

    sources: str = param("", _MODEL, group="Models")
    targets: str = param("", "Models that are tried; empty takes all that fit.", group="Models")
    recipes: str = param(
        "FGSM, I-FGSM, MI-FGSM, NI-FGSM, SI-NI-FGSM",
        f'Recipes separated by commas, e.g. TI-DIM; "{OWN}" is the one that the fields describe.',
        group="Recipe",
    )
    gallery: int = param(24, "Crafted images kept of every source and recipe.", ge=0, le=200, group="Run")

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 100},
        "full": {
            "images": 1000,
            "recipes": "FGSM, I-FGSM, PGD, MI-FGSM, NI-FGSM, TIM, DIM, TI-DIM, SI-NI-FGSM, SI-NI-TIM, SI-NI-DIM, "
            "SI-NI-TI-DIM",
        },
    }


class RaceSpec(ImagesSpec):
    """Two recipes from one source, scored on every target after each iteration."""

    source: str = param("", "The model that is attacked; a+b attacks the mean logits of both.", group="Models")
    targets: str = param("", "Models that are tried; empty takes all that fit.", group="Models")
    left: str = param("MI-FGSM", "One recipe.", group="Recipe")
    right: str = param("NI-FGSM", "The other recipe.", group="Recipe")
    frames: int = param(6, "Images whose every iterate is kept.", ge=0, le=50, group="Run")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"images": 100}, "full": {"images": 1000, "steps": 16}}


class ScalesSpec(Spec):
    """Mean cross-entropy of models when all pixels are multiplied by a factor."""

    models: str = param("", "Models, separated by commas; empty takes all that fit.", group="Models")
    data: str = param(
        "", "Data set, folder of pictures or picture file; empty takes the best one here.", group="Images"
    )
    images: int = param(200, "Images.", ge=1, le=50_000, group="Images")
    pivot: float = param(
        0.5, "Pixel value that scaling leaves alone: 0.5 as the official code, 0 black.", ge=0, le=1, group="Scales"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"images": 100}, "full": {"images": 1000}}


class CraftSpec(ImagesSpec):
    """Attack images of a data set or folder and save what comes out."""

    source: str = param("", "The model that is attacked; a+b attacks the mean logits of both.", group="Models")
    targets: str = param("", "Models that are tried; empty takes all that fit.", group="Models")
    recipe: str = param(OWN, f'A named recipe, or "{OWN}" for the one that the fields describe.', group="Recipe")
    target_class: str = param("", "Name of the class to be called; empty: any wrong one.", group="Recipe")
    images: int = param(24, "Images.", ge=1, le=10_000, group="Images")
    choose: Literal["right", "any"] = param("any", "Only images that all models name rightly, or any.", group="Images")
    folder: str = param("", "Where the files go; empty: beside the run's record.", group="Run")
    pictures: bool = param(True, "Write each image as a PNG too.", group="Run")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"images": 1000, "pictures": False}}


class LiveSpec(Spec):
    """One image under the hand."""

    sample: int = param(
        32, "Images whose losses are averaged in the scale curve.", ge=0, le=500, group="Run", advanced=True
    )
    data: str = param("", "Where these come from; empty takes the best one here.", group="Run", advanced=True)
    first_look_ms: int = param(
        45, "An attack that takes longer is shown with fewer iterations first; 0 never.", ge=0, le=10_000, unit="ms",
        group="Run", advanced=True,
    )  # fmt: skip
    models_kept: int = param(12, "Models kept in memory.", ge=1, le=50, group="Run", advanced=True)
