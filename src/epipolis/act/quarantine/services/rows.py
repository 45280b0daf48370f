"""Cells of a list of orders as values: whom, where, from when until when, how told; what is empty stays empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from unicodedata import normalize

from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Kind, PlaceKind, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock
from epipolis.core.imports import Row
from epipolis.sense.cases.services.values import CellError, is_empty, read_day
from epipolis.sense.city.models import Neighbourhood
from epipolis.sense.people.services import IMPORT_FIELDS, PersonError, PersonRow
from epipolis.sense.people.services.reading import guess_beside, read_person, read_point
from epipolis.sense.people.services.rows import check_row

from .issuing import LONGEST, place_of
from .storing import OrderError

OWN_FIELDS = {
    "order": gettext_noop("the order’s number in the list, by which it is found again"),
    "kind": gettext_noop("isolation or quarantine"),
    "disease": gettext_noop("disease; empty: the one of the settings"),
    "state": gettext_noop("draft, issued, ended or lifted; empty: as the days say"),
    "starts": gettext_noop("first day"),
    "until": gettext_noop("last day"),
    "ended": gettext_noop("day on which it ended or was lifted"),
    "place": gettext_noop("home or facility; empty: home"),
    "facility": gettext_noop("name of the facility"),
    "radius": gettext_noop("metres around the place that count as the place"),
    "told_how": gettext_noop("verbal or written"),
    "told_at": gettext_noop("day or moment at which the person was told"),
    "legal_basis": gettext_noop("legal basis; empty: the city’s text in the rules “orders”"),
    "purpose": gettext_noop("purpose; empty: the city’s text in the rules “orders”"),
    "reason": gettext_noop("why, in words that the person may read"),
    "watched": gettext_noop("never taken over: watching by phone is switched on at the order only"),
}
FIELDS = OWN_FIELDS | IMPORT_FIELDS
_ALSO = {
    "order": ("order_number", "order_id", "order_no", "reference", "own_reference", "number", "no", "id", "numero", "número",
              "文號", "編號"),
    "number": ("person_number", "person_id", "patient_id"),
    "kind": ("type", "order_type", "measure", "tipo", "medida", "種類"),
    "disease": ("illness", "enfermedad", "疾病"),
    "state": ("status", "estado", "狀態"),
    "starts": ("start", "from", "since", "first_day", "start_date", "date_from", "valid_from", "desde", "inicio", "開始日"),
    "until": ("end", "to", "last_day", "end_date", "date_to", "valid_until", "hasta", "fin", "結束日"),
    "ended": ("ended_on", "lifted", "lifted_on", "closed", "levantada"),
    "place": ("place_kind", "where", "lugar", "地點"),
    "facility": ("facility_name", "hotel", "centro"),
    "radius": ("radius_m", "radio"),
    "told_how": ("how", "told", "form", "notified_how", "forma"),
    "told_at": ("told_when", "notified", "notified_at", "issued", "issued_at", "issued_on", "notificado"),
    "legal_basis": ("law", "basis", "base_legal", "法源"),
    "purpose": ("aim", "finalidad"),
    "reason": ("why", "motivo", "原因"),
    "watched": ("fence", "e_fence", "monitored", "tracked"),
}  # fmt: skip
DAYS = ("starts", "until", "ended", "told_at")
_KINDS = {
    str(Kind.ISOLATION): ("isolation", "isolate", "i", "aislamiento", "隔離", "居家隔離"),
    str(Kind.QUARANTINE): ("quarantine", "q", "cuarentena", "檢疫", "居家檢疫"),
}
_PLACES = {
    str(PlaceKind.HOME): ("", "home", "h", "house", "casa", "domicilio", "居家", "家"),
    str(PlaceKind.FACILITY): ("facility", "f", "hotel", "hospital", "centro", "institution", "集中", "旅館"),
}
_STATES = {
    "": ("",),
    str(State.DRAFT): ("draft", "planned", "borrador", "草稿"),
    str(State.ISSUED): ("issued", "active", "in force", "open", "current", "vigente", "activa", "生效"),
    str(State.ENDED): ("ended", "over", "closed", "expired", "finished", "terminada", "finalizada", "結束"),
    str(State.LIFTED): ("lifted", "released", "cancelled", "canceled", "levantada", "解除"),
}
_HOW = {
    "": ("",),
    "verbal": ("verbal", "oral", "by word of mouth", "phone", "口頭"),
    "written": ("written", "in writing", "official", "paper", "letter", "escrito", "書面"),
}
_LONG = {"order": 100, "disease": 40, "facility": 200, "legal_basis": LONGEST, "purpose": LONGEST, "reason": 1_000}
_YES = frozenset({"yes", "y", "true", "1", "si", "sí", "是"})
_AHEAD = timedelta(days=30)
_MUST = gettext_noop("must be given")
_LATER = gettext_noop("must not lie in the future")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row of a list of orders, checked. `state` is what the row and its days say together: draft, issued, ended, lifted."""

    number: int
    person: PersonRow
    cells: Mapping[str, str]
    kind: str
    state: str
    place: str
    address: bytes
    spot: bytes
    radius: int | None
    how: str
    told_at: datetime | None
    days: Mapping[str, date | None] = field(default_factory=dict)
    doubts: tuple[tuple[str, str], ...] = ()  # field and rule of what is odd, though the row is taken

    def day(self, name: str) -> date | None:
        return self.days.get(name)

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    @property
    def disease(self) -> str:
        told = self.text("disease")
        return told if told and told.casefold() != settings.disease.casefold() else settings.disease

    @property
    def is_over(self) -> bool:
        return self.state in (State.ENDED, State.LIFTED)


def mapping_of(columns: Sequence[str]) -> dict[str, str]:
    """Which column holds which field, by name: first what is of orders, then what is of people."""
    return guess_beside(columns, OWN_FIELDS, _ALSO)


def read_order(
    number: int,
    row: Row,
    mapping: Mapping[str, str],
    orders: Mapping[str, bool],
    *,
    around: Neighbourhood | None,
    source: str,
    at: datetime,
    simulated: bool,
) -> OrderRow:
    """One row as an order. `around` is the neighbourhood of its point.

    Raises:
        PersonError: a cell cannot be read or breaks a rule; it names the field.
    """
    if row.get(""):
        raise PersonError("", "more cells than columns" if len(row) > 1 else "the row cannot be read")
    cells = {key: "" if is_empty(value := row.get(column, "").strip()) else value for column, key in mapping.items()}
    for key, most in _LONG.items():
        if len(cells.get(key, "")) > most:
            raise PersonError(key, f"must have at most {most} characters")
    kind = _word(cells, "kind", _KINDS, gettext_noop("must be isolation or quarantine"))
    place = _word(cells, "place", _PLACES, gettext_noop("must be home or facility"))
    how = _word(cells, "told_how", _HOW, gettext_noop("must be verbal or written"))
    said = _word(cells, "state", _STATES, gettext_noop("must be draft, issued, ended or lifted"))
    person = _person(row, mapping, place, around, source=source, at=at, simulated=simulated)
    days = {key: _day(key, cells.get(key, ""), orders) for key in DAYS}
    told_at = _moment(cells.get("told_at", ""), days["told_at"])
    state = _state(said, days, at=at)
    _check(kind, state, days, told_at, at=at)
    address, spot = _place(row, mapping, cells, place, state)
    return OrderRow(
        number, person, cells, kind, state, place, address, spot, _radius(cells.get("radius", "")), how, told_at, days,
        _doubts(cells, said, state),
    )  # fmt: skip


def _word(cells: Mapping[str, str], key: str, words: Mapping[str, Sequence[str]], rule: str) -> str:
    told = normalize("NFKC", cells.get(key, "")).casefold().strip()
    found = next((name for name, known in words.items() if told in known), None)
    if found is None:
        raise PersonError(key, rule)
    return found


def _person(
    row: Row,
    mapping: Mapping[str, str],
    place: str,
    around: Neighbourhood | None,
    *,
    source: str,
    at: datetime,
    simulated: bool,
) -> PersonRow:
    """The person. Where they stay tells where they live only if they stay at home."""
    stays = place == PlaceKind.FACILITY
    left_out = {"address", "lon", "lat"} if stays else {"lon", "lat"}
    own = {column: key for column, key in mapping.items() if key in IMPORT_FIELDS and key not in left_out}
    found = read_person(row, own, source=source, around=None if stays else around, simulated=simulated)
    check_row(found, at=at)
    if not (found.identifiers or found.given_name or found.family_name or found.phones or found.emails):
        raise PersonError("given_name", gettext_noop("nothing says who this is"))
    return found


def _day(key: str, text: str, orders: Mapping[str, bool]) -> date | None:
    try:
        return read_day(text, clock.zone(), orders.get(key, True)) if text else None
    except CellError as error:
        raise PersonError(key, str(error)) from error


def _moment(text: str, day: date | None) -> datetime | None:
    """The moment that a cell tells; of a day alone its beginning."""
    if day is None:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return clock.start_of(day)
    return told if told.tzinfo else told.replace(tzinfo=clock.zone())


def _state(said: str, days: Mapping[str, date | None], *, at: datetime) -> str:
    """A draft is one only if the list says so; an order whose last day or end has passed is over."""
    today, until = clock.local_day(at), days["until"]
    if said in (State.DRAFT, State.LIFTED):
        return said
    is_past = (until is not None and until < today) or (days["ended"] is not None and days["ended"] <= today)
    return str(State.ENDED) if said == State.ENDED or is_past else str(State.ISSUED)


def _check(kind: str, state: str, days: Mapping[str, date | None], told_at: datetime | None, *, at: datetime) -> None:
    today, starts, until, ended = clock.local_day(at), days["starts"], days["until"], days["ended"]
    if told_at is not None and told_at > at:
        raise PersonError("told_at", _LATER)
    if state != State.DRAFT:
        for key in ("starts", "until"):
            if days[key] is None:
                raise PersonError(key, _MUST)
    if ended and ended > today:
        raise PersonError("ended", _LATER)
    if starts and until:
        if until < starts:
            raise PersonError("until", gettext_noop("must not lie before the first day"))
        most = queries.rules_of(kind, starts)["most_days"]
        if until - starts > timedelta(days=most):
            raise PersonError("until", gettext_noop("is later than the rule allows for any order"))
    if starts and starts > today + _AHEAD:
        raise PersonError("starts", gettext_noop("lies more than 30 days ahead"))
    if state == State.DRAFT and until and until < today:
        raise PersonError("until", gettext_noop("is over, and nobody issued it"))


def _place(row: Row, mapping: Mapping[str, str], cells: Mapping[str, str], place: str, state: str) -> tuple[bytes, bytes]:
    """Address and spot, sealed. Where nobody is bound (any more) the list may leave them out."""
    lon, lat = read_point(row, mapping)
    facility, address = cells.get("facility", ""), cells.get("address", "")
    if len(address) > LONGEST:
        raise PersonError("address", f"must have at most {LONGEST} characters")
    if state != State.ISSUED:
        facility, address = facility or "–", address or "–"
    try:
        kept, spot = place_of(place, facility, address, *((lon, lat) if lon == lon else (None, None)))
    except OrderError as error:
        raise PersonError(error.field, error.rule) from error
    return (kept if cells.get("address") else b""), spot


def _radius(text: str) -> int | None:
    try:
        found = int(float(text)) if text else None
    except (ValueError, OverflowError):
        found = 0
    if found is not None and not 20 <= found <= 5_000:
        raise PersonError("radius", gettext_noop("must be metres between 20 and 5000"))
    return found


def _doubts(cells: Mapping[str, str], said: str, state: str) -> tuple[tuple[str, str], ...]:
    found = []
    if cells.get("watched", "").casefold() in _YES:
        found.append(("watched", gettext_noop("watching by phone is never switched on by an import")))
    if said == State.ISSUED and state == State.ENDED:
        found.append(("until", gettext_noop("the last day is over; taken as ended")))
    if state == State.ISSUED and not cells.get("told_at"):
        found.append(("told_at", gettext_noop("not told; the order counts as issued on its first day")))
    return tuple(found)
