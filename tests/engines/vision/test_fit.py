"""The trainer: it learns, repeats itself to the bit, and attacks as it should (paper file 02, check 9.7)."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engines.core import packing
from engines.core.errors import Cancelled
from engines.vision.nets.zoo import build
from engines.vision.training.adversarial import cross_entropy_to, divergence_from, worst
from engines.vision.training.augment import Augmentation
from engines.vision.training.fit import Images, Settings, Trainer, seeded

CPU = torch.device("cpu")
SMALL = {"kind": "bncnn", "input_shape": [1, 12, 12], "classes": 2, "widths": [4, 6], "kernel": 3}


def bars(count: int, seed: int = 0) -> Images:
    """Horizontal (0) and vertical (1) bars in noise: easy, and changed by a quarter turn."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 90, (count, 1, 12, 12)).astype(np.uint8)
    labels = rng.integers(0, 2, count)
    at = rng.integers(2, 10, count)
    for i in range(count):
        if labels[i]:
            pixels[i, 0, 2:10, at[i]] = 230
        else:
            pixels[i, 0, at[i], 2:10] = 230
    return Images(pixels, labels.astype(np.int64))


def trainer(settings: Settings | None = None, **architecture: object) -> Trainer:
    return Trainer(build({**SMALL, **architecture}, seed=3), settings or Settings(epochs=4, batch=32, rate=0.01), CPU)


def linear(classes: int = 2, seed: int = 0) -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, classes))
    nn.init.normal_(net[1].weight, generator=torch.Generator().manual_seed(seed))
    return net


def test_it_learns_bars_and_its_curves_say_so() -> None:
    made = trainer(Settings(epochs=4, batch=32, rate=0.01, augmentation=Augmentation(crop=1)))
    for _ in range(4):
        made.epoch(bars(512), bars(100, seed=1))
    assert made.history["accuracy"][-1] > 0.95
    assert made.history["loss"][-1] < made.history["loss"][0]
    assert made.history["epoch"] == [1, 2, 3, 4]
    assert np.isnan(made.history["robust_accuracy"]).all() and np.isnan(made.history["rotated_accuracy"]).all()
    assert len(made.step_losses) == 4 * 16


@pytest.mark.parametrize("kind", ["bncnn", "stdcnn", "gcnn"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_resumed_run_is_the_same_to_the_bit(kind: str, optimiser: str) -> None:
    """Batch norm's figures, moments, dropout, turns, and attack starts all come back."""
    settings = Settings(
        epochs=3, batch=32, rate=0.01, optimiser=optimiser, weight_decay=1e-3,
        augmentation=Augmentation(rotation=20.0, crop=1), adversarial="pgd", eps=0.05, steps=2, eps_ramp=2.0,
    )  # fmt: skip
    config = {"bncnn": SMALL, "stdcnn": {"kind": "stdcnn", "width": 0.2}, "gcnn": {"kind": "gcnn", "width": 0.1}}[kind]
    side = 12 if kind == "bncnn" else 28
    train, held_out = bars(96), bars(40, seed=1)
    if side == 28:
        train, held_out = (
            Images(np.pad(s.pixels, ((0, 0), (0, 0), (8, 8), (8, 8))), s.labels) for s in (train, held_out)
        )

    def fresh() -> Trainer:
        return Trainer(build({**config, "classes": 2}, seed=3), settings, CPU)

    whole, first = fresh(), fresh()
    for _ in range(3):
        whole.epoch(train, held_out)
    first.epoch(train, held_out)
    head, body = packing.pack(first.state())
    stored = packing.unpack(head + bytes(body))
    torch.manual_seed(99)  # what the process did otherwise does not matter
    second = fresh()
    second.restore(stored)
    for _ in range(2):
        second.epoch(train, held_out)
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name
    assert whole.step_losses == pytest.approx(second.step_losses, abs=1e-6)
    for name in ("loss", "accuracy", "rotated_accuracy", "robust_accuracy"):
        assert whole.history[name] == second.history[name]


def test_another_seed_trains_another_network() -> None:
    one, other = trainer(), trainer(Settings(epochs=4, batch=32, rate=0.01, seed=1))
    one.epoch(bars(96), bars(10))
    other.epoch(bars(96), bars(10))
    assert one.step_losses != other.step_losses


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    made = trainer()
    made.epoch(bars(64), bars(10))
    assert torch.equal(torch.rand(4), expected)


def test_steps_draw_from_generators_of_their_own() -> None:
    with seeded(0, 1, 2) as a:
        one, dropped = torch.rand(3, generator=a), F.dropout(torch.ones(50))
    with seeded(0, 1, 2) as b:
        assert torch.equal(one, torch.rand(3, generator=b)) and torch.equal(dropped, F.dropout(torch.ones(50)))
    with seeded(0, 1, 3) as c:
        assert not torch.equal(one, torch.rand(3, generator=c))


def test_the_rate_goes_up_over_a_quarter_and_down_to_nothing() -> None:
    made = trainer(Settings(epochs=8, rate=0.5))
    rates = [made._rate(p) for p in np.linspace(0, 8, 33)]
    assert max(rates) == pytest.approx(0.5) and int(np.argmax(rates)) == 8
    assert rates[0] == pytest.approx(0.02) and rates[-1] < 1e-5
    assert trainer(Settings(rate=0.5, schedule="constant"))._rate(3.0) == 0.5


def test_decay_spares_biases_and_batch_norm() -> None:
    made = trainer(Settings(weight_decay=0.1))
    decayed = {p for group in made.optimiser.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {p for p in made.net.parameters() if p.dim() > 1}


def test_an_epoch_can_be_stopped_within() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        trainer().epoch(bars(512), bars(10), check=check)
    assert calls == 3


class TestTheInnerAttack:
    def test_9_7_on_a_linear_net_the_adversarial_direction_is_the_sign_of_the_weights(self) -> None:
        """Trained or not, and for any image: the perturbation is eps·sign(w_other - w_y), so all are one direction."""
        net = linear()
        x, y = bars(20).batch(slice(None), CPU)
        x = 0.3 + 0.4 * x  # the box does not cut
        for steps in (1, 5):
            adv = worst(net, x, cross_entropy_to(y), eps=0.1, steps=steps, step=0.2, start=0.1,
                        generator=torch.Generator().manual_seed(0))  # fmt: skip
            away = (net[1].weight[1] - net[1].weight[0]).sign()
            expected = 0.1 * torch.where(y.view(-1, 1) == 0, away, -away)
            torch.testing.assert_close((adv - x).flatten(1), expected, atol=1e-6, rtol=0)
        singular = torch.linalg.svdvals((adv - x).flatten(1))
        assert float(singular[1] / singular[0]) < 1e-5  # rank one

    def test_9_7_adversarial_training_of_a_linear_net_keeps_that_form_and_shrinks_the_weights(self) -> None:
        """The loss under attack is CE(margin - eps·||w||_1): training against it pays for the l1 norm."""
        x, y = bars(256).batch(slice(None), CPU)
        trained = {}
        for eps in (0.0, 0.2):
            net = linear()
            optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
            generator = torch.Generator().manual_seed(0)
            for _ in range(60):
                adv = worst(net, x, cross_entropy_to(y), eps=eps, steps=1, step=eps, start=0.0, generator=generator)
                optimiser.zero_grad()
                F.cross_entropy(net(adv), y).backward()
                optimiser.step()
            trained[eps] = net
        adv = worst(trained[0.2], 0.3 + 0.4 * x, cross_entropy_to(y), eps=0.1, steps=3, step=0.1, start=0.0,
                    generator=torch.Generator())  # fmt: skip
        assert torch.linalg.matrix_rank((adv - 0.3 - 0.4 * x).flatten(1), tol=1e-3) == 1
        gap = {e: float((n[1].weight[1] - n[1].weight[0]).detach().abs().sum()) for e, n in trained.items()}
        assert gap[0.2] < gap[0.0]

    @pytest.mark.parametrize("start", [0.0, 0.2])
    def test_it_stays_in_the_ball_and_the_box_and_raises_the_loss(self, start: float) -> None:
        made = trainer()
        for _ in range(4):
            made.epoch(bars(512), bars(10))
        x, y = bars(64, seed=2).batch(slice(None), CPU)
        adv = worst(made.net, x, cross_entropy_to(y), eps=0.2, steps=4, step=0.1, start=start,
                    generator=torch.Generator().manual_seed(0))  # fmt: skip
        assert float((adv - x).abs().max()) <= 0.2 + 1e-6
        assert float(adv.min()) >= 0 and float(adv.max()) <= 1
        made.net.eval()
        with torch.no_grad():
            assert F.cross_entropy(made.net(adv), y) > F.cross_entropy(made.net(x), y) + 0.1

    def test_it_changes_neither_mode_nor_statistics_nor_gradients(self) -> None:
        net = build(SMALL, seed=0).train()
        before = copy.deepcopy(net.state_dict())
        x, y = bars(8).batch(slice(None), CPU)
        worst(net, x, cross_entropy_to(y), eps=0.1, steps=2, step=0.05, start=0.1, generator=torch.Generator())
        assert net.training
        assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
        assert all(p.grad is None for p in net.parameters())

    def test_trades_moves_away_from_the_clean_prediction(self) -> None:
        net = build(SMALL, seed=0).eval()
        x, _ = bars(16).batch(slice(None), CPU)
        with torch.no_grad():
            clean = net(x)
        adv = worst(net, x, divergence_from(clean), eps=0.1, steps=5, step=0.05, start=0.001,
                    generator=torch.Generator().manual_seed(0))  # fmt: skip
        with torch.no_grad():
            assert float(divergence_from(clean)(net(adv))) > 10 * float(divergence_from(clean)(net(x + 1e-4))) + 1e-6


@pytest.mark.parametrize("adversarial", ["pgd", "fast", "trades"])
def test_adversarial_training_makes_the_network_more_robust_than_plain_training(adversarial: str) -> None:
    settings = Settings(epochs=6, batch=32, rate=0.01, eps=0.2, steps=3, beta=3.0)
    hardened, plain = trainer(replace(settings, adversarial=adversarial)), trainer(settings)
    for _ in range(6):
        hardened.epoch(bars(320), bars(100, seed=1))
        plain.epoch(bars(320), bars(100, seed=1))
    x, y = bars(100, seed=2).batch(slice(None), CPU)

    def robust(made: Trainer) -> float:
        adv = worst(made.net, x, cross_entropy_to(y), eps=0.2, steps=10, step=0.05, start=0.2,
                    generator=torch.Generator().manual_seed(0))  # fmt: skip
        made.net.eval()
        with torch.no_grad():
            return float((made.net(adv).argmax(1) == y).float().mean())

    assert robust(hardened) > robust(plain) + 0.15
    assert hardened.history["robust_accuracy"][-1] == pytest.approx(robust(hardened), abs=0.15)


def test_the_ball_grows_over_the_ramp() -> None:
    seen: list[float] = []
    made = trainer(Settings(epochs=4, batch=32, adversarial="fast", eps=0.2, eps_ramp=2.0))
    x, y = bars(32).batch(slice(None), CPU)
    for progress in (0.0, 1.0, 2.0, 3.0):
        made.step(x, y, progress=progress, generator=torch.Generator().manual_seed(0))
        seen.append(float((made.samples - x[:8]).abs().max()))
    assert seen[0] < 0.01
    assert seen[1] == pytest.approx(0.102, abs=0.01)
    assert seen[2] == pytest.approx(0.2, abs=1e-4) == seen[3]
