"""Questions about two cases of one person that may be one illness."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from epipolis.sense.cases.models import Case, DuplicateQuestion

from .history import facts_labels, shown


def duplicate_questions(case_id: UUID | None = None) -> QuerySet[DuplicateQuestion]:
    """Open questions, the longest waiting first; of one case, or all."""
    found = DuplicateQuestion.objects.filter(answer="", case__same_as=None, candidate__same_as=None)
    if case_id:
        found = found.filter(Q(case=case_id) | Q(candidate=case_id))
    return found.select_related("case", "candidate").order_by("asked", "id")


def count_duplicate_questions(at: datetime) -> int:
    return duplicate_questions().filter(asked__lte=at).count()


def compared(one: Case, other: Case) -> list[tuple[str, str, str, bool]]:
    """Two cases side by side: the fact, what each says, and whether both say it and differ; nothing that neither knows."""
    fields = {"source_key": _("number"), "source": _("source"), "disease": _("disease")}
    rows = [(str(label), str(getattr(one, name)), str(getattr(other, name)), False) for name, label in fields.items()]
    for name, label in facts_labels().items():
        left, right = shown(one, name), shown(other, name)
        if left or right:
            rows.append((label, left, right, bool(left and right and left != right)))
    return rows
