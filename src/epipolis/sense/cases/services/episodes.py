"""The case to which a report about a person belongs: the illness that is open, or a new one."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from epipolis.core import audit
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case

from .changes import report_case
from .revisions import hold


@transaction.atomic
def find_or_report_case(
    person_id: UUID,
    disease: str,
    day: date,
    facts: Mapping[str, Any],
    *,
    source: str,
    by: audit.Actor,
    at: datetime,
    source_key: str = "",
    simulated: bool = False,
) -> tuple[Case, Literal["existing", "new"]]:
    """The case of a person's illness around a day (of the sample, the onset, the report), else a new one with these facts.

    What counts as the same illness is the dated rule `episode`; the cases of all rows of the person count. A case that
    exists keeps its facts. Two messages at the same moment make one case.

    Raises:
        FactsError: the facts cannot be true.
        AlreadyReportedError: the source has reported this number before, for another illness.
    """
    holder = queries.same_person(person_id)[0]
    hold(f"cases episode {holder} {queries.plain_disease(disease)}")
    if found := queries.open_episode(person_id, disease, day):
        return found, "existing"
    names = {"disease": disease, "source": source, "source_key": source_key}
    return report_case(person_id, facts, **names, by=by, at=at, simulated=simulated), "new"
