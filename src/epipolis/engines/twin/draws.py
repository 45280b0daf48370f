"""Random numbers by counter: what happens to a person depends on the seed and on them, never on who was asked before.

`uniform` hashes (seed, purpose, counters) with the finaliser of SplitMix64 (Steele, Lea and Flood 2014, OOPSLA), so a
draw is the same for any number of threads and whichever measures are in force. `key`, `mixed` and `unit` are the same
draws for compiled loops: `unit(mixed(mixed(key(seed, "rest", day) ^ person) ^ place))` equals
`uniform(seed, "rest", day, person, place)`. `stream` gives an ordinary generator for the work that is done once, in a
fixed order: building the city.
"""

import zlib
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[Any]
"""Whole numbers, of the width that the place needs."""
Floats = NDArray[Any]
"""Numbers with a fraction, likewise."""
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for each purpose, so that one purpose drawing more does not shift another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def key(seed: int, purpose: str, *counters: int) -> np.uint64:
    """Where the draws of one purpose begin."""
    state = _mixed(np.array([seed], np.int64).view(np.uint64) ^ np.uint64(zlib.crc32(purpose.encode()) << 20))
    for counter in counters:
        state = _mixed(state ^ np.array([counter], np.int64).view(np.uint64))
    return np.uint64(state[0])


@numba.njit(inline="always")  # type: ignore[untyped-decorator]  # -- numba has no types
def mixed(state: np.uint64, counter: int) -> np.uint64:
    """The state after one more counter."""
    word = (np.uint64(state) ^ np.uint64(counter)) + _GOLDEN
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    return np.uint64(word ^ (word >> np.uint64(31)))


@numba.njit(inline="always")  # type: ignore[untyped-decorator]  # -- numba has no types
def unit(state: np.uint64) -> float:
    """The number in [0, 1) of a state."""
    return float(np.uint64(state) >> np.uint64(11)) * 2.0**-53


def uniform(seed: int, purpose: str, *counters: Ints | int) -> Floats:
    """Numbers in [0, 1), one per element of the counters (broadcast); always at least one-dimensional."""
    state = _mixed(np.array([seed], np.int64).view(np.uint64) ^ np.uint64(zlib.crc32(purpose.encode()) << 20))
    for counter in counters:
        words = np.atleast_1d(np.asarray(counter, np.int64)).view(np.uint64)
        state = _mixed(state ^ words)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words + _GOLDEN
    words ^= words >> np.uint64(30)
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words


def pick(weights: Floats, chance: Floats) -> Ints:
    """Which entry of `weights` each number in [0, 1) falls on."""
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, chance, side="right"), len(weights) - 1).astype(np.int64)


def spans(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """Every index of the ranges [start, start + length) in one array, and which range each belongs to."""
    owner = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    return starts[owner] + np.arange(len(owner)) - first[owner], owner
