"""What the fence goes by: every distance, time and count of it in one place, in metres, seconds and metres a second."""

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

GPS, NETWORK, CELL, DEVICE = range(4)
SOURCES = ("gps", "network", "cell", "device")


@dataclass(frozen=True)
class FenceRule:
    """When a person is told to be inside, uncertain, outside, silent or off (rule R55 of the domain).

    A fix lies outside when its distance from the home, less its error, exceeds radius + buffer. A person is outside
    after enough such fixes, none inside between them, over `dwell`. The error of a fix is its stated accuracy (radius
    of 68 %, as telephones state it) times `times_accuracy`. The defaults were chosen on simulated telephones and
    measured on others (guide "The fence").

    Raises ValueError, which names the field, for a value out of its range.
    """

    radius: float = 100.0
    """Metres around the home, for people whose fence does not say."""
    buffer: float = 50.0
    """Metres beyond the radius that are still let pass: stairs, yard, letter box."""
    dwell: float = 240.0
    """Seconds from the first to the last fix outside before a person is outside."""
    fixes: int = 2
    """Fixes outside that are needed, when a sure one is among them."""
    weak_fixes: int = 5
    """Fixes outside that are needed when none of them is sure: radio networks are wrong for minutes on end."""
    sure_accuracy: float = 20.0
    """A fix by satellite or of unknown source is sure when its stated accuracy is at most this, in metres; one by
    satellite also when it states none."""
    times_accuracy: float = 1.5
    """Errors wider than the stated accuracy are this usual; the product is taken for the error."""
    best_accuracy: float = 10.0
    """No fix is taken to be better than this, in metres, whatever it states."""
    unsaid_accuracy: float = 50.0
    """Taken for fixes that state no accuracy, in metres."""
    least_accuracy: float = 1_500.0
    """A stated accuracy above this says nothing about the place, in metres; only that the telephone is alive."""
    cell_radius: float = 300.0
    """Least radius of a fence for positions by cell, and their accuracy where none is stated, in metres (R55)."""
    fixes_back: int = 2
    """Fixes inside, none outside between them, that end an excursion."""
    unsure_fixes: int = 3
    """Fixes in a row that could be either, after which somebody inside becomes uncertain, and fixes outside before them
    no longer count."""
    most_speed: float = 70.0
    """Metres a second; who seems to move faster between two fixes gives a doubtful one, which counts for nothing."""
    spoof_fixes: int = 3
    """Doubtful fixes within `spoof_within` after which positions are told to be perhaps forged."""
    spoof_within: float = 86_400.0
    """Seconds."""
    silent_after: float = 1_800.0
    """Seconds without any word from the telephone."""
    off_battery: float = 0.05
    """Charge, 0 to 1, at or below which a telephone that falls silent uncharged is taken to be off."""
    clock_tolerance: float = 120.0
    """Seconds that a telephone's clock may be ahead; later fixes are from the future and are not taken."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            counts = field.name in ("fixes", "weak_fixes", "fixes_back", "unsure_fixes", "spoof_fixes")
            least, most = (1, 200) if counts else (0, 1e9)
            if not least <= value <= most or (counts and int(value) != value):
                raise ValueError(
                    f"FenceRule.{field.name}: must be {'a whole number ' * counts}from {least} to {most:g}, not {value}"
                )
        if self.most_speed <= 0 or self.radius <= 0:
            raise ValueError("FenceRule.radius and most_speed: must be more than 0")
        if self.off_battery > 1:
            raise ValueError(f"FenceRule.off_battery: is a share from 0 to 1, not {self.off_battery}")
        if self.weak_fixes < self.fixes:
            raise ValueError(
                f"FenceRule.weak_fixes: {self.weak_fixes} unsure fixes cannot prove more than {self.fixes} with a sure one"
            )


RULE = np.dtype([(field.name, np.float64) for field in fields(FenceRule)])


def as_row(rule: FenceRule) -> NDArray[Any]:
    """The rule as one row of numbers for compiled loops, read only."""
    row = np.array([astuple(rule)], RULE)
    row.setflags(write=False)
    return row
