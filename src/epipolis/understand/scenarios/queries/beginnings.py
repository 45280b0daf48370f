"""What if from here: the infected people with whom a run begins, guessed from the cases of the last weeks."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from epipolis.core import clock
from epipolis.engines import twin
from epipolis.sense.cases import queries as cases
from epipolis.sense.city import queries as city

LOOK_BACK = 21  # days of onset or report that are asked for; who was infected before is no longer infectious
REPORT_DELAY = 3  # days from onset to report, where the onset is not known
_OLDEST = 120
Group = tuple[str | None, int, int, int]  # area, age from, age to, days since infection


def beginning(
    at: datetime, *, disease: str, under_reporting: float, immune_share: float, with_areas: bool = True
) -> dict[str, Any]:
    """People infected in the last weeks by area, age group and days since infection: reported cases times the factor.

    A case was infected the mean incubation before its onset; where that is unknown, before its report less three days.
    Cases of which only the district is known are spread over its neighbourhoods as their people are.
    """
    today = clock.local_day(at)
    incubation = round(mean_incubation(disease))
    shares = _shares_of_areas() if with_areas else {}
    reported, counts = 0, Counter[Group]()
    found = cases.confirmed_cases(since=today - timedelta(days=LOOK_BACK), until=today + timedelta(days=1))
    fields = ("onset", "day", "age_from", "age_to", "neighbourhood__code", "district__code")
    for onset, day, age_from, age_to, area, district in found.values_list(*fields).order_by():
        first = onset if onset and onset <= today else day - timedelta(days=REPORT_DELAY)
        since = min(max(0, (today - first).days + incubation), LOOK_BACK + incubation)
        reported += 1
        known = next((code for code in (area, district) if code in shares), None)
        counts[known, *_decade(age_from, age_to), since] += 1
    infected: Counter[Group] = Counter()
    for (known, low, high, since), number in counts.items():
        for code, people in _spread(round(number * under_reporting), shares.get(known or "", {})).items():
            infected[code, low, high, since] += people
    names = ("area", "age_from", "age_to", "days_since_infection")
    return {
        "as_of": today.isoformat(),
        "under_reporting": under_reporting,
        "immune_share": immune_share,
        "reported": reported,
        "infected": [
            dict(zip(names, group, strict=True)) | {"count": people}
            for group, people in sorted(infected.items(), key=lambda item: (item[0][0] or "", *item[0][1:]))
            if people
        ],
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


def _shares_of_areas() -> dict[str, dict[str, int]]:
    """For each area whose code a case may name: the areas of the simulated city that it stands for, with their people."""
    found: dict[str, dict[str, int]] = {}
    counted = city.counted_people()
    is_finer = any(row["neighbourhood"] for row in counted)
    for row in counted:
        code = row["neighbourhood"] if is_finer else row["district"]
        if code and row["people"]:
            for name in {code, row["district"]}:
                areas = found.setdefault(name, {})
                areas[code] = areas.get(code, 0) + row["people"]
    return found


def _spread(people: int, areas: Mapping[str, int]) -> dict[str | None, int]:
    """Whole people over areas by their size: everybody gets the whole part, the largest remainders one more each."""
    if not areas:
        return {None: people}
    total = sum(areas.values())
    exact = {code: people * size / total for code, size in areas.items()}
    found: dict[str | None, int] = {code: int(value) for code, value in exact.items()}
    rest = people - sum(found.values())
    for code in sorted(exact, key=lambda one: (int(exact[one]) - exact[one], one))[:rest]:
        found[code] += 1
    return found


def _decade(age_from: int | None, age_to: int | None) -> tuple[int, int]:
    if age_from is None:
        return 0, _OLDEST
    middle = (age_from + (age_to if age_to is not None else age_from)) // 2
    return (80, _OLDEST) if middle >= 80 else (middle // 10 * 10, middle // 10 * 10 + 9)
