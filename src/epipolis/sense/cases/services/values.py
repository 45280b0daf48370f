"""What a cell says: days, ages, sexes and yes or no, as offices in several countries and languages write them.

Each reader returns the value, or raises CellError with the rule that the text breaks. Empty text is never passed in.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from unicodedata import normalize
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

EMPTY = frozenset({"", "-", "--", ".", "?", "na", "n/a", "nan", "null", "nil", "#n/a", "無", "不詳", "s/d"})
_ROC = 1911  # the year before the first of the Republic of China calendar
_EXCEL = date(1899, 12, 30)
_FIRST, _LAST = date(1850, 1, 1), date(2200, 1, 1)
_SERIAL = re.compile(r"([2-9]\d{4})(?:\.\d+)?")  # 1954 to 2173 as a spreadsheet counts days
_PARTS = re.compile(r"(?:民國|民国)?(\d{1,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,4})\s*[日號号]?(?:[T ]\d{1,2}:\d{2}.*)?")
_WORDS = re.compile(r"(\d{1,2})\W+(?:de\W+)?([a-zéí]{3,})\W+(?:del?\W+)?(\d{4})|([a-zéí]{3,})\W+(\d{1,2})\W+(\d{4})")
_MONTHS = {
    word: number
    for number, words in enumerate(
        ["jan ene", "feb", "mar", "apr abr", "may", "jun", "jul", "aug ago", "sep set", "oct", "nov", "dec dic"],
        start=1,
    )
    for word in words.split()
}
_AGE = re.compile(r"(\d{1,3})(?:\.\d+)?\s*(?:y|yr|yrs|years?|years? old|años?|歲|岁|세)?")
_BAND = re.compile(r"(\d{1,3})\s*(?:-|–|~|to|a|至|到)\s*(\d{1,3})\s*(?:years?|años?|歲|岁|세)?")
_DECADE = re.compile(r"(\d{1,2}0|0)\s*(?:'?s|代|多歲|多岁|대)")
_OPEN = re.compile(r"(?:>=?|≥)\s*(\d{1,3})|(\d{1,3})\s*(?:\+|and (?:over|older|above)|y más|o más|歲?以上|岁?以上)")
_UNDER = re.compile(r"(?:<|under|menos de|未滿|未满)\s*(\d{1,3})(?:\s*(?:years?|años?|歲|岁))?")
_SHORT = re.compile(r"(\d{1,3})\s*(m|mo|months?|meses|mes|個月|个月|w|weeks?|semanas?|週|周|d|days?|días?|天)")
_OLDEST = 120
_YES = frozenset({"yes", "y", "true", "t", "1", "si", "sí", "是", "有", "x"})
_NO = frozenset({"no", "n", "false", "f", "0", "否", "沒有", "没有", "none"})
_ALSO_YES = frozenset({"present", "positive", "presente", "+", "有的", "是的"})
_ALSO_NO = frozenset({"absent", "negative", "ausente", "無", "无", "沒", "没"})
_UNKNOWN = frozenset(
    {"unknown", "unk", "u", "not known", "desconocido", "desconocida", "no sabe", "se desconoce", "ns", "nsp"}
    | {"未知", "不明", "不詳", "不详", "不清楚", "99"}
)


class CellError(ValueError):
    """A cell that does not say what its column should."""


@lru_cache(maxsize=20_000)
def read_day(text: str, zone: ZoneInfo, day_first: bool = True) -> date:
    """A local calendar day; a moment with a zone counts by the local clock.

    Raises:
        CellError: it is no day, has no full year, or its order of day and month is not that of its column.
    """
    found = _iso(text, zone) or _numeric(text, day_first) or _worded(text)
    if found is None:
        serial = _SERIAL.fullmatch(text)
        if serial is None:
            raise CellError(gettext_noop("is no day that exists"))
        found = _EXCEL + timedelta(days=int(serial[1]))
    if not _FIRST <= found < _LAST:
        raise CellError(gettext_noop("lies outside 1850 to 2200"))
    return found


def day_order(texts: Iterable[str]) -> bool | None:
    """Whether days such as 31/01/2020 name the day first (True) or the month (False); None when nothing tells."""
    first = second = False
    for text in texts:
        parts = _PARTS.fullmatch(text)
        if parts and len(parts[3]) == 4:
            first, second = first or int(parts[1]) > 12, second or int(parts[2]) > 12
    return None if first == second else first


def day_orders(rows: Sequence[Mapping[str, str]], mapping: Mapping[str, str], days: Collection[str]) -> dict[str, bool]:
    """Of each field of `days` whether the day stands before the month in its column; where nothing tells, it does."""
    wanted = {column: key for column, key in mapping.items() if key in days}
    return {key: day_order(row.get(column, "") for row in rows) is not False for column, key in wanted.items()}


def is_ambiguous(text: str) -> bool:
    """Whether a day reads differently with the month first."""
    parts = _PARTS.fullmatch(text)
    return bool(parts and len(parts[3]) == 4 and int(parts[1]) <= 12 and int(parts[2]) <= 12 and parts[1] != parts[2])


def _iso(text: str, zone: ZoneInfo) -> date | None:
    try:
        if len(text) == 10 or (len(text) == 8 and text.isdigit()):
            return date.fromisoformat(text)
        if len(text) > 10 and text[10] in "T ":
            moment = datetime.fromisoformat(text)
            return (moment.astimezone(zone) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
    return None


def _numeric(text: str, day_first: bool) -> date | None:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return None
    one, two, three = int(parts[1]), int(parts[2]), int(parts[3])
    if len(parts[1]) >= 3:
        year = one if len(parts[1]) == 4 else one + _ROC
        return _day(year, two, three)
    if len(parts[3]) == 4:
        found = _day(three, *((two, one) if day_first else (one, two)))
        if found is None and _day(three, *((one, two) if day_first else (two, one))):
            raise CellError(gettext_noop("day and month stand in another order than in the rest of the column"))
        return found
    if text.startswith(("民國", "民国")):
        return _day(one + _ROC, two, three)
    raise CellError(gettext_noop("the year needs four digits"))


def _worded(text: str) -> date | None:
    parts = _WORDS.fullmatch(text.lower())
    if parts is None:
        return None
    day, word, year = (parts[1], parts[2], parts[3]) if parts[1] else (parts[5], parts[4], parts[6])
    month = _MONTHS.get(word[:3])
    return _day(int(year), month, int(day)) if month else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=5_000)
def read_age(text: str) -> tuple[int, int | None]:
    """An age or a band in full years, from and to (both included; None: and older). Months and weeks are year 0.

    Raises:
        CellError: it is no age between 0 and 120.
    """
    plain = normalize("NFKC", text).casefold().strip()
    found = _age(plain)
    if found is None:
        raise CellError(gettext_noop("is no age"))
    if found[0] > _OLDEST or (found[1] or 0) > _OLDEST or (found[1] is not None and found[0] > found[1]):
        raise CellError(gettext_noop("must lie between 0 and 120"))
    return found


def _age(plain: str) -> tuple[int, int | None] | None:
    if one := _AGE.fullmatch(plain):
        return int(one[1]), int(one[1])
    if decade := _DECADE.fullmatch(plain):
        return int(decade[1]), int(decade[1]) + 9
    if band := _BAND.fullmatch(plain):
        return int(band[1]), int(band[2])
    if over := _OPEN.fullmatch(plain):
        above = 1 if plain.startswith(">") and not plain.startswith(">=") else 0
        return int(over[1] or over[2]) + above, None
    if under := _UNDER.fullmatch(plain):
        return 0, max(int(under[1]) - 1, 0)
    if short := _SHORT.fullmatch(plain):
        per_year = {"m": 12, "個": 12, "个": 12, "w": 52, "s": 52, "週": 52, "周": 52}.get(short[2][0], 365)
        years = int(short[1]) // per_year
        return years, years
    return None


def read_birth_year(text: str) -> int:
    """A year of birth, also of the Republic of China calendar (two or three digits).

    Raises:
        CellError: it is no such year.
    """
    if not text.isdecimal() or len(text) > 4:
        raise CellError(gettext_noop("is no year of birth"))
    year = int(text) if len(text) == 4 else int(text) + _ROC
    if not _FIRST.year <= year <= _LAST.year:
        raise CellError(gettext_noop("is no year of birth"))
    return year


def read_yes(text: str) -> bool:
    """Yes or no.

    Raises:
        CellError: it says neither.
    """
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise CellError(gettext_noop("says neither yes nor no"))


def read_state(text: str) -> str:
    """The answer to a question: yes, no or unknown.

    Raises:
        CellError: it is none of these.
    """
    word = normalize("NFKC", text).casefold().strip()
    for state, words in (("yes", _YES | _ALSO_YES), ("no", _NO | _ALSO_NO), ("unknown", _UNKNOWN)):
        if word in words:
            return state
    raise CellError(gettext_noop("says neither yes nor no nor unknown"))


def is_empty(text: str) -> bool:
    """Whether a cell only says that nothing is known."""
    return not text or (len(text) <= 4 and text.casefold() in EMPTY)
