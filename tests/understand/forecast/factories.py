"""A small city with an epidemic whose line list grew day by day, quick to make."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import numpy as np

from epipolis.core import clock
from epipolis.core.imports import ImportOptions
from epipolis.sense.cases.models import Case, CaseRevision
from epipolis.sense.people.models import Person
from epipolis.understand.forecast import queries, services
from tests.sense.city.factories import district, people_of

NOW = datetime(2026, 3, 30, 4, 0, tzinfo=UTC)  # noon in Taipei
TODAY = date(2026, 3, 30)


def town():
    """Two districts with people."""
    areas = [district("D1", "Harbour"), district("D2", "Hill", west=-19.9)]
    for area, people in zip(areas, (30_000, 20_000), strict=True):
        people_of(area, people)
    return areas


def noon(day):
    return clock.start_of(day) + timedelta(hours=12)


def epidemic(areas, *, days=56, start=4.0, growth=0.03, until=TODAY, delay=3, seed=1):
    """Cases by report day until `until`, each known at noon of that day; onset some days before, one in ten admitted."""
    rng = np.random.default_rng(seed)
    rows = []
    for back in range(days, 0, -1):
        day = until - timedelta(days=back)
        for area, share in zip(areas, (0.6, 0.4), strict=True):
            for _ in range(rng.poisson(share * start * np.exp(growth * (days - back)))):
                onset = day - timedelta(days=int(rng.poisson(delay)))
                admitted = day if rng.random() < 0.1 else None
                left = {"ended": None}
                rows.append((area, day, onset, admitted, left))
    return add_cases(rows)


def add_cases(rows, *, known=None):
    person = Person.objects.create(id=uuid4(), known_at=NOW)
    cases, revisions = [], []
    for number, (area, day, onset, admitted, more) in enumerate(rows):
        at = known or noon(day)
        facts = {
            "classification": "confirmed", "reported": day, "onset": onset, "hospitalised": admitted,
            "district": area, **more,
        }  # fmt: skip
        case = Case(
            id=uuid4(), person=person, disease="covid", source="t", source_key=f"{at:%Y%m%d%H%M}-{number}-{uuid4().hex[:6]}",
            known_at=at, revised_at=at, **facts,
        )  # fmt: skip
        cases.append(case)
        revisions.append(CaseRevision(case=case, revision=1, known_at=at, by="t", **facts))
    Case.objects.bulk_create(cases)
    CaseRevision.objects.bulk_create(revisions)
    return cases


def made_round(day=TODAY, at=NOW):
    """The round from what was known as a day began."""
    with clock.fixed(at):
        services.make_past(_silent(), day.isoformat(), day.isoformat(), 7)
        return queries.latest_round(clock.start_of(day))


def past_rounds(weeks=3, at=NOW, last=TODAY):
    with clock.fixed(at):
        since = last - timedelta(days=7 * weeks)
        return services.make_past(_silent(), since.isoformat(), last.isoformat(), 7)


def _silent():
    from epipolis.core.work import silent

    return silent()


def options(at=NOW, **more):
    return ImportOptions(by="test", at=at, **more)


def written(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def values_of(found):
    """Everything that a round says, to compare two."""
    rows = queries.forecasts_of(found).values_list("model", "target", "area", "step", "horizon", "day", "values")
    return [(*row[:-1], tuple(row[-1])) for row in rows]


def text_of(html):
    """What a reader of a page sees, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
