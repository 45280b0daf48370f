"""Which names are common: two strangers share them by chance, so they say little."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from epipolis.engines.linkage.names import read_name

COMMON_SHARE = 0.002


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Names (as `read_name(…).whole`) that more than a share of people bear."""

    common: frozenset[str] = frozenset()


def frequencies_of(names: Iterable[str], share: float = COMMON_SHARE) -> Frequencies:
    """Find the names that more than `share` of those given bear, at least two. Given and family names may be mixed."""
    counts = Counter(read_name(name).whole for name in names)
    counts.pop("", None)
    least = max(share * counts.total(), 2)
    return Frequencies(frozenset(name for name, count in counts.items() if count >= least))
