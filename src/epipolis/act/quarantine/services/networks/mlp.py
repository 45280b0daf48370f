"""OMA Mobile Location Protocol 3.x: an immediate request (slir) and its answer (slia), XML over HTTP.

The answer is read without a document type of its own: what declares an entity is refused, and nothing is fetched.
Source: OMA-TS-MLP-V3_1 (5.2.3, elements of shapes, time and results). Tried against the published format, not an operator.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.parsers import expat

from epipolis.core.outgoing import NoAnswerError, exchange, is_private

from .located import Located, NetworkError, checked_place, circle_around, plain_number

_SECONDS, _DEEP, _MANY = 30.0, 40, 100_000
_ANGLE = re.compile(r"^\s*(\d{1,3})[\s°]+(\d{1,2})[\s']+(\d{1,2}(?:\.\d+)?)[\s\"]*([NSEW])\s*$", re.ASCII)
_WIDE = re.compile(r"^\s*([+-]?\d{1,3}(?:\.\d+)?)\s*([NSEW]?)\s*$", re.ASCII)
_TIME = re.compile(r"^\d{14}$", re.ASCII)
_OFFSET = re.compile(r"^([+-])(\d{2})(\d{2})$", re.ASCII)


class Mlp:
    """A location server that speaks MLP. `user` and `password` go into the header of each request."""

    name = "mlp"

    def __init__(self, address: str, *, user: str = "", password: str = "", seconds: float = _SECONDS) -> None:
        parts = urlsplit(address)
        if not is_private(parts):
            raise ValueError("EPIPOLIS_QUARANTINE_NETWORK_URL: must be https")
        self._address, self._path = address, parts.path or "/"
        self._user, self._password, self._seconds = user, password, seconds

    def locate(self, numbers: Sequence[str]) -> list[Located]:
        try:
            answer = exchange(
                self._address, self._path, _request(numbers, self._user, self._password),
                {"Content-Type": "text/xml; charset=utf-8"}, seconds=self._seconds,
            )  # fmt: skip
        except NoAnswerError as error:
            raise NetworkError(str(error)) from error
        if answer.status != 200:
            raise NetworkError(f"the operator answers {answer.status}")
        found = {one.number: one for one in read_mlp(answer.body)}
        return [found.get(plain_number(one), Located(plain_number(one), why="no answer for this number")) for one in numbers]


def _request(numbers: Sequence[str], user: str, password: str) -> bytes:
    root = ET.Element("svc_init", ver="3.1.0")
    client = ET.SubElement(ET.SubElement(root, "hdr", ver="3.1.0"), "client")
    ET.SubElement(client, "id").text = user
    ET.SubElement(client, "pwd").text = password
    msids = ET.SubElement(ET.SubElement(root, "slir", ver="3.1.0", res_type="SYNC"), "msids")
    for one in numbers:
        ET.SubElement(msids, "msid", type="MSISDN").text = plain_number(one).removeprefix("+")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def read_mlp(body: bytes) -> list[Located]:
    """The terminals in an answer (slia) or a report (slirep, slrep); one whose place cannot be read says why.

    Raises:
        NetworkError: it is no such document, or tells that the whole request failed.
    """
    root = _tree(body)
    answers = [one for one in root.iter() if one.tag in ("slia", "slirep", "slrep")]
    if not answers:
        raise NetworkError("the answer holds no slia, slirep or slrep")
    found = []
    for answer in answers:
        result = answer.find("result")
        if result is not None and result.get("resid") != "0":
            raise NetworkError(f"the operator refuses: {result.get('resid')} {(result.text or '').strip()}"[:200])
        found += [_position(one) for one in answer.iter("pos")]
    return found


def _position(one: ET.Element) -> Located:
    number = plain_number(_text(one, "msid"))
    failed = one.find("poserr/result")
    if failed is not None:
        return Located(number, why=f"{failed.get('resid')} {(failed.text or '').strip()}"[:200])
    try:
        lon, lat, radius = _shape(one.find("pd/shape"))
        source = {"CELL": "cell", "GPS": "gps", "A-GPS": "gps"}.get(one.get("pos_method", "CELL"), "network")
        return Located(number, _time(one.find("pd/time")), lon, lat, radius, source)  # type: ignore[arg-type]  # -- of those three
    except ValueError as error:
        return Located(number, why=str(error)[:200])


def _shape(shape: ET.Element | None) -> tuple[float, float, float | None]:
    """The circle that holds a shape."""
    kind = next(iter(shape), None) if shape is not None else None
    if kind is None:
        raise ValueError("a position without a shape")
    unit = _text(kind, "distanceUnit")
    if unit not in ("", "meter", "metre", "m"):
        raise ValueError(f"the unit {unit} is not known")
    if kind.tag == "Polygon":
        return circle_around([_coord(one) for one in kind.iterfind("outerBoundaryIs/LinearRing/coord")])
    radius = {"CircularArea": "radius", "EllipticalArea": "semiMajor", "CircularArcArea": "outRadius", "Point": ""}.get(
        kind.tag
    )
    if radius is None:
        raise ValueError(f"the shape {kind.tag} is not known")
    lon, lat = _coord(kind.find("coord"))
    return checked_place(lon, lat, _metres(kind, radius) if radius else None)


def _metres(kind: ET.Element, name: str) -> float:
    text = _text(kind, name)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name}: {text[:40] or 'nothing'} is no number") from None


def _coord(one: ET.Element | None) -> tuple[float, float]:
    """Longitude and latitude; X is the latitude and Y the longitude, unless their letters say otherwise."""
    if one is None:
        raise ValueError("a shape without a place")
    found = {}
    for name, axis in (("X", "lat"), ("Y", "lon")):
        value, letter = _angle(_text(one, name))
        found[{"N": "lat", "S": "lat", "E": "lon", "W": "lon"}.get(letter, axis)] = value
    if len(found) != 2:
        raise ValueError("a place with two latitudes or two longitudes")
    return found["lon"], found["lat"]


def _angle(text: str) -> tuple[float, str]:
    if match := _ANGLE.match(text):
        degrees, minutes, rest, letter = match.groups()
        value = int(degrees) + int(minutes) / 60 + float(rest) / 3_600
    elif match := _WIDE.match(text):
        value, letter = float(match[1]), match[2]
    else:
        raise ValueError(f"{text[:40] or 'nothing'} is no angle")
    return (-value if letter and letter in "SW" else value), letter


def _time(one: ET.Element | None) -> int:
    text = (one.text or "").strip() if one is not None else ""
    offset = _OFFSET.match(one.get("utc_off", "+0000") if one is not None else "")
    if not _TIME.match(text) or offset is None:
        raise ValueError(f"the time {text[:40] or 'nothing'} cannot be read")
    away = timedelta(hours=int(offset[2]), minutes=int(offset[3])) * (1 if offset[1] == "+" else -1)
    iso = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}+00:00"
    try:
        return int((datetime.fromisoformat(iso) - away).timestamp())
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the time {text} cannot be read: {error}") from None


def _text(one: ET.Element, path: str) -> str:
    return (one.findtext(path) or "").strip()


def _tree(body: bytes) -> ET.Element:
    """The elements without namespaces; nothing is declared, expanded or fetched."""
    builder, reader, deep, many = ET.TreeBuilder(), expat.ParserCreate(), 0, 0

    def start(name: str, values: dict[str, str]) -> None:
        nonlocal deep, many
        deep, many = deep + 1, many + 1
        if deep > _DEEP or many > _MANY:
            raise NetworkError("the answer is nested too deep, or too long")
        builder.start(name.rpartition(":")[2], values)

    def end(name: str) -> None:
        nonlocal deep
        deep -= 1
        builder.end(name.rpartition(":")[2])

    def refuse(*_told: object) -> None:
        raise NetworkError("the answer declares entities")

    reader.StartElementHandler, reader.EndElementHandler = start, end
    reader.CharacterDataHandler = builder.data
    reader.EntityDeclHandler = refuse
    try:
        reader.Parse(body, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, LookupError, ValueError) as error:
        raise NetworkError(f"the answer is no XML: {error}"[:200]) from error
