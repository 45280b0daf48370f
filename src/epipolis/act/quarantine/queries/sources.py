"""What an order is counted from, as it is believed now: contacts of a follow-up, the illness of a case."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from epipolis.act.followup.models import Exposure, Origin
from epipolis.act.quarantine.models import OPEN, Kind, Order, SelfReport
from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.cases.models import State as Answered

from .schedules import Contact, Illness

_DAY = timedelta(days=1)


def contacts_in(exposures: Iterable[Exposure]) -> list[Contact]:
    """Exposures that count as contacts, as far as their day is known."""
    return [Contact(one.counted_from, one.counted_by) for one in exposures if one.counted_from]


def illness_of(case: Case, *, well_since: date | None = None) -> Illness:
    """What is known of a case that decides how long it isolates."""
    tested = first_positive_day(case.id)
    said = Answered.YES in case.symptoms.values() or case.onset is not None
    return Illness(
        onset=case.onset,
        sampled=min(filter(None, [tested, case.sampled]), default=None),
        reported=case.reported or clock.local_day(case.known_at),
        has_symptoms=True if said else case.has_symptoms,
        well_since=well_since,
    )


def first_positive_day(case: UUID) -> date | None:
    """The local day on which the first sample was taken that turned out positive."""
    days = [clock.local_day(test.sampled_at) for test in _final_tests(case, str(CaseTest.Result.POSITIVE)) if test.sampled_at]
    return min(days, default=None)


def negative_samples(case: UUID) -> list[Any]:
    """When samples were taken that turned out negative, in order of time."""
    return sorted(test.sampled_at for test in _final_tests(case, str(CaseTest.Result.NEGATIVE)) if test.sampled_at)


def _final_tests(case: UUID, result: str) -> list[CaseTest]:
    found = cases.tests_of(case)
    usable = (CaseTest.Status.FINAL, CaseTest.Status.CORRECTED)
    return [one for one in found if one.result == result and one.status in usable and one.superseded_by_id is None]


def told_well_since(order: Order) -> date | None:
    """The first day from which on somebody said each time to have no symptoms; None where the last word is illness."""
    found = None
    for day, is_ill in _last_words(order):
        if is_ill:
            return found
        found = day
    return found


def last_told_ill(order: Order) -> date | None:
    """The last day on which somebody said to have symptoms."""
    return next((day for day, is_ill in _last_words(order) if is_ill), None)


def _last_words(order: Order) -> list[tuple[date, bool]]:
    words: dict[date, bool] = dict(SelfReport.objects.filter(order=order.pk).order_by("at", "id").values_list("day", "is_ill"))
    return sorted(words.items(), reverse=True)


def household_of(case: UUID) -> UUID:
    """What people ordered because of one case at one address share."""
    return uuid5(NAMESPACE_OID, f"household of case {case}")


def household_in(exposures: Iterable[Exposure]) -> UUID | None:
    """The same of exposures that count, in the order in which they became known; None where nobody lives with a case."""
    cases_lived_with = (one.case_id for one in exposures if one.origin == Origin.HOUSEHOLD and one.case_id)
    case = next(cases_lived_with, None)
    return household_of(case) if case else None


def isolated(persons: Collection[UUID]) -> set[tuple[UUID | None, str]]:
    """Which of these rows of people are under an open order of isolation, with its disease: quarantine adds nothing there."""
    found = Order.objects.filter(OPEN, person__in=list(persons), kind=Kind.ISOLATION)
    return set(found.values_list("person_id", "disease"))
