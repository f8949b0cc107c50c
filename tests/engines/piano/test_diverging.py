"""A training that cannot go on says so, instead of writing weights that are no numbers."""

from __future__ import annotations

import pytest
import torch

from engines.core.errors import UserError
from tests.engines.piano.test_training import crops, trainer


def test_a_loss_that_is_no_number_ends_a_training() -> None:
    t = trainer()
    t.step()
    with torch.no_grad():
        t.net.softmax.weight.fill_(float("nan"))
    with pytest.raises(UserError, match=r"step 2 .*lower rate"):
        t.step()


def test_one_held_out_piece_has_no_other_style() -> None:
    t = trainer(steps=1)
    t.measured = crops(100, 1).fixed(4, 0)
    t.step()
    assert t.history["held_out"][0] > 0 and t.history["other_style"][0] != t.history["other_style"][0]
