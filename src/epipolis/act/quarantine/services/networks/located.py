"""What a network says of a terminal, and the circle around a shape."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

_PER_DEGREE = 111_195.0


class NetworkError(Exception):
    """The operator cannot be reached, refuses everything, or answers what cannot be read."""


@dataclass(frozen=True, slots=True)
class Located:
    """One terminal: where it was at a second, as a circle; or, without a place, why there is none.

    `number`: digits with a plus. lon, lat: degrees. accuracy: metres, the radius of the circle. time: epoch seconds.
    """

    number: str
    time: int | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy: float | None = None
    source: Literal["gps", "network", "cell"] = "cell"
    why: str = ""


class Network(Protocol):
    """An operator that is asked."""

    name: str

    def locate(self, numbers: Sequence[str]) -> list[Located]:
        """One answer for each number, in their order.

        Raises:
            NetworkError: nothing can be said of anybody.
        """
        ...


def plain_number(text: str) -> str:
    """A telephone number as networks take it: a plus and its digits; empty where it is none."""
    digits = "".join(one for one in text if one in "0123456789")
    return f"+{digits}" if 5 <= len(digits) <= 15 else ""


def checked_place(lon: float, lat: float, radius: float | None) -> tuple[float, float, float | None]:
    """The same, where it is on the globe.

    Raises:
        ValueError: names what is wrong.
    """
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise ValueError(f"{lat}, {lon} is no place on the globe")
    if radius is not None and not 0 <= radius <= 2e7:
        raise ValueError(f"{radius} metres is no radius")
    return lon, lat, radius


def circle_around(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """The middle of some places (longitude, latitude) and the metres to the farthest of them.

    Raises:
        ValueError: there is none, or one is not on the globe.
    """
    if not points:
        raise ValueError("a shape without points")
    for lon, lat in points:
        checked_place(lon, lat, None)
    first = points[0][0]
    wide = [first + (lon - first + 180) % 360 - 180 for lon, _ in points]  # a shape over the line of the date
    lon, lat = sum(wide) / len(wide), sum(one for _, one in points) / len(points)
    narrow = math.cos(math.radians(lat))
    far = max(math.hypot((x - lon) * narrow, y - lat) for x, (_, y) in zip(wide, points, strict=True))
    return (lon + 180) % 360 - 180, lat, far * _PER_DEGREE
