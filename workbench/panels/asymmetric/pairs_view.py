"""A negative of each detector before and after its attack, one column a detector."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter

from engines.asymmetric.snapshots import TrainSnapshot
from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.pixels import rgba_of

LEAST, MOST = 40, 72
"""Logical pixels that an image is wide at least, and at most."""
HEAD: Final = 56
"""Room at the left for the names of both rows."""


class PairsView(Canvas):
    """Above the image as it was, below as the attack left it, with the detector's logit z under each.

    As many detectors as there is room for; a tooltip says the rest.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Negatives before and after their attack")
        self.shown: TrainSnapshot | None = None
        self.setFont(font("small"))
        self.setFixedHeight(2 * (LEAST + self.fontMetrics().height() + 6) + GRID)

    def show_snapshot(self, snapshot: TrainSnapshot | None) -> None:
        """Show the negatives of a snapshot, None for none."""
        self.shown = snapshot if snapshot is not None and len(snapshot.images) else None
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(480, self.height())

    def columns(self) -> dict[str, np.ndarray]:
        if self.shown is None:
            return {}
        s = self.shown
        return {"detector": np.arange(len(s.z_before)), "z_before": s.z_before, "z_after": s.z_after}

    def tip_at(self, at: QPointF) -> str:
        if self.shown is None:
            return ""
        width, count = self._column()
        k = int((at.x() - HEAD) // width) if at.x() >= HEAD else -1
        if not 0 <= k < count:
            return ""
        before, after = float(self.shown.z_before[k]), float(self.shown.z_after[k])
        return f"Detector {k}: z {number(before)}, then {number(after)}; above 0 it takes the image for its own"

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        muted, text = QColor(self.colours.muted), QColor(self.colours.text)
        centre = Qt.AlignmentFlag.AlignCenter
        if self.shown is None:
            painter.setPen(muted)
            painter.drawText(target, centre, "A negative of each detector, before and after its attack")
            return
        width, count = self._column()
        line = painter.fontMetrics().height()
        side = min(width - 6, (target.height() - 2 * line - 14) / 2)
        rows = (("before", self.shown.images, self.shown.z_before), ("after", self.shown.attacked, self.shown.z_after))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for row, (name, images, z) in enumerate(rows):
            top = target.top() + row * (side + line + 8)
            painter.setPen(muted)
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(target.left(), top, HEAD, side), int(left), name)
            for k in range(count):
                x = target.left() + HEAD + k * width
                height = side * min(1.0, images.shape[2] / images.shape[3])
                wide = height * images.shape[3] / images.shape[2]
                place = QRectF(x + (width - wide) / 2, top + (side - height) / 2, wide, height)
                painter.drawImage(place, image_of(rgba_of(images[k])))
                painter.setPen(QColor(self.colours.error) if z[k] > 0 and row else text)
                painter.drawText(QRectF(x, top + side, width, line + 2), int(centre), f"z {number(float(z[k]), 2)}")

    def _column(self) -> tuple[float, int]:
        """How wide a column is, and how many there are."""
        known = 0 if self.shown is None else len(self.shown.images)
        room = max(self.width() - HEAD, LEAST)
        count = max(1, min(known, int(room // LEAST)))
        return min(room / count, float(MOST)), min(count, known)
