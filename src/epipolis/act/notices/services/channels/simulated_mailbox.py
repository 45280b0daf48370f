"""The simulated provider's mailbox: what it could not deliver comes back as mail servers write it (RFC 3464)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime

from epipolis.act.notices.models import SimulatedMessage
from epipolis.core.sealing import unseal

from .mailbox import Box, Letter
from .returned import mail_token
from .simulated import NAME, REPORTS

_FATE, _NEXT = "returned", timedelta(seconds=20)
_WORDS = {"delayed": ("4.4.1", "451 4.4.1 no answer, tried again later"), "failed": ("5.1.1", "550 5.1.1 no such mailbox")}
_MAIL = """\
From: MAILER-DAEMON@mail.example
Date: {date}
Subject: {state}
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="returned"
MIME-Version: 1.0

--returned
Content-Type: text/plain; charset=us-ascii

This mail was {state}. Simulated: nobody real was written to.
--returned
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
Original-Envelope-Id: {token}

Original-Recipient: rfc822;{to}
Final-Recipient: rfc822;{to}
Action: {state}
Status: {status}
Diagnostic-Code: smtp; {words}

--returned
Content-Type: text/rfc822-headers

Message-ID: <{token}@mail.example>
--returned--
"""


class SimulatedMailbox:
    """E-mails of the simulated provider whose fate it is to come back."""

    provider = NAME

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @contextmanager
    def opened(self) -> Iterator[Box]:
        yield self

    def unread(self, most: int, *, at: datetime) -> Iterator[Letter]:
        rows = SimulatedMessage.objects.filter(fate=_FATE, due__lte=at).order_by("due", "id")[:most]
        for row in rows:
            yield Letter(f"{row.id} {row.told}", self._written(row))

    def put_away(self, number: str, *, understood: bool) -> None:
        row, _, told = number.partition(" ")
        count = int(told) + 1
        found = SimulatedMessage.objects.filter(id=int(row), told=int(told)).first()
        if found is not None:
            found.told, found.due = count, found.due + _NEXT if found.due and count < len(REPORTS[_FATE]) else None
            found.save(update_fields=["told", "due"])

    def _written(self, row: SimulatedMessage) -> bytes:
        state = REPORTS[_FATE][row.told]
        status, words = _WORDS[state]
        told = {"state": state, "status": status, "words": words, "to": unseal(row.to)}
        token = mail_token(row.key, self._secret)
        return _MAIL.format(date=format_datetime(row.due or row.at), token=token, **told).replace("\n", "\r\n").encode()
