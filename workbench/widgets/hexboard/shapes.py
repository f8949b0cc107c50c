"""Outlines that the painter needs: rounded frames, polygons from arrays, the signs of marks."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath, QPolygonF, QTransform

_FINE = 8.0
"""How much finer than a pixel's the corners of a flattened curve lie."""


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


def flattened(path: QPainterPath) -> np.ndarray:
    """[k, 2] corners of a closed path, its curves as many short lines."""
    corners = path.toFillPolygon(QTransform.fromScale(_FINE, _FINE))
    points = [corners.at(i) for i in range(corners.size() - 1)]  # the last one is the first again
    return np.array([(point.x(), point.y()) for point in points]) / _FINE


def cut(shape: np.ndarray, window: np.ndarray) -> np.ndarray:
    """[m, 2]: the part of the convex polygon `shape` [k, 2] that lies in the convex polygon `window` [l, 2].

    Qt's intersection of paths loses its way where a corner of one lies on an edge of the other, which is where the
    borders of a board meet.
    """
    following = np.roll(window, -1, axis=0)
    turning = np.sign(np.sum(window[:, 0] * following[:, 1] - window[:, 1] * following[:, 0]))
    for start, end in zip(window, following, strict=True):
        along = end - start
        inside = turning * (along[0] * (shape[:, 1] - start[1]) - along[1] * (shape[:, 0] - start[0]))
        kept: list[np.ndarray] = []
        for i in range(len(shape)):
            before, here = inside[i - 1], inside[i]
            if (before < 0) != (here < 0):
                kept.append(shape[i - 1] + (shape[i] - shape[i - 1]) * (before / (before - here)))
            if here >= 0:
                kept.append(shape[i])
        shape = np.array(kept).reshape(-1, 2)
    return shape


def stroke(start: np.ndarray, end: np.ndarray, width: float) -> np.ndarray:
    """[4, 2] outline of a line with flat ends."""
    way = end - start
    side = np.array([-way[1], way[0]]) * (width / 2 / float(np.hypot(*way)))
    return np.array([start + side, end + side, end - side, start - side])


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
