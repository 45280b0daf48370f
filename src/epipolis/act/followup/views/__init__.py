from .adding import add
from .contact import (
    assign,
    attempt,
    check,
    close_link,
    contact,
    end,
    finish,
    link,
    quarantine,
    reopen,
    undo,
)
from .drafts import drafts, offline, send_draft, worker
from .indicators import export_indicators, indicators
from .interviews import interview, interviews, name_contact, start_interview, suggest_places
from .lists import export, print_list, unknown, work_list
from .person import self_report
from .shifts import accept, hand_over, handovers
from .teams import assign_waiting, member, team, teams

__all__ = [
    "accept",
    "add",
    "assign",
    "assign_waiting",
    "attempt",
    "check",
    "close_link",
    "contact",
    "drafts",
    "end",
    "export",
    "export_indicators",
    "finish",
    "hand_over",
    "handovers",
    "indicators",
    "interview",
    "interviews",
    "link",
    "member",
    "name_contact",
    "offline",
    "print_list",
    "quarantine",
    "reopen",
    "self_report",
    "send_draft",
    "start_interview",
    "suggest_places",
    "team",
    "teams",
    "undo",
    "unknown",
    "work_list",
    "worker",
]
