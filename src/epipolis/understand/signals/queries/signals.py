"""Which signals there are, and what people made of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from epipolis.core.models import TaskRun
from epipolis.sense.city import queries as city
from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.models import Judgement, Look, Signal, SignalRevision
from epipolis.understand.signals.queries import words

TO_DO = (Signal.State.OPEN, Signal.State.LOOKED_AT)


@dataclass(frozen=True)
class Narrow:
    """Which signals: by state ("" those without a final word, "all" every one), series, place, day of the newest look."""

    state: str = ""
    series: str = ""
    area: str = ""
    method: str = ""


def signals(asked: Narrow | None = None) -> QuerySet[Signal]:
    """Signals, the newest day first."""
    asked = asked or Narrow(state="all")
    found = Signal.objects.select_related("hot_spot").order_by("-day", "series", "area", "method")
    if asked.state == "":
        found = found.filter(state__in=TO_DO)
    elif asked.state != "all":
        found = found.filter(state=asked.state)
    for name in ("series", "area", "method"):
        if value := getattr(asked, name):
            found = found.filter(**{name: value})
    return found


def signal_by_id(signal_id: UUID) -> Signal | None:
    return Signal.objects.select_related("hot_spot").filter(id=signal_id).first()


def open_with(signal: Signal) -> QuerySet[Signal]:
    """The other open signals of the same series, place and method."""
    same = Signal.objects.filter(series=signal.series, area=signal.area, method=signal.method, state=Signal.State.OPEN)
    return same.exclude(id=signal.id).order_by("-day")


def near(signal: Signal, limit: int = 8) -> list[dict[str, Any]]:
    """The signals of the same place around that day, whatever the series."""
    others = Signal.objects.filter(area=signal.area).exclude(id=signal.id).order_by("-day", "series", "method")
    days = sorted(others[:200], key=lambda one: abs((one.day - signal.day).days))[:limit]
    return rows_of(sorted(days, key=lambda one: one.day, reverse=True))


def judgements_of(signal: Signal) -> list[Judgement]:
    """Every step that people took, the newest first."""
    return list(Judgement.objects.filter(signal=signal).select_related("undoes").order_by("-id"))


def revisions_of(signal: Signal) -> list[SignalRevision]:
    return list(SignalRevision.objects.filter(signal=signal).order_by("known_at", "id"))


def judgement_by_id(judgement_id: int) -> Judgement | None:
    return Judgement.objects.filter(id=judgement_id).first() if 0 < judgement_id < 2**63 else None


def rows_of(found: list[Signal]) -> list[dict[str, Any]]:
    """Signals with the words for them, for lists."""
    names = forecast.area_names()
    titles: dict[str, str] = {}
    rows = []
    for one in found:
        title = titles.setdefault(one.series, words.series_title(one.series))
        row = {"signal": one, "title": title, "area": names.get(one.area, one.area), "figure": words.figure(one)}
        rows.append(row | {"places": words.places(one.hot_spot.areas, names) if is_spot(one) else ""})
    return rows


def is_spot(one: Signal) -> bool:
    """Whether the signal is a hot spot whose places are known."""
    return one.method == Signal.Method.SCAN and getattr(one, "hot_spot", None) is not None


def choices() -> dict[str, list[tuple[str, str]]]:
    """The series and places that have signals, for the filter."""
    names = forecast.area_names()
    series = Signal.objects.order_by("series").values_list("series", flat=True).distinct()
    areas = Signal.objects.order_by("area").values_list("area", flat=True).distinct()
    return {
        "series": [(name, words.series_title(name)) for name in series],
        "areas": sorted(((code, names.get(code, code)) for code in areas), key=lambda one: (one[0] != forecast.CITY, one[1])),
    }


def counts() -> dict[str, int]:
    """How many signals there are of each state."""
    found = Counter(dict(Signal.objects.order_by().values_list("state").annotate(n=Count("id"))))
    return {state: found.get(state, 0) for state in Signal.State.values}


def open_tile(at: datetime) -> dict[str, Any]:
    """Signals to look at, on the dashboard."""
    look = newest_look()
    count = Signal.objects.filter(state=Signal.State.OPEN).count()
    if look is None:
        return {"value": None, "note": _("nothing was watched yet")}
    spots = Signal.objects.filter(state__in=TO_DO, method=Signal.Method.SCAN, stands=True).count()
    newest = Signal.objects.filter(state=Signal.State.OPEN).aggregate(day=Max("day"))["day"]
    note = words.tile_note(spots, newest)
    return {"value": count, "note": note, "as_of": look.known_at}


def newest_look() -> Look | None:
    """The look at the newest data."""
    return Look.objects.order_by("-known_at", "-made_at").first()


def looks() -> QuerySet[Look]:
    return Look.objects.order_by("-known_at", "-made_at")


def open_run() -> TaskRun | None:
    """A look that was asked for and is not over."""
    going = (TaskRun.State.WAITING, TaskRun.State.RUNNING)
    return TaskRun.objects.filter(task="signals.look", state__in=going).order_by("-asked").first()


def is_newest(one: Judgement) -> bool:
    """Whether nothing was said of its signal after it."""
    newest = Judgement.objects.filter(signal=one.signal_id).order_by("-id").first()
    return newest is not None and newest.id == one.id


def area_names() -> dict[str, str]:
    return forecast.area_names()


def district_id(code: str) -> int | None:
    """The key of the district with this code, for the line list's filter."""
    return city.districts().filter(code=code).values_list("id", flat=True).first()
