"""The speed measures have the form the command line prints; the speeds themselves are no test's business."""

from __future__ import annotations

import pytest

from engines.core.bench import find_bench, report
from engines.core.errors import Cancelled
from engines.core.job import LocalContext
from engines.hex import bench as hex_bench


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same measures in a second instead of half a minute."""
    for name, value in (("BLOCKS", 1), ("CHANNELS", 8), ("_ROUNDS", 2), ("_ROUND_S", 0.04), ("_GAMES", 8)):
        monkeypatch.setattr(hex_bench, name, value)
    monkeypatch.setattr(hex_bench, "_GAME_SIMULATIONS", 6)


@pytest.mark.usefixtures("brief")
def test_check_9_8_reports_search_over_bare_network_in_one_run() -> None:
    told: list[str] = []
    measures = find_bench("hex-search").function(LocalContext(on_progress=lambda d, t, text: told.append(text)))
    assert [m.target for m in measures] == [0.70, 0.70, 0.85]
    for measure in measures:
        assert measure.ours is not None and measure.ours > 0
        assert measure.limit is not None and measure.limit > 0
        assert measure.ratio == pytest.approx(measure.ours / measure.limit)
        assert measure.meets == (measure.ratio >= measure.target)
    assert report("hex-search", measures)["measures"][0]["unit"] == "simulations/s"
    assert told[-1] == "Done"


@pytest.mark.usefixtures("brief")
def test_a_benchmark_can_be_cancelled() -> None:
    ctx = LocalContext()
    ctx.on_progress = lambda *_: ctx.cancel()
    with pytest.raises(Cancelled):
        find_bench("hex-search").function(ctx)
