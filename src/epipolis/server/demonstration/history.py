"""The weeks before the demonstration opens: lived by the twin, then imported day by day, as a city would have done."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from epipolis.core import clock
from epipolis.core.imports import Importer, ImportOptions
from epipolis.core.modules import modules
from epipolis.core.work import Progress, silent, worker_app
from epipolis.engines import twin
from epipolis.engines.twin import city_files
from epipolis.sense.people import services as people
from epipolis.server.demonstration import daily, doubles, laboratories
from epipolis.understand.forecast import services as forecast
from epipolis.understand.signals import services as signals

UPTAKE = 0.6
"""Share of people who check in."""
_OPENS, _WORK = timedelta(hours=8), timedelta(hours=10)
_BY = "demonstration"
_TRACED_AFTER = timedelta(minutes=2)
_FIRST_FORECAST = 18
"""Days of the epidemic before the first forecast: there must be two whole weeks to look ahead from."""
_WATCHED = timedelta(days=42)
_FEWEST_BROUGHT_IN = 20
"""In a small city the share that is usual would often bring nobody in, and there would be nothing to see."""


@dataclass(frozen=True)
class Plan:
    """Which city, how long it has lived, and how fast its clock runs."""

    people: int
    days: int
    seed: int
    start: date
    speed: float

    @property
    def opens(self) -> datetime:
        """The moment at which the demonstration begins: the morning after the last imported day."""
        return clock.start_of(self.start + timedelta(days=self.days)) + _OPENS

    @property
    def last(self) -> date:
        """The last imported day."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def laboratories_since(self) -> date:
        """The first day of which laboratories report."""
        return self.last - timedelta(days=laboratories.OPEN_DAYS - 1)

    def city(self) -> twin.City:
        offset = clock.start_of(self.start).astimezone(clock.zone()).utcoffset() or timedelta()
        return twin.build_city(people=self.people, seed=self.seed, utc_offset=offset, born_by=self.start)

    def run(self, city: twin.City) -> twin.Run:
        disease = twin.load_disease("covid_19_ancestral")
        share = max(disease.introduced_per_100k, _FEWEST_BROUGHT_IN * 100_000 / self.people)
        disease = replace(disease, introduced_per_100k=share)
        return twin.start_run(city, disease, twin.USUAL_RESPONSE, seed=self.seed, start=self.start)


def fill(plan: Plan, folder: Path, *, keep_days: int, progress: Callable[[str], Progress]) -> twin.Run:
    """Build the city, live its days, import everything; return the run as it stands on the opening morning."""
    city = plan.city()
    load_all(plan, city, folder, progress=progress)
    doubles.write_doubles(city, folder / "doubles.parquet", seed=plan.seed)
    import_file("people", folder / "doubles.parquet", at=clock.start_of(plan.start), progress=progress("people twice"))
    run, visits, cases = _live(plan, city, keep_days, progress("days lived"))
    city_files.write_visits(visits, visitors_of(city), codes_of(city), folder / "visits.parquet")
    import_file("visits", folder / "visits.parquet", at=plan.opens, progress=progress("visits"))
    asyncio.run(_import_cases(plan, city, cases, folder, progress("days reported")))
    look_back(plan, progress("past forecasts"))
    watch_back(plan, progress("days watched"))
    (folder / "run.npz").write_bytes(twin.save(run))
    return run


def look_back(plan: Plan, progress: Progress) -> None:
    """The forecasts of each past week, made now from nothing but what was known then, and that of the opening morning."""
    if "forecast" not in modules():
        return
    last = plan.start + timedelta(days=plan.days)
    weeks = (plan.days - _FIRST_FORECAST) // 7
    with clock.fixed(plan.opens):
        if weeks > 0:
            since, until = last - timedelta(days=7 * weeks), last - timedelta(days=7)
            forecast.make_past(progress, since.isoformat(), until.isoformat())
        forecast.make_nightly()


def watch_back(plan: Plan, progress: Progress) -> None:
    """Early warning for each past day from what was known as the next one began."""
    if "signals" not in modules():
        return
    last = plan.start + timedelta(days=plan.days)
    with clock.fixed(plan.opens):
        signals.look_back(max(plan.start, last - _WATCHED), last, progress=progress)


def load_all(plan: Plan, city: twin.City, folder: Path, *, progress: Callable[[str], Progress]) -> None:
    """Load what the platform knows before the first day: areas, places, people, venues."""
    city_files.write_city(city, folder / "city")
    city_files.write_people(city, folder / "people.parquet")
    city_files.write_venues(city, folder / "venues.csv")
    began = clock.start_of(plan.start)
    load_city(folder / "city", at=began, progress=progress("areas and places"))
    import_file("people", folder / "people.parquet", at=began, progress=progress("people"))
    import_file("venues", folder / "venues.csv", at=began, progress=progress("venues"))


def visitors_of(city: twin.City) -> list[UUID]:
    """Under which id each person checks in: their own where they are registered, else their telephone's pseudonym."""
    rows = [people.PersonRow(identifiers=[("national_id", city_files.national_id(n))]) for n in range(city.people.num_rows)]
    known = people.find_or_make_people(rows, by=_BY, at=clock.now())
    return [person if city_files.is_registered(n) else city_files.phone_of(n) for n, (person, _made) in enumerate(known)]


def codes_of(city: twin.City) -> list[str]:
    return city.places.column("code").to_pylist()


def homes_of(city: twin.City) -> dict[int, dict[str, Any]]:
    return dict(enumerate(city.people.select(["age", "sex", "neighbourhood"]).to_pylist()))


def _live(plan: Plan, city: twin.City, keep_days: int, progress: Progress) -> tuple[twin.Run, pa.Table, Iterator[Any]]:
    run, kept, cases = plan.run(city), [], []
    for number, (after, day) in enumerate(twin.days_of(run, plan.days), start=1):
        run = after
        if number > plan.days - keep_days:
            kept.append(twin.checked_in(day.visits, uptake=UPTAKE, seed=plan.seed))
        cases.append((day.date, day.cases.to_pylist()))
        progress(number, plan.days)
    return run, pa.concat_tables(kept), iter(cases)


async def _import_cases(
    plan: Plan, city: twin.City, days: Iterator[tuple[date, list[Any]]], folder: Path, progress: Progress
) -> None:
    """Each day's reports at the end of their day, and what follows from them, by the clock of that day: so the picture
    can be shown as it was known on any of them, and the contacts were found when they would have been."""
    homes, number = homes_of(city), 0
    (folder / "cases").mkdir(exist_ok=True)
    with worker_app() as ready:
        async with ready.open_async():
            for day, cases in days:
                number += 1
                days_left = (plan.last - day).days
                with clock.fixed(clock.start_of(day) + _WORK):
                    await asyncio.to_thread(daily.morning, days_left, seed=plan.seed)
                known = max((datetime.fromtimestamp(case["known_at"], UTC) for case in cases), default=_evening(day))
                listed = [case for case in cases if not laboratories.is_by_laboratory(case, plan.laboratories_since)]
                if listed:
                    path = folder / "cases" / f"{day}.csv"
                    city_files.write_cases(city_files.case_rows(listed, homes), path)
                    with clock.fixed(known):
                        await asyncio.to_thread(import_file, "cases", path, at=known, mapping="epipolis")
                with clock.fixed(known):
                    is_alive = await asyncio.to_thread(daily.evening, city, cases, day, days_left, seed=plan.seed, at=known)
                if listed or is_alive:
                    await follow(ready, at=known)
                progress(number, plan.days)


def _evening(day: date) -> datetime:
    return clock.start_of(day) + timedelta(hours=20)


async def report_cases(ready: Any, path: Path, *, at: datetime) -> None:
    """Import a line list as if it were that moment, and let the modules do what follows from it."""
    with clock.fixed(at):
        await asyncio.to_thread(import_file, "cases", path, at=at, mapping="epipolis")
    await follow(ready, at=at)


async def follow(ready: Any, *, at: datetime) -> None:
    """Let the modules do what follows from what was stored at that moment."""
    with clock.fixed(at + _TRACED_AFTER):
        await ready.run_worker_async(queues=["events"], wait=False, concurrency=2, install_signal_handlers=False)


def load_city(folder: Path, *, at: datetime, progress: Progress) -> None:
    loader = next(x for module in modules().values() for x in module.loaders if x.name == "city")
    result = loader.run(folder, by=_BY, at=at, simulated=True, progress=progress)
    if result.get("problems"):
        raise ValueError(f"the demonstration city could not be loaded: {json.dumps(result, default=str)[:500]}")


def import_file(name: str, path: Path, *, at: datetime, mapping: str | None = None, progress: Progress | None = None) -> None:
    progress = progress or silent()
    options = ImportOptions(by=_BY, at=at, mapping=mapping, simulated=True, source=city_files.SOURCE, progress=progress)
    report = find_importer(name).run(path, options)
    if report.rejected:
        raise ValueError(f"{path.name}: {report.rejected} rows were rejected, first {report.problems[:3]}")
    progress(report.accepted, report.accepted)


def find_importer(name: str) -> Importer:
    return next(x for module in modules().values() for x in module.importers if x.name == name)
