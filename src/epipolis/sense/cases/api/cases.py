"""The line list over the API: cases as known now or then, reports, changes, whole files."""

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Header, Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Limit, LongText, Moment, ShortText, Word
from epipolis.core.idempotency import once
from epipolis.core.imports import ImportOptions
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseRevision
from epipolis.sense.cases.settings import settings
from epipolis.sense.city import queries as city
from epipolis.sense.people import services as people

router = Router(tags=["Cases"])
Cursor = Annotated[str, Field(max_length=400)]
Age = Annotated[int, Field(ge=0, le=120)]
Kind = Literal["suspected", "probable", "confirmed", "not_a_case"]
State = Literal["yes", "no", "unknown"]
Asked = Annotated[str, Field(max_length=40)]
End = Literal["", "ill", "recovered", "died"]
_TYPES = {"text/csv": ".csv", "text/tab-separated-values": ".csv", "application/x-ndjson": ".ndjson"}
_MOST = 200 * 2**20  # bytes of a file sent over the API; larger ones go through the command line


class FactsIn(Schema):
    """What is believed; a field that is not sent stays as it is, null takes it back."""

    classification: Kind | None = None
    outcome: End | None = None
    exposed_from: Day | None = None
    exposed_until: Day | None = None
    onset: Day | None = None
    sampled: Day | None = None
    reported: Day | None = None
    confirmed: Day | None = None
    hospitalised: Day | None = None
    isolated: Day | None = None
    ended: Day | None = None
    has_symptoms: bool | None = None
    age_from: Age | None = None
    age_to: Age | None = None
    sex: Literal["", "F", "M", "X"] | None = None
    district_id: BigId | None = None
    neighbourhood_id: BigId | None = None
    region: ShortText | None = None
    setting: ShortText | None = None
    infected_by: UUID | None = None
    note: LongText | None = None
    symptoms: dict[Asked, State] | None = None
    circumstances: dict[Asked, State] | None = None


class IdentifierIn(Schema):
    """A number by which an office knows the person."""

    kind: Annotated[Word, Field(max_length=60)]
    value: Word


class ReportIn(FactsIn):
    """A new case. The person is found by an identifier, else a new one; names are not needed."""

    source: Annotated[Word, Field(max_length=60)]
    source_key: Annotated[ShortText, Field(max_length=100)] = ""
    disease: Annotated[Word, Field(max_length=40)] = settings.disease
    identifiers: Annotated[list[IdentifierIn], Field(max_length=10)] = []
    simulated: bool = False


class ConfirmIn(Schema):
    sampled: Day | None = None


class CaseOut(Schema):
    id: UUID
    person: UUID
    disease: str
    source: str
    source_key: str
    simulated: bool
    known_at: datetime
    revised_at: datetime
    revision: int
    classification: str
    outcome: str
    exposed_from: date | None
    exposed_until: date | None
    onset: date | None
    sampled: date | None
    reported: date | None
    confirmed: date | None
    hospitalised: date | None
    isolated: date | None
    ended: date | None
    has_symptoms: bool | None
    age_from: int | None
    age_to: int | None
    sex: str
    district_id: int | None
    neighbourhood_id: int | None
    region: str
    setting: str
    infected_by: UUID | None
    note: str
    symptoms: dict[str, str]
    circumstances: dict[str, str]
    classified: str
    classified_why: str
    same_as: UUID | None
    owner: str


class CasePage(Schema):
    items: list[CaseOut]
    next: str | None


class RevisionOut(CaseOut):
    superseded_at: datetime | None
    changed: list[str]
    by: str
    origin: str


class ProblemRow(Schema):
    row: int
    field: str
    rule: str
    value: str


class ImportOut(Schema):
    accepted: int
    rejected: int
    created: int
    changed: int
    unchanged: int
    warnings: int
    dry_run: bool
    mapping: dict[str, str]
    problems: list[ProblemRow]


@router.get("", response=CasePage, auth=Needs("cases.view"))
def list_cases(
    request: HttpRequest,
    cursor: Cursor = "",
    limit: Limit = 100,
    as_known_at: Moment | None = None,
    since: Day | None = None,
    until: Day | None = None,
    district: BigId | None = None,
    classification: Kind | None = None,
    outcome: End | None = None,
    disease: ShortText = "",
    classified: Literal["automatic", "manual", "source"] | None = None,
    symptom: ShortText = "",
    conflict: bool = False,
    duplicates: bool = False,
    q: ShortText = "",
):
    """The line list, in the order in which cases became known; with `as_known_at` as it was believed at that moment."""
    filters: dict[str, Any] = {"since": since, "until": until, "district": district, "classification": classification}
    filters |= {"classified": classified, "symptom": symptom, "conflict": conflict, "duplicates": duplicates}
    found = queries.line_list(as_known_at, outcome=outcome, disease=disease, text=q, **filters)
    page = page_of(found, cursor, limit)
    return {"items": [_out(row) for row in page["items"]], "next": page["next"]}


@router.get("/{uuid:case_id}", response=CaseOut, auth=Needs("cases.view"))
def get_case(request: HttpRequest, response: HttpResponse, case_id: UUID, as_known_at: Moment | None = None):
    """One case; `ETag` carries its revision."""
    found = (
        queries.facts_as_known(as_known_at, duplicates=True).filter(case=case_id).first()
        if as_known_at
        else answered_case(case_id)
    )
    if found is None:
        raise ProblemError(404, "not_found", "This case was not known then.")
    return answered(response, found)


@router.get("/{uuid:case_id}/history", response=list[RevisionOut], auth=Needs("cases.view"))
def get_history(request: HttpRequest, case_id: UUID):
    """Everything that was believed about a case, newest first."""
    answered_case(case_id)
    rows = queries.revisions(case_id).select_related("case")
    return [_out(r) | {n: getattr(r, n) for n in ("superseded_at", "changed", "by", "origin")} for r in rows]


@router.post("", response={201: CaseOut}, auth=Needs("cases.report"))
@once
def report(request: HttpRequest, data: ReportIn, response: HttpResponse):
    """Report a case. A number that this source has reported before is refused with 409."""
    by, at = request.auth, clock.now()
    told = data.dict(exclude_unset=True)
    facts = _facts({name: value for name, value in told.items() if name in FactsIn.model_fields})
    numbers = [(one.kind, one.value) for one in data.identifiers] or [(data.source, data.source_key)]
    try:
        with transaction.atomic():
            numbers = [] if numbers == [(data.source, "")] else numbers
            person, _ = people.find_or_make_person(numbers, by=by, at=at, sex=facts.get("sex", ""), simulated=data.simulated)
            names = {"disease": data.disease, "source": data.source, "source_key": data.source_key}
            made = services.report_case(person.id, facts, **names, by=by, at=at, simulated=data.simulated)
    except services.AlreadyReportedError as error:
        raise ProblemError(409, "known", f"This source has reported this number before, as case {error.case}.") from error
    except services.FactsError as error:
        raise broken_facts(error) from error
    except people.PersonError as error:
        raise ProblemError(422, "invalid", "The person breaks a rule.", [{"field": error.field, "rule": error.rule}]) from error
    return Status(201, answered(response, made))


@router.patch("/{uuid:case_id}", response=CaseOut, auth=Needs("cases.revise"))
def revise(
    request: HttpRequest,
    response: HttpResponse,
    case_id: UUID,
    data: FactsIn,
    if_match: Annotated[str, Header(max_length=40)] = "",
):
    """Change what is believed. `If-Match` must carry the revision that was read: 428 without it, 412 when it is old."""
    expected = read_revision(if_match)
    try:
        facts = _facts(data.dict(exclude_unset=True))
        return answered(response, services.revise_case(case_id, facts, by=request.auth, at=clock.now(), expected=expected))
    except Case.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such case.") from error
    except services.StaleRevisionError as error:
        raise ProblemError(412, "stale", f"The case is at revision {error.case.revision} now; read it again.") from error
    except services.FactsError as error:
        raise broken_facts(error) from error


@router.post("/{uuid:case_id}/confirm", response=CaseOut, auth=Needs("cases.confirm"))
def confirm(request: HttpRequest, response: HttpResponse, case_id: UUID, data: ConfirmIn | None = None):
    """Confirm a case; twice changes nothing."""
    try:
        sampled = data.sampled if data else None
        return answered(response, services.confirm_case(case_id, by=request.auth, at=clock.now(), sampled=sampled))
    except Case.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such case.") from error
    except services.FactsError as error:
        raise broken_facts(error) from error


@router.post(
    "/import",
    response=ImportOut,
    auth=Needs("cases.import"),
    openapi_extra={"requestBody": {"content": {kind: {"schema": {"type": "string"}} for kind in _TYPES}, "required": True}},
)
def import_file(
    request: HttpRequest,
    mapping: ShortText = "",
    source: Annotated[ShortText, Field(max_length=60)] = "",
    dry_run: bool = False,
    simulated: bool = False,
):
    """Take a whole line list as CSV or NDJSON. Every row with a problem is named; the same file again changes nothing."""
    ending = _TYPES.get((request.content_type or "").lower())
    if ending is None:
        raise ProblemError(415, "kind", f"Send one of {', '.join(_TYPES)}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{source or 'api'}{ending}".replace("/", "_")
        _save(request, path)
        options = ImportOptions(
            by=request.auth,
            at=clock.now(),
            mapping=mapping or None,
            dry_run=dry_run,
            simulated=simulated,
            source=source or "api",
        )
        try:
            return services.import_cases(path, options).to_json()
        except ValueError as error:
            raise ProblemError(422, "unreadable", str(error)) from error


def _save(request: HttpRequest, path: Path) -> None:
    size = 0
    with path.open("wb") as out:
        while block := request.read(1 << 20):
            size += len(block)
            if size > _MOST:
                raise ProblemError(413, "too_large", f"At most {_MOST} bytes over the API.")
            out.write(block)


def read_revision(if_match: str) -> int:
    text = if_match.removeprefix("W/").strip('"')
    if not text:
        raise ProblemError(428, "if_match", "Send If-Match with the revision that you read.")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ProblemError(412, "stale", "If-Match carries no revision.")
    return int(text)


def _facts(told: dict[str, Any]) -> dict[str, Any]:
    """Facts as the service takes them: null empties a text, and an area must exist."""
    facts = dict(told)
    for name in ("outcome", "sex", "region", "setting", "note"):
        if name in facts:
            facts[name] = facts[name] or ""
    for name in ("symptoms", "circumstances"):
        if name in facts:
            facts[name] = facts[name] or {}
    if facts.get("classification", "") is None:
        del facts["classification"]
    for name, areas in (("district_id", city.districts), ("neighbourhood_id", city.neighbourhoods)):
        if facts.get(name) is not None and not areas().filter(id=facts[name]).exists():
            raise ProblemError(422, "invalid", "There is no such area.", [{"field": name, "rule": "is unknown"}])
    return facts


def broken_facts(error: services.FactsError) -> ProblemError:
    errors = [{"field": one.field, "rule": one.rule} for one in error.broken]
    return ProblemError(422, "impossible", "These facts cannot be true together; nothing was stored.", errors)


def answered_case(case_id: UUID) -> Case:
    try:
        return queries.case(case_id)
    except Case.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such case.") from error


def answered(response: HttpResponse, row: Case | CaseRevision) -> dict[str, Any]:
    response["ETag"] = f'"{row.revision}"'
    return _out(row)


def _out(row: Case | CaseRevision) -> dict[str, Any]:
    case = row.case if isinstance(row, CaseRevision) else row
    revised = row.known_at if isinstance(row, CaseRevision) else row.revised_at
    same = {"id": case.id, "person": case.person_id, "known_at": case.known_at, "revised_at": revised, "revision": row.revision}
    same |= {name: getattr(case, name) for name in ("disease", "source", "source_key", "simulated", "owner")}
    return same | services.believed(row)
