"""HL7 over a socket: the frames of MLLP (HL7 v2 transport specification, release 1), read as their bytes arrive."""

import re
from dataclasses import dataclass

START, END = b"\x0b", b"\x1c\r"
MOST_FRAME = 4 * 2**20
_KEPT = 4096
_END = re.compile(rb"\x1c(?:\r|(?=\x0b))")  # a sender that forgets the carriage return is understood at its next frame
_AGAIN = re.compile(rb"\x0b(?=MSH|FHS|BHS)")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame without its start and end; with a `fault` only its first bytes, enough to tell whose it was.

    Faults: "too large", "truncated" (the next one began, or the connection ended, before its end), "empty", "outside a frame".
    """

    raw: bytes
    fault: str = ""


class Frames:
    """The decoder of one connection; it never holds more than one frame of `most` bytes."""

    __slots__ = ("_held", "_inside", "_seen", "_skipping", "most")

    def __init__(self, most: int = MOST_FRAME) -> None:
        self.most = most
        self._held = bytearray()
        self._inside = self._skipping = False
        self._seen = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes end, in the order in which they were sent; the rest waits for more."""
        made: list[Frame] = []
        self._held += data
        while self._step(made):
            pass
        return made

    def close(self) -> list[Frame]:
        """What is left when the connection ends: nothing, or one truncated frame."""
        made: list[Frame] = []
        if self._inside and not self._skipping:
            made.append(Frame(bytes(self._held[:_KEPT]), "truncated"))
        elif not self._inside:
            self._outside(made, len(self._held))
        self._held.clear()
        self._inside = self._skipping = False
        self._seen = 0
        return made

    def _step(self, made: list[Frame]) -> bool:
        if not self._inside:
            start = self._held.find(START)
            self._outside(made, len(self._held) if start < 0 else start)
            if start < 0:
                return False
            del self._held[:1]
            self._inside, self._seen = True, 0
        end = _END.search(self._held, self._seen)
        if end is None:
            return self._wait(made)
        if not self._skipping:
            self._take(made, bytes(self._held[: end.start()]))
        del self._held[: end.end()]
        self._inside = self._skipping = False
        return True

    def _wait(self, made: list[Frame]) -> bool:
        """No end yet: remember how far was looked, and let go of what is too much."""
        if len(self._held) > self.most or self._skipping:
            if not self._skipping:
                made.append(Frame(bytes(self._held[:_KEPT]), "too large"))
            self._skipping = True
            del self._held[: max(0, len(self._held) - 1)]
        self._seen = max(0, len(self._held) - 1)
        return False

    def _take(self, made: list[Frame], content: bytes) -> None:
        *broken, last = _AGAIN.split(content)
        made.extend(Frame(part[:_KEPT], "truncated") for part in broken)
        if len(last) > self.most:
            made.append(Frame(last[:_KEPT], "too large"))
        else:
            made.append(Frame(last, "" if last.strip() else "empty"))

    def _outside(self, made: list[Frame], count: int) -> None:
        garbage = bytes(self._held[:count][:_KEPT])
        if garbage.strip(b"\r\n\0 \t"):
            made.append(Frame(garbage, "outside a frame"))
        del self._held[:count]


def frame(raw: bytes) -> bytes:
    """A message as MLLP sends it."""
    return START + raw + END
