"""Warnings for other systems: Common Alerting Protocol 1.2 (OASIS), one document a warning, and an Atom feed of all."""

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from django.conf import settings as platform
from django.utils.translation import override

from epipolis.act.notices.models import Broadcast
from epipolis.act.notices.settings import settings
from epipolis.core import clock
from epipolis.sense.city import queries as city

from .broadcasts import area_said, earlier, said
from .wordings import languages

_CAP, _ATOM = "urn:oasis:names:tc:emergency:cap:1.2", "http://www.w3.org/2005/Atom"
_LANGUAGES = {"en": "en-US", "zh-hant": "zh-TW", "es": "es-ES"}
_MADE_UP = "Simulated: nobody real is warned."
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML has no such characters
_PLACES = 5  # decimals of a degree: a metre


def cap(row: Broadcast) -> bytes:
    """A warning as CAP 1.2; one that changes another is an Update, one that was called off a Cancel, and both name all that
    went out before. Made-up ones are exercises."""
    is_over = row.state == Broadcast.State.CANCELLED
    alert = ET.Element("alert", xmlns=_CAP)
    sent = row.ended if is_over and row.ended else _out(row)
    _add(alert, "identifier", f"{_identifier(row)}.cancel" if is_over else _identifier(row))
    _add(alert, "sender", _sender())
    _add(alert, "sent", _time(sent))
    _add(alert, "status", "Exercise" if row.simulated else "Actual")
    _add(alert, "msgType", "Cancel" if is_over else "Update" if row.replaces_id else "Alert")
    _add(alert, "scope", "Public")
    if notes := [text for text in (row.reason if is_over else "", _MADE_UP if row.simulated else "") if text]:
        _add(alert, "note", " ".join(notes))
    if before := [*([row] if is_over else []), *earlier(row)]:
        _add(alert, "references", " ".join(f"{_sender()},{_identifier(one)},{_time(_out(one))}" for one in before))
    for language in languages():
        _add_info(alert, row, language)
    return _written(alert)


def feed(rows: Iterable[Broadcast], *, at: datetime) -> bytes:
    """The newest warnings as an Atom feed whose entries lead to their CAP documents."""
    rows = list(rows)
    root = ET.Element("feed", xmlns=_ATOM)
    address = f"{platform.EPIPOLIS_ADDRESS}/notices/alerts"
    _add(root, "title", f"{platform.EPIPOLIS_CITY} – CAP")
    _add(root, "id", f"{address}/feed.atom")
    _add(root, "updated", _time(max((_changed(row) for row in rows), default=at)))
    author = ET.SubElement(root, "author")
    _add(author, "name", platform.EPIPOLIS_CITY)
    for row in rows:
        entry = ET.SubElement(root, "entry")
        _add(entry, "id", f"{address}/{row.id}.cap")
        _add(entry, "title", said(row.headlines, next(iter(languages()))))
        _add(entry, "updated", _time(_changed(row)))
        link = ET.SubElement(entry, "link")
        link.attrib |= {"rel": "alternate", "type": "application/cap+xml", "href": f"{address}/{row.id}.cap"}
    return _written(root)


def _add_info(alert: ET.Element, row: Broadcast, language: str) -> None:
    info = ET.SubElement(alert, "info")
    _add(info, "language", _LANGUAGES.get(language, language))
    _add(info, "category", row.category)
    _add(info, "event", row.event)
    if row.response:
        _add(info, "responseType", row.response)
    _add(info, "urgency", row.urgency)
    _add(info, "severity", row.severity)
    _add(info, "certainty", row.certainty)
    _add(info, "effective", _time(_out(row)))
    _add(info, "expires", _time(row.expires))
    _add(info, "senderName", platform.EPIPOLIS_CITY)
    _add(info, "headline", said(row.headlines, language))
    _add(info, "description", said(row.texts, language))
    if instruction := said(row.instructions, language):
        _add(info, "instruction", instruction)
    _add(info, "web", f"{platform.EPIPOLIS_ADDRESS}/notices/alerts/{row.id}/")
    if settings.hotline:
        _add(info, "contact", settings.hotline)
    area = ET.SubElement(info, "area")
    with override(language):
        _add(area, "areaDesc", area_said(row))
    for ring in rings_of(row):
        _add(area, "polygon", " ".join(f"{lat:.{_PLACES}f},{lon:.{_PLACES}f}" for lon, lat in ring))
    for code in city.districts().filter(id__in=row.districts).values_list("code", flat=True):
        geocode = ET.SubElement(area, "geocode")
        _add(geocode, "valueName", "district")
        _add(geocode, "value", code)


def rings_of(row: Broadcast) -> list[list[tuple[float, float]]]:
    """The outer borders of the area; CAP has no holes."""
    shapes = [row.polygon] if row.polygon else city.districts().filter(id__in=row.districts).values_list("border", flat=True)
    rings: list[list[tuple[float, float]]] = []
    for one in filter(None, shapes):
        parts = one["coordinates"] if one["type"] == "MultiPolygon" else [one["coordinates"]]
        rings += [[(float(point[0]), float(point[1])) for point in part[0]] for part in parts]
    return rings


def _identifier(row: Broadcast) -> str:
    return f"urn:uuid:{row.id}"


def _sender() -> str:
    return f"epipolis@{urlsplit(platform.EPIPOLIS_ADDRESS).hostname or 'localhost'}"


def _changed(row: Broadcast) -> datetime:
    return (row.ended if row.state == Broadcast.State.CANCELLED else None) or _out(row)


def _out(row: Broadcast) -> datetime:
    return row.approved or row.drafted


def _time(moment: datetime) -> str:
    """CAP wants the offset of the place, in seconds without parts, and never the letter Z."""
    return moment.astimezone(clock.zone()).replace(microsecond=0).isoformat()


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _UNWRITABLE.sub("", text)


def _written(root: ET.Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8")
