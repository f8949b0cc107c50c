"""Cards name the terms of every set that detectors were trained on."""

from __future__ import annotations

import pytest

from engines.asymmetric.jobs.train import _added, licence_of
from engines.asymmetric.spec import TrainSpec
from engines.core import data
from engines.core.weights import list_weights


@pytest.mark.parametrize(
    ("spec", "sets"),
    [
        (TrainSpec(), ("digits",)),
        (TrainSpec(with_drawn=True), ("digits", "mnist")),
        (TrainSpec(data="mnist", with_digits=True), ("mnist", "digits")),
    ],
)
def test_a_card_names_the_terms_of_all_that_was_learnt_from(spec: TrainSpec, sets: tuple[str, ...]) -> None:
    said = licence_of(spec.data, *_added(spec))
    for name in ("digits", "mnist"):
        assert (data.find(name).licence in said) == (name in sets)


def test_terms_of_a_folder_are_its_owners() -> None:
    assert licence_of("/pictures/of/mine") == "as the pictures of the folder allow"


def test_shipped_detectors_name_what_they_were_trained_on() -> None:
    drawn = [card for card in list_weights() if "with_drawn=True" in card.command]
    assert drawn, "the shipped 8x8 detectors know drawn digits"
    for card in drawn:
        assert data.find("mnist").licence in card.licence and data.find("digits").licence in card.licence, card.name
