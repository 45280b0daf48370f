"""Every write of orders."""

from .appeals import answer_appeal, evidence_of, file_appeal
from .changing import accept_ask, change_days, decline_ask, move_order, note_told, note_well
from .drafting import draft_from_case, draft_from_follow_up, draft_order
from .ending import end_orders, forget_erased, forget_orders
from .issuing import HOW, Issued, Terms, issue_household, issue_order, lift_order, withdraw_draft
from .links import address_of, find_link, note_use, renew_link, token_of
from .listeners import on_case_confirmed, on_case_revised, on_follow_up, on_people_merged, on_people_unmerged
from .needs import NeedAsked, Report, meet_need, self_report, tell_needs
from .papers import PAPERS, Paper, draw_paper
from .storing import OrderError
from .undoing import UNDOABLE, undo
from .watching import unwatch_order, watch_order

__all__ = [
    "HOW",
    "PAPERS",
    "UNDOABLE",
    "Issued",
    "NeedAsked",
    "OrderError",
    "Paper",
    "Report",
    "Terms",
    "accept_ask",
    "address_of",
    "answer_appeal",
    "change_days",
    "decline_ask",
    "draft_from_case",
    "draft_from_follow_up",
    "draft_order",
    "draw_paper",
    "end_orders",
    "evidence_of",
    "file_appeal",
    "find_link",
    "forget_erased",
    "forget_orders",
    "issue_household",
    "issue_order",
    "lift_order",
    "meet_need",
    "move_order",
    "note_told",
    "note_use",
    "note_well",
    "on_case_confirmed",
    "on_case_revised",
    "on_follow_up",
    "on_people_merged",
    "on_people_unmerged",
    "renew_link",
    "self_report",
    "tell_needs",
    "token_of",
    "undo",
    "unwatch_order",
    "watch_order",
    "withdraw_draft",
]
