"""Filing: each finding under a person and, where there is one, a case; of all versions of a finding one is in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock
from epipolis.engines.messages import Patient
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people import queries as people_queries

from .locks import hold
from .matching import Whose, person_of
from .reading import Told, reported_at, sampled_at
from .reasons import FACTS, ORDER, OTHER_PERSON, Reason, UnclearError, told

State = LabMessage.State
_RANK = {"preliminary": 0, "final": 1, "corrected": 2, "withdrawn": 2}
_NO_ANSWER = str(LabResult.Result.PENDING)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person decided who looked at a message: whose it is, and whether it makes a case whatever the answer."""

    person: UUID | None = None
    makes_case: bool = False


@dataclass(frozen=True, slots=True)
class Filed:
    """One finding that is filed, and the state that it means for its message."""

    result: LabResult
    end: str
    reason: Reason


def file_all(
    message: LabMessage, found: Sequence[Told], *, by: audit.Actor, at: datetime, chosen: Chosen | None = None
) -> list[Filed]:
    """File every finding of a message; findings are locked in one order, so that two messages never wait in a circle."""
    people: dict[Patient, Whose] = {}
    for one in found:
        patient = one.report.patient
        if patient not in people:
            own = chosen.person if chosen else None
            asked = chosen is not None
            people[patient] = Whose(own) if own else person_of(patient, message, by=by, at=at, is_chosen=asked)
    source, refs = source_of(message), sorted({one.ref for one in found})
    hold(*(f"laboratory result {source} {ref}" for ref in refs))
    known: dict[str, list[LabResult]] = {ref: [] for ref in refs}
    for row in LabResult.objects.filter(source=source, ref__in=refs).order_by("id"):
        known[row.ref].append(row)
    filed = []
    for one in sorted(found, key=lambda one: one.ref):
        patient = one.report.patient
        filed.append(_file(message, one, people[patient], known[one.ref], by=by, at=at, chosen=chosen))
        known[one.ref] = [*(row for row in known[one.ref] if row.id != filed[-1].result.id), filed[-1].result]
        people[patient] = Whose(people[patient].person)  # the next finding may belong to the case that this one made
    return filed


def source_of(message: LabMessage) -> str:
    """Who gives findings their numbers: the laboratory, or the sender where none is registered."""
    return (message.laboratory.code if message.laboratory else message.sender)[:100]


def _file(
    message: LabMessage,
    one: Told,
    whose: Whose,
    known: Sequence[LabResult],
    *,
    by: audit.Actor,
    at: datetime,
    chosen: Chosen | None,
) -> Filed:
    person = whose.person
    former = [row for row in known if row.taken_back is None and row.message_id != message.id]
    if chosen is None and former:
        _check_former(one, person, former)
    result = _draft(message, one, person, source_of(message), at)
    result.id = next((row.id for row in known if row.message_id == message.id), None)  # filed before, and taken back
    winner = max([*former, result], key=_place)
    result.is_in_force = winner is result
    reason: Reason = []
    if winner is result:
        end = _file_case(result, one, whose, known, former, by=by, at=at, chosen=chosen)
        result.supersedes = next((row for row in former if row.is_in_force), None)
        if result.supersedes is not None:
            LabResult.objects.filter(id=result.supersedes.id).update(is_in_force=False)
    else:
        reason = told(gettext_noop("It came after its correction, which stays in force."))
        result.case_id, result.test_ref = winner.case_id, winner.test_ref
        end = str(State.EXISTING_CASE if winner.case_id else State.PERSON)
    result.save(force_insert=result.id is None, force_update=result.id is not None)
    audit.record("labs.file", by=by, at=at, subject=message.id, person=person, state=end, found=str(result.case_id or ""))
    return Filed(result, end, reason)


def _draft(message: LabMessage, one: Told, person: UUID, source: str, at: datetime) -> LabResult:
    finding = one.finding
    return LabResult(
        message=message,
        ref=one.ref,
        source=source,
        person_id=person,
        code=finding.code[:100],
        system=finding.system[:100],
        text=finding.text[:200],
        kind=one.kind,
        disease=one.disease[:40],
        result=finding.result or _NO_ANSWER,
        value=finding.value[:100],
        status=finding.status,
        specimen=one.report.specimen.kind[:100],
        sampled_at=sampled_at(one),
        reported_at=reported_at(one),
        received=message.received,
        known_at=at,
        device=finding.device[:100],
        lot=finding.lot[:60],
        simulated=message.simulated,
    )


def _place(result: LabResult) -> tuple[int, datetime, float]:
    """Which of two versions counts: a correction after what it corrects, then by the laboratory's time, then who is new."""
    return _RANK[result.status], result.reported_at or result.received, result.known_at.timestamp()


def _check_former(one: Told, person: UUID, former: Sequence[LabResult]) -> None:
    """What a person must decide: a version that names somebody else, a plain final dated after a correction."""
    holders = people_queries.holding({person, *(row.person_id for row in former)})
    if any(holders[row.person_id] != holders[person] for row in former):
        text = gettext_noop("An earlier message about the same result %(number)s names another person.")
        raise UnclearError(OTHER_PERSON, text, number=one.ref)
    if one.finding.status != "final" or one.report.sent_at is None:
        return
    answer = one.finding.result
    ruling = [row for row in former if row.status == "withdrawn" or (row.status == "corrected" and row.result != answer)]
    reported = reported_at(one)
    if reported and any(row.reported_at < reported for row in ruling if row.reported_at):
        text = gettext_noop("A final result %(number)s is dated after its correction and says something else.")
        raise UnclearError(ORDER, text, number=one.ref)


def _file_case(
    result: LabResult,
    one: Told,
    whose: Whose,
    known: Sequence[LabResult],
    former: Sequence[LabResult],
    *,
    by: audit.Actor,
    at: datetime,
    chosen: Chosen | None,
) -> str:
    """Note the test with its case: the one that an earlier version has, an open one, or a new one for a positive answer."""
    end = str(State.EXISTING_CASE)
    last = next((row for row in reversed(former) if row.case_id), None)
    if last is not None and last.case_id is not None and _is_same_person(last.case_id, result.person_id):
        result.case_id, result.test_ref = last.case_id, last.test_ref
    else:
        if last is not None:
            withdraw_test(last, by=by, at=at)  # a person said that it is somebody else's
        result.case_id, end = _case_of(result, one, whose, by=by, at=at, chosen=chosen)
        if result.case_id is None:
            return str(State.PERSON)
        result.test_ref = fresh_ref(result) if any(row.test_ref for row in known) else result.ref
    note(result, by=by, at=at, resulted=_latest([*former, result]))
    return end


def fresh_ref(result: LabResult) -> str:
    """A number under which no case has heard of this finding: under the laboratory's own a test was withdrawn."""
    return f"{result.ref} {result.message_id}.{result.message.handlings.count()}"


def _is_same_person(case_id: UUID, person: UUID) -> bool:
    case = case_queries.cases_by_id([case_id]).get(case_id)
    return case is not None and case.person_id in people_queries.same_person(person)


def _case_of(
    result: LabResult, one: Told, whose: Whose, *, by: audit.Actor, at: datetime, chosen: Chosen | None
) -> tuple[UUID | None, str]:
    day = _day(result)
    is_new = (result.result == "positive" and result.status != "withdrawn") or bool(chosen and chosen.makes_case)
    if not is_new:
        known = None if whose.is_alone else case_queries.open_episode(result.person_id, result.disease, day)
        return (known.id if known else None), str(State.EXISTING_CASE)
    try:
        case, band = cases.find_or_report_case(
            result.person_id,
            result.disease,
            day,
            _facts(result, one, at),
            source=f"lab {result.source}"[:100],
            by=by,
            at=at,
            simulated=result.simulated,
        )
    except cases.FactsError as error:
        raise _impossible(error) from error
    return case.id, str(State.NEW_CASE if band == "new" else State.EXISTING_CASE)


def _facts(result: LabResult, one: Told, at: datetime) -> dict[str, object]:
    """What a first message says about an illness; what it does not say stays unknown (R20: no onset unless it is told)."""
    patient, report = one.report.patient, one.report
    today = clock.local_day(at)
    facts: dict[str, object] = {"reported": today, "sex": patient.sex, "region": patient.city[:200]}
    if result.sampled_at:
        facts["sampled"] = clock.local_day(result.sampled_at)
    if report.onset and (onset := clock.local_day(report.onset)) <= today:
        facts["onset"] = onset
    if report.answers:
        facts["circumstances"] = dict(report.answers)
    year, month, birthday = patient.birth
    if year and 0 <= today.year - year <= 120:
        passed = (today.month, today.day) >= (month or 1, birthday or 1)
        facts["age_from"] = facts["age_to"] = max(0, today.year - year - (not passed))
        if not month:
            facts["age_from"] = max(0, today.year - year - 1)
    return facts


def note(result: LabResult, *, by: audit.Actor, at: datetime, resulted: datetime | None = None) -> None:
    """Tell the case what is in force; the case then classifies itself. Preliminary results do not confirm.

    Raises:
        UnclearError: the case cannot take it, because its times contradict each other.
    """
    try:
        _tell_case(result, status=result.status, resulted_at=resulted or result.reported_at, by=by, at=at)
    except cases.FactsError as error:
        raise _impossible(error) from error


def withdraw_test(result: LabResult, *, by: audit.Actor, at: datetime) -> None:
    """Take a test back from a case to which it no longer belongs."""
    if result.case_id is not None:
        _tell_case(result, status=str(LabResult.Status.WITHDRAWN), resulted_at=at, by=by, at=at)


def _tell_case(result: LabResult, *, status: str, resulted_at: datetime | None, by: audit.Actor, at: datetime) -> None:
    assert result.case_id is not None  # noqa: S101 -- asked before
    cases.note_test(
        result.case_id,
        source=result.source,
        source_ref=result.test_ref,
        kind=result.kind,
        result=result.result,
        status=status,
        disease=result.disease,
        specimen=result.specimen,
        sampled_at=result.sampled_at,
        resulted_at=resulted_at,
        by=by,
        at=at,
    )


def _latest(versions: Iterable[LabResult]) -> datetime | None:
    """A correction often repeats the time of what it corrects, or none; it is never older than that."""
    return max((row.reported_at for row in versions if row.reported_at), default=None)


def _impossible(error: "cases.FactsError") -> UnclearError:
    first = error.broken[0]
    text = gettext_noop("The case cannot take it: %(field)s %(rule)s.")
    return UnclearError(FACTS, text, field=first.field, rule=first.rule)


def _day(result: LabResult) -> date:
    return clock.local_day(result.sampled_at or result.reported_at or result.received)


def versions_of(result: LabResult) -> "list[LabResult]":
    """Every version of a finding, the oldest first."""
    own = Q(source=result.source, ref=result.ref)
    return list(LabResult.objects.filter(own).select_related("message").order_by("id"))
