"""HL7 over a socket: the frames of MLLP (HL7 v2 transport specification, release 1), read as their bytes arrive."""

import re
from dataclasses import dataclass

START, END = b"\x0b", b"\x1c\r"
MOST_FRAME = 4 * 2**20
_KEPT = 4096
# An end (a sender that forgets its carriage return is understood at the next frame), or the start of a frame within one.
_NEXT = re.compile(rb"(\x1c\r|\x1c(?=\x0b))|\x0b(?=MSH|FHS|BHS)")
_OVERLAP = 4


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
        found = _NEXT.search(self._held, self._seen)
        if found is None:
            return self._wait(made)
        if not self._skipping:
            self._take(made, bytes(self._held[: found.start()]), is_whole=found[1] is not None)
        del self._held[: found.end() if found[1] is not None else found.start()]
        self._inside = self._skipping = False
        return True

    def _wait(self, made: list[Frame]) -> bool:
        """No end yet: remember how far was looked, and let go of what is too much."""
        if len(self._held) > self.most + _OVERLAP or self._skipping:
            if not self._skipping:
                made.append(Frame(bytes(self._held[:_KEPT]), "too large"))
            self._skipping = True
            del self._held[: max(0, len(self._held) - _OVERLAP)]
        self._seen = max(0, len(self._held) - _OVERLAP)
        return False

    def _take(self, made: list[Frame], content: bytes, *, is_whole: bool) -> None:
        if len(content) > self.most:
            made.append(Frame(content[:_KEPT], "too large"))
        elif not is_whole:
            made.append(Frame(content[:_KEPT], "truncated"))
        else:
            made.append(Frame(content, "" if content.strip() else "empty"))

    def _outside(self, made: list[Frame], count: int) -> None:
        garbage = bytes(self._held[:count][:_KEPT])
        if garbage.strip(b"\r\n\0 \t"):
            made.append(Frame(garbage, "outside a frame"))
        del self._held[:count]


def frame(raw: bytes) -> bytes:
    """A message as MLLP sends it."""
    return START + raw + END
