"""All shared widgets in one window, to be looked at: python -m tests.workbench.widgets.show_all OUT [SCALE].

Writes widgets-<theme>-<scale>.png for both themes. Not a test; the tests of the widgets are beside it.
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


def build():  # type: ignore[no-untyped-def]
    """The window's content."""
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


def main() -> int:
    out = Path(sys.argv[1])
    scale = sys.argv[2] if len(sys.argv) > 2 else "1"
    os.environ["QT_SCALE_FACTOR"] = scale
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    app.setStyle("Fusion")
    page, theme = build()
    page.resize(1500, 1000)
    page.show()
    out.mkdir(parents=True, exist_ok=True)
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        for _ in range(20):
            app.processEvents()
        page.grab().save(str(out / f"widgets-{mode}-{round(100 * float(scale))}.png"))
    page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
