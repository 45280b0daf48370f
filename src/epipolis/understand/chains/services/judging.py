"""Deciding who infected whom: a person's word stands above every probability, says why, and can be taken back."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from epipolis.core import audit
from epipolis.sense.cases import queries as cases
from epipolis.understand.chains.models import Judgement

from .linking import link_cases


class JudgementError(ValueError):
    """This cannot be decided so; the text says why, in the reader's language."""


@transaction.atomic
def judge_link(infectee: UUID, infector: UUID, *, is_source: bool, reason: str, by: audit.Actor, at: datetime) -> Judgement:
    """Decide that one case infected another, or that it did not.

    Raises:
        JudgementError: without a reason, of a case by itself, of cases that are not there, or against a decision that holds.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= 500 or "\0" in reason:
        raise JudgementError(_("Say why, in at most 500 characters."))
    if infectee == infector:
        raise JudgementError(_("Nobody infects themselves."))
    if len(cases.cases_by_id([infectee, infector])) < 2:
        raise JudgementError(_("One of the cases is not in the line list."))
    try:
        with transaction.atomic():
            made = Judgement.objects.create(
                infectee_id=infectee, infector_id=infector, is_source=is_source, reason=reason, by=audit.actor_name(by), at=at
            )
    except IntegrityError as error:
        raise JudgementError(_("Something else was decided about this case. Take that back first.")) from error
    audit.record("chains.judge", by=by, at=at, subject=infectee, infector=str(infector), is_source=is_source)
    link_cases([infectee], at=at)
    return made


@transaction.atomic
def undo_judgement(number: int, *, by: audit.Actor, at: datetime) -> Judgement:
    """Take a decision back; the probabilities count again. Twice changes nothing.

    Raises:
        Judgement.DoesNotExist: there is none of this number.
    """
    made = Judgement.objects.select_for_update().get(id=number)
    if made.undone is None:
        made.undone, made.undone_by = at, audit.actor_name(by)
        made.save(update_fields=["undone", "undone_by"])
        audit.record("chains.undo", by=by, at=at, subject=made.infectee_id, judgement=made.id)
        link_cases([made.infectee_id], at=at)
    return made
