"""Questions about two cases of one person that may be one illness."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from epipolis.sense.cases.models import DuplicateQuestion


def duplicate_questions(case_id: UUID | None = None) -> QuerySet[DuplicateQuestion]:
    """Open questions, the longest waiting first; of one case, or all."""
    found = DuplicateQuestion.objects.filter(answer="", case__same_as=None, candidate__same_as=None)
    if case_id:
        found = found.filter(Q(case=case_id) | Q(candidate=case_id))
    return found.select_related("case", "candidate").order_by("asked", "id")


def count_duplicate_questions(at: datetime) -> int:
    return duplicate_questions().filter(asked__lte=at).count()
