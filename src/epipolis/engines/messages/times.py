"""Times as messages write them: parts may be missing, the zone too."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from epipolis.engines.messages.reports import NO_BIRTH, Birth

_HL7 = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6})\d*)?)?)?)?)?)?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_FHIR = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(?:(Z)|([+-])(\d\d):(\d\d))?)?)?)?", re.ASCII
)
_DAY = re.compile(r"(\d{4})(?:[-/.]?(\d\d)(?:[-/.]?(\d\d))?)?", re.ASCII)


def hl7_time(text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    """An aware time and whether only the day (or less) was told; (None, False) for what is no time.

    A time without a zone is one of `zone`, which is the sender's. Missing parts are the earliest that they can be.
    """
    return _time(_HL7.fullmatch(text.strip()), zone)


def fhir_time(text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    """The same of FHIR's dateTime and instant."""
    return _time(_FHIR.fullmatch(text.strip()), zone)


def _time(found: re.Match[str] | None, zone: tzinfo) -> tuple[datetime | None, bool]:
    if found is None:
        return None, False
    year, month, day, hour, minute, second, part, utc, sign, ahead, also = found.groups()
    where: tzinfo = zone
    if utc:
        where = UTC
    elif sign:
        offset = timedelta(hours=int(ahead), minutes=int(also))
        if offset >= timedelta(hours=24):
            return None, False
        where = timezone(-offset if sign == "-" else offset)
    try:
        made = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), tzinfo=where)
        made = made.replace(second=59 if second == "60" else int(second or 0), microsecond=int((part or "0").ljust(6, "0")))
        made.astimezone(UTC)  # a zone's offset may carry the first and the last year out of the calendar
    except (ValueError, OverflowError):
        return None, False
    return made, hour is None


def birth_of(text: str) -> Birth | None:
    """Year, month and day as far as told, of 1980, 198003, 19800314, 1980-03-14, each with any time after; None for others.

    A month or day of 00 or 99 is one that is not known.
    """
    bare = text.strip()
    if not bare:
        return NO_BIRTH
    found = _DAY.match(bare)
    rest = "" if found is None else bare[found.end() :]
    if found is None or (rest and not (found[3] and re.fullmatch(r"[T ]?[\d:.+\-Z]*", rest, re.ASCII))):
        return None
    year, month, day = (int(part) if part and part not in ("00", "99", "0000") else None for part in found.groups())
    if year is None or (month is not None and month > 12):
        return None
    if month is None:
        return year, None, None
    try:
        date(year, month, day or 1)
    except ValueError:
        return None
    return year, month, day


def write_hl7_time(at: datetime, *, day_only: bool = False) -> str:
    """YYYYMMDD, or YYYYMMDDHHMMSS with its offset from UTC."""
    if day_only:
        return f"{at.year:04}{at:%m%d}"
    part = f".{at.microsecond:06}".rstrip("0") if at.microsecond else ""
    return f"{at.year:04}{at:%m%d%H%M%S}{part}{_offset(at).replace(':', '')}"


def write_fhir_time(at: datetime, *, day_only: bool = False) -> str:
    """YYYY-MM-DD, or a dateTime with its offset from UTC."""
    if day_only:
        return f"{at.year:04}-{at:%m-%d}"
    part = f".{at.microsecond:06}".rstrip("0") if at.microsecond else ""
    return f"{at.year:04}-{at:%m-%dT%H:%M:%S}{part}{_offset(at)}"


def _offset(at: datetime) -> str:
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def write_birth(birth: Birth, between: str = "") -> str:
    """1980, 198003 or 19800314, with `between` between the parts."""
    year, month, day = birth
    if year is None:
        return ""
    parts = [f"{year:04}"]
    if month is not None:
        parts.append(f"{month:02}")
        if day is not None:
            parts.append(f"{day:02}")
    return between.join(parts)
