"""From a point to the neighbourhood that holds it."""

from collections.abc import Sequence

import numpy as np
import shapely
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from numpy.typing import NDArray
from shapely.geometry import shape

from epipolis.sense.city.models import Neighbourhood

from .remembered import Remembered

NOWHERE = -1


class Ground:
    """All neighbourhoods with a border, in a tree that finds the one around a point."""

    def __init__(self, areas: list[Neighbourhood]) -> None:
        self.areas = areas
        self._tree = shapely.STRtree([shape(area.border) for area in areas])

    def rows_at(self, lons: Sequence[float], lats: Sequence[float]) -> NDArray[np.int64]:
        """For each point the row in `areas`, or NOWHERE; on a shared border the first by id."""
        rows = np.full(len(lons), len(self.areas), np.int64)
        if len(lons) and self.areas:
            points, found = self._tree.query(shapely.points(lons, lats), predicate="covered_by")
            np.minimum.at(rows, points, found)
        return np.where(rows == len(self.areas), NOWHERE, rows)


def neighbourhood_at(lon: float, lat: float) -> Neighbourhood | None:
    """The neighbourhood around a point in WGS84, its district with it; None outside the city."""
    return neighbourhoods_at([lon], [lat])[0]


def neighbourhoods_at(lons: Sequence[float], lats: Sequence[float]) -> list[Neighbourhood | None]:
    """The same for many points at once: longitudes and latitudes of equal length, NaN for no point."""
    ground = _ground()
    return [ground.areas[row] if row != NOWHERE else None for row in ground.rows_at(lons, lats).tolist()]


def _find_ground() -> Ground:
    with_borders = Neighbourhood.objects.exclude(border=None).select_related("district").defer("district__border")
    return Ground(list(with_borders.order_by("id")))


def _stamp() -> object:
    return tuple(
        Neighbourhood.objects.aggregate(n=Coalesce(Sum("edition"), 0), m=Coalesce(Sum(F("id") * F("edition")), 0)).values()
    )


_ground = Remembered(_find_ground, _stamp)
