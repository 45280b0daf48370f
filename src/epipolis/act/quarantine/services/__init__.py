"""Every write of orders."""

from .drafting import draft_from_case, draft_from_follow_up, draft_order
from .issuing import HOW, Issued, Terms, issue_household, issue_order, lift_order, withdraw_draft
from .links import address_of, find_link, renew_link, token_of
from .listeners import on_case_confirmed, on_case_revised, on_follow_up
from .storing import OrderError

__all__ = [
    "HOW",
    "Issued",
    "OrderError",
    "Terms",
    "address_of",
    "draft_from_case",
    "draft_from_follow_up",
    "draft_order",
    "find_link",
    "issue_household",
    "issue_order",
    "lift_order",
    "on_case_confirmed",
    "on_case_revised",
    "on_follow_up",
    "renew_link",
    "token_of",
    "withdraw_draft",
]
