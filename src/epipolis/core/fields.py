"""The bounded types of every interface: what fits none of them never reaches the database."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the NUL character")
    return text.strip()


def _moment(at: datetime) -> datetime:
    # Compared before any conversion: year 9999 west of Greenwich has no UTC time.
    if not _FIRST.replace(tzinfo=at.tzinfo) <= at <= _LAST.replace(tzinfo=at.tzinfo):
        raise ValueError("must lie between 1900 and 2200")
    return at.astimezone(UTC)


def _day(day: date) -> date:
    if not _FIRST.date() <= day <= _LAST.date():
        raise ValueError("must lie between 1900 and 2200")
    return day


Word = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
ShortText = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
LongText = Annotated[str, Field(max_length=4_000), AfterValidator(_plain)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
Day = Annotated[date, AfterValidator(_day)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
BigId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]
Limit = Annotated[int, Field(ge=1, le=1_000)]
