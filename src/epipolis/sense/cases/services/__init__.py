"""Every write of the line list."""

from .changes import AlreadyReportedError, StaleRevisionError, confirm_case, report_case, revise_case, undo_revision
from .facts import Broken, FactsError, believed
from .imports import import_cases
from .mappings import FIELDS, ready

__all__ = [
    "FIELDS",
    "AlreadyReportedError",
    "Broken",
    "FactsError",
    "StaleRevisionError",
    "believed",
    "confirm_case",
    "import_cases",
    "ready",
    "report_case",
    "revise_case",
    "undo_revision",
]
