"""A list of orders in, that a city already has: who is matched, an order in force binds here as it does there, and the same
file again changes nothing. Nobody is watched by it, and nobody is told unless that is asked for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries as followup
from epipolis.act.quarantine.events import OrderIssued
from epipolis.act.quarantine.models import Kind, Order, OrderChange, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import audit, events, live, rules
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.core.sealing import fingerprint
from epipolis.sense.cases.services.values import day_orders
from epipolis.sense.city import queries as city
from epipolis.sense.people.services import PersonError
from epipolis.sense.people.services.matching import match_checked
from epipolis.sense.people.services.reading import read_point

from .drafting import hold_each
from .follow_ups import tell_follow_up
from .issuing import ISSUED, end_quarantine, note_isolated
from .links import open_links
from .rows import DAYS, FIELDS, OrderRow, mapping_of, read_order
from .storing import TOPIC, values
from .taking import FROM_LIST, ended_at, follow_list, issue_draft, new_order
from .telling import tell_people

_SAMPLE = 500  # rows from which the order of day and month is found out
_WHO = {"number", "national_id", "given_name", "family_name", "phone", "email"}
_Line: TypeAlias = tuple[Order, dict[str, Any], str]  # an order, what it said before, and why it is here


def import_orders(path: Path, options: ImportOptions) -> ImportReport:
    """Take a list of orders. A row is known by the order's number in it, else by person, kind and first day.

    Raises:
        ValueError: the file cannot be read as a table, or no column says who is ordered, or which kind of order it is.
    """
    options = replace(options, source=(options.source or path.stem)[:60])
    given = options.mapping
    mapping = dict(given) if isinstance(given, Mapping) else mapping_of(read_columns(path))
    if not set(mapping.values()) & _WHO:
        raise ValueError(f"{path.name}: no column says who is under an order")
    if "kind" not in mapping.values():
        raise ValueError(f"{path.name}: no column says whether an order is one of isolation or of quarantine")
    if unknown := set(mapping.values()) - FIELDS.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: no such field of an order")
    report = ImportReport(dry_run=options.dry_run, mapping=mapping)
    rows = read_rows(path)
    first = list(islice(rows, _SAMPLE))
    orders = day_orders([row for _, row in first], mapping, DAYS)
    total, seen = row_count(path), Counter[str]()
    with rules.read_once():
        for batch in batches(chain(first, rows), settings.import_rows):
            with transaction.atomic():
                _Batch(report, seen, options, orders).take(batch)
                if options.dry_run:
                    transaction.set_rollback(True)
            options.progress(report.accepted + report.rejected, total, "orders")
    if report.accepted and not options.dry_run:
        counts: dict[str, Any] = {"created": report.created, "changed": report.changed, "rejected": report.rejected}
        audit.record("quarantine.import", by=options.by, at=options.at, subject=options.source, told=options.tell, **counts)
    return report


class _Batch:
    """Some rows, read, matched and stored in one transaction."""

    def __init__(self, report: ImportReport, seen: Counter[str], options: ImportOptions, orders: Mapping[str, bool]) -> None:
        self.report, self.seen, self.options, self.orders = report, seen, options, orders
        self.by, self.at = options.by, options.at
        self.made: list[_Line] = []
        self.issued: list[_Line] = []  # of drafts that were here

    def take(self, batch: list[tuple[int, Row]]) -> None:
        rows = self._read(batch)
        known = dict(Order.objects.filter(reference__in=[ref for ref, _ in rows]).values_list("reference", "person_id"))
        persons = self._people(rows, known)
        clusters = hold_each(set(persons.values()))
        tops = {member: cluster[0] for cluster in clusters.values() for member in cluster}
        standing = self._standing(tops)
        lives = followup.lives(set(persons.values()))
        listed = {one.reference: one for ones in standing.values() for one in ones if one.reference}
        for ref, told in rows:
            person = persons[ref]
            here = standing.setdefault((tops[person], told.kind), [])
            if ref in listed:
                self._again(listed[ref], told, here)
            elif (made := self._new(told, person, ref, here, lives.get(person, ("", None)))) is not None:
                here.append(made)
        self._store(standing)

    def _read(self, batch: list[tuple[int, Row]]) -> list[tuple[str, OrderRow]]:
        around = city.neighbourhoods_at(*zip(*(self._point(row) for _, row in batch), strict=True))
        found, options = [], self.options
        for (number, cells), area in zip(batch, around, strict=True):
            try:
                row = read_order(
                    number, cells, self.report.mapping, self.orders, around=area,
                    source=options.source, at=options.at, simulated=options.simulated,
                )  # fmt: skip
                if row.is_over and ended_at(row, at=self.at) < self.at - timedelta(days=settings.keep_days):
                    raise PersonError("until", gettext_noop("ended longer ago than orders are kept here"))
                found.append((self._reference(row), row))
            except PersonError as error:
                self.report.reject(number, error.field, error.rule)
        return found

    def _point(self, row: Row) -> tuple[float, float]:
        try:
            return read_point(row, self.report.mapping)
        except PersonError:  # told when the row is read
            return float("nan"), float("nan")

    def _reference(self, row: OrderRow) -> str:
        """By which the row is known when the file comes again. Numbers may be personal: only a keyed hash is kept."""
        who = (row.person.identifiers, row.person.given_name, row.person.family_name, row.person.birth, row.person.phones)
        text = row.text("order") or f"{who!r}\x1f{row.kind}\x1f{row.day('starts')}"
        if self.seen[text]:
            raise PersonError("order", gettext_noop("the same order stands in the file already"))
        self.seen[text] += 1
        return f"import:{self.options.source}:{fingerprint(text)}"[:200]

    def _people(self, rows: list[tuple[str, OrderRow]], known: Mapping[str, UUID]) -> dict[str, UUID]:
        """Whom each row is about: for a row that was taken before who it was then, else who matches."""
        fresh = [(ref, row) for ref, row in rows if ref not in known]
        options = self.options
        matches = match_checked(
            [row.person for _, row in fresh], by=options.by, at=options.at, match=options.match, wait=not options.dry_run
        )
        found = {ref: known[ref] for ref, _ in rows if ref in known}
        for (ref, _row), match in zip(fresh, matches, strict=True):
            found[ref] = match.person
            self.report.asked += match.band == "asked"
            self.report.linked += match.band == "linked" and match.is_by_evidence
        return found

    def _standing(self, tops: Mapping[UUID, UUID]) -> dict[tuple[UUID, str], list[Order]]:
        """Every order that these people have or had, held until this transaction ends."""
        found: dict[tuple[UUID, str], list[Order]] = {}
        for one in Order.objects.select_for_update().filter(person__in=list(tops)).order_by("id"):
            found.setdefault((tops[one.person_id], str(one.kind)), []).append(one)
        return found

    def _again(self, row: Order, told: OrderRow, here: list[Order]) -> None:
        """A row that was taken before: news in it are followed, as far as nobody decided otherwise here."""
        self.report.accepted += 1
        others = [one for one in here if one is not row and one.is_open]
        if told.state == State.ISSUED and row.state == State.DRAFT and not others:
            self._issue(row, told, row.reference)
            self.report.changed += 1
            return
        is_changed, doubt = follow_list(row, told, tell=self.options.tell, by=self.by, at=self.at)
        if doubt:
            self.report.warn(told.number, *doubt)
        self.report.changed += is_changed
        self.report.unchanged += not is_changed

    def _new(self, told: OrderRow, person: UUID, ref: str, here: list[Order], lives: tuple[str, int | None]) -> Order | None:
        same = next((one for one in here if _is_same(one, told)), None)
        held = next((one for one in here if one.is_open), None) if not told.is_over else None
        if same is not None:
            self.report.accepted, self.report.unchanged = self.report.accepted + 1, self.report.unchanged + 1
            self.report.warn(told.number, "order", gettext_noop("the person has this order here already"), _called(same))
            return None
        if held is not None and (held.state == State.ISSUED or told.state == State.DRAFT):
            rule = gettext_noop("the person has another order of this kind here; decide there which one stays")
            self.report.reject(told.number, "order", rule, _called(held))
            return None
        self.report.accepted, self.report.created = self.report.accepted + 1, self.report.created + 1
        for name, rule in told.doubts:
            self.report.warn(told.number, name, rule)
        if held is not None:
            self._issue(held, told, ref)
            return None
        made = new_order(told, person, ref, lives, by=self.by, at=self.at)
        self.made.append((made, {}, told.text("reason")))
        return made

    def _issue(self, draft: Order, told: OrderRow, ref: str) -> None:
        before = issue_draft(draft, told, ref, by=self.by, at=self.at)
        self.issued.append((draft, before, told.text("reason") or FROM_LIST))

    def _store(self, standing: Mapping[tuple[UUID, str], list[Order]]) -> None:
        """Rows, history, trail, links; then what follows from an order that binds."""
        Order.objects.bulk_create([row for row, _, _ in self.made], batch_size=500)
        for row, _before, _why in self.issued:
            row.save()
        lines = [*self.made, *self.issued]
        if not lines:
            return
        self._note(lines)
        self._end_quarantines(standing)
        new = [row.id for row, _, _ in lines if row.state == State.ISSUED]
        binding = list(Order.objects.filter(id__in=new, state=State.ISSUED).order_by("id"))
        open_links(binding, by=self.by, at=self.at)
        for row in binding:
            if row.kind == Kind.ISOLATION:
                note_isolated(row, by=self.by, at=self.at)
            tell_follow_up(row, reason=FROM_LIST, by=self.by, at=self.at)
        if self.options.tell:
            tell_people(binding, "issued", by=self.by, at=self.at)
        events.publish_many(OrderIssued(order=row.id, person=row.person_id, kind=str(row.kind)) for row in binding)
        live.tell(TOPIC)

    def _note(self, lines: list[_Line]) -> None:
        """A line in the history and one in the trail for each."""
        actor = audit.actor_name(self.by)
        OrderChange.objects.bulk_create(
            [
                OrderChange(
                    order=row, kind="imported", before=before, after=values(row, ISSUED), reason=why, by=actor, at=self.at
                )
                for row, before, why in lines
            ],
            batch_size=500,
        )
        about = [(row.id, row.person_id) for row, _, _ in lines]
        audit.record_each("quarantine.imported", about, by=self.by, at=self.at, source=self.options.source)

    def _end_quarantines(self, standing: Mapping[tuple[UUID, str], list[Order]]) -> None:
        """Who isolates as a case is no longer in quarantine as a contact of the same illness, whichever row came first."""
        for (top, kind), ones in standing.items():
            if kind == Kind.QUARANTINE and any(one.is_open for one in ones):
                for one in standing.get((top, str(Kind.ISOLATION)), ()):
                    if one.state == State.ISSUED:
                        end_quarantine(one, by=self.by, at=self.at)


def _is_same(one: Order, told: OrderRow) -> bool:
    """Whether this is the order of the row under another number: the same first day, and the same end, or both in force."""
    if one.state == State.DRAFT or one.starts != told.day("starts"):
        return False
    return one.until == told.day("until") or (one.is_open and not told.is_over)


def _called(row: Order) -> str:
    return row.number if row.pk else ""
