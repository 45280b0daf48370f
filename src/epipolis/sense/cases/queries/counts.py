"""Cases counted by the day something happened and the day it became known, for those who look ahead."""

from datetime import date, datetime

from django.db.models import Case, Count, DateField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest, Least, TruncDate

from epipolis.core import clock
from epipolis.sense.cases.models import CaseRevision, Classification

from .cases import facts_as_known

Counted = tuple[date, str | None, date, int]
HAPPENED = ("onset", "reported", "hospitalised", "left_hospital")


def counts_as_known(of: str, at: datetime) -> list[Counted]:
    """Confirmed cases as believed at a moment: (day it happened, district's code or None, day it became known, cases).

    `of` is one of HAPPENED. A day became known when it first stood in a confirmed case; where it stood there as the case
    was entered, on the day of its report, if that was earlier, as when an old line list is taken over; never before it
    happened. Days after that moment are left out.

    Raises:
        ValueError: nothing of this name is counted.
    """
    if of not in HAPPENED:
        raise ValueError(f"nothing is counted by {of!r}; there are {', '.join(HAPPENED)}")
    told = CaseRevision.objects.filter(case=OuterRef("case"), classification=Classification.CONFIRMED, known_at__lte=at)
    told = told.filter(**_TOLD[of]).order_by("revision")
    found: QuerySet[CaseRevision] = facts_as_known(at).filter(classification=Classification.CONFIRMED).order_by()
    found = found.annotate(
        happened=_day(of),
        noted=TruncDate(Subquery(told.values("known_at")[:1]), tzinfo=clock.zone()),
        entered=TruncDate("case__known_at", tzinfo=clock.zone()),
    ).filter(happened__isnull=False, happened__lte=clock.local_day(at))
    reported = Case(When(noted=F("entered"), then=Coalesce("reported", "noted")), default=F("noted"))
    found = found.annotate(became_known=Greatest(Least("noted", reported), "happened"))
    rows = found.values("happened", "district__code", "became_known").annotate(n=Count("id"))
    return list(rows.order_by("happened", "district__code", "became_known").values_list(*_COLUMNS))


_COLUMNS = ("happened", "district__code", "became_known", "n")
_TOLD: dict[str, dict[str, bool]] = {
    "onset": {"onset__isnull": False},
    "reported": {},
    "hospitalised": {"hospitalised__isnull": False},
    "left_hospital": {"hospitalised__isnull": False, "ended__isnull": False},
}


def _day(of: str) -> Coalesce | F | Case:
    if of == "reported":
        return Coalesce("reported", "confirmed", "sampled", "onset", TruncDate("case__known_at", tzinfo=clock.zone()))
    if of == "left_hospital":
        nothing = Value(None, output_field=DateField())
        has_left = When(hospitalised__isnull=False, ended__isnull=False, then=Greatest("ended", "hospitalised"))
        return Case(has_left, default=nothing)
    return F(of)
