"""The tables behind the charts: the same rows for the screen, the download and the API."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from epipolis.understand.situation.queries.picture import AGE_BANDS, Picture

SEXES = ("F", "M", "X", "")


def curve_table(picture: Picture) -> list[dict[str, Any]]:
    """One row a day from the first case on: by onset, by sample, by report, and the mean of seven days of reports."""
    days = _days(picture)
    rows = []
    for number, day in enumerate(days):
        week = [picture.reported.get(d, 0) for d in days[max(0, number - 6) : number + 1]]
        rows.append(
            {
                "day": day,
                "onset": picture.onset.get(day, 0),
                "sampled": picture.sampled.get(day, 0),
                "reported": picture.reported.get(day, 0),
                "reported_7_day_mean": round(sum(week) / len(week), 2),
            }
        )
    return rows


def age_table(picture: Picture) -> list[dict[str, Any]]:
    """One row an age band: cases by sex; the last row holds those of unknown age."""
    bands: Sequence[tuple[int, int | None]] = (*AGE_BANDS, (-1, None))
    return [
        {
            "age_from": start if start >= 0 else None,
            "age_to": end,
            "female": picture.ages.get((start, "F"), 0),
            "male": picture.ages.get((start, "M"), 0),
            "other_or_unknown": picture.ages.get((start, "X"), 0) + picture.ages.get((start, ""), 0),
        }
        for start, end in bands
    ]


def district_table(picture: Picture) -> list[dict[str, Any]]:
    """One row a district, the highest incidence first."""
    rows = [
        {
            "district_id": area.district,
            "district": area.name,
            "people": area.people,
            "cases": area.cases,
            "cases_7_days": area.week,
            "cases_7_days_before": area.week_before,
            "incidence_7_days": round(area.incidence, 1) if area.incidence is not None else None,
            "active": area.active,
        }
        for area in picture.areas
    ]
    return sorted(rows, key=lambda row: (-(row["incidence_7_days"] or 0), -row["cases"], row["district"]))


def _days(picture: Picture) -> list[date]:
    known = [day for series in (picture.onset, picture.sampled, picture.reported) for day in series]
    known = [day for day in known if day <= picture.today]
    if not known:
        return []
    first = max(min(known), picture.today - timedelta(days=730))
    return [first + timedelta(days=n) for n in range((picture.today - first).days + 1)]
