"""The fences: for each person a circle around the home, how long it holds, and perhaps a second circle to move to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[Any]
EARTH = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG)."""
PER_DEGREE = EARTH * np.pi / 180
NEVER, ALWAYS = -(2**62), 2**62


def lined(kinds: dict[str, Any]) -> np.dtype[Any]:
    """A row of these fields, one behind the other, that begins with a line of the cache (64 bytes) and fills whole ones.

    What the loop reads of every position comes first, so that it costs one line from memory and not two.
    """
    formats = [np.dtype(kind) for kind in kinds.values()]
    offsets = np.cumsum([0, *(kind.itemsize for kind in formats)])
    size = int(-(-offsets[-1] // 64) * 64)
    return np.dtype(
        {"names": list(kinds), "formats": formats, "offsets": [int(each) for each in offsets[:-1]], "itemsize": size}
    )


def empty_rows(count: int, kind: np.dtype[Any]) -> Rows:
    """Rows of zeros that begin at a line of the cache."""
    room = np.zeros(count * kind.itemsize + 64, np.uint8)
    first = -room.ctypes.data % 64
    return room[first : first + count * kind.itemsize].view(kind)


FENCE = lined(
    dict.fromkeys(("lon", "lat", "radius", "narrow"), np.float64)
    | dict.fromkeys(("starts", "ends", "move_from", "move_until"), np.int64)
    | dict.fromkeys(("next_lon", "next_lat", "next_radius", "next_narrow"), np.float64)
)
"""`narrow`: cosine of the latitude. Times in epoch seconds; a fence holds from `starts` until before `ends`."""
_NEEDED = ("lon", "lat", "radius")
_OPTIONAL = ("starts", "ends", "next_lon", "next_lat", "next_radius", "move_from", "move_until")


@dataclass(frozen=True)
class Fences:
    """One circle for each person; row i belongs to person i of positions and states.

        Fences.of(lon=[121.5], lat=[25.0], radius=100.0)

    Somebody who moves to a second place (a facility, another home) has `next_…` and a window `move_from` until before
    `move_until`: within it both places are allowed and the way between raises no alarm; from its end on only the
    second counts.
    """

    rows: Rows
    """One FENCE for each person; read only."""

    @classmethod
    def of(
        cls,
        lon: ArrayLike,
        lat: ArrayLike,
        radius: ArrayLike = 100.0,
        *,
        starts: ArrayLike = NEVER,
        ends: ArrayLike = ALWAYS,
        next_lon: ArrayLike = np.nan,
        next_lat: ArrayLike = np.nan,
        next_radius: ArrayLike = np.nan,
        move_from: ArrayLike = ALWAYS,
        move_until: ArrayLike = ALWAYS,
    ) -> "Fences":
        """Circles from arrays of people (or one value for all): degrees, metres, epoch seconds (UTC).

        Raises:
            ValueError: names row and field: a place off the globe or on null island, a radius that is none, an end
                before the start, a window to move without a second place.
        """
        lon = np.atleast_1d(np.asarray(lon, np.float64))
        rows = empty_rows(lon.size, FENCE)
        given = {"lon": lon, "lat": lat, "radius": radius, "starts": starts, "ends": ends, "next_lon": next_lon}
        given |= {"next_lat": next_lat, "next_radius": next_radius, "move_from": move_from, "move_until": move_until}
        for name, values in given.items():
            try:
                rows[name] = values
            except (ValueError, TypeError, OverflowError) as error:
                raise ValueError(f"fences.{name}: must be one number, or one for each of {lon.size} people: {error}") from None
        moves = rows["move_from"] < ALWAYS
        rows["next_radius"] = np.where(moves & np.isnan(rows["next_radius"]), rows["radius"], rows["next_radius"])
        _check(rows, moves)
        rows["narrow"] = np.cos(np.radians(rows["lat"]))
        rows["next_narrow"] = np.cos(np.radians(rows["next_lat"]))
        rows.setflags(write=False)
        return cls(rows)

    @classmethod
    def from_table(cls, table: pa.Table) -> "Fences":
        """Columns as the arguments of `of`; lon, lat and radius are needed, empty cells of others mean “none”.

        Raises:
            ValueError: a column is missing, or as `of`.
        """
        if missing := [name for name in _NEEDED if name not in table.column_names]:
            raise ValueError(f"fences.{missing[0]}: the column is missing; the table has {table.column_names}")
        none = {"starts": NEVER, "ends": ALWAYS, "move_from": ALWAYS, "move_until": ALWAYS}
        columns = {}
        for name in (*_NEEDED, *(name for name in _OPTIONAL if name in table.column_names)):
            whole = name in none
            values = table.column(name).cast(pa.int64() if whole else pa.float64())
            columns[name] = values.fill_null(none.get(name, np.nan)).to_numpy()
        return cls.of(**columns)

    def to_table(self) -> pa.Table:
        """lon, lat, radius and the optional columns, as `from_table` reads them."""
        return pa.table({name: np.ascontiguousarray(self.rows[name]) for name in (*_NEEDED, *_OPTIONAL)})

    def __len__(self) -> int:
        return len(self.rows)


def _check(rows: Rows, moves: NDArray[np.bool_]) -> None:
    rules = [
        ("lon", "must be a longitude from -180 to 180", ~(np.abs(rows["lon"]) <= 180)),
        ("lat", "must be a latitude from -90 to 90", ~(np.abs(rows["lat"]) <= 90)),
        ("lon", "0, 0 is no home: the place is not known", (rows["lon"] == 0) & (rows["lat"] == 0)),
        ("radius", "must be more than 0 and at most 100,000 metres", ~((rows["radius"] > 0) & (rows["radius"] <= 1e5))),
        ("ends", "must be after the start", rows["ends"] <= rows["starts"]),
        ("next_lon", "a move needs a place: a longitude from -180 to 180", moves & ~(np.abs(rows["next_lon"]) <= 180)),
        ("next_lat", "a move needs a place: a latitude from -90 to 90", moves & ~(np.abs(rows["next_lat"]) <= 90)),
        (
            "next_radius",
            "must be more than 0 and at most 100,000 metres",
            moves & ~((rows["next_radius"] > 0) & (rows["next_radius"] <= 1e5)),
        ),
        (
            "move_until",
            "a move must end after it begins, and end",
            moves & ((rows["move_until"] <= rows["move_from"]) | (rows["move_until"] >= ALWAYS)),
        ),
    ]
    for field, rule, broken in rules:
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise ValueError(f"fences, row {row}, {field}: {rule}, not {rows[field][row]}")


def metres_between(lon: ArrayLike, lat: ArrayLike, other_lon: ArrayLike, other_lat: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in metres between places in degrees, element by element (haversine)."""
    one, other = np.radians(np.asarray(lat, np.float64)), np.radians(np.asarray(other_lat, np.float64))
    turn = np.radians(np.asarray(other_lon, np.float64) - np.asarray(lon, np.float64))
    half = np.sin((other - one) / 2) ** 2 + np.cos(one) * np.cos(other) * np.sin(turn / 2) ** 2
    return np.asarray(2 * EARTH * np.arcsin(np.sqrt(np.minimum(half, 1))), np.float64)
