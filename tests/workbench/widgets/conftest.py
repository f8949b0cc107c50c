"""What tests of the shared widgets need: a theme that the desktop does not decide."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.windows import light_theme
from workbench.theme import Theme


@pytest.fixture
def theme(qtbot: QtBot) -> Theme:
    return light_theme()
