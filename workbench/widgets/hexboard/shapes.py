"""Outlines that the painter needs: rounded frames, polygons from arrays, the signs of marks."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath, QPolygonF


def rounded(corners: np.ndarray, radius: float) -> QPainterPath:
    """The closed path through `corners` [k, 2] with each corner rounded by a quadratic curve."""
    path = QPainterPath()
    count = len(corners)
    for i in range(count):
        before, here, after = corners[i - 1], corners[i], corners[(i + 1) % count]
        arrive = here + _shortened(before - here, radius)
        leave = here + _shortened(after - here, radius)
        if i == 0:
            path.moveTo(QPointF(*arrive))
        else:
            path.lineTo(QPointF(*arrive))
        path.quadTo(QPointF(*here), QPointF(*leave))
    path.closeSubpath()
    return path


def _shortened(way: np.ndarray, length: float) -> np.ndarray:
    whole = float(np.hypot(*way))
    return way * (min(length, whole / 2) / whole) if whole else way


def polygon(points: np.ndarray) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


def _triangle(x: float, y: float, r: float) -> QPainterPath:
    path = QPainterPath(QPointF(x, y - r))
    path.lineTo(x + 0.87 * r, y + 0.5 * r)
    path.lineTo(x - 0.87 * r, y + 0.5 * r)
    path.closeSubpath()
    return path


def _square(x: float, y: float, r: float) -> QPainterPath:
    path = QPainterPath()
    path.addRect(QRectF(x - 0.75 * r, y - 0.75 * r, 1.5 * r, 1.5 * r))
    return path


def _circle(x: float, y: float, r: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(x, y), 0.9 * r, 0.9 * r)
    return path


def _cross(x: float, y: float, r: float) -> QPainterPath:
    path = QPainterPath()
    for sign in (-1, 1):
        path.moveTo(x - 0.7 * r, y - 0.7 * sign * r)
        path.lineTo(x + 0.7 * r, y + 0.7 * sign * r)
    return path


def _swap(x: float, y: float, r: float) -> QPainterPath:
    """Two arrows, one each way."""
    path = QPainterPath()
    for sign in (-1, 1):
        path.moveTo(x - sign * r, y + sign * 0.42 * r)
        path.lineTo(x + sign * r, y + sign * 0.42 * r)
        path.lineTo(x + sign * 0.45 * r, y + sign * 0.42 * r - 0.5 * r)
        path.moveTo(x + sign * r, y + sign * 0.42 * r)
        path.lineTo(x + sign * 0.45 * r, y + sign * 0.42 * r + 0.5 * r)
    return path


SIGNS = {"triangle": _triangle, "square": _square, "circle": _circle, "cross": _cross, "swap": _swap}
