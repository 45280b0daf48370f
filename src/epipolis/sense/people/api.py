"""People over the API: register, read one (the read is written down), search, and a citizen's own record by code."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Header, Router, Schema, Status
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

    @model_validator(mode="before")
    @classmethod
    def is_an_object(cls, value: Any) -> Any:
        """A list or a text has no fields, and so would pass as a person of whom nothing is known."""
        if not isinstance(getattr(value, "_obj", value), dict):
            raise ValueError("must be an object")
        return value


class Registered(Schema):
    id: UUID
    created: bool


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
    """Find the person known by one of the numbers, or register a new one; 201 when new."""
    fields = data.dict(exclude={"identifiers", "birth_year", "birth_month", "birth_day", "neighbourhood_id"})
    numbers = [(one.kind, one.value) for one in data.identifiers]
    birth = (data.birth_year, data.birth_month, data.birth_day)
    home = _home(data.neighbourhood_id)
    try:
        person, created = services.find_or_make_person(
            numbers, birth=birth, neighbourhood=home, by=request.auth, at=clock.now(), **fields
        )
    except services.PersonError as error:
        raise _refused(error) from error
    return Status(201 if created else 200, {"id": person.id, "created": created})


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
    }


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
