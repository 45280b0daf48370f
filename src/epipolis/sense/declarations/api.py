"""Declarations for programs: kiosks and text-message gateways send them; counts and the lists of each purpose are read."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Day, Limit, LongText, ShortText
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

from . import queries, services

router = Router(tags=["Declarations"])
State = Literal["yes", "no", "unknown"]
Name = Annotated[ShortText, Field(max_length=40)]
Phone = Annotated[ShortText, Field(min_length=3, max_length=40)]
Celsius = Annotated[Decimal, Field(ge=Decimal(33), le=Decimal(43), max_digits=3, decimal_places=1)]


class DeclareIn(Schema):
    """Answers at a kiosk, of nobody in particular: no name, no purpose, just the advice and the count."""

    symptoms: dict[Name, State] = Field(default_factory=dict, max_length=60)
    circumstances: dict[Name, State] = Field(default_factory=dict, max_length=20)
    onset: Day | None = None
    temperature: Celsius | None = None
    simulated: bool = False


class DeclaredOut(Schema):
    id: UUID
    day: date
    advice: str
    advice_text: str
    reasons: list[str]


class TextIn(Schema):
    """One text message as the gateway got it; `message_id` makes a repeat harmless."""

    phone: Phone
    text: Annotated[LongText, Field(max_length=1_600)]
    message_id: ShortText = ""


class ReplyOut(Schema):
    text: str


class CountOut(Schema):
    """A district of the last seven days; null where so few declared that a count would point at somebody."""

    district: str
    declared: int | None
    ill: int | None


class ListedOut(Schema):
    """What one purpose may know; fields that it does not need are null."""

    id: UUID
    day: date
    person: UUID | None = None
    advice: str | None = None
    symptoms: dict[str, str] | None = None
    circumstances: dict[str, str] | None = None
    onset: date | None = None
    temperature: Decimal | None = None
    needs: list[str] | None = None
    district: str | None = None
    known_at: datetime


class ListedPage(Schema):
    items: list[ListedOut]
    next: str | None = None


@router.post("", response={201: DeclaredOut}, auth=Needs("declarations.send"), summary="Declare at a kiosk")
@once
def declare(request: HttpRequest, body: DeclareIn) -> Status[dict[str, Any]]:
    """Take the answers of somebody who gives no name, and answer with the advice."""
    by = request.auth  # type: ignore[attr-defined]  # -- ninja sets it
    answers = services.Answers(body.symptoms, body.circumstances, body.onset, body.temperature)
    try:
        made, _code = services.start_and_declare(answers, channel="kiosk", by=by, at=clock.now(), simulated=body.simulated)
    except services.DeclarationError as error:
        raise ProblemError(422, "bad_answer", str(error), [{"field": error.field, "rule": str(error)}]) from error
    return Status(201, queries.declared(made))


@router.post("/texts", response=ReplyOut, auth=Needs("declarations.send"), summary="Take a text message")
def take_text(request: HttpRequest, body: TextIn) -> dict[str, str]:
    """Take a text message; the answer goes back to the sender."""
    by = request.auth  # type: ignore[attr-defined]  # -- ninja sets it
    return {"text": services.take_text(body.phone, body.text, by=by, at=clock.now(), message_id=body.message_id).text}


@router.get("/counts", response=list[CountOut], auth=Needs("declarations.view"), summary="Declared illness by district")
def counts(request: HttpRequest) -> list[queries.CountRow]:
    return queries.by_district(clock.now())


@router.get("/care", response=ListedPage, auth=Needs("declarations.care"), summary="Who asked for care")
def care(request: HttpRequest, cursor: str | None = None, limit: Limit = 100) -> dict[str, Any]:
    return _listed("care", cursor, limit)


@router.get("/tracing", response=ListedPage, auth=Needs("declarations.tracing"), summary="Given for tracing")
def tracing(request: HttpRequest, cursor: str | None = None, limit: Limit = 100) -> dict[str, Any]:
    return _listed("tracing", cursor, limit)


@router.get("/aid", response=ListedPage, auth=Needs("declarations.aid"), summary="Households that need help")
def aid(request: HttpRequest, cursor: str | None = None, limit: Limit = 100) -> dict[str, Any]:
    return _listed("aid", cursor, limit)


@router.get("/permit", response=ListedPage, auth=Needs("declarations.permit"), summary="Who may show to be well")
def permit(request: HttpRequest, cursor: str | None = None, limit: Limit = 100) -> dict[str, Any]:
    return _listed("permit", cursor, limit)


def _listed(purpose: str, cursor: str | None, limit: int) -> dict[str, Any]:
    page = page_of(queries.declared_for(purpose, clock.now(), days=14), cursor, limit, key=("-known_at", "id"))
    return page | {"items": [queries.listed(purpose, one) for one in page["items"]]}
