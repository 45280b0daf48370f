"""Linking cases, and deciding on a link."""

from .judging import JudgementError, judge_link, undo_judgement
from .linking import link_cases, link_recent, on_case_confirmed, on_case_revised

__all__ = [
    "JudgementError",
    "judge_link",
    "link_cases",
    "link_recent",
    "on_case_confirmed",
    "on_case_revised",
    "undo_judgement",
]
