"""Circles about areas: who lies within, from the nearest outwards."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
EARTH = 6_371.0088  # km
_MOST = 4_000_000


@dataclass(frozen=True)
class Circles:
    """
    Attributes:
        order: the areas from each area outwards, itself first [areas, nearest].
        distance: their distance, km [areas, nearest].
        sizes: how many of them the largest circle holds, at least one [areas].
    """

    order: Ints
    distance: Floats
    sizes: Ints


def circles_of(places: Floats, weights: Floats, *, share: float, radius: float | None, planar: bool) -> Circles:
    """Circles about every area that hold at most `share` of the weights.

    With very many areas a circle holds at most as many as keep 4 million circles in all.

    Args:
        places: longitude and latitude in degrees, or kilometres when `planar` [areas, 2].
        weights: share of each area in the whole [areas].

    Raises:
        ValueError: a latitude is beyond the poles or a longitude beyond 360 degrees.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 -- heavy, and only scans need it

    if not planar and (np.abs(places) > [360, 90]).any():
        raise ValueError("a longitude or latitude is out of range; for kilometres on a plane say planar")
    points = places if planar else _on_sphere(places)
    areas = len(points)
    nearest = min(areas, max(20, _MOST // areas))
    distance, order = cKDTree(points).query(points, k=np.arange(1, nearest + 1))
    _itself_first(order, distance)
    if not planar:
        distance = 2 * EARTH * np.arcsin(np.clip(distance / 2, 0, 1))
    inside = np.cumsum(weights[order], axis=1) <= share + 1e-12
    if radius is not None:
        inside &= distance <= radius
    inside[:, 0] = True
    return Circles(order.astype(np.int32), distance, inside.sum(axis=1).astype(np.int32))


def _on_sphere(places: Floats) -> Floats:
    lon, lat = np.radians(places).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _itself_first(order: NDArray[np.int64], distance: Floats) -> None:
    """Of areas at one place, each is the first of its own circle."""
    areas = len(order)
    for row in np.flatnonzero(order[:, 0] != np.arange(areas)):
        at = np.flatnonzero(order[row] == row)
        if len(at):
            order[row, at[0]] = order[row, 0]
        order[row, 0], distance[row, 0] = row, 0.0
