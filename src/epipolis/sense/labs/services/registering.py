"""Registering: the laboratories that may send, and what their codes mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, live
from epipolis.engines.messages import KINDS
from epipolis.sense.labs.models import CodeMeaning, LabMessage, Laboratory

from .processing import announce
from .reasons import SENDER, TEST, UNTRUSTED, no_reason

FIELDS = ("name", "code", "account", "certificate", "disease", "is_trusted", "is_closed", "silent_after")
_MOST = 10_000  # waiting messages that one change processes again


@transaction.atomic
def register_laboratory(values: Mapping[str, Any], *, by: audit.Actor, at: datetime, simulated: bool = False) -> Laboratory:
    """Register a laboratory; messages of it that wait for that are processed again.

    Raises:
        ValueError: its code, account or certificate belongs to another laboratory.
    """
    made = Laboratory(known_at=at, simulated=simulated, **{name: values[name] for name in FIELDS if name in values})
    _save(made)
    audit.record("labs.register", by=by, at=at, subject=made.id, fields=sorted(values))
    _let_in(made)
    return made


@transaction.atomic
def change_laboratory(laboratory_id: int, values: Mapping[str, Any], *, by: audit.Actor, at: datetime) -> Laboratory:
    """Change what is known about a laboratory. What is the same already changes nothing.

    Raises:
        Laboratory.DoesNotExist: there is none.
        ValueError: its code, account or certificate belongs to another laboratory.
    """
    row = Laboratory.objects.select_for_update().get(id=laboratory_id)
    changed = [name for name in FIELDS if name in values and getattr(row, name) != values[name]]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, values[name])
    _save(row)
    audit.record("labs.change", by=by, at=at, subject=row.id, fields=sorted(changed))
    _let_in(row)
    return row


@transaction.atomic
def explain_code(
    code: str,
    *,
    by: audit.Actor,
    at: datetime,
    disease: str = "",
    kind: str = "",
    system: str = "",
    text: str = "",
    laboratory: Laboratory | None = None,
) -> CodeMeaning:
    """Say what a test's code means (without a disease: it is not for us); messages that wait for that are processed again.

    Raises:
        ValueError: there is no code, or no such kind of test.
    """
    if not code.strip():
        raise ValueError(_("Say which code."))
    if disease and kind not in KINDS:
        raise ValueError(_("A test is one of %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    values = {"disease": disease.strip(), "kind": kind if disease else "", "text": text[:200], "at": at}
    values["by"] = audit.actor_name(by)
    made, _created = CodeMeaning.objects.update_or_create(
        laboratory=laboratory, system=system.strip(), code=code.strip(), defaults=values
    )
    audit.record("labs.explain", by=by, at=at, subject=made.id, state=disease or "-")
    waiting = LabMessage.objects.filter(problem=TEST, is_waiting=True)
    receive_again(waiting.filter(laboratory=laboratory) if laboratory else waiting)
    return made


@transaction.atomic
def forget_code(meaning_id: int, *, by: audit.Actor, at: datetime) -> None:
    """Take back what a code was said to mean; what was filed by it stays."""
    CodeMeaning.objects.filter(id=meaning_id).delete()
    audit.record("labs.forget_code", by=by, at=at, subject=meaning_id)


def _let_in(laboratory: Laboratory) -> None:
    """Messages that wait because their sender was unknown or not trusted are processed again."""
    own = LabMessage.objects.filter(problem=SENDER, is_waiting=True, laboratory=None)
    numbers = [row.id for row in own.only("id", "sender")[:_MOST] if laboratory.code in (*row.sender.split("|"), row.sender)]
    LabMessage.objects.filter(id__in=numbers).update(laboratory=laboratory)
    receive_again(LabMessage.objects.filter(id__in=numbers))
    if laboratory.is_trusted:
        receive_again(LabMessage.objects.filter(problem=UNTRUSTED, is_waiting=True, laboratory=laboratory))
    live.tell("labs")


def receive_again(waiting: Any) -> None:
    """Process messages again that wait for something that is known now."""
    numbers = list(waiting.select_for_update().order_by("id").values_list("id", flat=True)[:_MOST])
    LabMessage.objects.filter(id__in=numbers).update(
        state=LabMessage.State.RECEIVED, problem="", is_waiting=False, reason=no_reason(), processed=None
    )
    announce(numbers)


def _save(row: Laboratory) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise ValueError(_("Another laboratory has this code, token or certificate already.")) from error
