"""Drafts: check-ins column by column, judged by the same rules wherever they come from, and ready to be stored.

Times are whole microseconds since 1970 (int64); a visitor is 16 bytes. One rule set serves the single check-in, the
bulk request and the file of a million rows: a batch of any size is judged in a few array operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epipolis.sense.checkins import queries

from .doors import ALWAYS, NEVER, Door, micros

Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]
UNKNOWN = -(2**62)  # a time that was not given
MINUTE = 60_000_000
DUE = "is not a moment with a time zone between 1900 and 2200"
_FIRST, _LAST = -2_208_988_800_000_000, 7_258_118_400_000_000  # 1900 and 2200
RULES: tuple[tuple[str, str], ...] = (  # field and rule, in the order in which they are looked at
    ("visitor", "is not a UUID"),
    ("arrived", DUE),
    ("left", DUE),
    ("place", "is not a place of this city, or its code is forged or no longer valid"),
    ("arrived", "starts in the future by the platform's clock"),
    ("sent", "the device's clock is wrong"),
    ("arrived", "is older than visits are kept"),
    ("left", "must be later than the arrival"),
    ("left", "a visit lasts 24 hours at most"),
    ("arrived", "the venue is not open then"),
    ("companions", "must be a whole number from 0 to 20"),
)
_BAD = {rule: number for number, rule in enumerate(RULES, start=1)}


@dataclass
class Drafts:
    """Check-ins as they came; `UNKNOWN` where a time is missing, an index of -1 where the place is unknown.

    `bad` holds for each row 0, or 1 + the position in RULES of what reading it already found.
    """

    visitor: NDArray[Any]  # V16
    arrived: Ints
    left: Ints
    stay: Ints  # minutes; 0 where the usual stay of the place holds
    door: Ints  # position in `doors`
    doors: Sequence[Door]
    companions: Ints
    source: Ints
    sent: Ints
    exact: Bits
    bad: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))

    def __len__(self) -> int:
        return len(self.arrived)


@dataclass
class Verdict:
    """What became of each draft, and the rows to store (`rows` are positions of drafts, in order)."""

    bad: NDArray[np.int8]
    flagged: Bits
    rows: Ints
    place_id: Ints
    left: Ints
    is_open: Bits

    def rule(self, row: int) -> tuple[str, str]:
        """Field and rule that a rejected draft breaks first."""
        return RULES[self.bad[row] - 1]


def judge(drafts: Drafts, *, at: datetime, keeps: bool = True) -> Verdict:
    """Hold each draft against the rules of the day; `keeps=False` leaves out how long visits are kept.

    A time ahead of the platform's clock within the tolerance is taken and flagged; so is a device clock that is a little off.
    """
    rules, now = queries.times(at), micros(at)
    table = np.array([(d.place_id, d.stay_minutes, d.opens, d.closes) for d in drafts.doors] or [(0, 0, ALWAYS, NEVER)])
    place_id, usual, opens, closes = table[np.maximum(drafts.door, 0)].T
    is_open = (drafts.left == UNKNOWN) & (drafts.stay == 0)
    stay = np.where(drafts.stay > 0, drafts.stay, usual) * MINUTE
    left = np.where(
        drafts.left == UNKNOWN, np.minimum(drafts.arrived + stay, np.where(closes > drafts.arrived, closes, NEVER)), drafts.left
    )
    off = np.where(drafts.sent == UNKNOWN, 0, np.abs(drafts.sent - now))
    oldest = now - rules["keep_days"] * 24 * 60 * MINUTE if keeps else ALWAYS
    broken = {
        RULES[1]: (drafts.arrived < _FIRST) | (drafts.arrived >= _LAST),
        RULES[2]: (left < _FIRST) | (left >= _LAST),
        RULES[3]: drafts.door < 0,
        RULES[4]: drafts.arrived > now + rules["ahead_minutes"] * MINUTE,
        RULES[5]: off > rules["clock_off_minutes"] * MINUTE,
        RULES[6]: drafts.arrived < oldest,
        RULES[7]: left <= drafts.arrived,
        RULES[8]: left - drafts.arrived > rules["longest_stay_hours"] * 60 * MINUTE + np.where(drafts.exact, 0, 60 * MINUTE),
        RULES[9]: (drafts.arrived < opens) | (drafts.arrived >= closes),
        RULES[10]: (drafts.companions < 0) | (drafts.companions > rules["companions_at_most"]),
    }
    bad = drafts.bad.copy() if len(drafts.bad) else np.zeros(len(drafts), np.int8)
    for rule, where in broken.items():
        bad[(bad == 0) & where] = _BAD[rule]
    flagged = (bad == 0) & ((drafts.arrived > now) | (off > rules["flag_minutes"] * MINUTE))
    return Verdict(bad, flagged, np.flatnonzero(bad == 0), place_id, left, is_open)


def mark(bad: NDArray[np.int8], where: Bits, rule: tuple[str, str]) -> None:
    """Note that rows break a rule, unless they already break an earlier one."""
    bad[where & (bad == 0)] = _BAD[rule]
