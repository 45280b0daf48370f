"""The ground: an irregular grid of neighbourhoods with shared borders, and districts that are blocks of them."""

import itertools
import json
from dataclasses import dataclass

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Flags, Floats, Ints, stream
from epipolis.engines.twin.names import Numbers, area_names

METRES_PER_DEGREE = 111_195.0
PEOPLE_PER_NEIGHBOURHOOD = 2_500
PEOPLE_PER_SQUARE_KILOMETRE = 8_000
_TRIES = 60


@dataclass(frozen=True)
class Outlines:
    """One entry per area: code, name, GeoJSON border as text, square metres, and longitude and latitude of the middle."""

    codes: list[str]
    names: list[str]
    borders: list[str]
    areas: Floats
    middles: Floats


@dataclass(frozen=True)
class Ground:
    """The city's neighbourhoods, in the order in which its people are laid out, and its districts."""

    neighbourhoods: Outlines
    districts: Outlines
    district_of: Ints
    rings: list[list[Floats]]
    """Closed rings of each neighbourhood in longitude and latitude; a point inside an even number of them is outside."""
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
    corners *= (people / PEOPLE_PER_SQUARE_KILOMETRE * 1e6 / signed_area(_outline(corners))) ** 0.5
    across, up = _bent(corners, 1, random), _bent(corners, 0, random)

    cells = [(row, row + 1, column, column + 1) for row in range(rows) for column in range(columns)]
    blocks = _blocks(rows, columns, random)
    district_of = np.empty((rows, columns), np.int64)
    for number, (low, high, left, right) in enumerate(blocks):
        district_of[low:high, left:right] = number
    plane = [_ring(corners, across, up, cell) for cell in cells]
    wide = [_ring(corners, across, up, block) for block in blocks]
    district = district_of.ravel()
    return Ground(
        neighbourhoods=_outlines(plane, _codes_inside(district), area_names(len(plane), seed, "neighbourhood names"), centre),
        districts=_outlines(
            wide,
            [f"D{number + 1:02d}" for number in range(len(wide))],
            [f"{name} District" for name in area_names(len(wide), seed, "district names")],
            centre,
        ),
        district_of=district,
        rings=[[_to_degrees(ring, centre)] for ring in plane],
        centres=np.array([ring[:-1].mean(axis=0) for ring in plane]),
        centre=centre,
    )


def _codes_inside(district_of: Ints) -> list[str]:
    """Neighbourhoods numbered within their district."""
    inside: dict[int, int] = {}
    codes = []
    for district in district_of.tolist():
        inside[district] = inside.get(district, 0) + 1
        codes.append(f"D{district + 1:02d}-{inside[district]:03d}")
    return codes


def _outlines(plane: list[Floats], codes: list[str], names: list[str], centre: tuple[float, float]) -> Outlines:
    rings = [_to_degrees(ring, centre) for ring in plane]
    return Outlines(
        codes=codes,
        names=names,
        borders=[geojson(ring) for ring in rings],
        areas=np.array([signed_area(ring) for ring in plane]),
        middles=np.array([[ring[:-1, 0].mean(), ring[:-1, 1].mean()] for ring in rings]),
    )


def geojson(ring: Floats) -> str:
    return json.dumps({"type": "Polygon", "coordinates": [ring.tolist()]}, separators=(",", ":"))


def to_metres(points: Floats, centre: tuple[float, float]) -> Floats:
    """Equirectangular metres east and north of the centre: exact enough for one city."""
    east = METRES_PER_DEGREE * np.cos(np.radians(centre[1]))
    return np.asarray((points - np.array(centre)) * np.array([east, METRES_PER_DEGREE]), np.float64)


def points_inside(ground: Ground, neighbourhoods: Numbers, random: np.random.Generator) -> Floats:
    """One random point, to six decimals of a degree, within each given neighbourhood (which need not be sorted)."""
    points = np.empty((len(neighbourhoods), 2))
    order = np.argsort(neighbourhoods, kind="stable")
    sizes = np.bincount(neighbourhoods, minlength=len(ground.rings))
    for rings, members in zip(ground.rings, np.split(order, np.cumsum(sizes)[:-1]), strict=True):
        missing, edges = members, edges_of(rings)
        low, high = edges.reshape(-1, 2).min(axis=0), edges.reshape(-1, 2).max(axis=0)
        for _ in range(_TRIES):
            tries = np.round(random.uniform(low, high, (len(missing), 2)), 6)
            points[missing] = tries
            missing = missing[~is_inside(tries, edges)]
            if not len(missing):
                break
        if len(missing):
            points[missing] = point_in(edges)
    return points


def edges_of(rings: list[Floats]) -> Floats:
    """Every side of the rings, as x, y, next x, next y."""
    return np.concatenate([np.concatenate([ring[:-1], ring[1:]], axis=1) for ring in rings])


def point_in(edges: Floats) -> Floats:
    """A point well inside, for shapes so thin that random points miss them: the middle of the widest of some cuts."""
    low, high = edges[:, 1].min(), edges[:, 1].max()
    best, width = edges[0, :2], -1.0
    for height in np.round(np.linspace(low, high, 23)[1:-1], 6):
        cut = edges[(edges[:, 1] > height) != (edges[:, 3] > height)]
        across = np.sort(cut[:, 0] + (height - cut[:, 1]) / (cut[:, 3] - cut[:, 1]) * (cut[:, 2] - cut[:, 0]))
        for west, east in across.reshape(-1, 2):
            if east - west > width:
                best, width = np.round(np.array([(west + east) / 2, height]), 6), east - west
    return np.asarray(best, np.float64)


@compiled()
def is_inside(points: Floats, edges: Floats) -> Flags:
    """Whether a line to the east of each point crosses the edges an odd number of times."""
    inside = np.zeros(len(points), np.bool_)
    for number in range(len(points)):
        x, y = points[number, 0], points[number, 1]
        odd = False
        for side in range(len(edges)):
            y0, y1 = edges[side, 1], edges[side, 3]
            if (y0 > y) != (y1 > y) and x < edges[side, 0] + (y - y0) / (y1 - y0) * (edges[side, 2] - edges[side, 0]):
                odd = not odd
        inside[number] = odd
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


def signed_area(ring: Floats) -> float:
    """Area of a closed ring, negative where it runs clockwise."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _to_degrees(ring: Floats, centre: tuple[float, float]) -> Floats:
    east = METRES_PER_DEGREE * np.cos(np.radians(centre[1]))
    return np.asarray(np.round(ring / np.array([east, METRES_PER_DEGREE]) + np.array(centre), 6), np.float64)


@compiled()
def covered_area(edges: Floats) -> float:
    """Area inside an odd number of the edges' rings, from 256 cuts; less than drawn where a border crosses itself."""
    low, high = edges[:, 1].min(), edges[:, 1].max()
    cuts, total = 256, 0.0
    across = np.empty(len(edges))
    for number in range(cuts):
        y, found = low + (high - low) * (number + 0.5) / cuts, 0
        for side in range(len(edges)):
            y0, y1 = edges[side, 1], edges[side, 3]
            if (y0 > y) != (y1 > y):
                x = edges[side, 0] + (y - y0) / (y1 - y0) * (edges[side, 2] - edges[side, 0])
                place = found
                while place > 0 and across[place - 1] > x:
                    across[place] = across[place - 1]
                    place -= 1
                across[place] = x
                found += 1
        for pair in range(0, found - 1, 2):
            total += across[pair + 1] - across[pair]
    return float(total * (high - low) / cuts)
