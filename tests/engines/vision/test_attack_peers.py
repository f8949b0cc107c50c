"""Agreement with other programs: torchattacks (paper file 09, check 9.7) and foolbox (paper file 02, check 9.4).

Both are development peers. torchattacks asks for a torchvision that it never imports and for an old requests, so it is
installed without its dependencies (packaging/make-env.sh).
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engines.vision.attacks.apgd import apgd, apgd_targeted
from engines.vision.attacks.base import lengths, predict
from engines.vision.attacks.deepfool import deepfool
from engines.vision.attacks.gradient import craft, recipe_named
from engines.vision.attacks.pgd import pgd

from .small_nets import small_bn_cnn, small_cnn, trained, unseen

EPS, STEPS = 0.15, 10


@pytest.fixture(scope="module")
def peer():  # type: ignore[no-untyped-def]
    return pytest.importorskip("torchattacks", reason="torchattacks is not installed (packaging/make-env.sh dev,peers)")


@pytest.fixture(scope="module")
def fb():  # type: ignore[no-untyped-def]
    return pytest.importorskip("foolbox", reason="foolbox is not installed (packaging/make-env.sh dev,peers)")


@pytest.mark.parametrize("make", [small_cnn, small_bn_cnn])
@pytest.mark.parametrize("key", ["MIFGSM", "NIFGSM", "SINIFGSM"])
def test_9_7_torchattacks_makes_the_same_images(peer, key: str, make) -> None:  # type: ignore[no-untyped-def]
    net, (x, y) = trained(make), unseen(80)
    common = {"eps": EPS, "alpha": EPS / STEPS, "steps": STEPS, "decay": 1.0}
    if key == "SINIFGSM":
        common["m"] = 5
    theirs = getattr(peer, key)(net, **common)(x, y)
    title = {"MIFGSM": "MI-FGSM", "NIFGSM": "NI-FGSM", "SINIFGSM": "SI-NI-FGSM"}[key]
    ours = craft(net, x, y, recipe_named(title, eps=EPS, pivot=0.0))
    assert equal_pixels(ours, theirs) >= 0.999
    wrong = [int((predict(net, adv) != y).sum()) for adv in (ours, theirs)]
    assert abs(wrong[0] - wrong[1]) <= 1


def test_9_7_torchattacks_pgd_from_the_same_start(peer) -> None:  # type: ignore[no-untyped-def]
    net, (x, y) = trained(small_cnn), unseen(60)
    theirs = peer.PGD(net, eps=EPS, alpha=0.03, steps=10, random_start=False)(x, y)
    ours = craft(net, x, y, recipe_named("I-FGSM", eps=EPS, step_policy="fixed", alpha=0.03))
    assert equal_pixels(ours, theirs) >= 0.999


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_apgd_is_as_strong_as_torchattacks(peer, norm: str) -> None:  # type: ignore[no-untyped-def]
    net, (x, y) = trained(small_cnn), unseen(80)
    eps = 0.08 if norm == "linf" else 0.9
    theirs = peer.APGD(net, norm={"linf": "Linf", "l2": "L2"}[norm], eps=eps, steps=20, seed=1, loss="ce")(x, y)
    ours = apgd(net, x, y, eps=eps, steps=20, norm=norm, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]
    assert int(ours.success.sum()) >= int((predict(net, theirs) != y).sum()) - 2
    strong = peer.APGDT(net, norm={"linf": "Linf", "l2": "L2"}[norm], eps=eps, steps=20, seed=1, n_classes=10)(x, y)
    again = apgd_targeted(net, x, y, eps=eps, steps=20, norm=norm, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]
    assert int(again.success.sum()) >= int((predict(net, strong) != y).sum()) - 2


def test_9_4_foolbox_deepfool_finds_the_same_distances(fb) -> None:  # type: ignore[no-untyped-def]
    net, (x, _) = trained(small_cnn), unseen(60)
    wide = fb.PyTorchModel(net, bounds=(-10.0, 11.0))  # it clips to its bounds; ours does not
    theirs, _, flipped = fb.attacks.L2DeepFoolAttack(steps=50, candidates=10, overshoot=0.02)(
        wide, x, predict(net, x), epsilons=None
    )
    ours = deepfool(net, x)
    assert flipped.all() and ours.flipped.all()
    distances = lengths(theirs - x)
    assert float(ours.distance.median()) == pytest.approx(float(distances.median()), rel=1e-3)


def test_9_4_foolbox_pgd_from_the_same_start(fb) -> None:  # type: ignore[no-untyped-def]
    net, (x, y) = trained(small_cnn), unseen(60)
    model = fb.PyTorchModel(net, bounds=(0.0, 1.0))
    attack = fb.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=0.03, steps=10, random_start=False)
    theirs, _, wrong = attack(model, x, y, epsilons=EPS)
    ours = craft(net, x, y, recipe_named("I-FGSM", eps=EPS, step_policy="fixed", alpha=0.03))
    assert equal_pixels(ours, theirs) >= 0.999
    kept = pgd(net, x, y, eps=EPS, steps=10, step_size=0.03, random_start=False)
    assert bool((kept.success | ~wrong).all())  # the best iterate is never weaker than the last


def equal_pixels(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().lt(1e-6).float().mean())
