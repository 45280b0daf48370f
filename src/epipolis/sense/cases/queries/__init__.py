"""Every question that the line list answers."""

from .cases import (
    case,
    case_id_of,
    case_numbered,
    case_source,
    cases_by_id,
    cases_of,
    confirmed_cases,
    count_waiting,
    facts_as_known,
    facts_by_id,
    first_known,
    infected_by,
    latest_change,
    revisions,
)
from .counts import HAPPENED, counts_as_known
from .history import Fact, Step, ages_of_facts, shown, timeline
from .tables import COLUMNS, all_rows, export_rows, line_list

__all__ = [
    "COLUMNS",
    "HAPPENED",
    "Fact",
    "Step",
    "ages_of_facts",
    "all_rows",
    "case",
    "case_id_of",
    "case_numbered",
    "case_source",
    "cases_by_id",
    "cases_of",
    "confirmed_cases",
    "count_waiting",
    "counts_as_known",
    "export_rows",
    "facts_as_known",
    "facts_by_id",
    "first_known",
    "infected_by",
    "latest_change",
    "line_list",
    "revisions",
    "shown",
    "timeline",
]
