"""Requests to other systems: one connection, kept open for the next request, and one kind of failure."""

import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoAnswerError(Exception):
    """The other side did not answer. `sent`: it may have got the request all the same."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: HTTPMessage


def is_private(address: SplitResult) -> bool:
    """Whether what goes there is read by nobody on the way: it is encrypted, or stays on this machine."""
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)


class Line:
    """A connection to one address, opened when it is needed; not for two threads at once."""

    def __init__(self, address: str, *, seconds: float, most: int = 1_048_576) -> None:
        self._parts, self._seconds, self._most = urlsplit(address), seconds, most
        self._connection: HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """What the other side answers, whatever its status.

        Raises:
            NoAnswerError: it cannot be reached, hung up, or took too long.
        """
        own = self._open()
        try:
            own.request(method, path, body or None, dict(headers or {}))
            answer = own.getresponse()
            found = Answer(answer.status, answer.read(self._most), answer.headers)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise NoAnswerError(_words(error), sent=True) from error
        if answer.will_close or not answer.isclosed():
            self.close()
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> HTTPConnection:
        if self._connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                found: HTTPConnection = HTTPSConnection(host, port, timeout=self._seconds, context=ssl.create_default_context())
            else:
                found = HTTPConnection(host, port, timeout=self._seconds)
            try:
                found.connect()
            except (OSError, HTTPException, ValueError) as error:
                raise NoAnswerError(_words(error), sent=False) from error
            self._connection = found
        return self._connection


def exchange(
    address: str, path: str, body: bytes, headers: Mapping[str, str], *, seconds: float, most: int = 1_048_576
) -> Answer:
    """One POST over a connection of its own.

    Raises:
        NoAnswerError: the other side cannot be reached, hung up, or took too long.
    """
    with closing(Line(address, seconds=seconds, most=most)) as line:
        return line.ask("POST", path, body, headers)


def _words(error: Exception) -> str:
    return f"No connection: {type(error).__name__} {error}"[:300]
