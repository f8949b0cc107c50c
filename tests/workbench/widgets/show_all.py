"""All shared widgets in one window, to be looked at: python -m tests.workbench.widgets.show_all OUT [SCALE [PAGE…]].

Writes <page>-<theme>-<scale>.png for both themes. Not a test; the tests of the widgets are beside it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np


def digits(count: int) -> np.ndarray:
    """float32 [count, 28, 28] in [0, 1], made of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    small = load_digits().images[:count] / 16
    return np.pad(np.kron(small, np.ones((1, 2, 2)))[:, :, :], ((0, 0), (6, 6), (6, 6))).astype(np.float32)


def first_page():  # type: ignore[no-untyped-def]
    """Pictures and matrices."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QGridLayout, QWidget

    from engines.core.data import load_photo
    from workbench.theme import Theme
    from workbench.widgets.gallery import Gallery
    from workbench.widgets.image_view import ImageView
    from workbench.widgets.matrix_view import MatrixView

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    theme.apply()
    rng = np.random.default_rng(1)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(16, 16, 16, 16)
    grid.setSpacing(16)
    pictures = digits(400)
    noise = np.sign(rng.normal(size=(28, 28))) * 0.1 * (rng.random((28, 28)) < 0.5)
    plain = ImageView(theme, "Clean picture")
    plain.set_picture(pictures[3], "3 → 8, 97 %")
    plain.set_frame("fooled")
    twin = ImageView(theme, "Difference")
    twin.set_difference(noise, "perturbation", limit=0.1, unit="of the range")
    twin.show_pixel(14, 10)
    values = ImageView(theme, "Feature map")
    values.set_values(rng.normal(size=(14, 14)).cumsum(0), "channel 3")
    photo = ImageView(theme, "Photograph")
    photo.set_picture(load_photo("astronaut", size=256), "astronaut, 256×256")
    for i, view in enumerate((plain, twin, values, photo)):
        grid.addWidget(view, i // 2, i % 2)
    gallery = Gallery(theme, "Attacked pictures", thumb=48)
    frames = [("ok", "fooled", "fooled", "rejected")[i % 4] for i in range(len(pictures))]
    gallery.set_pictures(pictures, [f"{i % 10} → {(i * 7) % 10}" for i in range(400)], frames)  # type: ignore[arg-type]
    gallery.select(6)
    grid.addWidget(gallery, 0, 2, 2, 1)
    names = ["mnist-lenet", "mnist-stdcnn", "mnist-p4", "mnist-at", "cifar-vgg-16-bn"]
    matrix = MatrixView(theme, "Transfer", row_title="source", column_title="target")
    matrix.set_headers(names, names)
    success = rng.random((5, 5))
    success[3, 2:] = np.nan
    success[4] = np.nan
    np.fill_diagonal(success[:3, :3], 0.99)
    matrix.set_values(success, success - 0.05, success + 0.05)
    matrix.set_hatch(np.eye(5, dtype=bool), "white box")
    matrix.set_running((3, 2))
    matrix.set_chosen((1, 3))
    grid.addWidget(matrix, 0, 3)
    cosines = MatrixView(theme, "Cosines", shown="number", diverging=True, row_title="A", column_title="R")
    cosines.set_headers([str(i + 1) for i in range(10)], [str(i + 1) for i in range(10)])
    cosines.set_values(rng.uniform(-1, 1, (10, 10)))
    cosines.set_range(-1, 1)
    grid.addWidget(cosines, 1, 3)
    for column, stretch in enumerate((2, 2, 4, 4)):
        grid.setColumnStretch(column, stretch)
    return page, theme


def second_page():  # type: ignore[no-untyped-def]
    """Dials, pads, scrubbers."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QGridLayout, QWidget

    from workbench.theme import Theme
    from workbench.widgets.drawing_pad import DrawingPad
    from workbench.widgets.polar import PolarDial, Ring
    from workbench.widgets.scrubber import Scrubber

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(16, 16, 16, 16)
    grid.setSpacing(16)
    turn = np.arange(360)
    rings = []
    for i, name in enumerate(("StdCNN, no rotation", "GCNN p4, ±60°", "StdCNN, adversarial")):
        wave = np.cos(np.deg2rad(turn * (4 if i == 1 else i + 1))) + 0.3 * np.cos(np.deg2rad(turn * 3))
        classes = np.select([wave > 0.5, wave > -0.2, wave > -0.7], [6, 5, 0], 9)
        rings.append(Ring(name, classes, 0.35 + 0.65 * np.abs(wave) / np.abs(wave).max()))
    dial = PolarDial(theme)
    dial.set_rings(rings, tuple("0123456789"), label=6)
    dial.set_picture(digits(7)[6])
    dial.set_angle(37)
    grid.addWidget(dial, 0, 0)
    objects = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    wide = PolarDial(theme)
    partial = rings[1].classes.copy()
    partial[200:] = -1
    wide.set_rings([rings[0], Ring("still running", partial, rings[1].confidence)], objects)
    grid.addWidget(wide, 0, 1)
    pad = DrawingPad(theme)
    for stroke in ([(8, 6), (14, 5), (19, 8), (15, 13), (10, 14)], [(10, 14), (17, 15), (20, 20), (14, 24), (8, 22)]):
        from PySide6.QtCore import QPointF

        pad.sheet.begin_stroke(QPointF(*stroke[0]))
        for x, y in stroke[1:]:
            pad.sheet.go_on(QPointF(x, y))
        pad.sheet.end_stroke()
    grid.addWidget(pad, 1, 0)
    scrubber = Scrubber(theme, unit="step", loop=True)
    scrubber.set_count(41)
    scrubber.set_frame(17)
    scrubber.set_marks((9, 23))
    grid.addWidget(scrubber, 1, 1, Qt.AlignmentFlag.AlignTop)
    grid.setRowStretch(0, 3)
    grid.setRowStretch(1, 2)
    return page, theme


def third_page():  # type: ignore[no-untyped-def]
    """Fields."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QGridLayout, QWidget

    from workbench.theme import Theme
    from workbench.widgets.field_view import FieldView

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    rng = np.random.default_rng(3)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(16, 16, 16, 16)
    grid.setSpacing(16)
    x, y = np.meshgrid(np.linspace(-2, 2, 160), np.linspace(-2, 2, 160))
    toy = FieldView(theme, "Detector output", x="x₁", y="x₂", extent=(-2, 2, -2, 2))
    z = 2 - (x**2 + y**2) * 1.4 + np.sin(3 * x)
    toy.set_scalar(z, diverging=True, level=0.0, unit="z")
    toy.set_points("target", rng.normal(0, 0.35, (600, 2)), name="target", colour=0, size=3)
    toy.set_points("negatives", rng.uniform(-2, 2, (2000, 2)), name="negatives", colour="error", size=2)
    grid.addWidget(toy, 0, 0)
    loss = FieldView(
        theme, "Loss slice", x="along δ", y="along sign ∇", x_unit="ε", y_unit="ε", extent=(0, 1, -0.4, 0.6)
    )
    u, v = np.meshgrid(np.linspace(0, 1, 60), np.linspace(-0.4, 0.6, 60))
    loss.set_scalar(np.exp(-3 * ((u - 0.8) ** 2 + (v - 0.2) ** 2)) * 4, unit="nats")
    t = np.linspace(0, 0.8, 9)
    loss.set_path("mi", np.stack([t, 0.2 * np.sin(2 * t)], 1), name="MI-FGSM", colour=1, dots=True)
    loss.set_path("ni", np.stack([t, 0.3 * t], 1), name="NI-FGSM", colour=3, dots=True, dashed=True)
    loss.set_arrow("look", (0.4, 0.12), (0.66, 0.3), name="look-ahead", colour="text")
    grid.addWidget(loss, 0, 1)
    names = ("0", "3", "5", "8", "9")
    regions = FieldView(theme, "Decision regions", x="adversarial direction", y="rotation tangent", x_unit="ε",
                        y_unit="°", extent=(-0.4, 0.4, -60, 60), equal=False)  # fmt: skip
    gx, gy = np.meshgrid(np.linspace(-0.4, 0.4, 80), np.linspace(-60, 60, 80))
    scores = np.stack([np.sin(9 * gx + k) + np.cos(gy / 18 + 2 * k) for k in range(5)])
    soft = np.exp(2 * scores) / np.exp(2 * scores).sum(0)
    classes = soft.argmax(0)
    classes[70:, 70:] = -1
    regions.set_classes(classes, names, soft.max(0))
    regions.set_handle("x", 0.0, 0.0, text="x", colour="text", movable=False)
    regions.set_arrow("deepfool", (0, 0), (0.21, 8), name="DeepFool", colour="text")
    regions.set_handle("probe", -0.2, 20, text="drag me")
    grid.addWidget(regions, 1, 0)
    bare = FieldView(theme, "Draw a target", x="x₁", y="x₂", extent=(-3, 3, -1.5, 1.5))
    bare.set_path("stroke", np.stack([np.linspace(-2, 2, 50), np.sin(np.linspace(-4, 4, 50))], 1), name="your target")
    grid.addWidget(bare, 1, 1)
    return page, theme


def fourth_page():  # type: ignore[no-untyped-def]
    """Lists of models and sources, and the dialog for an own model."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

    from tests.workbench.widgets.samples import MODELS, SOURCES, found_weights, tools
    from workbench.theme import Theme
    from workbench.widgets.model_list import ModelPicker
    from workbench.widgets.own_model_dialog import OwnModelDialog
    from workbench.widgets.source_picker import SourcePicker

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    page = QWidget()
    columns = QHBoxLayout(page)
    columns.setContentsMargins(16, 16, 16, 16)
    columns.setSpacing(24)
    forms = QVBoxLayout()
    picker = ModelPicker(theme, metrics=(("clean_accuracy", "Clean"), ("rotated_180", "±180°")))
    picker.setFixedWidth(340)
    picker.set_models(MODELS, ["mnist-stdcnn", "mnist-gcnn"])
    picker.set_own_model_tools(tools())
    forms.addWidget(picker)
    for key in ("digits", "mnist", "cifar10", "photos", "drawing"):
        source = SourcePicker(theme)
        source.setFixedWidth(340)
        source.set_sources(SOURCES)
        source.set_source(key)
        if key == "cifar10":
            source.set_fetching("cifar10", 61_000_000, 170_052_171)
        if key == "photos":
            source.show_problem("Three pictures could not be read.")
        forms.addWidget(source)
    forms.addStretch(1)
    columns.addLayout(forms)
    for refused in (False, True):
        dialog = OwnModelDialog(theme, tools(found_weights(), refused=refused))
        dialog.setWindowFlags(Qt.WindowType.Widget)
        dialog.set_path("/home/me/nets/" + ("resnet18.pth" if refused else "my digits.safetensors"))
        dialog.verdict.setText("seven.png: 7 98 %, 1 1 %, 9 0 %")
        columns.addWidget(dialog, 1)
    return page, theme


def fifth_page():  # type: ignore[no-untyped-def]
    """Music: a roll with its overview, falling notes on a keyboard, tokens, styles, features."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

    from tests.workbench.widgets.music import dense, scale
    from workbench.theme import Theme
    from workbench.widgets.falling_notes import FallingNotes
    from workbench.widgets.gaussians_view import Feature, GaussiansView
    from workbench.widgets.keyboard_view import KeyboardView
    from workbench.widgets.mini_map import MiniMap
    from workbench.widgets.next_tokens import NextTokens
    from workbench.widgets.piano_roll import PianoRoll
    from workbench.widgets.style_map import StyleMap
    from workbench.widgets.token_stream import TokenStream

    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    rng = np.random.default_rng(5)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(16, 16, 16, 16)
    grid.setSpacing(16)
    roll = PianoRoll(theme)
    overview = MiniMap(theme, roll.timeline)
    piece = dense(600, 60)
    roll.set_notes(piece)
    roll.set_melody(scale(40))
    overview.set_notes(piece)
    roll.timeline.show_span(4, 22)
    roll.timeline.set_loop((6, 12))
    roll.timeline.set_playhead(9.0)
    keys = KeyboardView(theme)
    falling = FallingNotes(theme, roll.timeline, keys)
    falling.set_notes(piece)
    keys.set_sounding({int(piece.pitch[k]): int(piece.velocity[k]) for k in piece.sounding(9.0)})
    left = QVBoxLayout()
    left.addWidget(roll, 3)
    left.addWidget(overview)
    left.addSpacing(12)
    hands = QVBoxLayout()
    hands.setSpacing(0)
    hands.addWidget(falling, 2)
    hands.addWidget(keys)
    left.addLayout(hands, 2)
    grid.addLayout(left, 0, 0, 3, 1)
    kinds = ("note on", "velocity", "time", "note off")
    of = rng.integers(0, 4, 600)
    texts = [f"{('on', 'vel', '+', 'off')[k]} {rng.integers(30, 90)}" for k in of]
    stream = TokenStream(theme)
    stream.set_tokens(texts, of, np.arange(600) / 10, kind_names=kinds, surprise=rng.gamma(1, 1.2, 600))
    stream.set_playhead(9.0)
    grid.addWidget(stream, 0, 1)
    bars = NextTokens(theme)
    bars.set_next(texts[:8], np.sort(rng.dirichlet(np.ones(8)))[::-1], of[:8], kind_names=kinds, taken=1)
    grid.addWidget(bars, 0, 2)
    styles = StyleMap(theme, x="PC 1 (34 %)", y="PC 2 (12 %)")
    names = ["Alberti bass", "Stride", "Chorale", "Ballad", "Étude", "Ambient", "Ragtime", "Waltz"]
    styles.set_points(rng.normal(size=(8, 2)), names, ["calm", "lively"] * 4)
    styles.set_route(0, 6, 0.4)
    grid.addWidget(styles, 1, 1, 1, 2)
    features = GaussiansView(theme)
    features.set_features(
        [
            Feature(name, unit, rng.normal(5, 1, 3), rng.uniform(0.5, 2, 3), np.array([np.nan, *rng.random(2)]))
            for name, unit in (("Density", "notes/s"), ("Pitch", ""), ("Length", "s"), ("Velocity", "")) * 2
        ],
        ("source", "result", "unconditional"),
    )
    grid.addWidget(features, 2, 1, 1, 2)
    grid.setColumnStretch(0, 2)
    grid.setColumnStretch(1, 1)
    grid.setColumnStretch(2, 1)
    return page, theme


PAGES = {
    "pictures": first_page,
    "dials": second_page,
    "fields": third_page,
    "lists": fourth_page,
    "music": fifth_page,
}


def main() -> int:
    out = Path(sys.argv[1])
    scale = sys.argv[2] if len(sys.argv) > 2 else "1"
    os.environ["QT_SCALE_FACTOR"] = scale
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    app.setStyle("Fusion")
    out.mkdir(parents=True, exist_ok=True)
    for name, build in PAGES.items():
        if len(sys.argv) > 3 and name not in sys.argv[3:]:
            continue
        page, theme = build()
        page.resize(1500, 1000)
        page.show()
        for mode in ("light", "dark"):
            theme.set_mode(mode)
            for _ in range(20):
                app.processEvents()
            page.grab().save(str(out / f"{name}-{mode}-{round(100 * float(scale))}.png"))
        page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
