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
    "end",
    "export",
    "finish",
    "hand_over",
    "handovers",
    "link",
    "member",
    "print_list",
    "quarantine",
    "reopen",
    "self_report",
    "team",
    "teams",
    "undo",
    "unknown",
    "work_list",
]
