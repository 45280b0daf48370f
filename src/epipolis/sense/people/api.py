"""People over the API: register, read one (the read is written down), search, and a citizen's own record by code."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Header, Query, Router, Schema, Status
from pydantic import Field, model_validator

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Word
from epipolis.core.idempotency import once
from epipolis.core.problems import ProblemError
from epipolis.sense.city import queries as city

from . import queries, services

router = Router(tags=["People"])
Year = Annotated[int, Field(ge=1880, le=2200)]
Month = Annotated[int, Field(ge=1, le=12)]
MonthDay = Annotated[int, Field(ge=1, le=31)]
Text = Annotated[str, Field(max_length=150, pattern="^[^\\x00]*$")]
Address = Annotated[str, Field(max_length=300, pattern="^[^\\x00]*$")]
Point = Annotated[str, Field(min_length=3, max_length=200, pattern="^[^\\x00]*$")]
Value = Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Why = Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=500)]
Language = Annotated[str, Field(max_length=10, pattern="^([a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,6})?)?$")]


class IdentifierIn(Schema):
    kind: Annotated[str, Field(min_length=1, max_length=60, pattern="^[^\\x00]*$")]
    value: Value


class PersonIn(Schema):
    """Everything may be missing; a birth date may lack any part."""

    identifiers: Annotated[list[IdentifierIn], Field(max_length=20)] = []
    given_name: Text = ""
    family_name: Text = ""
    birth_year: Year | None = None
    birth_month: Month | None = None
    birth_day: MonthDay | None = None
    sex: Literal["F", "M", "X", ""] = ""
    language: Language = ""
    neighbourhood_id: BigId | None = None
    address: Address = ""
    phones: Annotated[list[Point], Field(max_length=10)] = []
    emails: Annotated[list[Point], Field(max_length=10)] = []
    simulated: bool = False
    match: bool = True

    @model_validator(mode="before")
    @classmethod
    def is_an_object(cls, value: Any) -> Any:
        """A list or a text has no fields, and so would pass as a person of whom nothing is known."""
        if not isinstance(getattr(value, "_obj", value), dict):
            raise ValueError("must be an object")
        return value


class Registered(Schema):
    """`id` is the row to which facts belong; `holder` the one that holds for this person, where rows were merged.

    `band` says how it was found: linked, asked (`question` is open) or new.
    """

    id: UUID
    created: bool
    band: Literal["linked", "asked", "new"]
    holder: UUID
    question: int | None


class IdentifierOut(Schema):
    kind: str
    masked: str


class PersonOut(Schema):
    """A record in clear; the numbers are masked."""

    id: UUID
    given_name: str
    family_name: str
    birth_year: int | None
    birth_month: int | None
    birth_day: int | None
    sex: str
    language: str
    neighbourhood_id: int | None
    address: str
    phones: list[str]
    emails: list[str]
    identifiers: list[IdentifierOut]
    known_at: datetime
    erased: datetime | None
    simulated: bool
    merged: list[UUID]


class SearchIn(Schema):
    text: Value


class Hit(Schema):
    id: UUID
    name: str
    birth_year: int | None
    sex: str
    simulated: bool


@router.post("", response={200: Registered, 201: Registered}, auth=Needs("people.register"))
@once
def register_person(request: HttpRequest, data: PersonIn):
    """Find the person known by one of the numbers or, unless `match` is false, by all that is said; else a new one: 201."""
    fields = data.dict(exclude={"identifiers", "birth_year", "birth_month", "birth_day", "neighbourhood_id", "match"})
    numbers = [(one.kind, one.value) for one in data.identifiers]
    birth = (data.birth_year, data.birth_month, data.birth_day)
    home = _home(data.neighbourhood_id)
    try:
        row = services.PersonRow(identifiers=numbers, birth=birth, neighbourhood=home, **fields)
        found = services.match_person(row, by=request.auth, at=clock.now(), match=data.match)
    except services.PersonError as error:
        raise _refused(error) from error
    body = {"band": found.band, "holder": found.holder, "question": found.question}
    return Status(201 if found.is_new else 200, {"id": found.person, "created": found.is_new, **body})


@router.post("/search", response=list[Hit], auth=Needs("people.view_names"))
def search_people(request: HttpRequest, data: SearchIn):
    """Find people by an exact number, telephone, e-mail or whole name. A POST, so that no name stands in an address."""
    at = clock.now()
    people = queries.search(data.text, by=request.auth, at=at)
    names = queries.named([one.id for one in people], by=request.auth, at=at, why="search")
    return [
        Hit(id=one.id, name=str(names[one.id]), birth_year=one.birth_year, sex=one.sex, simulated=one.simulated)
        for one in people
    ]


@router.get("/mine", response=dict, auth=None)
def my_record(request: HttpRequest, x_return_code: Annotated[Word, Header()]):
    """What is held about the person with this return code, and who looked at it, in the language asked for."""
    try:
        person = services.open_return_code(x_return_code, at=clock.now())
    except services.CodeError as error:
        raise ProblemError(429 if error.locked else 403, "locked" if error.locked else "bad_code", _(str(error))) from error
    return queries.everything_about(person)


@router.get("/{uuid:person}", response=PersonOut, auth=Needs("people.view_names"))
def get_person(request: HttpRequest, person: UUID):
    """One person's record; the read is written down for the person to see."""
    record = queries.record_of(person, by=request.auth, at=clock.now(), why="api")
    if record is None:
        raise ProblemError(404, "not_found", "There is no such person.")
    year, month, day = record.birth
    return {
        "id": record.id,
        "given_name": record.name.given,
        "family_name": record.name.family,
        "birth_year": year,
        "birth_month": month,
        "birth_day": day,
        "sex": record.sex,
        "language": record.language,
        "neighbourhood_id": record.neighbourhood.id if record.neighbourhood else None,
        "address": record.address,
        "phones": record.phones,
        "emails": record.emails,
        "identifiers": [{"kind": kind, "masked": masked} for kind, masked in record.identifiers],
        "known_at": record.known_at,
        "erased": record.erased,
        "simulated": record.simulated,
        "merged": list(record.merged),
    }


class QuestionOut(Schema):
    """Whether two rows are one person. `evidence` is field, level of agreement and bits; it holds no value."""

    id: int
    person: UUID
    candidate: UUID
    score: float
    evidence: list[tuple[str, str, float]]
    rule: str
    asked: datetime


class AnswerIn(Schema):
    same: bool


class MergeIn(Schema):
    """`winner` holds afterwards, or whoever holds for it."""

    loser: UUID
    winner: UUID
    reason: Why


class ReasonIn(Schema):
    reason: Why


class MergeOut(Schema):
    id: int
    loser: UUID
    winner: UUID
    at: datetime
    automatic: bool
    undone_at: datetime | None


class RowsOut(Schema):
    """All rows of one person, the one that holds first, and the merges that stand among them."""

    people: list[UUID]
    merges: list[MergeOut]


@router.get("/questions", response=list[QuestionOut], auth=Needs("people.merge"))
def list_questions(request: HttpRequest, limit: Limit = 50):
    """Questions that wait, the likeliest first."""
    return [
        {
            "id": one.id,
            "person": one.person_id,
            "candidate": one.candidate_id,
            "score": one.score,
            "evidence": one.evidence,
            "rule": one.rule,
            "asked": one.asked,
        }
        for one in queries.open_questions()[:limit]
    ]


@router.post("/questions/{question}/answer", response={204: None}, auth=Needs("people.merge"))
def answer_question(request: HttpRequest, question: BigId, data: AnswerIn):
    """Say whether two rows are one person; that they are not is remembered for ever."""
    try:
        services.answer_question(question, data.same, by=request.auth, at=clock.now())
    except (LookupError, services.PersonError) as error:
        raise _refused_merge(error) from error
    return Status(204, None)


@router.post("/merges", response={201: MergeOut}, auth=Needs("people.merge"))
def merge_people(request: HttpRequest, data: MergeIn):
    """Make two rows one person; nothing moves, and it can be undone."""
    try:
        made = services.merge_people(data.loser, data.winner, reason=data.reason, by=request.auth, at=clock.now())
    except (LookupError, services.PersonError) as error:
        raise _refused_merge(error) from error
    return Status(201, _merge(made))


@router.post("/merges/{merge}/undo", response=MergeOut, auth=Needs("people.merge"))
def unmerge_people(request: HttpRequest, merge: BigId, data: ReasonIn):
    """Take two rows apart again; that they are two people is remembered."""
    try:
        return _merge(services.unmerge_people(merge, reason=data.reason, by=request.auth, at=clock.now()))
    except (LookupError, services.PersonError) as error:
        raise _refused_merge(error) from error


@router.get("/{uuid:person}/rows", response=RowsOut, auth=Needs("people.merge"))
def get_rows(request: HttpRequest, person: UUID):
    """Which rows are this person; numbers only, so nothing is read."""
    if queries.person(person) is None:
        raise ProblemError(404, "not_found", "There is no such person.")
    people = queries.same_person(person)
    return {"people": people, "merges": [_merge(one) for one in queries.merges_of(people)]}


def _merge(one) -> dict[str, Any]:
    names = ("id", "at", "automatic", "undone_at")
    return {name: getattr(one, name) for name in names} | {"loser": one.loser_id, "winner": one.winner_id}


def _refused_merge(error: Exception) -> ProblemError:
    if isinstance(error, services.PersonError):
        errors = [{"field": error.field, "rule": error.rule}]
        if error.field == "reason":
            return ProblemError(422, "invalid", "The reason breaks a rule.", errors)
        return ProblemError(409, "conflict", "This cannot be done as things stand.", errors)
    return ProblemError(404, "not_found", str(error))


def _home(neighbourhood: int | None):
    if neighbourhood is None:
        return None
    found = city.neighbourhoods().filter(id=neighbourhood).first()
    if found is None:
        raise _refused(services.PersonError("neighbourhood_id", "there is no such neighbourhood"))
    return found


def _refused(error: services.PersonError) -> ProblemError:
    field = {"birth_date": "birth_day", "phone": "phones", "email": "emails"}.get(error.field, error.field)
    errors = [{"field": field, "rule": error.rule}]
    return ProblemError(422, "invalid", "Some fields break a rule; nothing was stored.", errors)
