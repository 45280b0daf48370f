"""Every write of orders."""

from .alarms import (
    CALLED,
    CLOSED_WITH,
    VISITED,
    climb,
    climb_ladders,
    close_alarm,
    give_back,
    hand_over,
    note_call,
    note_visit,
    on_alarm_raised,
    read_shift_note,
    refer_alarm,
    signals_of,
    take_alarm,
)
from .appeals import answer_appeal, evidence_of, file_appeal
from .asking import ask_network
from .changing import accept_ask, change_days, decline_ask, move_order, note_told, note_well
from .contacts import draft_from_follow_up, draft_from_follow_ups
from .drafting import draft_from_case, draft_order
from .ending import end_orders, forget_erased, forget_orders
from .errands import agree_errand, end_errand
from .imports import import_orders
from .issuing import HOW, Issued, Terms, issue_household, issue_order, lift_order, withdraw_draft
from .links import address_of, find_link, note_use, renew_link, token_of
from .listeners import on_case_confirmed, on_case_revised, on_follow_ups, on_people_merged, on_people_unmerged
from .memory import shown_fence, shown_fixes
from .needs import NeedAsked, Report, meet_need, self_report, tell_needs
from .networks import NAMES as NETWORKS
from .papers import PAPERS, Paper, draw_paper
from .phones import end_phone, enrol_phone, orders_of_phone, phone_address
from .positions import Position, load_items, load_positions, record_positions
from .posts import Post, answer_of, answer_posts, post_positions
from .rows import FIELDS
from .storing import OrderError
from .together import MOST_TOGETHER, TOGETHER, Shared, issue_together, start_issuing
from .undoing import UNDOABLE, undo
from .watches import (
    forget_evidence,
    forget_shift_notes,
    look_for_silence,
    on_order_changed,
    on_order_ended,
    on_order_issued,
    sync_watch,
    sync_watches,
)
from .watching import unwatch_order, watch_order

__all__ = [
    "CALLED",
    "CLOSED_WITH",
    "FIELDS",
    "HOW",
    "MOST_TOGETHER",
    "NETWORKS",
    "PAPERS",
    "TOGETHER",
    "UNDOABLE",
    "VISITED",
    "Issued",
    "NeedAsked",
    "OrderError",
    "Paper",
    "Position",
    "Post",
    "Report",
    "Shared",
    "Terms",
    "accept_ask",
    "address_of",
    "agree_errand",
    "answer_appeal",
    "answer_of",
    "answer_posts",
    "ask_network",
    "change_days",
    "climb",
    "climb_ladders",
    "close_alarm",
    "decline_ask",
    "draft_from_case",
    "draft_from_follow_up",
    "draft_from_follow_ups",
    "draft_order",
    "draw_paper",
    "end_errand",
    "end_orders",
    "end_phone",
    "enrol_phone",
    "evidence_of",
    "file_appeal",
    "find_link",
    "forget_erased",
    "forget_evidence",
    "forget_orders",
    "forget_shift_notes",
    "give_back",
    "hand_over",
    "import_orders",
    "issue_household",
    "issue_order",
    "issue_together",
    "lift_order",
    "load_items",
    "load_positions",
    "look_for_silence",
    "meet_need",
    "move_order",
    "note_call",
    "note_told",
    "note_use",
    "note_visit",
    "note_well",
    "on_alarm_raised",
    "on_case_confirmed",
    "on_case_revised",
    "on_follow_ups",
    "on_order_changed",
    "on_order_ended",
    "on_order_issued",
    "on_people_merged",
    "on_people_unmerged",
    "orders_of_phone",
    "phone_address",
    "post_positions",
    "read_shift_note",
    "record_positions",
    "refer_alarm",
    "renew_link",
    "self_report",
    "shown_fence",
    "shown_fixes",
    "signals_of",
    "start_issuing",
    "sync_watch",
    "sync_watches",
    "take_alarm",
    "tell_needs",
    "token_of",
    "undo",
    "unwatch_order",
    "watch_order",
    "withdraw_draft",
]
