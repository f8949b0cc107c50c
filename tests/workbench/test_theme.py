"""Colours can be read, told apart and followed; colour maps step evenly; icons draw themselves."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QImage, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from skimage.color import deltaE_ciede2000, rgb2lab

from workbench import colormaps, icons
from workbench.theme import DARK, LIGHT, Colours, Theme, colours_for, font, style_sheet

ACCENTS = ("violet", "teal", "blue", "amber", "rose")
# Viénot, Brettel, Mollon 1999: linear RGB as a deuteranope and a protanope see it.
DEUTAN = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
PROTAN = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """The contrast ratio of WCAG 2."""
    light, dark = sorted((linear(rgb(c)) @ (0.2126, 0.7152, 0.0722) for c in (a, b)), reverse=True)
    return float((light + 0.05) / (dark + 0.05))


def seen_by(blindness: np.ndarray, srgb: np.ndarray) -> np.ndarray:
    seen = np.clip(linear(srgb) @ blindness.T, 0, 1)
    return np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_of_every_role_can_be_read_on_every_ground(colours: Colours) -> None:
    for ground in (colours.window, colours.surface, colours.sunken):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.muted, ground) >= 4.5
        for kind in (colours.info, colours.warn, colours.error, colours.ok):
            assert contrast(kind, ground) >= 4.5
    for kind in ("info", "warn", "error", "ok"):
        assert contrast(colours.text, getattr(colours, f"{kind}_soft")) >= 7


@pytest.mark.parametrize("accent", ACCENTS)
@pytest.mark.parametrize("dark", [False, True])
def test_every_accent_can_be_read_as_ground_and_as_text(accent: str, dark: bool) -> None:
    colours = colours_for(dark, accent)  # type: ignore[arg-type]
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.accent, colours.window) >= 3
    assert contrast(colours.text, colours.accent_soft) >= 7


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_first_four_curves_are_told_apart_by_the_colour_blind(colours: Colours) -> None:
    for blindness in (np.eye(3), DEUTAN, PROTAN):
        lab = rgb2lab(seen_by(blindness, np.array([rgb(c) for c in colours.series[:4]])))
        apart = [deltaE_ciede2000(lab[i], lab[j]) for i in range(4) for j in range(i)]
        assert min(apart) > 8
    for colour in colours.series:
        assert contrast(colour, colours.surface) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_colour_maps_step_evenly(dark: bool) -> None:
    for made in (colormaps.sequential(dark), colormaps.diverging(dark)):
        lab = rgb2lab(made.lut[::8] / 255)
        steps = deltaE_ciede2000(lab[1:], lab[:-1])
        assert steps.std() / steps.mean() < 0.4
        assert steps.max() < 2.5 * steps.mean()


@pytest.mark.parametrize("dark", [False, True])
def test_sequential_lightness_only_rises_from_the_ground_of_the_theme(dark: bool) -> None:
    for blindness in (np.eye(3), DEUTAN, PROTAN):
        lightness = rgb2lab(seen_by(blindness, colormaps.sequential(dark).lut / 255))[::4, 0]
        assert (np.diff(lightness) * (1 if dark else -1) > -0.2).all()


@pytest.mark.parametrize("dark", [False, True])
def test_diverging_ends_differ_for_the_colour_blind_and_meet_in_the_neutral(dark: bool) -> None:
    lut = colormaps.diverging(dark).lut / 255
    for blindness in (np.eye(3), DEUTAN, PROTAN):
        ends = rgb2lab(seen_by(blindness, lut[[0, -1]]))
        assert deltaE_ciede2000(ends[0], ends[1]) > 30
    middle = rgb2lab(lut[127:129])
    assert np.abs(middle[:, 1:]).max() < 4
    assert middle[0, 0] < 35 if dark else middle[0, 0] > 93


def test_a_colour_map_clips_marks_nan_and_survives_an_empty_range() -> None:
    made = colormaps.sequential()
    colours = made.rgba(np.array([[-5.0, 0.0, 0.5, 1.0, 9.0, np.nan]]), 0, 1)
    assert colours.shape == (1, 6, 4)
    assert (colours[0, 0] == colours[0, 1]).all()
    assert (colours[0, 3] == colours[0, 4]).all()
    assert colours[0, :, 3].tolist() == [255] * 5 + [0]
    assert made.rgba(np.ones(3), 1, 1).shape == (3, 4)
    assert made.hex(0.0) == "#" + bytes(made.lut[0]).hex()


def test_the_system_scheme_is_followed_and_can_be_overridden(qtbot: QtBot) -> None:
    scheme = [Qt.ColorScheme.Light]
    theme = Theme(scheme=lambda: scheme[0])
    theme.apply()
    assert not theme.is_dark
    assert QApplication.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window
    scheme[0] = Qt.ColorScheme.Dark
    with qtbot.waitSignal(theme.changed) as said:
        QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
        assert not theme.is_dark, "the answer is queued, Qt is still changing its own palette"
    assert said.args == [colours_for(True)]
    assert QApplication.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    theme.set_mode("light")
    assert not theme.is_dark
    theme.follow_system()
    assert not theme.is_dark, "a fixed scheme does not follow"
    theme.set_mode("system")
    assert theme.is_dark


def test_nothing_is_redone_when_the_scheme_stays(qtbot: QtBot) -> None:
    theme = Theme("system", scheme=lambda: Qt.ColorScheme.Unknown)
    theme.apply()
    with qtbot.assertNotEmitted(theme.changed, wait=50):
        theme.follow_system()


def test_an_accent_changes_buttons_and_selection(qtbot: QtBot) -> None:
    theme = Theme("dark", scheme=lambda: Qt.ColorScheme.Light)
    theme.set_accent("teal")
    assert QApplication.palette().color(QPalette.ColorRole.Highlight).name() == theme.colours.accent
    assert theme.colours.accent in QApplication.instance().styleSheet()


def test_the_style_sheet_is_understood_and_its_pictures_exist(qtbot: QtBot) -> None:
    from re import findall

    for scheme, colours in (("light", LIGHT), ("dark", DARK)):
        sheet = style_sheet(colours, scheme)  # type: ignore[arg-type]
        assert sheet.count("{") == sheet.count("}")
        assert "{{" not in sheet
        pictures = findall(r'url\("([^"]+)"\)', sheet)
        assert len(pictures) == 5
        assert not any(QImage(path).isNull() for path in pictures)


def test_fonts_grow_with_their_role(qtbot: QtBot) -> None:
    sizes = [font(role).pointSizeF() for role in ("small", "body", "heading", "title")]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4
    assert font("mono").pointSizeF() == font("body").pointSizeF()


def test_series_begin_again_after_the_last(qtbot: QtBot) -> None:
    theme = Theme("light")
    theme.apply()
    assert theme.series(len(LIGHT.series)) == theme.series(0)


def test_every_icon_draws_something_sharp_in_the_colour_of_the_text(qtbot: QtBot) -> None:
    for mode in ("light", "dark"):
        theme = Theme(mode)
        theme.apply()
        for name in icons.shapes():
            image = icons.icon(name).pixmap(QSize(24, 24), 2.0).toImage()
            assert image.size() == QSize(48, 48)
            solid = [
                image.pixelColor(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() > 250
            ]
            assert len(solid) > 4, name
            off = max(abs(c.red() - int(theme.colours.text[1:3], 16)) for c in solid)
            assert off < 12, name


def test_a_disabled_icon_is_paler(qtbot: QtBot) -> None:
    Theme("light").apply()
    drawn = icons.icon("stop")
    usual, disabled = (drawn.pixmap(QSize(24, 24), mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled))
    assert usual != disabled


def test_an_unknown_icon_is_refused_with_the_known_names() -> None:
    with pytest.raises(KeyError, match=r"no icon 'sprocket'.*play"):
        icons.icon("sprocket")
