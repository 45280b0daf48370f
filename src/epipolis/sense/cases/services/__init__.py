"""Every write of the line list."""

from .changes import AlreadyReportedError, StaleRevisionError, confirm_case, report_case, revise_case, undo_revision
from .facts import Broken, FactsError
from .imports import import_cases

__all__ = [
    "AlreadyReportedError",
    "Broken",
    "FactsError",
    "StaleRevisionError",
    "confirm_case",
    "import_cases",
    "report_case",
    "revise_case",
    "undo_revision",
]
