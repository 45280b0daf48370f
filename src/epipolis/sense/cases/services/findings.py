"""Laboratory findings about a case: each is noted once, a correction takes the place of what it corrects, and both stay."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock
from epipolis.sense.cases.models import Case, CaseTest

from .changes import revise_case
from .classifying import classify_case
from .facts import Broken, FactsError
from .revisions import NotOursError, hold

_RANK = {status: rank for rank, status in enumerate(CaseTest.Status.values)}  # in the order in which a laboratory says them
_POSITIVE = str(CaseTest.Result.POSITIVE)


@transaction.atomic
def note_test(
    case_id: UUID,
    *,
    source: str,
    source_ref: str,
    kind: str,
    result: str,
    by: audit.Actor,
    at: datetime,
    status: str = "final",
    disease: str = "",
    specimen: str = "",
    sampled_at: datetime | None = None,
    resulted_at: datetime | None = None,
) -> CaseTest:
    """Note a finding, then classify the case. The same finding again changes nothing and returns the one that is noted.

    Another word under the same number (`source`, `source_ref`) supersedes the former, unless the laboratory said it
    earlier: then it arrived late, and is kept as superseded at once. Without a disease it is about that of the case.

    Raises:
        Case.DoesNotExist: there is no such case.
        FactsError: a word is unknown, a text is too long, or a time lies in the future or out of order.
        NotOursError: another office owns the case.
    """
    case = Case.objects.get(id=case_id)
    said: dict[str, Any] = {
        "case_id": case_id,
        "kind": kind,
        "disease": disease or case.disease,
        "result": result,
        "status": status,
        "specimen": specimen,
        "sampled_at": sampled_at,
        "resulted_at": resulted_at,
    }
    _check(said, source, source_ref, at)
    hold(f"cases test {source} {source_ref}")
    known = list(CaseTest.objects.filter(source=source, source_ref=source_ref).order_by("id"))
    for row in known:
        if all(getattr(row, name) == value for name, value in said.items()):
            return row
    if case.owner:
        raise NotOursError(case)
    test = _keep(CaseTest(source=source, source_ref=source_ref, known_at=at, by=audit.actor_name(by), **said), known, at)
    audit.record("cases.note_test", by=by, at=at, subject=case.id, person=case.person_id, test=test.id, status=status)
    _tell_case(case, test, by=by, at=at)
    for former in {row.case_id for row in known} - {case_id}:  # the laboratory had named another person first
        classify_case(former, by=by, at=at)
    return test


def _keep(test: CaseTest, known: list[CaseTest], at: datetime) -> CaseTest:
    current = next((row for row in known if row.superseded_by_id is None), None)
    if current is None:
        test.save(force_insert=True)
        return test
    if _place(test) < _place(current):
        test.superseded_by, test.superseded_at = current, at
        test.save(force_insert=True)
        return test
    # One row counts at any time: the former steps back before the new one is there, and then learns its number.
    current.superseded_by, current.superseded_at = current, at
    current.save(update_fields=["superseded_by", "superseded_at"])
    test.save(force_insert=True)
    CaseTest.objects.filter(id=current.id).update(superseded_by=test)
    return test


def _place(test: CaseTest) -> tuple[Any, ...]:
    return (test.resulted_at or test.known_at, _RANK[test.status])


def _tell_case(case: Case, test: CaseTest, *, by: audit.Actor, at: datetime) -> None:
    """A case without a day of the sample takes that of its first positive one; then the rules judge anew."""
    counts = test.superseded_by_id is None and test.status != CaseTest.Status.WITHDRAWN
    if counts and test.result == _POSITIVE and test.sampled_at and case.sampled is None:
        day = clock.local_day(test.sampled_at)
        if case.confirmed is None or day <= case.confirmed:
            revise_case(case.id, {"sampled": day}, by=by, at=at, action="cases.note_test", origin=test.source[:100])
    classify_case(case.id, by=by, at=at)


def _check(said: dict[str, Any], source: str, source_ref: str, at: datetime) -> None:
    broken = []
    for name, words in (("kind", CaseTest.Kind), ("result", CaseTest.Result), ("status", CaseTest.Status)):
        if said[name] not in words.values:
            broken.append(Broken(name, gettext_noop("is no known word")))
    texts = {"source": source, "source_ref": source_ref, "disease": said["disease"], "specimen": said["specimen"]}
    for name, text in texts.items():
        if "\0" in text or len(text) > (CaseTest._meta.get_field(name).max_length or 0):
            broken.append(Broken(name, gettext_noop("is too long, or holds the NUL character")))
    for name in ("source", "source_ref"):
        if not texts[name].strip():
            broken.append(Broken(name, gettext_noop("is empty")))
    sampled, resulted = said["sampled_at"], said["resulted_at"]
    for name in ("sampled_at", "resulted_at"):
        if said[name] and clock.local_day(said[name]) > clock.local_day(at):
            broken.append(Broken(name, gettext_noop("lies in the future")))
    if sampled and resulted and clock.local_day(sampled) > clock.local_day(resulted):
        broken.append(Broken("sampled_at", gettext_noop("the sample was taken after its result")))
    if broken:
        raise FactsError(broken)
