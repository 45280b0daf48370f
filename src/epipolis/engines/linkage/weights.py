"""What levels of agreement say: the weights of Fellegi and Sunter, with several kinds of different people.

Two records of different people that are ever compared agree in something: a household in family name, address and
telephone, twins in the birth date too; namesakes in their names; others in one name and the birth date. One
"unmatched" distribution with independent fields (Fellegi, Sunter 1969, doi:10.1080/01621459.1969.10501049) would take
twins for one person. So each kind of different people has its own chances, and a pair is weighed against all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.linkage.levels import FIELDS, LEVELS, MISSING, SCORED, level_name

SAME_PERSON: Final = "same person"
OTHERS: Final = ("household", "twin", "namesake", "family and birthday", "given and birthday", "stranger")
KINDS: Final = (SAME_PERSON, *OTHERS)
_MOST_LEVELS = max(map(len, LEVELS.values()))
_ROWS_AT_ONCE = 200_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weights:
    """Shares of each kind of pair among those compared, and the chance of each level of each field within a kind.

    `shares`: kind -> share, sum 1. `chances`: kind -> field -> chance of each of its LEVELS, sum 1.
    """

    shares: Mapping[str, float]
    chances: Mapping[str, Mapping[str, Sequence[float]]]
    _logs: Floats = field(init=False, repr=False)  # [kinds, fields, levels + 1], the last for no evidence
    _priors: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self.shares, self.chances)
        logs = np.zeros((len(KINDS), len(SCORED), _MOST_LEVELS + 1))
        for number, kind in enumerate(KINDS):
            for place, name in enumerate(SCORED):
                chances = self.chances[kind][name]
                logs[number, place, : len(chances)] = np.log(np.asarray(chances, np.float64))
        object.__setattr__(self, "_logs", logs)
        object.__setattr__(self, "_priors", np.log(np.array([self.shares[kind] for kind in KINDS])))

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, as a file of rules keeps them."""
        chances = {kind: {name: [float(value) for value in self.chances[kind][name]] for name in SCORED} for kind in KINDS}
        return {"shares": {kind: float(self.shares[kind]) for kind in KINDS}, "chances": chances}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Weights":
        """Read what `to_dict` gave. Raises ValueError naming the kind and field that is missing or wrong."""
        for part in ("shares", "chances"):
            if not isinstance(values.get(part), Mapping):
                raise ValueError(f"weights: {part} is missing")
        return cls(dict(values["shares"]), {kind: dict(fields) for kind, fields in values["chances"].items()})

    def kind_logs(self, levels: ArrayLike) -> Floats:
        """Give the logarithm of share times chance of each row of levels for each kind [pairs, kinds]."""
        rows = np.asarray(levels, np.int64)[:, : len(SCORED)]
        total = np.repeat(self._priors[np.newaxis], len(rows), axis=0)
        for place in range(len(SCORED)):
            total += self._logs[:, place, rows[:, place]].T
        return total


@dataclass(frozen=True, slots=True)
class Score:
    """`weight`: bits by which the evidence, prior included, speaks for one person; `probability`: the same as a chance."""

    weight: float
    probability: float


def score(levels: ArrayLike, weights: Weights) -> Score:
    """Weigh the levels [fields] of one pair."""
    bits = float(score_pairs(np.asarray(levels)[np.newaxis], weights)[0])
    return Score(bits, probability_of(bits))


def score_pairs(levels: ArrayLike, weights: Weights) -> Floats:
    """Give the weight in bits of each row of levels [pairs, fields]; its probability is 2^w / (1 + 2^w)."""
    rows = np.asarray(levels)
    if rows.ndim != 2 or rows.shape[1] != len(FIELDS):
        raise ValueError(f"levels have {len(FIELDS)} columns, one for each field: {rows.shape} given")
    bits = np.empty(len(rows))
    for since in range(0, len(rows), _ROWS_AT_ONCE):
        logs = weights.kind_logs(rows[since : since + _ROWS_AT_ONCE])
        bits[since : since + len(logs)] = (logs[:, 0] - np.logaddexp.reduce(logs[:, 1:], axis=1)) / log(2)
    return bits


def probability_of(weight: float) -> float:
    """Give the probability of a weight in bits."""
    return 1 / (1 + exp(-weight * log(2))) if weight > -1000 else 0.0


def explain(levels: ArrayLike, weights: Weights) -> list[tuple[str, str, float]]:
    """Say why: (field, name of its level, bits for one person) of each field with evidence, then ("prior", "", bits).

    The bits of a field are against the kinds of different people that the whole evidence allows; together they are
    the weight of the pair.
    """
    row = np.asarray(levels)
    logs = weights.kind_logs(row[np.newaxis])[0]
    others = np.exp(logs[1:] - np.logaddexp.reduce(logs[1:]))
    whole = score(row, weights).weight
    reasons = []
    for place, name in enumerate(SCORED):
        level = int(row[place])
        if level != MISSING:
            chances = weights._logs[:, place, level]
            reasons.append((name, level_name(name, level), float((chances[0] - others @ chances[1:]) / log(2))))
    return [*reasons, ("prior", "", whole - sum(bits for _, _, bits in reasons))]


def _check(shares: Mapping[str, float], chances: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    if set(shares) != set(KINDS) or set(chances) != set(KINDS):
        raise ValueError(f"weights: shares and chances are of {', '.join(KINDS)}")
    if not all(value > 0 for value in shares.values()) or abs(sum(shares.values()) - 1) > 0.001:
        raise ValueError("weights: shares must be above 0 and add up to 1")
    for kind in KINDS:
        for name in SCORED:
            values = chances[kind].get(name, ())
            if len(values) != len(LEVELS[name]) or not all(value > 0 for value in values):
                raise ValueError(f"weights: {kind}: {name} needs {len(LEVELS[name])} chances above 0")
            if abs(sum(values) - 1) > 0.01:
                raise ValueError(f"weights: {kind}: the chances of {name} must add up to 1")
