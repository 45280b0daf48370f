"""A network that is made up, with the faults that real ones have: for tests, demonstrations and people who are made up."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np

from .located import Located, NetworkError, plain_number

Place = tuple[float, float]


class SimulatedNetwork:
    """Tells for each number a cell near its place. `missing`: share without an answer; `is_down`: nobody is answered."""

    name = "simulated"

    def __init__(
        self, places: Mapping[str, Place], now: Callable[[], datetime], *, seed: int = 1, missing: float = 0.0,
        error: float = 250.0, is_down: bool = False,
    ) -> None:  # fmt: skip
        self._places = {plain_number(number): place for number, place in places.items()}
        self._now, self._rng = now, np.random.default_rng(seed)
        self._missing, self._error, self._is_down = missing, error, is_down

    def locate(self, numbers: Sequence[str]) -> list[Located]:
        if self._is_down:
            raise NetworkError("the simulated operator does not answer")
        return [self._one(plain_number(number)) for number in numbers]

    def _one(self, number: str) -> Located:
        place = self._places.get(number)
        if place is None or self._rng.random() < self._missing:
            return Located(number, why="no answer for this number" if place is None else "absent subscriber")
        east, north = self._rng.normal(0, self._error / 111_195, 2)
        lon, lat = place[0] + east / max(0.01, float(np.cos(np.radians(place[1])))), place[1] + north
        return Located(number, int(self._now().timestamp()), float(lon), float(lat), self._error * 1.5)
