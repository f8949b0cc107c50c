"""Check 9.10: the speed measures run and say what they compare. The ratios themselves are a benchmark's affair."""

from __future__ import annotations

import pytest

from engines.asymmetric import bench
from engines.core.bench import find_bench
from engines.core.job import LocalContext


def test_9_10_the_speed_of_detector_attacks_is_measured_against_its_floor_and_a_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "_ROUNDS", 1)
    measures = find_bench("asymmetric-detectors").function(LocalContext())
    assert [m.of for m in measures] == ["limit", "limit", "peer", "peer"]
    assert all(m.ours and m.ours > 0 and m.ratio and m.ratio > 0 for m in measures)
    assert [m.target for m in measures] == [0.85, 0.85, 1.2, None]
