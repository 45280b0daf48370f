"""Every write of the line list."""

from .changes import AlreadyReportedError, StaleRevisionError, confirm_case, report_case, revise_case, undo_revision
from .facts import Broken, FactsError

__all__ = [
    "AlreadyReportedError",
    "Broken",
    "FactsError",
    "StaleRevisionError",
    "confirm_case",
    "report_case",
    "revise_case",
    "undo_revision",
]
