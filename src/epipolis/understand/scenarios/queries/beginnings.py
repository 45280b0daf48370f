"""What if from here: the infected people with whom a run begins, guessed from the cases of the last weeks."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from epipolis.core import clock
from epipolis.engines import twin
from epipolis.sense.cases import queries as cases

LOOK_BACK = 21  # days of onset or report that are asked for; who was infected before is no longer infectious
REPORT_DELAY = 3  # days from onset to report, where the onset is not known
_OLDEST = 120


def beginning(
    at: datetime, *, disease: str, under_reporting: float, immune_share: float, with_areas: bool = True
) -> dict[str, Any]:
    """People infected in the last weeks by area, age group and days since infection: reported cases times the factor.

    A case was infected the mean incubation before its onset; where that is unknown, before its report less three days.
    """
    today = clock.local_day(at)
    incubation = round(mean_incubation(disease))
    counts: Counter[tuple[str | None, int, int, int]] = Counter()
    found = cases.confirmed_cases(since=today - timedelta(days=LOOK_BACK), until=today + timedelta(days=1))
    fields = ("onset", "day", "age_from", "age_to", "neighbourhood__code")
    for onset, day, age_from, age_to, area in found.values_list(*fields).order_by():
        first = onset if onset and onset <= today else day - timedelta(days=REPORT_DELAY)
        since = min(max(0, (today - first).days + incubation), LOOK_BACK + incubation)
        low, high = _decade(age_from, age_to)
        counts[(area if with_areas else None, low, high, since)] += 1
    infected = [
        {"area": area, "age_from": low, "age_to": high, "days_since_infection": since, "count": round(number * under_reporting)}
        for (area, low, high, since), number in sorted(counts.items(), key=lambda item: (item[0][0] or "", *item[0][1:]))
    ]
    return {
        "as_of": today.isoformat(),
        "under_reporting": under_reporting,
        "immune_share": immune_share,
        "reported": sum(counts.values()),
        "infected": [row for row in infected if row["count"]],
    }


def mean_incubation(disease: str) -> float:
    """Days from infection to onset of symptoms, on average."""
    found = twin.load_disease(disease)
    if found.incubation:
        return float(found.incubation.mean)
    return float((found.latent.mean if found.latent else 0) + (found.presymptomatic.mean if found.presymptomatic else 0))


def recent_cases(at: datetime) -> int:
    """How many confirmed cases a beginning of today would be made of."""
    today = clock.local_day(at)
    return cases.confirmed_cases(since=today - timedelta(days=LOOK_BACK), until=today + timedelta(days=1)).count()


def _decade(age_from: int | None, age_to: int | None) -> tuple[int, int]:
    if age_from is None:
        return 0, _OLDEST
    middle = (age_from + (age_to if age_to is not None else age_from)) // 2
    return (80, _OLDEST) if middle >= 80 else (middle // 10 * 10, middle // 10 * 10 + 9)
