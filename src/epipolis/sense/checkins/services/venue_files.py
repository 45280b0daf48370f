"""Venues from a file: each row lets people check in at a place, made where it is new."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core.imports import ImportOptions, ImportReport, Row, read_rows
from epipolis.sense.city import queries as city
from epipolis.sense.city import services as city_services

from .venues import register_venue

VENUE_FIELDS = {
    "place": gettext_noop("the place's code"),
    "kind": gettext_noop("the kind of venue: retail, food, workplace, cultural …"),
    "default_stay": gettext_noop("usual stay in minutes; empty for the usual one of its kind"),
    "opens": gettext_noop("when an event begins, ISO with a time zone"),
    "closes": gettext_noop("when it ends"),
    "name": gettext_noop("name, where the place is new"),
    "address": gettext_noop("address, where the place is new"),
    "lon": gettext_noop("longitude, where the place is new"),
    "lat": gettext_noop("latitude, where the place is new"),
}


def import_venues(path: Path, options: ImportOptions) -> ImportReport:
    """Take a file of venues: good rows stored, bad ones reported, repeats unchanged.

    Raises:
        ValueError: the file cannot be read as a table.
    """
    report = ImportReport(dry_run=options.dry_run)
    with transaction.atomic():
        for number, row in read_rows(path):
            try:
                with transaction.atomic():
                    _import(_renamed(row, options.mapping), report, options)
            except ValueError as error:
                field = next((name for name in VENUE_FIELDS if name in str(error)), "")
                report.reject(number, field, str(error))
        if options.dry_run:
            transaction.set_rollback(True)
    return report


def _renamed(row: Row, mapping: str | Mapping[str, str] | None) -> Row:
    return {mapping.get(name, name): value for name, value in row.items()} if isinstance(mapping, Mapping) else row


def _import(row: Row, report: ImportReport, options: ImportOptions) -> None:
    code = row.get("place", "")
    place = city.place_coded(code) if code and "\0" not in code else None
    if place is None and code and row.get("name"):
        point = {axis: float(row[axis]) if row.get(axis) else None for axis in ("lon", "lat")}
        place = city_services.add_place(
            code,
            row["name"],
            row.get("kind", ""),
            address=row.get("address", ""),
            by=options.by,
            at=options.at,
            simulated=options.simulated,
            **point,
        )
    if place is None:
        raise ValueError(f"place {code!r} is not a place of this city, and the row does not name a new one")
    stay = row.get("default_stay", "")
    if stay and not (stay.isdecimal() and 1 <= int(stay[:6]) <= 1440):
        raise ValueError("default_stay must be minutes from 1 to 1440")
    venue, changed = register_venue(
        place,
        row.get("kind", ""),
        by=options.by,
        at=options.at,
        default_stay=int(stay) if stay else None,
        opens=_moment("opens", row.get("opens", "")),
        closes=_moment("closes", row.get("closes", "")),
        simulated=options.simulated,
    )
    report.accepted += 1
    if not changed:
        report.unchanged += 1
    elif venue.registered == options.at:
        report.created += 1
    else:
        report.changed += 1


def _moment(field: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{field} is not a date with a time") from None
    if found.tzinfo is None or not 1900 <= found.year < 2200:
        raise ValueError(f"{field} needs a time zone and lies between 1900 and 2200")
    return found
