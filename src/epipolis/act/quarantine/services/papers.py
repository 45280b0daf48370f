"""Papers: the order in writing, in the person's language and the office's, with the reason of each date; and proofs of it
for an employer and for compensation, which say nothing about illness."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings as platform
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order, OrderChange, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import audit, clock, rules
from epipolis.core.printing import INK, PALE, Sheet, draw_square
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people

from .links import address_of
from .storing import OrderError

PAPERS = ("order", "sick_leave", "compensation")
_SQUARE = 92.0
_NEW = ("imported", "issued", "extended", "shortened", "confirmed", "moved", "lifted", "ended")


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as PDF and the name of its file."""

    name: str
    content: bytes


def draw_paper(row: Order, kind: str, *, by: audit.Actor, at: datetime) -> Paper:
    """One paper about an order that was issued. The name on it is read, and that is written down for the person.

    Raises:
        OrderError: there is no such paper, or the order was never issued.
    """
    if kind not in PAPERS:
        raise OrderError("paper", "must be order, sick_leave or compensation")
    if row.issued_at is None:
        raise OrderError("state", "a draft has no papers")
    who = _who(row.person_id, by=by, at=at)
    audit.record("quarantine.paper", by=by, at=at, subject=row.id, person=row.person_id, kind=kind)
    draw = {"order": _draw_order, "sick_leave": _draw_proof, "compensation": _draw_proof}[kind]
    sheet = Sheet(f"{row.number}", head=platform.EPIPOLIS_CITY, foot=f"{row.number} · {clock.local_day(at).isoformat()}")
    for number, language in enumerate(languages_of(row)):
        with override(language):
            if number:
                sheet.break_page()
            draw(sheet, row, who, kind, at)
    return Paper(f"{row.number}-{kind}.pdf", sheet.pdf())


def languages_of(row: Order) -> list[str]:
    """The person's language first, then the office's; two at least where the platform speaks two."""
    spoken = [code for code, _name in platform.LANGUAGES]
    own = next((code for code in spoken if row.language and code.casefold().startswith(row.language.casefold()[:2])), "")
    office = next((code for code in (platform.LANGUAGE_CODE, *spoken) if code in spoken and code != own), spoken[0])
    return [own, office] if own else [office, *[code for code in spoken if code != office][:1]]


@dataclass(frozen=True, slots=True)
class _Who:
    name: str
    born: str


def _who(person: UUID, *, by: audit.Actor, at: datetime) -> _Who:
    record = people.record_of(person, by=by, at=at, why="order")
    return _Who(record.name.full if record else "", record.birth_text if record else "")


def _draw_order(sheet: Sheet, row: Order, who: _Who, kind: str, at: datetime) -> None:
    del kind
    title = _("Order of isolation") if row.kind == "isolation" else _("Order of quarantine")
    link = queries.link_of(row)
    if link and row.state == State.ISSUED:
        draw_square(sheet.canvas, address_of(link), sheet.margin + sheet.width - _SQUARE, sheet.top - _SQUARE - 6, _SQUARE)
    sheet.heading(title, size=19)
    free = _SQUARE + 8
    sheet.pair(_("Number of the order"), row.number, narrow=free)
    sheet.pair(_("Name of the person"), who.name or _("not known"), narrow=free)
    if who.born:
        sheet.pair(_("Born"), who.born, narrow=free)
    if row.state != State.ISSUED:
        sheet.pair(_("State"), str(row.get_state_display()), narrow=free)
    sheet.pair(_("Place"), _place(row), narrow=free)
    for name, day in queries.dates_of(row):
        sheet.pair(name, day, narrow=free)
    sheet.space(14)
    _draw_reasons(sheet, row, at)
    _draw_rights(sheet, row, at)
    _draw_changes(sheet, row)


def _place(row: Order) -> str:
    address = unseal(row.address)
    return ", ".join(filter(None, [row.facility, address])) or str(row.get_place_display())


def _draw_reasons(sheet: Sheet, row: Order, at: datetime) -> None:
    sheet.heading(_("You must"), size=12)
    sheet.text(_("Stay at this place from the first day to the end of the last day, both included, and receive no visitors."))
    sheet.text(_("Leave it only for medical help, in danger, or when the health office says so; tell us as soon as you can."))
    sheet.heading(_("Why until this day"), size=12)
    for reason in rules.explain(row.decision):
        sheet.text(f"· {reason}", indent=6)
    if row.until != row.standard_until:
        last = queries.changes_of(row).filter(kind__in=("imported", "issued", "extended", "shortened"), undone_at=None).first()
        if last and last.reason:
            sheet.text(f"· {_('Set by an officer: %(reason)s') % {'reason': _(last.reason)}}", indent=6)
    sheet.heading(_("What would change it"), size=12)
    for text in queries.what_changes(row, clock.local_day(row.issued_at or at)):
        sheet.text(f"· {text}", indent=6)
    sheet.heading(_("Legal basis and purpose"), size=12)
    grounds = queries.grounds_of(row)
    sheet.text(
        _("Legal basis: %(law)s. Purpose: %(purpose)s.") % {"law": grounds["legal_basis"], "purpose": grounds["purpose"]}
    )
    if row.watched:
        watched = {"law": grounds["watch_law"], "purpose": grounds["watch_purpose"]}
        sheet.text(_("Your phone shows whether you are at this place. Legal basis: %(law)s. Purpose: %(purpose)s.") % watched)


def _draw_rights(sheet: Sheet, row: Order, at: datetime) -> None:
    days = queries.paper_rules(clock.local_day(at))["appeal_days"]
    sheet.heading(_("Help, and your rights"), size=12)
    sheet.text(_("Food, medicine, care, somebody for your pets, an interpreter: ask by the square above or by telephone."))
    sheet.text(
        _("You may ask at any time, up to %(days)s days after the end, to have this order looked at again. Somebody else")
        % {"days": days}
        + " "
        + _("than who issued it answers, and you see what it rests on. The square shows who looked at your record.")
    )
    if settings.hotline:
        sheet.text(_("Questions? Call %(number)s.") % {"number": settings.hotline}, bold=True)
    issued = date_format(row.issued_at.astimezone(clock.zone()), "DATETIME_FORMAT") if row.issued_at else ""
    sheet.space(10)
    sheet.text(
        _("Issued on %(at)s by the health office of %(city)s.") % {"at": issued, "city": platform.EPIPOLIS_CITY}, colour=PALE
    )


def _draw_changes(sheet: Sheet, row: Order) -> None:
    lines = list(queries.changes_of(row).filter(kind__in=_NEW, undone_at=None).order_by("at", "id"))
    if len(lines) < 2:
        return
    sheet.heading(_("What was changed"), size=12)
    for line in lines:
        sheet.text(f"· {_line(line)}", indent=6, size=9, colour=INK)


def _line(line: OrderChange) -> str:
    day = date_format(clock.local_day(line.at), "SHORT_DATE_FORMAT")
    parts = [f"{day} {queries.change_name(line)}", queries.change_text(line), _(line.reason) if line.reason else ""]
    return ": ".join(filter(None, parts))


def _draw_proof(sheet: Sheet, row: Order, who: _Who, kind: str, at: datetime) -> None:
    """Proof of the days for an employer, a school or an office that pays: neither the illness nor the reason is on it."""
    is_leave = kind == "sick_leave"
    sheet.heading(_("Proof of absence by order") if is_leave else _("Proof of days under order, for compensation"), size=19)
    sheet.pair(_("Number of the order"), row.number)
    sheet.pair(_("Name of the person"), who.name or _("not known"))
    if who.born:
        sheet.pair(_("Born"), who.born)
    last = min(filter(None, [row.until, clock.local_day(row.ended) if row.ended else None]))
    days = (last - row.starts).days + 1 if row.starts else 0
    sheet.pair(_("First day"), date_format(row.starts, "DATE_FORMAT") if row.starts else "")
    sheet.pair(_("Last day"), date_format(last, "DATE_FORMAT"))
    sheet.pair(_("Days"), str(max(days, 0)))
    if not is_leave:
        sheet.pair(_("Legal basis"), queries.grounds_of(row)["legal_basis"])
        sheet.pair(_("Ended"), str(row.get_state_display()) if row.ended else _("still in force"))
    sheet.space(14)
    if is_leave:
        sheet.text(_("On these days this person had to stay at one place by order of the health office and could not come."))
        sheet.text(_("This paper says nothing about an illness, and nobody may ask for more than it says."))
    else:
        sheet.text(_("For these days this person may ask for compensation of what they could not earn."))
        sheet.text(_("Add proof of your pay, and hand both in at the office that the city names."))
    if row.state == State.ISSUED:
        sheet.text(_("The order is still in force; its last day may change. A new paper then takes the place of this one."))
    sheet.space(10)
    made = {"at": date_format(at.astimezone(clock.zone()), "DATETIME_FORMAT"), "city": platform.EPIPOLIS_CITY}
    sheet.text(_("Made on %(at)s by the health office of %(city)s.") % made, colour=PALE)
