"""The mailbox to which mail servers return what they could not deliver, read by IMAP."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from .messages import told
from .returned import LONGEST

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class MailboxError(RuntimeError):
    """The mailbox could not be read; the next round tries again."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the mailbox: its number there, and the mail as it came."""

    number: str
    raw: bytes


class Box(Protocol):
    """An open mailbox. A letter comes again until it is put away; nothing is ever erased."""

    def unread(self, most: int, *, at: datetime) -> Iterator[Letter]:
        """The oldest letters that were not put away, one after the other."""
        ...

    def put_away(self, number: str, *, understood: bool) -> None:
        """Do not show a letter again; one that was not understood is left where people see it."""
        ...


class ImapBox:
    """The folder of an IMAP server, while the line is open."""

    def __init__(self, line: imaplib.IMAP4, done: str) -> None:
        self._line, self._done = line, done

    def unread(self, most: int, *, at: datetime) -> Iterator[Letter]:
        found = self._ask("SEARCH", "UNSEEN")
        for number in b" ".join(one for one in found if isinstance(one, bytes)).split()[:most]:
            yield Letter(number.decode(), self._raw(number.decode()))

    def put_away(self, number: str, *, understood: bool) -> None:
        if not understood:
            self._ask("STORE", number, "+FLAGS", r"(\Seen \Flagged)")
            return
        self._ask("STORE", number, "+FLAGS", r"(\Seen)")
        if not self._done:
            return
        if "MOVE" in self._line.capabilities:
            self._ask("MOVE", number, _quoted(self._done))
            return
        self._ask("COPY", number, _quoted(self._done))
        self._ask("STORE", number, "+FLAGS", r"(\Deleted)")
        if "UIDPLUS" in self._line.capabilities:  # without it, whatever others have marked would go too
            self._ask("EXPUNGE", number)

    def _raw(self, number: str) -> bytes:
        found = self._ask("FETCH", number, f"(BODY.PEEK[]<0.{LONGEST}>)")
        return next((one[1] for one in found if isinstance(one, tuple)), b"")

    def _ask(self, *words: str) -> list[Any]:
        state, found = self._line.uid(*words)
        if state != "OK":
            raise MailboxError(told(f"{words[0]} {found}"))
        return found


class Mailbox:
    """A mailbox of the city on an IMAP server."""

    provider = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str,
        password: str,
        folder: str = "INBOX",
        done: str = "",
        security: str = "tls",
        seconds: float = 15,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        if security not in ("starttls", "tls") and host not in _LOOPBACK:
            raise ValueError("a mailbox needs tls or starttls, for whom the city wrote to stands in it")
        for name in (folder, done):
            if not name.isascii() or not name.isprintable():
                raise ValueError("the name of a folder of the mailbox is written in plain letters")
        self._host, self._port, self._user, self._password = host, port, user, password
        self._folder, self._done, self._security, self._seconds = folder, done, security, seconds
        self._trust = trust or ssl.create_default_context()

    @contextmanager
    def opened(self) -> Iterator[Box]:
        """The mailbox for as long as the block lasts.

        Raises:
            MailboxError: nobody answers there, the password is not accepted, or there is no such folder.
        """
        try:
            line = self._line()
            try:
                yield self._selected(line)
            finally:
                with suppress(OSError, imaplib.IMAP4.error):
                    line.logout()
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(told(f"{type(error).__name__} {error}")) from None  # its context may hold the password

    def _line(self) -> imaplib.IMAP4:
        if self._security == "tls":
            return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=self._trust, timeout=self._seconds)
        line = imaplib.IMAP4(self._host, self._port, timeout=self._seconds)
        if self._security == "starttls":
            line.starttls(self._trust)
        return line

    def _selected(self, line: imaplib.IMAP4) -> ImapBox:
        try:
            line.login(self._user, self._password)
        except imaplib.IMAP4.error:
            raise MailboxError("the mail server does not accept our password") from None
        line.capability()
        if self._done:
            line.create(_quoted(self._done))  # NO when it is there already
        state, _found = line.select(_quoted(self._folder))
        if state != "OK":
            raise MailboxError(f"there is no folder {self._folder}")
        return ImapBox(line, self._done)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
