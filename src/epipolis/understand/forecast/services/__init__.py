"""Every write of the forecasts: rounds, scores, uploaded series and other teams' forecasts."""

from .rounds import PAST_TASK, TASK, compute_round, forget_rounds, make_nightly, make_past, start_past, start_round
from .scoring import score_what_is_due

__all__ = [
    "PAST_TASK",
    "TASK",
    "compute_round",
    "forget_rounds",
    "make_nightly",
    "make_past",
    "score_what_is_due",
    "start_past",
    "start_round",
]
