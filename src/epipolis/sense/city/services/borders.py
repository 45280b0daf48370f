"""Borders: what a GeoJSON geometry must be before the platform computes with it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, mapping, shape

_EARTH_M = 6_371_007.2  # radius of the sphere with the earth's surface
_SAFE = 0.001  # part of the area by which a repair may change it
_POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Border:
    """A checked border, and what was repaired to get it."""

    shape: Polygon | MultiPolygon
    warning: str = ""

    def to_json(self) -> dict[str, Any]:
        return mapping(self.shape)

    @property
    def area_m2(self) -> float:
        """Area on the sphere, by the equal-area sinusoidal projection."""
        return float(shapely.transform(self.shape, _flatten).area)


def read_border(geometry: object) -> Border:
    """Check one geometry; repair one that crosses itself where the repair keeps its area.

    Raises:
        ValueError: it is no polygon, empty, outside WGS84, or broken beyond a safe repair; the message is the rule.
    """
    if not isinstance(geometry, dict) or geometry.get("type") not in _POLYGONS:
        raise ValueError("must have a border of type Polygon or MultiPolygon")
    try:
        drawn = shapely.force_2d(shape(geometry))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ValueError("its border is not a readable polygon") from error
    if drawn.is_empty:
        raise ValueError("its border is empty")
    west, south, east, north = drawn.bounds
    if not all(map(math.isfinite, drawn.bounds)) or west < -180 or east > 180 or south < -90 or north > 90:
        raise ValueError("its border must be in WGS84: longitude -180 to 180, latitude -90 to 90")
    return _repaired(drawn)


def _repaired(drawn: Any) -> Border:
    if drawn.is_valid:
        if drawn.area == 0:
            raise ValueError("its border encloses no area")
        return Border(drawn)
    reason = shapely.is_valid_reason(drawn)
    parts = [part for part in shapely.get_parts(shapely.make_valid(drawn)) if part.geom_type in _POLYGONS]
    repaired = shapely.union_all(parts)
    if not parts or abs(repaired.area - _covered(drawn)) > _SAFE * repaired.area:
        raise ValueError(f"its border is broken: {reason}")
    return Border(repaired, f"its border was repaired: {reason}")


def _covered(drawn: Any) -> float:
    """The area as its rings claim it: each part's outer ring less its holes, so that a figure of eight shows its loss."""
    return sum(
        abs(Polygon(part.exterior).area) - sum(abs(Polygon(h).area) for h in part.interiors)
        for part in shapely.get_parts(drawn)
    )


def _flatten(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
    return np.column_stack([_EARTH_M * lon * np.cos(lat), _EARTH_M * lat])
