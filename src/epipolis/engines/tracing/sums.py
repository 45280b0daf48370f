"""The array functions under summaries."""

import numpy as np

from epipolis.engines.compiled import compiled

from .arrays import Ints


@compiled("void(In64, In64, In64, int64, Out64)")
def chain(places: Ints, arrived: Ints, left: Ints, gap: int, groups: Ints) -> None:
    """Number the groups of visits that belong together; visits come ordered by place and arrival."""
    group = -1
    last = 0
    for row in range(places.size):
        if row == 0 or places[row] != places[row - 1] or arrived[row] >= last + gap:
            group += 1
            last = left[row]
        groups[row] = group
        last = max(last, left[row])


@compiled()
def _most_covered(begins: Ints, closes: Ints, within: int) -> int:
    """Slide a period over separate intervals: covered time is greatest where it starts or ends together with one."""
    most = 0
    covered = 0
    last = 0
    for first in range(begins.size):  # the period starts with interval `first`
        while last < begins.size and begins[last] < begins[first] + within:
            covered += closes[last] - begins[last]
            last += 1
        beyond = max(0, closes[last - 1] - (begins[first] + within))
        most = max(most, covered - beyond)
        covered -= closes[first] - begins[first]
    covered = 0
    first = 0
    for last in range(begins.size):  # the period ends with interval `last`
        covered += closes[last] - begins[last]
        while closes[first] <= closes[last] - within:
            covered -= closes[first] - begins[first]
            first += 1
        beyond = max(0, closes[last] - within - begins[first])
        most = max(most, covered - beyond)
    return most


@compiled("void(In64, In64, In64, int64, Out64)")
def most_within(groups: Ints, starts: Ints, ends: Ints, within: int, most: Ints) -> None:
    """Give for each group the most time its intervals cover within any period; they come ordered by group and start."""
    begins, closes = np.empty(groups.size, np.int64), np.empty(groups.size, np.int64)
    row = 0
    while row < groups.size:
        group = groups[row]
        count = 0
        while row < groups.size and groups[row] == group:
            if count > 0 and starts[row] <= closes[count - 1]:
                closes[count - 1] = max(closes[count - 1], ends[row])
            else:
                begins[count], closes[count] = starts[row], ends[row]
                count += 1
            row += 1
        most[group] = _most_covered(begins[:count], closes[:count], within)
