"""Weights to begin with: judged by hand, before any pair of a city has been seen."""

from functools import cache

from epipolis.engines.linkage.weights import Weights

_SHARES = {"same person": 0.08, "household": 0.12, "namesake": 0.3, "birthday": 0.2, "stranger": 0.3}
_UNLIKE_NAME = (0.9, 0.05, 0.01, 0.015, 0.005, 0.01, 0.01)
_SAME_NAME = (0.04, 0.04, 0.03, 0.06, 0.05, 0.4, 0.38)
_ANY_BIRTH = (0.95, 0.02, 0.02, 0.005, 0.005)
_CHANCES = {
    "same person": {
        "given": (0.01, 0.02, 0.03, 0.08, 0.08, 0.28, 0.5),
        "family": (0.01, 0.02, 0.05, 0.08, 0.08, 0.28, 0.48),
        "order": (0.04, 0.96),
        "birth": (0.02, 0.03, 0.1, 0.05, 0.8),
        "sex": (0.01, 0.99),
        "phone": (0.25, 0.03, 0.72),
        "email": (0.25, 0.75),
        "address": (0.25, 0.05, 0.7),
        "neighbourhood": (0.12, 0.88),
    },
    "household": {
        "given": (0.93, 0.03, 0.01, 0.01, 0.005, 0.01, 0.005),
        "family": (0.1, 0.03, 0.05, 0.05, 0.05, 0.36, 0.36),
        "order": (0.005, 0.995),
        "birth": (0.9, 0.05, 0.015, 0.005, 0.03),
        "sex": (0.5, 0.5),
        "phone": (0.25, 0.05, 0.7),
        "email": (0.97, 0.03),
        "address": (0.05, 0.03, 0.92),
        "neighbourhood": (0.02, 0.98),
    },
    "namesake": {
        "given": _SAME_NAME,
        "family": _SAME_NAME,
        "order": (0.02, 0.98),
        "birth": (0.92, 0.06, 0.015, 0.004, 0.001),
        "sex": (0.1, 0.9),
        "phone": (0.996, 0.002, 0.002),
        "email": (0.999, 0.001),
        "address": (0.98, 0.018, 0.002),
        "neighbourhood": (0.9, 0.1),
    },
    "birthday": {
        "given": _UNLIKE_NAME,
        "family": _UNLIKE_NAME,
        "order": (0.005, 0.995),
        "birth": (0.01, 0.02, 0.05, 0.02, 0.9),
        "sex": (0.5, 0.5),
        "phone": (0.996, 0.002, 0.002),
        "email": (0.999, 0.001),
        "address": (0.98, 0.018, 0.002),
        "neighbourhood": (0.9, 0.1),
    },
    "stranger": {
        "given": _UNLIKE_NAME,
        "family": (0.5, 0.1, 0.05, 0.05, 0.1, 0.1, 0.1),
        "order": (0.005, 0.995),
        "birth": _ANY_BIRTH,
        "sex": (0.5, 0.5),
        "phone": (0.9, 0.05, 0.05),
        "email": (0.99, 0.01),
        "address": (0.95, 0.045, 0.005),
        "neighbourhood": (0.9, 0.1),
    },
}


@cache
def default_weights() -> Weights:
    """Give the weights to begin with; `estimate` makes better ones from a city's own pairs."""
    return Weights(_SHARES, _CHANCES)
