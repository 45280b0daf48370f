"""CAMARA Device Location Retrieval: one request for each number, JSON over HTTP; the answer is a circle or a polygon.

Source: camaraproject/DeviceLocation, location-retrieval.yaml. Tried against the published format, not an operator.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from epipolis.core.outgoing import Line, NoAnswerError, is_private

from .located import Located, NetworkError, checked_place, circle_around, plain_number

_SECONDS, _AGE = 30.0, 600
_ONE = (400, 404, 409, 422)  # what is said of one number only


class _Point(msgspec.Struct):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class _Circle(msgspec.Struct, tag="CIRCLE", tag_field="areaType"):
    center: _Point
    radius: Annotated[float, Meta(ge=0, le=2e7)]


class _Polygon(msgspec.Struct, tag="POLYGON", tag_field="areaType"):
    boundary: Annotated[list[_Point], Meta(min_length=3, max_length=1_000)]


class _Location(msgspec.Struct, rename={"time": "lastLocationTime"}):
    area: _Circle | _Polygon
    time: Annotated[datetime, Meta(tz=True)]


class _Refusal(msgspec.Struct):
    code: str = ""
    message: str = ""


class Camara:
    """An operator that offers the interface at an address; `token` is the access token of the city."""

    name = "camara"

    def __init__(self, address: str, *, token: str = "", seconds: float = _SECONDS) -> None:
        parts = urlsplit(address)
        if not is_private(parts):
            raise ValueError("EPIPOLIS_QUARANTINE_NETWORK_URL: must be https")
        self._address, self._path = address, f"{parts.path.rstrip('/')}/retrieve"
        self._token, self._seconds = token, seconds

    def locate(self, numbers: Sequence[str]) -> list[Located]:
        with closing(Line(self._address, seconds=self._seconds)) as line:
            return [self._ask(line, plain_number(one)) for one in numbers]

    def _ask(self, line: Line, number: str) -> Located:
        body = msgspec.json.encode({"device": {"phoneNumber": number}, "maxAge": _AGE})
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        try:
            answer = line.ask("POST", self._path, body, headers)
        except NoAnswerError as error:
            raise NetworkError(str(error)) from error
        if answer.status == 200:
            return read_camara(number, answer.body)
        if answer.status in _ONE:
            return Located(number, why=_refusal(answer.body) or str(answer.status))
        raise NetworkError(f"the operator answers {answer.status} {_refusal(answer.body)}".strip())


def read_camara(number: str, body: bytes) -> Located:
    """The terminal in an answer; one whose place cannot be read says why."""
    try:
        told = msgspec.json.decode(body, type=_Location)
        if isinstance(told.area, _Circle):
            lon, lat, radius = checked_place(told.area.center.longitude, told.area.center.latitude, told.area.radius)
        else:
            lon, lat, radius = circle_around([(one.longitude, one.latitude) for one in told.area.boundary])
    except (ValueError, RecursionError) as error:
        return Located(number, why=str(error)[:200])
    source: Literal["cell"] = "cell"  # how it was found is not told: the weakest way is taken
    return Located(number, int(told.time.timestamp()), lon, lat, radius, source)


def _refusal(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=_Refusal)
    except (ValueError, RecursionError):
        return ""
    return f"{told.code} {told.message}".strip()[:200]
