"""One Observation of a FHIR message: its findings, one for itself and one for each component with an answer of its own."""

from collections.abc import Iterable
from datetime import datetime, tzinfo

from epipolis.engines.messages.codes import Tests, answer_of
from epipolis.engines.messages.fhir_resources import Json, Resources, codes_in, dict_of, dicts_of, text_of, words_of
from epipolis.engines.messages.reports import Finding
from epipolis.engines.messages.times import fhir_time

FINDING = "urn:epipolis:finding"  # the system of a finding's own name within its order
# Observation.status and DiagnosticReport.status → status, and the result that it says by itself.
STATUSES = {
    "registered": ("preliminary", "pending"),
    "partial": ("preliminary", ""),
    "preliminary": ("preliminary", ""),
    "unknown": ("preliminary", ""),
    "final": ("final", ""),
    "amended": ("corrected", ""),
    "corrected": ("corrected", ""),
    "appended": ("corrected", ""),
    "cancelled": ("withdrawn", ""),
    "entered-in-error": ("withdrawn", ""),
}
_UNDONE = frozenset(["not-performed", "error", "not-a-number"])


def findings_in(told: Json, path: str, resources: Resources, zone: tzinfo, tests: Tests) -> list[Finding]:
    """The findings of one Observation."""
    made = []
    codes = codes_in(told.get("code"))
    if _has_answer(told) or not dicts_of(told.get("component")):
        made.append(_finding(told, told, path, resources, zone, tests))
    parts = dicts_of(told.get("component"))
    for part in parts:
        whole = {**told, "code": None} if len(parts) > 1 or made else told  # a control is no result of the disease
        made.append(_finding(part, whole, path, resources, zone, tests, codes[0][1] if codes else ""))
    return made


def answer_in(told: Json, zone: tzinfo, tests: Tests) -> tuple[str, str, datetime | None, bool] | None:
    """(name, said, onset, only its day) if the Observation answers what was asked with the order; None if it is a finding."""
    for code in codes_in(told.get("code")):
        if name := tests.answers.get(code):
            value = told.get("valueCodeableConcept")
            says = [code for _, code in codes_in(value)] + [words_of(value), text_of(told.get("valueBoolean"))]
            return name, answer_of(*says, text_of(told.get("valueString"))), None, False
        if code in tests.onsets:
            day = text_of(told.get("valueDateTime")) or text_of(dict_of(told.get("valuePeriod")).get("start"))
            return "", "", *fhir_time(day or text_of(told.get("valueString")), zone)
    return None


def _has_answer(told: Json) -> bool:
    return any(name.startswith("value") or name == "dataAbsentReason" for name in told)


def _finding(part: Json, told: Json, path: str, resources: Resources, zone: tzinfo, tests: Tests, within: str = "") -> Finding:
    codes = codes_in(part.get("code"))
    disease, kind = tests.test([*codes, *codes_in(told.get("code"))])
    status, says = STATUSES.get(text_of(told.get("status")), ("preliminary", ""))
    value, value_codes, unit, sort = _value(part)
    flag = next((code for one in dicts_of(part.get("interpretation")) for _, code in codes_in(one)), "")
    result, organism = tests.result(value_codes, value, flag)
    absent = {code for _, code in codes_in(part.get("dataAbsentReason"))}
    if not result and absent & _UNDONE:
        says = "unsatisfactory"
    seen = text_of(told.get("effectiveDateTime")) or text_of(dict_of(told.get("effectivePeriod")).get("start"))
    observed_at, only = fhir_time(seen or text_of(told.get("effectiveInstant")), zone)
    device, lot = _device(told, path, resources)
    code = codes[0][1] if codes else ""
    ref = code or words_of(part.get("code")) or "result"
    named = next((one for one in dicts_of(told.get("identifier")) if one.get("system") == FINDING), {})
    return Finding(
        ref=f"{within}/{ref}" if within else text_of(named.get("value")) or ref,
        code=code,
        system=codes[0][0] if codes else "",
        text=words_of(part.get("code")),
        kind=kind,
        disease=disease or organism,
        result=result or says,
        value=value,
        value_code=value_codes[0][1] if value_codes else "",
        value_system=value_codes[0][0] if value_codes else "",
        value_type=sort,
        unit=unit,
        range=_range(part),
        flag=flag,
        status=status,
        observed_at=observed_at,
        resulted_at=fhir_time(text_of(told.get("issued")), zone)[0],
        device=device,
        lot=lot,
        note="\n".join(text for one in dicts_of(told.get("note")) if (text := text_of(one.get("text")))),
        days_only=("observed_at",) if observed_at is not None and only else (),
    )


def _value(part: Json) -> tuple[str, list[tuple[str, str]], str, str]:
    """The answer in words, its codes, its unit, and its type as HL7 v2 names it."""
    if concept := dict_of(part.get("valueCodeableConcept")):
        return words_of(concept), codes_in(concept), "", "CWE"
    if quantity := dict_of(part.get("valueQuantity")):
        amount = f"{text_of(quantity.get('comparator'))}{text_of(quantity.get('value'))}"
        return amount, [], text_of(quantity.get("unit")) or text_of(quantity.get("code")), "SN" if amount[:1] in "<>" else "NM"
    if span := dict_of(part.get("valueRange")):
        low, high = dict_of(span.get("low")), dict_of(span.get("high"))
        return f"{text_of(low.get('value'))}-{text_of(high.get('value'))}", [], text_of(low.get("unit")), "SN"
    if ratio := dict_of(part.get("valueRatio")):
        above, below = dict_of(ratio.get("numerator")), dict_of(ratio.get("denominator"))
        return f"{text_of(above.get('value'))}:{text_of(below.get('value'))}", [], text_of(above.get("unit")), "SN"
    for name, sort in (("valueString", "ST"), ("valueInteger", "NM"), ("valueDateTime", "TS"), ("valueTime", "TM")):
        if told := text_of(part.get(name)):
            return told, [], "", sort
    if isinstance(part.get("valueBoolean"), bool):
        return "positive" if part["valueBoolean"] else "negative", [], "", "ST"
    return "", [], "", ""


def _range(part: Json) -> str:
    one = next(iter(dicts_of(part.get("referenceRange"))), {})
    low, high = (text_of(dict_of(one.get(name)).get("value")) for name in ("low", "high"))
    return text_of(one.get("text")) or (f"{low}-{high}" if low and high else f">{low}" if low else f"<{high}" if high else "")


def _device(told: Json, path: str, resources: Resources) -> tuple[str, str]:
    """The test kit or instrument and its lot."""
    reference = dict_of(told.get("device"))
    _, device = resources.follow(reference, path)
    names: Iterable[Json] = dicts_of(device.get("deviceName"))
    name = next((text for one in names if (text := text_of(one.get("name")))), "") or words_of(device.get("type"))
    name = name or text_of(device.get("distinctIdentifier")) or text_of(reference.get("display"))
    name = name or next((text for one in dicts_of(reference.get("identifier")) if (text := text_of(one.get("value")))), "")
    return name or words_of(told.get("method")), text_of(device.get("lotNumber"))
