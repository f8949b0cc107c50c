"""The shipped networks on images: they load, are measured, are small, and know what a first minute shows."""

import pytest
import torch

from engines.core.weights import find_weights, read_card, verify
from engines.vision.images import load_pool
from engines.vision.nets.models import load_model
from engines.vision.training.shipped import TABLE, spec_of


@pytest.mark.parametrize("name", TABLE)
def test_each_shipped_network_is_whole_and_its_card_says_what_was_measured(name: str) -> None:
    path = find_weights(name)
    verify(path)
    card = read_card(path)
    assert card.architecture["kind"] == spec_of(name).kind and card.title == TABLE[name][0]
    assert card.command == f"paper-workbench run vision.ship --set names={name}"
    assert card.licence and card.data and card.hardware and card.date
    assert path.stat().st_size < 2_000_000
    metrics = card.metrics
    assert metrics["images"] >= 1000 and metrics["attacked_images"] >= 100
    strong = [v for k, v in metrics.items() if k.startswith("apgd_")]
    assert len(strong) == 2 and max(strong) <= metrics["clean_accuracy"] + 0.05
    assert {"rotated_30", "rotated_90", "rotated_180"} <= metrics.keys()


def test_together_they_stay_small() -> None:
    assert sum(find_weights(name).stat().st_size for name in TABLE) < 12_000_000


@pytest.mark.parametrize("name", [n for n in TABLE if n.startswith("mnist-")])
def test_networks_of_digits_read_the_embedded_ones_as_their_cards_say(name: str) -> None:
    """Without any data set on the machine this is what the panels show first."""
    model, pool = load_model(name, "cpu"), load_pool("digits", (1, 28, 28))
    x, y = pool.tensors()
    with torch.no_grad():
        accuracy = float((model.logits(x).argmax(1) == y).float().mean())
    assert accuracy > 0.8  # the plain CNN that learnt all turns takes some 6 for 9
    assert accuracy == pytest.approx(model.card.metrics["digits_accuracy"], abs=0.005)


def test_the_series_go_the_way_of_the_paper() -> None:
    """More turns learnt: better on turned images. A larger ball trained on: better within it (paper file 02)."""
    metrics = {name: read_card(find_weights(name)).metrics for name in TABLE}
    for kind in ("stdcnn", "gcnn"):
        turned = [metrics[f"mnist-{kind}{end}"]["rotated_180"] for end in ("", "-rot60", "-rot180")]
        assert turned == sorted(turned)
    robust = [metrics[f"mnist-lenet{end}"]["apgd_0.3"] for end in ("", "-at01", "-at02", "-at03")]
    assert robust == sorted(robust) and robust[-1] > 0.7
    assert metrics["cifar-resnet-at"]["apgd_8/255"] > metrics["cifar-resnet"]["apgd_8/255"] + 0.1
