"""Mail that came back: its message goes another way, as one that was refused at once."""

from datetime import datetime

from django.db import transaction

from epipolis.act.notices import queries
from epipolis.act.notices.models import Channel, Notice
from epipolis.core import clock

from .channels import Box, Returned, mail_secret, mailboxes, read_returned
from .reporting import message_of, take_told

_AT_ONCE = 200


def read_returns(at: datetime | None = None) -> int:
    """Read what came back by mail; return how much of it was news. A mail is put away once it is stored, and read again
    where that was cut off; the same again changes nothing.

    Raises:
        MailboxError: a mailbox cannot be read; the others were.
    """
    at = at or clock.now()
    count = 0
    for mailbox in mailboxes():
        with mailbox.opened() as box:
            count += _read(box, mailbox.provider, at=at)
    return count


def _read(box: Box, provider: str, *, at: datetime) -> int:
    count = 0
    for letter in box.unread(_AT_ONCE, at=at):
        found = read_returned(letter.raw, mail_secret())
        understood = found.understood and _is_to_whom_we_wrote(found)
        if understood and found.report:
            with transaction.atomic():
                count += take_told(provider, [found.report], [], at=at)
        box.put_away(letter.number, understood=understood)
    return count


def _is_to_whom_we_wrote(found: Returned) -> bool:
    """Whether a return that says to whom the mail went says so rightly, as far as we still know."""
    named = message_of(found.report.key) if found.report else None
    if named is None:
        return found.report is None
    row = Notice.objects.filter(id=named[0]).only("step", "channel", "to_hash").first()
    if row is None:
        return False
    if not found.recipient or row.step != named[1] or not row.to_hash:
        return True
    return row.channel == Channel.EMAIL and row.to_hash == queries.address_hash(row.channel, found.recipient)
