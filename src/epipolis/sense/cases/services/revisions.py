"""One revision of one case: what was believed before ends, what is believed now begins, and everybody hears of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, live
from epipolis.core.events import publish
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Case, CaseRevision, Classification, ClassifiedBy

from .facts import Broken, FactsError, believed, check, plain

RULES = "rules"  # the origin of what the platform concluded by itself
WORD = ("classified", "classified_why")  # whose word the classification is: told with it, and alone only if it alone changed


class StaleRevisionError(ValueError):
    """Somebody changed the case since the editor read it; `case` is what is believed now."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"the case has changed since: it is at revision {case.revision} now")
        self.case = case


class NotOursError(FactsError):
    """The case was handed over to another office, `owner`: it can be read here and is changed there."""

    def __init__(self, case: Case) -> None:
        super().__init__([Broken("owner", gettext_noop("the case was handed over to another office, which alone changes it"))])
        self.owner = case.owner


def hold(name: str) -> None:
    """Wait until nobody else works under this name, and keep it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def locked(case_id: UUID) -> Case:
    """The case, held until the transaction ends.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    return Case.objects.select_for_update(of=("self",)).get(id=case_id)


def revise_locked(
    case: Case, changes: Mapping[str, Any], *, by: audit.Actor, at: datetime, action: str, origin: str = ""
) -> list[str]:
    """Believe something else about a case that is held; return the names of what changed.

    A classification that changes is a person's word, or the source's whose file said so, unless the changes say whose.

    Raises:
        FactsError: the facts cannot be true together with those that stay.
        NotOursError: another office owns the case; what it is the same as is still for this one to say.
    """
    before = believed(case)
    after = before | plain(changes)
    if before["classification"] != after["classification"] and "classified" not in changes:
        after |= {"classified": str(ClassifiedBy.SOURCE if origin else ClassifiedBy.MANUAL), "classified_why": ""}
    changed = sorted(name for name in before if before[name] != after[name])
    if not changed:
        return []
    if case.owner and changed != ["same_as"]:
        raise NotOursError(case)
    check(after, today=clock.local_day(at))
    for name in changed:
        setattr(case, name, after[name])
    # An interval of belief never runs backwards, even when a source dates its news before ours.
    case.revised_at = max(at, case.revised_at)
    case.revision += 1
    case.save(update_fields=[*changed, "revised_at", "revision"])
    if "classification" in changed:
        changed = [name for name in changed if name not in WORD]
    keep(case, changed, by=by, at=case.revised_at, origin=origin)
    audit.record(action, by=by, at=at, subject=case.id, person=case.person_id, fields=changed, revision=case.revision)
    publish(CaseRevised(case.id, case.person_id, tuple(changed)))
    if "classification" in changed and case.classification == Classification.CONFIRMED:
        publish(CaseConfirmed(case.id, case.person_id))
    return changed


def keep(case: Case, changed: list[str], *, by: audit.Actor, at: datetime, origin: str = "") -> None:
    """Note the case's facts as its newest revision."""
    CaseRevision.objects.filter(case=case, superseded_at=None).update(superseded_at=at)
    CaseRevision.objects.create(
        case=case,
        revision=case.revision,
        known_at=at,
        changed=changed,
        by=audit.actor_name(by),
        origin=origin,
        **believed(case),
    )
    live.tell("cases", case=str(case.id))
