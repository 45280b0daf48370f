"""Weights to begin with: judged by hand, before any pair of a city has been seen."""

from collections.abc import Mapping, Sequence
from functools import cache

from epipolis.engines.linkage.weights import Weights

_SHARES = {
    "same person": 0.02,
    "household": 0.13,
    "twin": 0.005,
    "namesake": 0.3,
    "family and birthday": 0.145,
    "given and birthday": 0.1,
    "stranger": 0.3,
}
_OTHER_NAME = (0.93, 0.04, 0.005, 0.015, 0.002, 0.004, 0.004)
_SAME_NAME = (0.02, 0.04, 0.03, 0.05, 0.06, 0.4, 0.4)
_OTHER_BIRTH = (0.93, 0.05, 0.017, 0.002, 0.001)
_SAME_BIRTH = (0.01, 0.01, 0.03, 0.05, 0.9)
_APART: Mapping[str, Sequence[float]] = {
    "order": (0.01, 0.99),
    "sex": (0.5, 0.5),
    "phone": (0.996, 0.002, 0.002),
    "email": (0.999, 0.001),
    "address": (0.98, 0.018, 0.002),
    "neighbourhood": (0.95, 0.05),
}
_TOGETHER: Mapping[str, Sequence[float]] = {
    "order": (0.01, 0.99),
    "sex": (0.5, 0.5),
    "phone": (0.25, 0.02, 0.73),
    "email": (0.97, 0.03),
    "address": (0.03, 0.02, 0.95),
    "neighbourhood": (0.02, 0.98),
}
_CHANCES: Mapping[str, Mapping[str, Sequence[float]]] = {
    "same person": {
        "given": (0.01, 0.02, 0.03, 0.09, 0.09, 0.28, 0.48),
        "family": (0.01, 0.02, 0.05, 0.09, 0.09, 0.28, 0.46),
        "order": (0.06, 0.94),
        "birth": (0.02, 0.04, 0.1, 0.06, 0.78),
        "sex": (0.01, 0.99),
        "phone": (0.15, 0.05, 0.8),
        "email": (0.1, 0.9),
        "address": (0.15, 0.05, 0.8),
        "neighbourhood": (0.12, 0.88),
    },
    "household": {**_TOGETHER, "given": _OTHER_NAME, "family": _SAME_NAME, "birth": _OTHER_BIRTH},
    "twin": {**_TOGETHER, "given": _OTHER_NAME, "family": _SAME_NAME, "birth": _SAME_BIRTH},
    "namesake": {**_APART, "given": _SAME_NAME, "family": _SAME_NAME, "birth": _OTHER_BIRTH, "sex": (0.1, 0.9)},
    "family and birthday": {**_APART, "given": _OTHER_NAME, "family": _SAME_NAME, "birth": _SAME_BIRTH},
    "given and birthday": {**_APART, "given": _SAME_NAME, "family": _OTHER_NAME, "birth": _SAME_BIRTH, "sex": (0.1, 0.9)},
    "stranger": {
        **_APART,
        "given": _OTHER_NAME,
        "family": _OTHER_NAME,
        "birth": (0.8, 0.05, 0.05, 0.02, 0.08),
        "phone": (0.9, 0.05, 0.05),
        "address": (0.9, 0.05, 0.05),
    },
}


@cache
def default_weights() -> Weights:
    """Give the weights to begin with; `estimate` makes better ones from a city's own pairs."""
    return Weights(_SHARES, _CHANCES)
