"""What the public sees: one release a day, whole weeks by district, no small cells, nothing to be had by subtraction."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from epipolis.core import clock
from epipolis.engines.disclosure import protect_table, round_total
from epipolis.sense.cases import queries as cases
from epipolis.sense.city import queries as city
from epipolis.understand.situation.queries.picture import Picture, picture
from epipolis.understand.situation.settings import settings

WEEKS = 6


@dataclass(frozen=True)
class Published:
    """One day's release. A count of None is hidden; `weeks` are whole weeks from Monday, by district."""

    released: datetime
    total: int
    died: int
    week_incidence: float | None
    weeks: tuple[date, ...]
    districts: tuple[dict[str, Any], ...]
    smallest: int


def published(at: datetime) -> Published:
    """The release of the day: everything as it was known at its midnight, so that it stays the same all day long."""
    released = clock.start_of(clock.local_day(at))
    whole = picture(released, now=released)
    weeks = _whole_weeks(whole)
    counts = _weekly(released, weeks)
    hidden = protect_table(counts, minimum=settings.smallest_cell) if counts.size else counts.astype(bool)
    areas = list(city.districts())
    rows = tuple(
        {
            "district": area.name,
            "counts": [None if hidden[i, j] else int(counts[i, j]) for j in range(len(weeks))],
        }
        for i, area in enumerate(areas)
    )
    return Published(
        released=released,
        total=round_total(whole.total),
        died=round_total(whole.died),
        week_incidence=round(whole.incidence, 0)
        if whole.incidence is not None and whole.week >= settings.smallest_cell
        else None,
        weeks=weeks,
        districts=rows,
        smallest=settings.smallest_cell,
    )


def _whole_weeks(whole: Picture) -> tuple[date, ...]:
    """The Mondays of the last weeks that had ended three days before: late reports would otherwise show as differences."""
    last = whole.today - timedelta(days=3)
    monday = last - timedelta(days=last.weekday() + 7)
    return tuple(monday - timedelta(weeks=n) for n in reversed(range(WEEKS)))


def _weekly(released: datetime, weeks: tuple[date, ...]) -> Any:
    """Cases by district and week, each week as it was known when it was first released, so no release revises another."""
    places = {area.id: i for i, area in enumerate(city.districts())}
    counts = np.zeros((len(places), len(weeks)), dtype=np.int64)
    for j, monday in enumerate(weeks):
        frozen = min(released, clock.start_of(monday + timedelta(days=10)))
        facts = cases.facts_as_known(frozen).filter(
            classification="confirmed", reported__gte=monday, reported__lt=monday + timedelta(weeks=1)
        )
        for district in facts.order_by().values_list("district_id", flat=True):
            if district in places:
                counts[places[district], j] += 1
    return counts
