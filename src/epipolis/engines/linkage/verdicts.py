"""What happens with a pair: linked at once, asked of a person, or left as two people."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.linkage.levels import DIFFERENT, FIELDS, MISSING, NEAR_POINT, PART, SAME_POINT

Band = Literal["link", "ask", "new"]
BANDS: Final[tuple[Band, ...]] = ("new", "ask", "link")
_GIVEN, _FAMILY, _BIRTH, _SEX, _NUMBER = (FIELDS.index(name) for name in ("given", "family", "birth", "sex", "identifier"))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a pair is linked and from which it is asked. Raises ValueError unless 0 < ask <= link < 1."""

    link: float = 0.99
    ask: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.ask <= self.link < 1:
            raise ValueError(f"thresholds must be 0 < ask <= link < 1: ask {self.ask}, link {self.link}")


def band(weight: float, levels: ArrayLike, thresholds: Thresholds | None = None) -> Band:
    """Give the band of one pair from its weight in bits and its levels [fields]; see `bands`."""
    return BANDS[int(bands(np.array([weight]), np.asarray(levels)[np.newaxis], thresholds)[0])]


def bands(weights: ArrayLike, levels: ArrayLike, thresholds: Thresholds | None = None) -> NDArray[np.int8]:
    """Give the band of each pair as its place in BANDS, from weights in bits [pairs] and levels [pairs, fields].

    An identifying number that agrees links whatever else is said, unless names and birth date both contradict: then
    two people were given one number, and somebody has to look. Numbers that differ are two people; one digit apart,
    the pair is asked. Without numbers, no pair is linked whose given name or birth date contradicts, which is what
    twins and a household look like, nor one that agrees in names alone.
    """
    limits = thresholds or Thresholds()
    bits, rows = np.asarray(weights, np.float64), np.asarray(levels)
    result = (bits >= _bits(limits.ask)).astype(np.int8) + (bits >= _bits(limits.link))
    given, family, birth, number = (rows[:, place] for place in (_GIVEN, _FAMILY, _BIRTH, _NUMBER))
    others = [place for place, name in enumerate(FIELDS) if name in ("birth", "phone", "email", "address")]
    is_bare = (rows[:, others] <= DIFFERENT).all(axis=1)
    is_doubtful = (given < PART) | (birth == DIFFERENT) | ((family == DIFFERENT) & (birth == MISSING)) | is_bare
    result[is_doubtful & (result == 2)] = 1
    is_shared = (given == DIFFERENT) & (birth == DIFFERENT)
    result[number == SAME_POINT] = 2
    result[(number == SAME_POINT) & is_shared] = 1
    result[(number == NEAR_POINT) & (result == 2)] = 1
    result[number == DIFFERENT] = 0
    return result


def _bits(probability: float) -> float:
    return float(np.log2(probability) - np.log2(1 - probability))
