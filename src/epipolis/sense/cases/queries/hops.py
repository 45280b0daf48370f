"""When a case's sample was taken, and when its result was known here: the first hop of the measured chain."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from epipolis.sense.cases.models import CaseTest


def first_positive(case_ids: Collection[UUID], at: datetime) -> dict[UUID, tuple[datetime, datetime]]:
    """Of each case with a positive finding known by a moment: when the sample was taken and when the first was known."""
    found = CaseTest.objects.filter(case__in=list(case_ids), result=CaseTest.Result.POSITIVE, known_at__lte=at)
    found = found.exclude(sampled_at=None).exclude(status=CaseTest.Status.WITHDRAWN).order_by("-known_at", "-id")
    # The later ones first, so that of each case the first finding stays.
    return {case: (taken, known) for case, taken, known in found.values_list("case_id", "sampled_at", "known_at")}
