"""Every question that the declarations answer."""

from .advice import advise, asked_circumstances, asked_symptoms, rule_on
from .counts import CountRow, by_district, count_needing_help, count_today, counts_as_known
from .households import MemberRow, consents_of, history_of, household, household_of_sender, members_of, sent, whole_household
from .purposes import FIELDS, declared, declared_for, export_rows, listed, needs_told

__all__ = [
    "FIELDS",
    "CountRow",
    "MemberRow",
    "advise",
    "asked_circumstances",
    "asked_symptoms",
    "by_district",
    "consents_of",
    "count_needing_help",
    "count_today",
    "counts_as_known",
    "declared",
    "declared_for",
    "export_rows",
    "history_of",
    "household",
    "household_of_sender",
    "listed",
    "members_of",
    "needs_told",
    "rule_on",
    "sent",
    "whole_household",
]
