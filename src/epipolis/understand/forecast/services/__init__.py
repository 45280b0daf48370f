"""Every write of the forecasts: rounds, scores, uploaded series and other teams' forecasts."""

from .hub import FIELDS as HUB_FIELDS
from .hub import import_hub
from .rounds import PAST_TASK, TASK, compute_round, forget_rounds, make_nightly, make_past, start_past, start_round
from .scoring import score_what_is_due
from .series import FIELDS as SERIES_FIELDS
from .series import forget_series, import_series

__all__ = [
    "HUB_FIELDS",
    "PAST_TASK",
    "SERIES_FIELDS",
    "TASK",
    "compute_round",
    "forget_rounds",
    "forget_series",
    "import_hub",
    "import_series",
    "make_nightly",
    "make_past",
    "score_what_is_due",
    "start_past",
    "start_round",
]
