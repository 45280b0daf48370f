"""HL7 v2 in its parts: messages of a batch, segments, fields, repetitions, components, escapes.

Own code, and no library: python-hl7 0.4.5 builds every component of every field and takes two to eight times as long for that
alone as all the reading here takes (benchmarks/messages.py), fails with IndexError on a bare MSH, and refuses a message whose
MSH does not come first. What a field holds is the same here as there; the tests hold the two against each other.
"""

import re
from collections.abc import Iterator
from itertools import islice

from epipolis.engines.messages.reports import Header, MessageError

MOST_BYTES = 8 * 2**20
MOST_SEGMENTS = 50_000
MOST_MESSAGES = 10_000
_MOST_PARTS = 500  # fields of a segment, repetitions of a field: more are left in the last one
_BREAK = re.compile("\r\n|\r|\n")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_START = re.compile(r"(?:^|(?<=[\r\n]))MSH(?=[^\r\n A-Za-z0-9])")


class Separators:
    """The separators of one message: field, component, repetition, escape, subcomponent."""

    __slots__ = ("_escaped", "_plain", "component", "escape", "field", "repetition", "sub")

    def __init__(self, head: str) -> None:
        if len(head) < 4:
            raise MessageError("MSH-1", "no field separator", head)
        self.field = head[3]
        after = head[4:].split(self.field, 1)[0]
        if not after:
            raise MessageError("MSH-2", "no component separator", head)
        if len({self.field, *after}) != len(after) + 1:
            raise MessageError("MSH-2", "the same sign separates two things", self.field + after)
        usual = ("~", "\\", "&")[len(after) - 1 :]  # a short MSH-2 means the rest as usual
        self.component, self.repetition, self.escape, self.sub, *_ = (*after, *usual)
        self._plain = {"F": self.field, "S": self.component, "R": self.repetition, "E": self.escape, "T": self.sub}
        sign = re.escape(self.escape)
        self._escaped = re.compile(f"{sign}([^{sign}]{{0,200}}){sign}") if self.escape else None

    def unescape(self, text: str) -> str:
        """The text that was meant; an escape that is none stays as it stands."""
        if not self.escape or self.escape not in text or self._escaped is None:
            return text
        return self._escaped.sub(self._meant, text)

    def _meant(self, found: re.Match[str]) -> str:
        code = found[1]
        if code in self._plain:
            return self._plain[code]
        if code in ("H", "N") or code[:1] in ("C", "M", "Z"):  # highlighting, other character sets, own signs
            return "" if code in ("H", "N") else found[0]
        if code[:1] == ".":
            return "\n" if code[:3] in (".br", ".sp", ".ce") else ""
        if code[:1] == "X":
            try:
                return bytes.fromhex(code[1:]).decode("utf-8", errors="replace").replace("\0", "")
            except ValueError:
                return found[0]
        return found[0]

    def escaped(self, text: str) -> str:
        """Text as a component of this message may hold it; line ends become escapes."""
        text = _CONTROL.sub("", text)
        if not self.escape:
            return text
        if text == '""':  # bare, it would say that the field is to be emptied
            return f"{self.escape}X2222{self.escape}"
        out = text.replace(self.escape, f"{self.escape}E{self.escape}")
        for code in "FSRT":
            if sign := self._plain[code]:
                out = out.replace(sign, f"{self.escape}{code}{self.escape}")
        return re.sub("\r\n|\r|\n", lambda _: f"{self.escape}.br{self.escape}", out)


class Segment:
    """One line of a message; fields are numbered as in HL7, and what is not there is ""."""

    __slots__ = ("_fields", "name", "separators", "where")

    def __init__(self, name: str, fields: list[str], marks: Separators, where: str) -> None:
        self.name, self._fields, self.separators, self.where = name, fields, marks, where

    def raw(self, number: int) -> str:
        """A field with its repetitions, components and escapes as sent."""
        found = self._fields[number] if number < len(self._fields) else ""
        return "" if found == '""' else found

    def repetitions(self, number: int) -> list[str]:
        """What a field says again and again; none for an empty field."""
        field = self.raw(number)
        if not field:
            return []
        return field.split(self.separators.repetition, _MOST_PARTS) if self.separators.repetition else [field]

    def text(self, number: int, component: int = 1) -> str:
        """One component of the first repetition (its first subcomponent if it has such), without escapes and edges."""
        if number >= len(self._fields) or not (field := self._fields[number]):
            return ""
        return self.part(field, component)

    def part(self, repetition: str, component: int = 1, sub: int = 1) -> str:
        """A component of one repetition of a field."""
        marks = self.separators
        if marks.repetition and marks.repetition in repetition:
            repetition = repetition.split(marks.repetition, 1)[0]
        if component > 1 or marks.component in repetition:
            parts = repetition.split(marks.component, component)
            if len(parts) < component:
                return ""
            repetition = parts[component - 1]
        if marks.sub and (sub > 1 or marks.sub in repetition):
            pieces = repetition.split(marks.sub)
            repetition = pieces[sub - 1] if len(pieces) >= sub else ""
        return "" if repetition == '""' else marks.unescape(repetition).strip()

    def whole(self, number: int) -> str:
        """A field as text for people: every repetition on its line, components with blanks between."""
        marks = self.separators
        lines = []
        for one in self.repetitions(number):
            parts = [marks.unescape(part).strip() for part in one.split(marks.component, _MOST_PARTS)]
            lines.append(" ".join(part for part in parts if part))
        return "\n".join(lines)

    def at(self, number: int, component: int = 0) -> str:
        """Where a field is, as an error names it: OBX[2]-5.1."""
        return f"{self.where}-{number}" + (f".{component}" if component else "")


def split_batch(text: str) -> list[str]:
    """The messages of a text: one as a rule, several of a batch file (FHS and BHS segments around them are passed over).

    Raises:
        MessageError: no segment MSH begins any line, or there are more than MOST_MESSAGES.
    """
    text = text.replace("\0", "").lstrip("\ufeff\x0b \t\r\n")
    starts = [found.start() for found in islice(_START.finditer(text), MOST_MESSAGES + 1)]
    if len(starts) > MOST_MESSAGES:
        raise MessageError("message", f"holds more than {MOST_MESSAGES} messages")
    if not starts:
        raise MessageError("MSH", "no segment MSH begins the message", text[:40])
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def segments_of(message: str) -> list[Segment]:
    """The segments of one message, MSH first.

    Lines that begin with no segment's name are read as the rest of the field before them: senders break long texts so.

    Raises:
        MessageError: MSH names no separators, or there are more than MOST_SEGMENTS.
    """
    marks = Separators(message[: message.find("\r")] if "\r" in message[:64] else message[:64].split("\n", 1)[0])
    made: list[Segment] = []
    counts: dict[str, int] = {}
    for line in _lines(message, marks.field):
        if len(made) >= MOST_SEGMENTS:
            raise MessageError("message", f"has more than {MOST_SEGMENTS} segments")
        name = line[:3]
        if name in ("BTS", "FTS", "FHS", "BHS"):
            continue
        counts[name] = count = counts.get(name, 0) + 1
        fields = line.split(marks.field, _MOST_PARTS)
        if name == "MSH":  # its first field is the separator itself
            fields.insert(1, marks.field)
        made.append(Segment(name, fields, marks, name if name in ("MSH", "PID") else f"{name}[{count}]"))
    return made


def _lines(message: str, field: str) -> Iterator[str]:
    held: list[str] = []
    for line in _BREAK.split(message):
        bare = line.strip("\x0b\x1c\x00")
        if _NAME.match(bare) and (bare[3:4] in ("", field)):
            if held:
                yield "\n".join(held)
            held = [bare]
        elif bare.strip() and held:
            held.append(bare)
    if held:
        yield "\n".join(held)


def header_of(head: Segment) -> Header:
    """What a segment MSH says."""
    kind = [head.text(9, component) for component in (1, 2)]
    return Header(
        message_id=head.text(10),
        sender=head.text(3),
        facility=head.text(4),
        receiver=head.text(5),
        kind="^".join(part for part in kind if part),
        processing=head.text(11),
        version=head.text(12),
        charset=head.text(18),
        sent=head.text(7),
    )
