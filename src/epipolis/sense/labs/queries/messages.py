"""Messages: the inbox and one message with all that became of it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from epipolis.sense.labs.models import CodeMeaning, Handling, LabMessage, Laboratory, LabResult

State = LabMessage.State
WAITING = "waiting"
AGES = {"1": timedelta(hours=24), "7": timedelta(days=7), "30": timedelta(days=30)}


def messages(
    *, state: str = "", laboratory: int | None = None, problem: str = "", older_than: str = "", at: datetime | None = None
) -> QuerySet[LabMessage]:
    """Messages by the inbox's filters. `state` "waiting": those that a person must look at, the oldest first."""
    found = LabMessage.objects.select_related("laboratory").defer("raw")
    if laboratory:
        found = found.filter(laboratory=laboratory)
    if problem:
        found = found.filter(problem=problem)
    if older_than in AGES and at is not None:
        found = found.filter(received__lt=at - AGES[older_than])
    if state == WAITING:
        return found.filter(is_waiting=True).order_by("received", "id")
    if state:
        found = found.filter(state=state)
    return found.order_by("-received", "-id")


def message(message_id: int) -> LabMessage | None:
    return LabMessage.objects.select_related("laboratory").filter(id=message_id).first()


def results_of_message(message_id: int) -> QuerySet[LabResult]:
    return LabResult.objects.filter(message=message_id).order_by("ref")


def handlings_of(message_id: int) -> QuerySet[Handling]:
    """What staff did with a message, newest first."""
    return Handling.objects.filter(message=message_id).order_by("-id")


def newest_handling(message_id: int) -> Handling | None:
    """The step that can be taken back; None where there is none, or the last one was taken back."""
    found = handlings_of(message_id).first()
    return found if found is not None and found.undoes_id is None else None


def handling_by_id(handling_id: int) -> Handling | None:
    return Handling.objects.filter(id=handling_id).first()


def namesakes(found: LabMessage) -> QuerySet[LabMessage]:
    """Messages that carry the same number of the same sender."""
    same = Q(sender=found.sender, message_id=found.message_id)
    return LabMessage.objects.filter(same).exclude(id=found.id).defer("raw").order_by("id")


def result(result_id: int) -> LabResult | None:
    return LabResult.objects.select_related("message__laboratory", "supersedes").filter(id=result_id).first()


def versions_of(found: LabResult) -> QuerySet[LabResult]:
    """Every version of a finding, newest first."""
    same = LabResult.objects.filter(source=found.source, ref=found.ref)
    return same.select_related("message").defer("message__raw").order_by("-id")


def laboratories() -> QuerySet[Laboratory]:
    return Laboratory.objects.order_by("name", "id")


def laboratory(laboratory_id: int) -> Laboratory | None:
    return Laboratory.objects.select_related("account").filter(id=laboratory_id).first()


def meanings() -> QuerySet[CodeMeaning]:
    """What staff said that codes mean."""
    return CodeMeaning.objects.select_related("laboratory").order_by("code", "system", "id")


def waiting_counts() -> dict[str, Any]:
    """How many messages wait, by what keeps them."""
    counts: dict[str, int] = {}
    for problem in LabMessage.objects.filter(is_waiting=True).values_list("problem", flat=True):
        counts[problem] = counts.get(problem, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
