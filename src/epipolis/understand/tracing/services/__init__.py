from .listeners import on_case_confirmed, on_case_revised, on_route_told, trace_open_cases
from .traces import forget_old_contacts, trace_case
from .work import assign_contact, note_follow_up, undo_work, work_contact

__all__ = [
    "assign_contact",
    "forget_old_contacts",
    "note_follow_up",
    "on_case_confirmed",
    "on_case_revised",
    "on_route_told",
    "trace_case",
    "trace_open_cases",
    "undo_work",
    "work_contact",
]
