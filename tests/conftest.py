"""Every test has a home folder of its own and touches nothing of the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before Qt and torch are imported: tests have no display, and two torch threads on a busy machine cost time.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Qt warns of locales it has no translation for; tests read texts in English.
os.environ.setdefault("LC_ALL", "C.UTF-8")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder below which this test's settings, runs and cache are."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets; tests that need it are skipped without."""
    named = os.environ.get("WORKBENCH_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("WORKBENCH_DATA names no folder of data sets")
    return Path(named)
