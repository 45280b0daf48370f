"""Wordings of the city's own: written by one person, approved by another, never changed afterwards."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.models import Channel, Template
from epipolis.core import audit, live
from epipolis.core.models import User

from .errors import NoticeError

_LONGEST = 2_000


@transaction.atomic
def write_template(
    name: str,
    language: str,
    body: str,
    *,
    subject: str = "",
    channel: str = "",
    provider_name: str = "",
    by: User,
    at: datetime,
) -> Template:
    """Draft a new version of a wording; nobody gets it before a second person approves it.

    Raises:
        NoticeError: there is no such message, language or channel, or the text uses a value that there is not.
    """
    body, subject = " ".join(body.split()), " ".join(subject.split())
    if language not in queries.languages() or (channel and channel not in Channel.values):
        raise NoticeError(gettext_noop("There is no language %(name)s here."), name=language)
    if not body or len(body) > _LONGEST or len(subject) > 150 or "\0" in body + subject:
        raise NoticeError(gettext_noop("A text has 1 to %(most)d letters."), most=_LONGEST)
    if problems := queries.problems_of(name, subject, body):
        raise NoticeError("%(why)s", why=" ".join(problems))
    last = queries.templates(name).filter(language=language, channel=channel).first()
    row = Template(
        name=name, channel=channel, language=language, version=last.version + 1 if last else 1, subject=subject, body=body,
        provider_name=provider_name.strip()[:100], written_by=by, written=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise NoticeError(gettext_noop("Somebody else has just written a version of this.")) from error
    audit.record("notices.write_template", by=by, at=at, subject=row.id, name=name, language=language, version=row.version)
    live.tell("notices")
    return row


@transaction.atomic
def approve_template(number: int, *, by: User, at: datetime) -> Template:
    """Let a draft take the place of the version in use.

    Raises:
        NoticeError: it is no draft, or the same person wrote it.
    """
    row = _draft(number)
    if row.written_by_id == by.id:
        raise NoticeError(gettext_noop("A second person approves what somebody wrote."))
    in_use = Template.objects.filter(name=row.name, channel=row.channel, language=row.language, state=Template.State.APPROVED)
    in_use.update(state=Template.State.RETIRED)
    row.state, row.approved_by, row.approved, row.valid_from = Template.State.APPROVED, by, at, at
    row.save()
    audit.record("notices.approve_template", by=by, at=at, subject=row.id, name=row.name, version=row.version)
    live.tell("notices")
    return row


@transaction.atomic
def retire_template(number: int, *, by: User, at: datetime) -> Template:
    """Use a version no more, or give up a draft; the one that ships holds again.

    Raises:
        NoticeError: there is none, or it is not used any more.
    """
    row = Template.objects.select_for_update().filter(id=number).exclude(state=Template.State.RETIRED).first()
    if row is None:
        raise NoticeError(gettext_noop("There is no such text, or it is not in use."))
    row.state = Template.State.RETIRED
    row.save(update_fields=["state"])
    audit.record("notices.retire_template", by=by, at=at, subject=row.id, name=row.name, version=row.version)
    live.tell("notices")
    return row


def _draft(number: int) -> Template:
    row = Template.objects.select_for_update().filter(id=number, state=Template.State.DRAFT).first()
    if row is None:
        raise NoticeError(gettext_noop("There is no such draft, or it was decided already."))
    return row
