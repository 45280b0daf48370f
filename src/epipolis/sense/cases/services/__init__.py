"""Every write of the line list."""

from .changes import AlreadyReportedError, confirm_case, report_case, revise_case, undo_revision
from .classifying import classify_case, follow_rules, override_classification
from .duplicates import (
    NotOnePersonError,
    answer_duplicate,
    ask_about,
    mark_duplicate,
    on_people_merged,
    on_people_unmerged,
    undo_duplicate,
)
from .episodes import find_or_report_case
from .facts import Broken, FactsError, believed
from .findings import note_test
from .imports import import_cases
from .mappings import FIELDS, ready
from .owners import set_owner
from .replays import (
    APPLY_TASK,
    TRY_TASK,
    adopt,
    apply_definition,
    ask_replay,
    start_apply,
    start_replay,
    try_definition,
)
from .revisions import RULES, NotOursError, StaleRevisionError

__all__ = [
    "APPLY_TASK",
    "FIELDS",
    "RULES",
    "TRY_TASK",
    "AlreadyReportedError",
    "Broken",
    "FactsError",
    "NotOnePersonError",
    "NotOursError",
    "StaleRevisionError",
    "adopt",
    "answer_duplicate",
    "apply_definition",
    "ask_about",
    "ask_replay",
    "believed",
    "classify_case",
    "confirm_case",
    "find_or_report_case",
    "follow_rules",
    "import_cases",
    "mark_duplicate",
    "note_test",
    "on_people_merged",
    "on_people_unmerged",
    "override_classification",
    "ready",
    "report_case",
    "revise_case",
    "set_owner",
    "start_apply",
    "start_replay",
    "try_definition",
    "undo_duplicate",
    "undo_revision",
]
