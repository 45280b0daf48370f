"""Cells of a table of people as the platform's values: dates as far as they are known, sexes in many words, places."""

import re
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext_noop

from epipolis.core.imports import Row, match_columns
from epipolis.sense.city import queries as city
from epipolis.sense.city.models import Neighbourhood

from .rows import NO_BIRTH, Birth, PersonError, PersonRow

IMPORT_FIELDS = {
    "number": gettext_noop("the person's number in the file, by which the row is found again"),
    "national_id": gettext_noop("number of the identity card"),
    "given_name": gettext_noop("given name"),
    "family_name": gettext_noop("family name"),
    "birth_date": gettext_noop("1980-05-17, 1980-05 or 1980"),
    "sex": gettext_noop("F, M, X or empty for unknown"),
    "phone": gettext_noop("telephone"),
    "email": gettext_noop("e-mail"),
    "language": gettext_noop("language code, such as en, es or zh-Hant"),
    "address": gettext_noop("address"),
    "neighbourhood": gettext_noop("name or code; found from the point when empty"),
    "district": gettext_noop("name or code; needed where two neighbourhoods share a name"),
    "lon": gettext_noop("longitude of the home in degrees; only its neighbourhood is kept"),
    "lat": gettext_noop("latitude of the home in degrees; only its neighbourhood is kept"),
}
_ALSO = {
    "number": ("id", "person_id", "patient_id", "key", "編號"),
    "national_id": ("id_number", "身分證字號", "身分證"),
    "given_name": ("first_name", "firstname", "forename", "nombre", "名"),
    "family_name": ("last_name", "lastname", "surname", "apellido", "apellidos", "姓"),
    "birth_date": ("birth", "birthday", "date_of_birth", "dob", "birth_year", "year_of_birth", "出生日期", "生日"),
    "sex": ("gender", "sexo", "性別"),
    "phone": ("telephone", "mobile", "tel", "telefono", "teléfono", "電話"),
    "email": ("e-mail", "mail", "correo", "電子郵件"),
    "language": ("lang", "idioma", "語言"),
    "address": ("direccion", "dirección", "地址"),
    "neighbourhood": ("neighborhood", "village", "ward", "barrio", "里"),
    "district": ("distrito", "區"),
    "lon": ("longitude", "lng", "x"),
    "lat": ("latitude", "y"),
}
_SEXES = {
    "F": ("f", "female", "w", "woman", "mujer", "femenino", "女", "女性"),
    "M": ("m", "male", "man", "hombre", "masculino", "男", "男性"),
    "X": ("x", "other", "diverse", "otro", "其他"),
    "": ("", "u", "unknown", "?", "-", "na", "n/a", "desconocido", "不明", "未知"),
}
_WORDS = {word: sex for sex, words in _SEXES.items() for word in words}
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2})(?:[T ]00:00(?::00)?)?)?)?")


def guess_mapping(columns: list[str]) -> dict[str, str]:
    """Which column holds which field, by name; columns that fit nothing are left out."""
    return match_columns(columns, {name: field for field in IMPORT_FIELDS for name in (field, *_ALSO.get(field, ()))})


def guess_beside(columns: Sequence[str], fields: Iterable[str], also: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The same for a table that is about people and something else: first its own fields, then what is of people."""
    names = {name: key for key in fields for name in (key, *also.get(key, ()))} | dict.fromkeys(also["number"], "number")
    found = match_columns(columns, names)
    rest = guess_mapping([column for column in columns if column not in found])
    return found | {column: key for column, key in rest.items() if key not in found.values()}


def read_person(
    row: Row, mapping: Mapping[str, str], *, source: str, around: Neighbourhood | None, simulated: bool
) -> PersonRow:
    """One row of a file as a person; `around` is the neighbourhood of its point, where it has one.

    Raises:
        PersonError: a cell cannot be read; the caller checks the values themselves.
    """
    cells = {field: row.get(column, "") for column, field in mapping.items()}
    numbers = [("national_id", cells.get("national_id", "")), (source, cells.get("number", ""))]
    return PersonRow(
        identifiers=tuple(pair for pair in numbers if pair[1]),
        given_name=cells.get("given_name", ""),
        family_name=cells.get("family_name", ""),
        birth=read_birth(cells.get("birth_date", "")),
        sex=read_sex(cells.get("sex", "")),
        language=cells.get("language", ""),
        neighbourhood=_home(cells, around),
        address=cells.get("address", ""),
        phones=tuple(filter(None, [cells.get("phone", "")])),
        emails=tuple(filter(None, [cells.get("email", "")])),
        simulated=simulated,
    )


def read_birth(text: str) -> Birth:
    """A date as far as it is known: 1980, 1980-05, 1980-05-17; months before days, for no other order is certain."""
    if not text.strip():
        return NO_BIRTH
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise PersonError("birth_date", "must be 1980-05-17, 1980-05 or 1980")
    year, month, day = (int(part) if part else None for part in found.groups())
    return year, month, day


def read_sex(text: str) -> str:
    sex = _WORDS.get(text.strip().casefold())
    if sex is None:
        raise PersonError("sex", "must be F, M, X or empty for unknown")
    return sex


def read_point(row: Row, mapping: Mapping[str, str]) -> tuple[float, float]:
    """Longitude and latitude of a row, NaN without one.

    Raises:
        PersonError: half a point, no number, or outside WGS84.
    """
    cells = {field: row.get(column, "") for column, field in mapping.items() if field in ("lon", "lat")}
    if not any(cells.values()):
        return float("nan"), float("nan")
    return _degrees(cells, "lon", 180), _degrees(cells, "lat", 90)


def _degrees(cells: Mapping[str, str], field: str, most: int) -> float:
    try:
        found = float(cells.get(field, ""))
    except ValueError:
        found = float("nan")
    if not -most <= found <= most:
        raise PersonError(field, f"must be degrees between -{most} and {most}")
    return found


def _home(cells: Mapping[str, str], around: Neighbourhood | None) -> Neighbourhood | None:
    named = cells.get("neighbourhood", "")
    if not named:
        return around
    district = cells.get("district", "")
    found = city.neighbourhood_named(named, city.district_named(district) if district else None)
    if found is None:
        raise PersonError("neighbourhood", "there is no single neighbourhood of this name or code")
    return found
