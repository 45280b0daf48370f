"""The ground: an irregular grid of neighbourhoods with shared borders, and districts that are blocks of them."""

import itertools
import json
from dataclasses import dataclass

import numpy as np

from epipolis.engines.twin.draws import Flags, Floats, Ints, stream

METRES_PER_DEGREE = 111_195.0
PEOPLE_PER_NEIGHBOURHOOD = 2_500
PEOPLE_PER_SQUARE_KILOMETRE = 8_000


@dataclass(frozen=True)
class Ground:
    """Closed counter-clockwise rings in longitude and latitude, areas in square metres, one entry per area."""

    rings: list[Floats]
    areas: Floats
    district_of: Ints
    district_rings: list[Floats]
    district_areas: Floats
    centres: Floats
    """Middle of each neighbourhood in metres east and north of the city's centre."""
    centre: tuple[float, float]


def draw_ground(people: int, seed: int, centre: tuple[float, float]) -> Ground:
    """A roundish city of about 8,000 people per square kilometre with 6 to 12 districts."""
    random = stream(seed, "ground")
    wanted = max(8, round(people / PEOPLE_PER_NEIGHBOURHOOD))
    columns = max(3, round((wanted * 1.2) ** 0.5))
    rows = max(3, round(wanted / columns))
    corners = _corners(rows, columns, random)
    corners *= (people / PEOPLE_PER_SQUARE_KILOMETRE * 1e6 / _area(_outline(corners))) ** 0.5
    across, up = _bent(corners, 1, random), _bent(corners, 0, random)

    cells = [(row, row + 1, column, column + 1) for row in range(rows) for column in range(columns)]
    blocks = _blocks(rows, columns, random)
    district_of = np.empty((rows, columns), np.int64)
    for number, (low, high, left, right) in enumerate(blocks):
        district_of[low:high, left:right] = number
    plane = [_ring(corners, across, up, cell) for cell in cells]
    wide = [_ring(corners, across, up, block) for block in blocks]
    return Ground(
        rings=[_to_degrees(ring, centre) for ring in plane],
        areas=np.array([_area(ring) for ring in plane]),
        district_of=district_of.ravel(),
        district_rings=[_to_degrees(ring, centre) for ring in wide],
        district_areas=np.array([_area(ring) for ring in wide]),
        centres=np.array([ring[:-1].mean(axis=0) for ring in plane]),
        centre=centre,
    )


def geojson(ring: Floats) -> str:
    return json.dumps({"type": "Polygon", "coordinates": [ring.tolist()]}, separators=(",", ":"))


def to_metres(points: Floats, centre: tuple[float, float]) -> Floats:
    """Equirectangular metres east and north of the centre: exact enough for one city."""
    east = METRES_PER_DEGREE * np.cos(np.radians(centre[1]))
    return np.asarray((points - np.array(centre)) * np.array([east, METRES_PER_DEGREE]), np.float64)


def points_inside(ground: Ground, neighbourhoods: Ints, random: np.random.Generator) -> Floats:
    """One random point, to six decimals of a degree, within each given neighbourhood (which need not be sorted)."""
    points = np.empty((len(neighbourhoods), 2))
    order = np.argsort(neighbourhoods, kind="stable")
    sizes = np.bincount(neighbourhoods, minlength=len(ground.rings))
    for ring, members in zip(ground.rings, np.split(order, np.cumsum(sizes)[:-1]), strict=True):
        missing = members
        while len(missing):
            low, high = ring.min(axis=0), ring.max(axis=0)
            tries = np.round(random.uniform(low, high, (len(missing), 2)), 6)
            points[missing] = tries
            missing = missing[~_is_inside(tries, ring)]
    return points


def _is_inside(points: Floats, ring: Floats) -> Flags:
    inside = np.zeros(len(points), bool)
    x, y = points[:, 0], points[:, 1]
    for (x0, y0), (x1, y1) in itertools.pairwise(ring):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside


def _corners(rows: int, columns: int, random: np.random.Generator) -> Floats:
    """Corners of the cells on a square, shaken, then bulged halfway to a disc and given an uneven outline."""
    y, x = np.meshgrid(np.linspace(-1, 1, rows + 1), np.linspace(-1, 1, columns + 1), indexing="ij")
    shake = random.uniform(-0.2, 0.2, (2, rows + 1, columns + 1))
    shake[:, [0, -1], :] *= 0.3
    shake[:, :, [0, -1]] *= 0.3
    x, y = x + shake[0] * 2 / columns, y + shake[1] * 2 / rows
    round_x = x * np.sqrt(np.maximum(1 - y**2 / 2, 0.1))
    round_y = y * np.sqrt(np.maximum(1 - x**2 / 2, 0.1))
    x, y = 0.65 * round_x + 0.35 * x, 0.65 * round_y + 0.35 * y
    angle, phases = np.arctan2(y, x), random.uniform(0, 2 * np.pi, 2)
    swell = 1 + 0.08 * np.sin(2 * angle + phases[0]) + 0.05 * np.sin(3 * angle + phases[1])
    distance = np.minimum(np.hypot(x, y), 1)
    swell = 1 + (swell - 1) * distance
    return np.stack([x * swell * (columns / rows) ** 0.5, y * swell * (rows / columns) ** 0.5], axis=-1)


def _bent(corners: Floats, axis: int, random: np.random.Generator) -> Floats:
    """Two extra points on every border along `axis`, so that borders look walked and not ruled."""
    start = corners[:, :-1] if axis == 1 else corners[:-1]
    along = np.diff(corners, axis=axis)
    aside = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    sway = random.uniform(-0.06, 0.06, (2, *along.shape[:2], 1))
    return np.stack([start + along / 3 + aside * sway[0], start + along * 2 / 3 + aside * sway[1]], axis=2)


def _blocks(rows: int, columns: int, random: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Cut the grid into bands and each band into blocks: a block has no hole, so its outline is one ring."""
    wanted = int(np.clip(round(rows * columns / 2.5), 6, 12))
    bands = 2 if wanted <= 8 else 3
    heights = np.round(np.linspace(0, rows, bands + 1)).astype(int)
    blocks = []
    for band in range(bands):
        parts = min(columns, (wanted + band) // bands)
        even = np.linspace(0, columns, parts + 1)
        cuts = even.copy()
        cuts[1:-1] += random.uniform(-0.3, 0.3, parts - 1) * columns / parts
        cuts = np.round(cuts)
        edges = (cuts if (np.diff(cuts) > 0).all() else np.floor(even)).astype(int)
        blocks += [
            (int(heights[band]), int(heights[band + 1]), int(left), int(right)) for left, right in itertools.pairwise(edges)
        ]
    return blocks


def _ring(corners: Floats, across: Floats, up: Floats, block: tuple[int, int, int, int]) -> Floats:
    low, high, left, right = block
    bottom = [_edge(corners[low, column], across[low, column]) for column in range(left, right)]
    east = [_edge(corners[row, right], up[row, right]) for row in range(low, high)]
    top = [_edge(corners[high, column + 1], across[high, column][::-1]) for column in range(left, right)][::-1]
    west = [_edge(corners[row + 1, left], up[row, left][::-1]) for row in range(low, high)][::-1]
    return np.concatenate([*bottom, *east, *top, *west, corners[low, left][None]])


def _edge(corner: Floats, between: Floats) -> Floats:
    return np.concatenate([corner[None], between])


def _outline(corners: Floats) -> Floats:
    return np.concatenate([corners[0], corners[1:, -1], corners[-1, -2::-1], corners[-2::-1, 0]])


def _area(ring: Floats) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _to_degrees(ring: Floats, centre: tuple[float, float]) -> Floats:
    east = METRES_PER_DEGREE * np.cos(np.radians(centre[1]))
    return np.asarray(np.round(ring / np.array([east, METRES_PER_DEGREE]) + np.array(centre), 6), np.float64)
