"""Style vectors on a plane: principal components, blends at a point, and what a linear probe reads from them."""

from __future__ import annotations

import numpy as np

FEWEST_PROBED = 10


def plane(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The plane in which vectors [N, d] differ most: map [N, 2], mean [d], basis [2, d], share of variance [2].

    Each direction points to where its largest component is positive, so that a map does not flip between runs.
    """
    z = np.asarray(z, np.float64)
    mean = z.mean(0)
    _, sizes, directions = np.linalg.svd(z - mean, full_matrices=False)
    basis = np.zeros((2, z.shape[1]))
    found = min(2, len(directions))
    basis[:found] = directions[:found]
    largest = np.take_along_axis(basis, np.abs(basis).argmax(1)[:, None], 1)
    basis *= np.where(largest < 0, -1.0, 1.0)
    total = float((sizes**2).sum())
    variance = np.zeros(2)
    variance[:found] = sizes[:found] ** 2 / total if total > 0 else 0.0
    return (z - mean) @ basis.T, mean, basis, variance


def blend(places: np.ndarray, point: np.ndarray, neighbours: int = 4) -> np.ndarray:
    """Shares [N], sum 1, of the styles at `places` [N, 2] for a point [2] between them.

    The nearest `neighbours` count by the inverse square of their distance (Shepard 1968); on a style's own place it has
    all.
    """
    distance = ((np.asarray(places, np.float64) - np.asarray(point, np.float64)) ** 2).sum(1)
    shares = np.zeros(len(distance))
    near = np.argsort(distance, kind="stable")[:neighbours]
    if distance[near[0]] < 1e-12:
        shares[near[0]] = 1.0
        return shares
    shares[near] = 1 / distance[near]
    return shares / shares.sum()


def between(first: np.ndarray, second: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Vectors [A, d] on the line from one to another: (1 - a) z_A + a z_B."""
    a = np.asarray(alphas, np.float64)[:, None]
    return (1 - a) * np.asarray(first, np.float64) + a * np.asarray(second, np.float64)


def probe(z: np.ndarray, values: np.ndarray) -> float:
    """R² of a ridge regression from z [N, d] to a number for each [N], every one predicted by a fit without it.

    The ridge is chosen among powers of ten by that very error, which flatters it a little. NaN for fewer than ten
    finite values or equal ones.
    """
    known = np.isfinite(values)
    x, y = np.asarray(z, np.float64)[known], np.asarray(values, np.float64)[known]
    if len(y) < FEWEST_PROBED or y.std() < 1e-12:
        return float("nan")
    n = len(y)
    across, sizes, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    best = min(_left_out_error(across, sizes**2, y, ridge) for ridge in 10.0 ** np.arange(-4, 4))
    # Leaving one out moves the mean too: the error of "the mean of all others" is the measure.
    return 1 - best / float(((y - y.mean()) ** 2).mean() * (n / (n - 1)) ** 2)


def _left_out_error(across: np.ndarray, squares: np.ndarray, y: np.ndarray, ridge: float) -> float:
    """Mean squared error when each of N points is left out of the fit, without fitting again.

    across: [N, r], left singular vectors of the centred points; squares: [r], their singular values squared. The hat
    matrix is across · diag(kept) · acrossᵀ + 1/N, of which only the product with y and the diagonal are made: its N x N
    entries would take minutes for thousands of pieces.
    """
    n = len(y)
    kept = squares / (squares + ridge * max(float(squares.sum()) / n, 1e-12))
    fitted = (across * kept) @ (across.T @ y) + y.mean()
    leverage = (across**2) @ kept + 1 / n
    residual = (y - fitted) / np.maximum(1 - leverage, 1e-9)
    return float((residual**2).mean())
