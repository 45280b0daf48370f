"""One OBX of an order: a finding, or an answer to what was asked with the order."""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from epipolis.engines.messages.codes import Code, Tests, answer_of, system_of
from epipolis.engines.messages.reports import Finding, Mark
from epipolis.engines.messages.segments import Segment
from epipolis.engines.messages.times import hl7_time

# HL7 table 0085 → status, and the result that it says by itself.
STATUSES = {
    "F": ("final", ""),
    "V": ("final", ""),
    "U": ("final", ""),
    "X": ("final", "unsatisfactory"),
    "C": ("corrected", ""),
    "A": ("corrected", ""),
    "B": ("corrected", ""),
    "D": ("withdrawn", ""),
    "W": ("withdrawn", ""),
    "P": ("preliminary", ""),
    "R": ("preliminary", ""),
    "S": ("preliminary", ""),
    "I": ("preliminary", "pending"),
}
# HL7 table 0123: of the whole order; it holds for results that do not say their own.
REPORT_STATUSES = {
    "F": ("final", ""),
    "C": ("corrected", ""),
    "X": ("withdrawn", ""),
    "Y": ("withdrawn", ""),
    "Z": ("withdrawn", ""),
    **dict.fromkeys(("O", "I", "S"), ("preliminary", "pending")),
    **dict.fromkeys(("A", "P", "R", "M", "N"), ("preliminary", "")),
}
_QUESTIONS = ("QST", "SCI", "ASC", "RQR")  # HL7 table 0936: a "positive" there is not one of this order
_UNSAID = ("N", "O")  # not asked, and details of the order: nothing was found or not found


@dataclass(slots=True)
class Answers:
    """What the laboratory was told with the order: the person's facts, the test kit, the kind of specimen."""

    told: dict[str, str] = field(default_factory=dict)
    onset: datetime | None = None
    days_only: tuple[str, ...] = ()
    device: str = ""
    lot: str = ""
    specimen: tuple[str, str, str] = ("", "", "")
    questions: list[tuple[str, str]] = field(default_factory=list)

    def take(self, obx: Segment, zone: tzinfo, tests: Tests) -> bool:
        """Whether this OBX is such an answer; if so it is remembered."""
        code = (system_of(obx.text(3, 3)), obx.text(3))
        value = obx.text(5, 2) or obx.text(5, 1)
        if name := tests.answers.get(code):
            if said := answer_of(obx.text(5, 1), obx.text(5, 2)):
                self.told[name] = said
        elif code in tests.onsets:
            day, only = hl7_time(obx.text(5), zone)
            if day is not None:
                self.onset, self.days_only = day, ("onset",) if only else ()
        elif code in tests.devices:
            self.device = self.device or value
        elif code in tests.specimens:
            self.specimen = (obx.text(5, 1), value, obx.text(5, 3))
        elif obx.text(29).upper() in _QUESTIONS or obx.text(11).upper() in _UNSAID:
            self.questions.append((obx.text(3, 2) or obx.text(3), obx.whole(5)))
        else:
            return False
        return True


def codes_of(segment: Segment, number: int) -> list[Code]:
    """The codes of a coded field: the first, then the other that says the same."""
    pairs = ((segment.text(number, 3), segment.text(number, 1)), (segment.text(number, 6), segment.text(number, 4)))
    return [(system_of(system), code) for system, code in pairs if code]


def finding_of(
    obx: Segment,
    notes: list[Segment],
    obr: Segment,
    zone: tzinfo,
    tests: Tests,
    asked: tuple[str, str],
    marks: list[Mark],
) -> Finding:
    """What one OBX says. Its test is the one of OBX-3; one that the table does not know has `asked`."""
    codes = codes_of(obx, 3)
    disease, kind = tests.test(codes)
    if not kind:
        disease, kind = asked
    values = codes_of(obx, 5)
    known = any(one in tests.results or one in tests.organisms for one in values)
    value, value_code, value_system = _value(obx, is_coded=known)
    letter = obx.text(11).upper()
    status, says = STATUSES.get(letter) or REPORT_STATUSES.get(obr.text(25).upper(), ("preliminary", ""))
    if letter not in STATUSES and (letter or not obr.text(25)):
        rule = "is no result status of HL7 table 0085" if letter else "no result status: it is taken as preliminary"
        marks.append(Mark(obx.at(11), rule, letter))
    result, named = tests.result(values, value, obx.text(8))
    if named and not (disease and kind == "pcr" and named != disease):
        disease = disease or named
    code = codes[0][1] if codes else ""
    observed_at, only = hl7_time(obx.text(14) or obr.text(7), zone)
    resulted_at, _ = hl7_time(obx.text(19), zone)
    if obx.text(14) and observed_at is None:
        marks.append(Mark(obx.at(14), "is no time", obx.text(14)))
    return Finding(
        ref=f"{code or obx.text(3, 2) or 'result'}{':' + sub if (sub := obx.text(4)) else ''}",
        code=code,
        system=codes[0][0] if codes else "",
        text=obx.text(3, 2) or obx.text(3, 9) or obx.text(3, 5),
        kind=kind,
        disease=disease,
        result=result or says,
        value=value,
        value_code=value_code,
        value_system=value_system,
        value_type=obx.text(2).upper(),
        unit=obx.text(6, 1) or obx.text(6, 2),
        range=obx.text(7),
        flag=obx.text(8),
        status=status,
        observed_at=observed_at,
        resulted_at=resulted_at,
        device=obx.text(17, 2) or obx.text(17, 9) or obx.text(17, 1) or obx.text(18),
        lot="",
        note="\n".join(note.whole(3) for note in notes if note.raw(3)),
        days_only=("observed_at",) if observed_at is not None and only else (),
    )


def _value(obx: Segment, *, is_coded: bool) -> tuple[str, str, str]:
    """The answer in words, its code and the code's system; a code that is known is one whatever OBX-2 says."""
    kind = obx.text(2).upper()
    if is_coded or kind in ("CWE", "CE", "CNE", "CF", "CWN", "CX"):
        return obx.text(5, 2) or obx.text(5, 9) or obx.text(5, 1), obx.text(5, 1), system_of(obx.text(5, 3))
    if kind == "SN":  # comparator, number, separator, number
        return "".join(obx.text(5, component) for component in (1, 2, 3, 4)), "", ""
    if kind == "ED":  # a document: its name, not its bytes
        return " ".join(part for component in (2, 3) if (part := obx.text(5, component))), "", ""
    return obx.whole(5), "", ""
