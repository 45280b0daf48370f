from .cases import case, cases, confirm, edit, export, report, undo
from .classifying import follow_rules, note_test, override, states
from .duplicates import answer, duplicates, mark, undo_duplicate
from .replays import apply, definitions, export_changes, replay

__all__ = [
    "answer",
    "apply",
    "case",
    "cases",
    "confirm",
    "definitions",
    "duplicates",
    "edit",
    "export",
    "export_changes",
    "follow_rules",
    "mark",
    "note_test",
    "override",
    "replay",
    "report",
    "states",
    "undo",
    "undo_duplicate",
]
