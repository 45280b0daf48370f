"""Reports as HL7 v2.5.1, ORU^R01."""

from collections.abc import Sequence

from epipolis.engines.messages.hl7_segments import field, head, pid, segment, time
from epipolis.engines.messages.reports import Finding, LabReport, Specimen

LETTERS = {"final": "F", "corrected": "C", "withdrawn": "W", "preliminary": "P"}
_ORDER_LETTERS = {"final": "F", "corrected": "C", "withdrawn": "X", "preliminary": "P"}
RESULT_CODES = {"positive": ("260373001", "Detected"), "negative": ("260415000", "Not detected")} | {
    "inconclusive": ("419984006", "Inconclusive"),
    "unsatisfactory": ("125154007", "Specimen unsatisfactory for evaluation"),
}
_SAID = {"yes": ("Y", "Yes"), "no": ("N", "No"), "unknown": ("UNK", "Unknown")}
ASKED = {
    "first_test": ("95417-2", "First test for condition of interest"),
    "health_worker": ("95418-0", "Employed in a healthcare setting"),
    "has_symptoms": ("95419-8", "Has symptoms related to condition of interest"),
    "intensive_care": ("95420-6", "Admitted to intensive care unit for condition of interest"),
    "high_risk_setting": ("95421-4", "Resides in a congregate care setting"),
    "hospitalised": ("77974-4", "Patient was hospitalized because of this condition"),
    "pregnant": ("82810-3", "Pregnancy status"),
}
ONSET = ("11368-8", "Illness or injury onset date and time")


def write_hl7(reports: LabReport | Sequence[LabReport]) -> bytes:
    """One message of the reports of one patient and one message id, in UTF-8, its segments ended by carriage returns.

    Raises:
        ValueError: there is no report, or they are of several patients or messages.
    """
    every = [reports] if isinstance(reports, LabReport) else list(reports)
    if not every:
        raise ValueError("a message needs a report")
    first = every[0]
    if any((one.patient, one.message_id) != (first.patient, first.message_id) for one in every):
        raise ValueError("the reports of a message are of one patient and have one message id")
    lines = [
        head(
            first.message_id,
            ("ORU", "R01", "ORU_R01"),
            first.sent_at,
            sender=first.sender,
            facility=first.laboratory if first.laboratory != first.sender else "",
            processing="T" if first.is_test_message else "P",
        ),
        pid(first.patient),
    ]
    for number, report in enumerate(every, start=1):
        lines.extend(order_lines(report, number))
    return ("\r".join(lines) + "\r").encode()


def order_lines(report: LabReport, number: int) -> list[str]:
    """The segments of one report: OBR, notes, OBX, SPM."""
    specimen = report.specimen
    taken = time(specimen.taken_at, day_only="taken_at" in specimen.days_only)
    has_sample = specimen != Specimen(taken_at=specimen.taken_at, days_only=specimen.days_only)
    person = field("", report.ordered_by) if report.ordered_by else ""
    lines = [
        segment(
            "OBR",
            {
                1: str(number),
                2: field(report.placer_order),
                3: field(report.order),
                4: field(report.code, report.text, report.system) or field("", report.text or "Laboratory report"),
                7: _observed(report) if has_sample else taken,
                16: person,
                22: time(report.reported_at, day_only="reported_at" in report.days_only),
                25: _ORDER_LETTERS[report.status],
            },
        )
    ]
    if report.note:
        lines.append(segment("NTE", {1: "1", 3: field(report.note)}))
    for position, finding in enumerate(report.findings, start=1):
        lines.extend(_finding_lines(finding, position, report.laboratory))
    lines.extend(_asked_lines(report, len(report.findings)))
    if has_sample:
        lines.append(_specimen_line(specimen, taken))
    return lines


def _observed(report: LabReport) -> str:
    """The time of the observations if all have the same: OBR-7 stands for those that say none."""
    times = {time(one.observed_at, day_only="observed_at" in one.days_only) for one in report.findings}
    return times.pop() if len(times) == 1 else ""


def _finding_lines(finding: Finding, position: int, laboratory: str) -> list[str]:
    sort, value = _value(finding)
    sub = finding.ref.partition(":")[2]
    letter = "X" if finding.result == "unsatisfactory" and not value else LETTERS[finding.status]
    line = segment(
        "OBX",
        {
            1: str(position),
            2: sort,
            3: field(finding.code, finding.text, finding.system),
            4: field(sub),
            5: value,
            6: field(finding.unit),
            7: field(finding.range),
            8: field(finding.flag),
            11: "I" if finding.result == "pending" and letter == "P" else letter,
            14: time(finding.observed_at, day_only="observed_at" in finding.days_only),
            17: field(finding.device),
            18: field(finding.lot),
            19: time(finding.resulted_at),
            23: field(laboratory),
        },
    )
    return [line, segment("NTE", {1: "1", 3: field(finding.note)})] if finding.note else [line]


def _value(finding: Finding) -> tuple[str, str]:
    """OBX-2 and OBX-5: the answer as it was sent, else the code of the result."""
    if finding.value_code:
        return "CWE", field(finding.value_code, finding.value, finding.value_system)
    if finding.value:
        sort = finding.value_type if finding.value_type in ("NM", "ST", "TX", "FT", "DT", "TM", "TS") else "ST"
        return sort, field(finding.value)
    if finding.result in RESULT_CODES:
        return "CWE", field(*RESULT_CODES[finding.result], "SCT")
    return finding.value_type if finding.result == "pending" else "", ""


def _asked_lines(report: LabReport, before: int) -> list[str]:
    lines = []
    if report.onset:
        day = time(report.onset, day_only="onset" in report.days_only)
        lines.append(segment("OBX", {1: str(before + 1), 2: "TS", 3: field(*ONSET, "LN"), 5: day, 11: "F"}))
    for name, said in report.answers:
        if name in ASKED and said in _SAID:
            fields = {2: "CWE", 3: field(*ASKED[name], "LN"), 5: field(*_SAID[said], "HL70136"), 11: "F"}
            lines.append(segment("OBX", {1: str(before + len(lines) + 1), **fields}))
    for question, answer in report.questions:
        fields = {2: "ST", 3: field("", question), 5: field(answer), 11: "F", 29: "QST"}
        lines.append(segment("OBX", {1: str(before + len(lines) + 1), **fields}))
    return lines


def _specimen_line(specimen: Specimen, taken: str) -> str:
    return segment(
        "SPM",
        {
            1: "1",
            2: field("", specimen.ref) if specimen.ref else "",
            4: field(specimen.code, specimen.kind, specimen.system),
            17: taken,
            18: time(specimen.received_at, day_only="received_at" in specimen.days_only),
            21: field("", specimen.rejected) if specimen.rejected else "",
        },
    )
