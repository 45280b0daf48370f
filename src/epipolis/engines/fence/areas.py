"""In which area a position lies: a raster that answers for whole cells, and an exact test in cells with a border.

A cell through which no border runs lies in one area or in none. In the others the areas whose border runs through are
asked one by one: a ray to the east crosses their border an odd number of times from inside (even-odd rule; Shimrat 1962,
Algorithm 112). Borders are half open, so that a point on a border shared by two areas lies in exactly one of them.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.compiled import compiled

Array = NDArray[Any]
NOWHERE = -1
_SMALL = 50_000
Ring = Sequence[Sequence[float]] | Array


@dataclass(frozen=True)
class Areas:
    """Areas made ready for `membership`; their numbers are their places in `names`."""

    names: tuple[str, ...]
    frame: Array
    """west, south, cells for each degree of longitude, of latitude; four float64."""
    grid: Array
    """int16 or int32 [rows, columns]: the area, -1 for none, or -2 - i for the i-th cell with a border."""
    asked: Array
    """int64, one more than cells with a border: where the areas to ask begin in `who`."""
    who: Array
    """int16: areas to ask, in rising order."""
    otherwise: Array
    """int16, for each cell with a border: the area that holds the whole cell, or -1."""
    bands: Array
    """int64 [areas, rows + 1]: where the edges of an area in a row of cells begin in `edges`."""
    edges: Array
    """float64 [n, 4]: lon, lat of the southern end, lon, lat of the northern."""

    @classmethod
    def from_polygons(cls, polygons: Mapping[str, Sequence[Ring]] | Sequence[Sequence[Ring]], *, cells: int = 512) -> "Areas":
        """Each area as its rings of (lon, lat), holes and further parts among them, closed or not.

        `cells`: along the longer side of the raster. Where areas overlap the first one counts. At most 32,767 areas.

        Raises:
            ValueError: names the area: no ring, fewer than three corners, a corner off the globe; or no areas at all.
        """
        names = tuple(polygons) if isinstance(polygons, Mapping) else tuple(map(str, range(len(polygons))))
        rings = list(polygons.values()) if isinstance(polygons, Mapping) else list(polygons)
        if not 0 < len(rings) <= 32_767:
            raise ValueError(f"areas: between 1 and 32,767 are needed, not {len(rings)}")
        borders = [_edges_of(name, own) for name, own in zip(names, rings, strict=True)]
        every = np.concatenate(borders)
        west, south = every[:, (0, 2)].min(), every[:, (1, 3)].min()
        wide, high = every[:, (0, 2)].max() - west, every[:, (1, 3)].max() - south
        columns, rows = (max(1, round(cells * side / max(wide, high))) for side in (wide, high))
        frame = np.array([west, south, columns / wide * (1 - 1e-12), rows / high * (1 - 1e-12)])
        return cls(names, frame, *_raster(borders, frame, rows, columns))

    @classmethod
    def from_geojson(cls, collection: Mapping[str, Any], name: str, *, cells: int = 512) -> "Areas":
        """The polygons of a feature collection, named by the property `name`; features of one name are one area.

        Raises:
            ValueError: a feature is no polygon or lacks the property; or as `from_polygons`.
        """
        found: dict[str, list[Ring]] = {}
        for number, feature in enumerate(collection.get("features", [])):
            shape, properties = feature.get("geometry") or {}, feature.get("properties") or {}
            if name not in properties:
                raise ValueError(f"areas, feature {number}: has no property {name!r}")
            if shape.get("type") not in ("Polygon", "MultiPolygon"):
                raise ValueError(f"areas, feature {number}: is {shape.get('type')}, not a polygon")
            parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
            found.setdefault(str(properties[name]), []).extend(ring for part in parts for ring in part)
        return cls.from_polygons(found, cells=cells)


def membership(areas: Areas, lon: ArrayLike, lat: ArrayLike, *, threads: int = 2) -> NDArray[np.int16]:
    """The number of the area of each position, -1 where none (and for NaN): int16, as long as `lon` and `lat` (degrees).

    Raises:
        ValueError: lon and lat are not of one length.
    """
    x, y = (np.ascontiguousarray(values, np.float64).ravel() for values in (lon, lat))
    if x.size != y.size:
        raise ValueError(f"membership: {x.size} longitudes, but {y.size} latitudes")
    found = np.empty(x.size, np.int16)
    parts = max(1, threads) if x.size > _SMALL else 1
    cuts = [x.size * part // parts for part in range(parts + 1)]
    x.setflags(write=False)
    y.setflags(write=False)

    def run(part: int) -> None:
        own = slice(cuts[part], cuts[part + 1])
        grid, asked, who = areas.grid, areas.asked, areas.who
        _find(x[own], y[own], areas.frame, grid, asked, who, areas.otherwise, areas.bands, areas.edges, found[own])

    if parts == 1:
        run(0)
    else:
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(run, range(parts)))
    return found


def _edges_of(name: str, rings: Sequence[Ring]) -> Array:
    """The edges of one area, each from south to north, so that both sides of a shared one are judged alike; float64 [n, 4]."""
    edges = []
    for ring in rings:
        corners = np.asarray(ring, np.float64)
        if corners.ndim != 2 or corners.shape[1] < 2 or len(corners) < 3:
            raise ValueError(f"areas, {name}: a ring needs at least three corners of longitude and latitude")
        corners = corners[:, :2]
        if not ((np.abs(corners[:, 0]) <= 180) & (np.abs(corners[:, 1]) <= 90)).all():
            raise ValueError(f"areas, {name}: a corner is not on the globe")
        edges.append(np.hstack([corners, np.roll(corners, -1, axis=0)]))
    all_edges = np.concatenate(edges) if edges else np.zeros((0, 4))
    if not len(all_edges) or not np.ptp(all_edges[:, (0, 2)]) or not np.ptp(all_edges[:, (1, 3)]):
        raise ValueError(f"areas, {name}: has no border around anything")
    falls = all_edges[:, 1] > all_edges[:, 3]
    all_edges[falls] = all_edges[falls][:, (2, 3, 0, 1)]
    return all_edges


def _raster(borders: list[Array], frame: Array, rows: int, columns: int) -> tuple[Array, ...]:
    """grid, asked, who, otherwise, bands, edges of `Areas`."""
    grid = np.full((rows, columns), NOWHERE, np.int32)
    bands, edges, cells, askers = np.zeros((len(borders), rows + 1), np.int64), [], [], []
    begun = 0
    for area in range(len(borders) - 1, -1, -1):  # so that the first one is written last, and counts
        border = np.zeros((rows, columns), np.bool_)
        inside = np.zeros((rows, columns), np.bool_)
        _mark(borders[area], frame, border, inside)
        grid[inside & ~border] = area
        found = np.flatnonzero(border)
        cells.append(found)
        askers.append(np.full(found.size, area, np.int16))
    for area, own in enumerate(borders):
        ends = np.sort((own[:, (1, 3)] - frame[1]) * frame[3], axis=1)
        first = np.clip(np.floor(ends[:, 0] - 1e-6), 0, rows - 1).astype(np.int64)
        last = np.clip(np.floor(ends[:, 1] + 1e-6), 0, rows - 1).astype(np.int64)
        edge = np.repeat(np.arange(len(own)), last - first + 1)
        row = np.arange(edge.size) - np.repeat(np.cumsum(last - first + 1) - (last - first + 1), last - first + 1) + first[edge]
        order = np.argsort(row, kind="stable")
        bands[area] = begun + np.searchsorted(row[order], np.arange(rows + 1))
        edges.append(own[edge[order]])
        begun += edge.size
    cell, who = np.concatenate(cells), np.concatenate(askers)
    order = np.lexsort((who, cell))
    cell, who = cell[order], who[order]
    bordered, asked = np.unique(cell, return_index=True)
    otherwise = grid.ravel()[bordered].astype(np.int16)
    grid.ravel()[bordered] = -2 - np.arange(bordered.size)
    if bordered.size < 32_000:
        grid = grid.astype(np.int16)  # half the memory to look up in
    return (
        grid,
        np.append(asked, cell.size).astype(np.int64),
        who,
        otherwise,
        bands,
        np.ascontiguousarray(np.concatenate(edges)),
    )


@compiled(allocates=False)
def _mark(edges: Array, frame: Array, border: Array, inside: Array) -> None:
    """Mark the cells through which the border may run, and those whose middle lies inside."""
    rows, columns = border.shape
    for number in range(len(edges)):
        x1, y1 = (edges[number, 0] - frame[0]) * frame[2], (edges[number, 1] - frame[1]) * frame[3]
        x2, y2 = (edges[number, 2] - frame[0]) * frame[2], (edges[number, 3] - frame[1]) * frame[3]
        slope = (x2 - x1) / (y2 - y1) if y2 > y1 else 0.0
        for row in range(max(0, int(y1 - 1e-6)), min(rows - 1, int(y2 + 1e-6)) + 1):
            low, high = max(y1, row - 1e-6), min(y2, row + 1 + 1e-6)
            one, other = (x1 + (low - y1) * slope, x1 + (high - y1) * slope) if y2 > y1 else (x1, x2)
            left, right = min(one, other) - 1e-6, max(one, other) + 1e-6
            for column in range(max(0, int(left)), min(columns - 1, int(right)) + 1):
                border[row, column] = True
            middle = row + 0.5
            if y1 <= middle < y2:
                crossed = x1 + (middle - y1) * slope
                for column in range(columns):
                    if column + 0.5 >= crossed:
                        break
                    inside[row, column] = not inside[row, column]


@compiled(allocates=False)
def _holds(edges: Array, first: int, last: int, x: float, y: float) -> bool:
    """Whether an area holds a point, by its edges that reach the row of the point."""
    odd = False
    for number in range(first, last):
        x1, y1, x2, y2 = edges[number, 0], edges[number, 1], edges[number, 2], edges[number, 3]
        if y1 <= y < y2 and (x2 - x1) * (y - y1) > (x - x1) * (y2 - y1):
            odd = not odd
    return odd


@compiled(allocates=False)
def _find(
    lon: Array, lat: Array, frame: Array, grid: Array, asked: Array, who: Array,
    otherwise: Array, bands: Array, edges: Array, found: Array,
) -> None:  # fmt: skip
    """The area of each position of one share, into `found`."""
    rows, columns = grid.shape
    west, south, by_lon, by_lat = frame[0], frame[1], frame[2], frame[3]
    for place in range(len(lon)):
        x, y = lon[place], lat[place]
        across, up = (x - west) * by_lon, (y - south) * by_lat
        answer = -1
        if 0 <= across < columns and 0 <= up < rows:
            row = int(up)
            answer = grid[row, int(across)]
            if answer < -1:
                cell = -2 - answer
                answer = otherwise[cell]
                for turn in range(asked[cell], asked[cell + 1]):
                    area = who[turn]
                    if (answer == -1 or area < answer) and _holds(edges, bands[area, row], bands[area, row + 1], x, y):
                        answer = area
                        break
        found[place] = answer
