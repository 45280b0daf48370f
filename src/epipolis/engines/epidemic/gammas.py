"""Quantiles of very many gamma distributions, and of mixtures of them.

At one level the quantile of a gamma of scale 1 depends on the shape alone, and the cube root of quantile / shape (the
transformation of Wilson and Hilferty 1931, PNAS 17:684) is a very smooth function of 1 / sqrt(shape). It is laid down
once for each level in pieces of Chebyshev polynomials and then read off: as exact as the inverse itself to about 1e-12
of the value, and some fifty times faster.
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy import special

from epipolis.engines.compiled import compiled

Floats = NDArray[np.float64]
_LEAST = 0.5
"""Below this shape the inverse itself is taken: there the quantile falls to 0 faster than any polynomial."""
_PIECES, _TERMS = 48, 14
_WIDTH = 1 / np.sqrt(_LEAST) / _PIECES
_NODES: Floats = np.cos(np.pi * (np.arange(_TERMS) + 0.5) / _TERMS)
_TO_TERMS: Floats = np.asarray(np.linalg.inv(chebyshev.chebvander(_NODES, _TERMS - 1)).T, np.float64)
_TO_POWERS: Floats = np.array(
    [np.pad(chebyshev.cheb2poly(row), (0, _TERMS - 1 - term)) for term, row in enumerate(np.eye(_TERMS))]
)
"""From values at the nodes to Chebyshev terms, and from those to powers; in one step rounding would not cancel."""


def gamma_quantiles(shape: Floats, scale: Floats, levels: ArrayLike) -> Floats:
    """Quantiles [..., levels] of gammas of these shapes and scales [...].

    Raises:
        ValueError: a level is not between 0 and 1.
    """
    wanted = check_levels(levels)
    shapes, scales = np.ascontiguousarray(shape, np.float64), np.ascontiguousarray(scale, np.float64)
    values = np.empty((*shapes.shape, wanted.size))
    laid = np.stack([_laid_down(float(level)) for level in wanted])
    _read_off(shapes.reshape(-1), scales.reshape(-1), laid, values.reshape(-1, wanted.size))
    small = shapes < _LEAST
    if small.any():
        values[small] = special.gammaincinv(shapes[small][:, None], wanted) * scales[small][:, None]
    return values


def check_levels(levels: ArrayLike) -> Floats:
    """Levels as numbers between 0 and 1."""
    wanted = np.atleast_1d(np.asarray(levels, np.float64))
    if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(f"levels must lie between 0 and 1, but are {np.asarray(levels).tolist()}")
    return wanted


@lru_cache(maxsize=256)
def _laid_down(level: float) -> Floats:
    """Coefficients [pieces, terms], lowest power first, of the curve over 1 / sqrt(shape); each piece on -1 … 1."""
    roots = (np.arange(_PIECES)[:, None] + (_NODES + 1) / 2) * _WIDTH
    shape = roots**-2
    # What is laid down stays of order one: the distance of the cube root from 1 in units of 1 / sqrt(shape).
    curve = (np.cbrt(special.gammaincinv(shape, level) / shape) - 1) / roots
    return np.asarray((curve @ _TO_TERMS) @ _TO_POWERS, np.float64)


@compiled()
def _read_off(shapes: Floats, scales: Floats, laid: Floats, values: Floats) -> None:
    levels, pieces, terms = laid.shape
    for row in range(shapes.size):
        root = 1 / np.sqrt(shapes[row])
        piece = min(int(root / _WIDTH), pieces - 1)
        at = 2 * (root / _WIDTH - piece) - 1
        size = shapes[row] * scales[row]
        for level in range(levels):
            curve = laid[level, piece, terms - 1]
            for term in range(terms - 2, -1, -1):
                curve = curve * at + laid[level, piece, term]
            cube = 1 + root * curve
            values[row, level] = size * cube * cube * cube


def mixture_quantiles(shape: Floats, scale: Floats, levels: ArrayLike) -> Floats:
    """Quantiles [rows, levels] of equal mixtures of gammas; shape [rows], scale [draws, rows]. Exact to 1e-10 of the value.

    All gammas of a row share the shape, as they do when only the serial interval is uncertain.
    """
    wanted = check_levels(levels)
    each = gamma_quantiles(np.broadcast_to(shape, scale.shape), scale, wanted)
    low, high = each.min(axis=0), each.max(axis=0)
    mean = shape * scale.mean(axis=0)
    variance = shape * (scale**2).mean(axis=0) + shape**2 * scale.var(axis=0)
    near = np.clip(gamma_quantiles(mean**2 / variance, variance / mean, wanted), low, high)
    values = np.empty_like(low)
    for level in range(wanted.size):
        values[:, level] = _between(shape, scale, float(wanted[level]), low[:, level], high[:, level], near[:, level])
    return values


def _between(shape: Floats, scale: Floats, level: float, low: Floats, high: Floats, value: Floats) -> Floats:
    """Newton steps from `value` within the brackets, each narrowed by every step."""
    size = special.gammaln(shape)
    left = np.arange(shape.size)
    for _ in range(60):
        at = value[left] / scale[:, left]
        miss = special.gammainc(shape[left], at).mean(axis=0) - level
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            density = (np.exp(special.xlogy(shape[left] - 1, at) - at - size[left]) / scale[:, left]).mean(axis=0)
            step = value[left] - miss / density
        high[left], low[left] = np.where(miss > 0, value[left], high[left]), np.where(miss > 0, low[left], value[left])
        fits = (step >= low[left]) & (step <= high[left])
        following = np.where(fits, step, (low[left] + high[left]) / 2)
        moving = np.abs(following - value[left]) > 1e-11 * value[left]
        value[left] = following
        left = left[moving]
        if not left.size:
            break
    return value
