"""The proof bench: a simulated city lives through the platform's interfaces, and its tracing is held against the truth."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.core import clock, rules
from epipolis.core.modules import modules
from epipolis.core.work import Progress, declared_jobs, worker_app
from epipolis.engines import twin
from epipolis.engines.twin import city_files, proofs
from epipolis.sense.cases import queries as cases
from epipolis.server.demonstration import history
from epipolis.understand.tracing import queries as tracing

_ARRIVALS = (11, 14, 17, 20)
"""Hours of the day at which what became known since is handed to the platform; reports come between 8 and 20."""
_TRACE_AGAIN, _FORGET = "tracing.trace_open_cases", "core.retention"
_QUARANTINE_DAYS = 14
"""How long a contact stays at home, by WHO's advice of 2020; an older listing would keep nobody from others."""
_STAY = ["visitor", "place", "arrived", "left"]


@dataclass
class Watched:
    """What is kept of each day to be compared later."""

    meetings: list[pa.Table] = field(default_factory=list)
    stays: list[pa.Table] = field(default_factory=list)
    confirmed: dict[int, int] = field(default_factory=dict)
    """When each case was confirmed, by person."""


@dataclass(frozen=True)
class Proof:
    """`steps`: how many infections came how far on the road to a notice. `figures`: shares and times."""

    steps: dict[str, int]
    figures: tuple[proofs.Figure, ...]
    counts: dict[str, int]


def prove(plan: history.Plan, folder: Path, *, progress: Callable[[str], Progress]) -> Proof:
    """Live the plan's days through the platform in this (empty) database, and compare."""
    city = plan.city()
    history.load_all(plan, city, folder, progress=progress)
    visitors = history.visitors_of(city)
    run, watched = asyncio.run(_live(plan, city, visitors, folder, progress("days lived")))
    return compare(run, watched, visitors)


async def _live(
    plan: history.Plan, city: twin.City, visitors: list[Any], folder: Path, progress: Progress
) -> tuple[twin.Run, Watched]:
    """Each day as it would arrive: stays once they have ended, reports once they are known, tracing after each."""
    run, watched, waiting = plan.run(city), Watched(), None
    homes, codes = history.homes_of(city), history.codes_of(city)
    with worker_app() as ready:
        async with ready.open_async():
            for number in range(plan.days):
                run, day = twin.step(run)
                stays = _watch(watched, day, plan.seed)
                waiting = stays if waiting is None else pa.concat_tables([waiting, stays])
                reports = day.cases.to_pylist()
                for hour in _ARRIVALS:
                    at = clock.start_of(day.date) + timedelta(hours=hour)
                    now = int(at.timestamp())
                    is_over = pc.less_equal(waiting.column("left"), now)
                    ended, waiting = waiting.filter(is_over), waiting.filter(pc.invert(is_over))
                    known = [report for report in reports if report["known_at"] <= now or hour == _ARRIVALS[-1]]
                    reports = [report for report in reports if report["known_at"] > now] if hour != _ARRIVALS[-1] else []
                    await _hand_over(ready, ended, city_files.case_rows(known, homes), visitors, codes, folder, at)
                progress(number + 1, plan.days)
    return run, watched


def _watch(watched: Watched, day: twin.Day, seed: int) -> pa.Table:
    """Keep what the truth is known by; return the stays that are checked in."""
    stays = twin.checked_in(day.visits, uptake=history.UPTAKE, seed=seed)
    taking_part = np.unique(np.asarray(stays.column("visitor")))
    takes_part = np.isin(np.asarray(day.visits.column("visitor")), taking_part)
    takes_part &= ~np.asarray(day.visits.column("accompanied"))
    watched.meetings.append(proofs.meetings_behind(day.infections, day.visits, takes_part))
    watched.stays.append(stays.select(_STAY))
    for case in day.cases.to_pylist():
        if case["confirmed_at"]:
            watched.confirmed.setdefault(case["person"], case["confirmed_at"])
    return stays


async def _hand_over(
    ready: Any,
    stays: pa.Table,
    rows: list[dict[str, Any]],
    visitors: list[Any],
    codes: list[str],
    folder: Path,
    at: datetime,
) -> None:
    """Import stays and a line list as of a moment; trace whom that concerns; in the evening the platform's own jobs."""
    if stays.num_rows:
        path = folder / "visits.parquet"
        city_files.write_visits(stays, visitors, codes, path)
        with clock.fixed(at):
            await asyncio.to_thread(history.import_file, "visits", path, at=at)
    if rows:
        path = folder / "cases.csv"
        city_files.write_cases(rows, path)
        await history.report_cases(ready, path, at=at)
    if at == clock.start_of(clock.local_day(at)) + timedelta(hours=_ARRIVALS[-1]):
        with clock.fixed(at):
            await asyncio.to_thread(_do_jobs)


def _do_jobs() -> None:
    jobs = declared_jobs()
    while jobs[_TRACE_AGAIN].run():
        pass
    jobs[_FORGET].run()


def compare(run: twin.Run, watched: Watched, visitors: list[Any]) -> Proof:
    """What the platform lists now, beside what was true."""
    end = clock.start_of(run.start + timedelta(days=run.day))
    shortest = int(rules.in_force("contact_definition", clock.local_day(end))["minutes"]) * 60
    listed, known = _listed(visitors), _cases()
    truth = run.truth
    caused = _all_caused(truth, watched.meetings)
    reach, delays = proofs.reach_of(caused, known, listed, shortest=shortest)
    pairs = _claims(listed, known, until=int(end.timestamp()))
    met = proofs.have_met(pa.concat_tables(watched.stays), pairs, shortest=shortest)
    figures = (
        *_recall(reach, shortest),
        proofs.share("precision: listed contacts who really met the case", int(met.sum()), pairs.num_rows),
        proofs.share("precision: listed contacts whom the case infected", int(reach.listed.sum()), listed.num_rows),
        proofs.times("time from infection to notice", delays[~np.isnan(delays)]),
        *_known_before(run, truth, watched, listed),
    )
    counts = {
        "people": len(run.city.homes.age),
        "days": run.day,
        "infections": truth.num_rows,
        "confirmed cases": len(watched.confirmed),
        "check-ins": sum(table.num_rows for table in watched.stays),
        "listed contacts": listed.num_rows,
    }
    return Proof(_steps(reach, shortest), figures, counts)


def _steps(reach: proofs.Reach, shortest: int) -> dict[str, int]:
    return {
        "infections by people of the city": len(reach.listed),
        "in a venue": int(reach.in_venues.sum()),
        "both checked in there": int(reach.checked_in.sum()),
        "the infector was confirmed": int(reach.confirmed.sum()),
        "the infector's check-ins carry their name": int(reach.linked.sum()),
        "in the infectious window of the rules": int(reach.in_window.sum()),
        f"together for at least {shortest // 60} minutes": int(reach.long_enough.sum()),
        "listed as a contact": int((reach.listed & reach.long_enough).sum()),
    }


def _recall(reach: proofs.Reach, shortest: int) -> tuple[proofs.Figure, ...]:
    of = {
        "both checked in, the infector a known case, in the window": reach.in_window,
        f"of these, together for {shortest // 60} minutes": reach.long_enough,
        "both checked in, whether or not the infector was found": reach.checked_in,
        "all infections, wherever they happened": np.ones(len(reach.listed), bool),
    }
    return tuple(proofs.share(f"recall: {name}", *_of(reach.listed, among)) for name, among in of.items())


def _of(hits: Any, of: Any) -> tuple[int, int]:
    return int((hits & of).sum()), int(of.sum())


def _listed(visitors: list[Any]) -> pa.Table:
    """Everybody whom the platform ever listed as a contact, from its own export: case, contact, found, gone (1: no more)."""
    exporter = next(x for module in modules().values() for x in module.exporters if x.name == "contacts")
    number = {visitor: person for person, visitor in enumerate(visitors)}
    rows = [
        (
            *(_person_of(row["case_number"]), number[row["contact"]]),
            *(int(row["found"].timestamp()), int(row["gone"] is not None)),
        )
        for row in exporter.rows(clock.now())
        if row["contact"] in number
    ]
    return _table(("case", "contact", "found", "gone"), rows)


def _claims(listed: pa.Table, known: pa.Table, *, until: int) -> pa.Table:
    """When each contact is said to have met the case: within its window; whoever is listed no more, at any time, for the
    window has moved since."""
    windows = known.select(["person", "window_from", "window_until"]).rename_columns(["case", "since", "until"])
    pairs = listed.join(windows, keys="case", join_type="left outer")
    is_open = pc.or_(pc.equal(pairs.column("gone"), 1), pairs.column("since").is_null())
    for name, value in (("since", 0), ("until", until)):
        at = pairs.column_names.index(name)
        pairs = pairs.set_column(at, name, pc.if_else(is_open, value, pairs.column(name)))
    return pairs


def _cases() -> pa.Table:
    """The confirmed cases with the infectious time that was traced last."""
    rows = []
    for case_id, key in cases.confirmed_cases().values_list("id", "source_key"):
        person, trace = _person_of(key), tracing.current_trace(case_id)
        window = (trace.window_from, trace.window_until) if trace else (None, None)
        seconds = (int(moment.timestamp()) if moment else None for moment in window)
        rows.append((person, *seconds, int(city_files.is_registered(person))))
    return _table(("person", "window_from", "window_until", "linked"), rows)


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pa.table({name: pa.array(values, pa.int64()) for name, values in zip(names, columns, strict=True)})


def _person_of(case_number: str) -> int:
    return int(case_number.removeprefix("DEMO-"))


def _all_caused(truth: pa.Table, meetings: list[pa.Table]) -> pa.Table:
    """Every infection that somebody of the city caused: those in places with their meeting, and all others."""
    elsewhere = truth.filter(pc.and_(truth.column("infector").is_valid(), truth.column("place").is_null()))
    known = pa.concat_tables(meetings)
    empty = {name: pa.nulls(elsewhere.num_rows, known.schema.field(name).type) for name in ("place", "met_from", "met_until")}
    rest = pa.table(
        {
            "person": elsewhere.column("person").cast(pa.int64()),
            "infector": elsewhere.column("infector").cast(pa.int64()),
            **empty,
            "checked_in": pa.array(np.zeros(elsewhere.num_rows, bool)),
        }
    )
    return pa.concat_tables([known, rest.select(known.column_names)])


def _known_before(run: twin.Run, truth: pa.Table, watched: Watched, listed: pa.Table) -> tuple[proofs.Figure, ...]:
    """R60: new cases who had lately been listed when their symptoms began, and when they were confirmed; and anybody."""
    onset = dict(zip(truth.column("person").to_pylist(), truth.column("onset_day").to_pylist(), strict=True))
    people = np.array(list(watched.confirmed), np.int64)
    confirmed = np.array(list(watched.confirmed.values()), float)
    began = np.array([_begin(run, onset[person]) for person in people.tolist()], float)
    within = _QUARANTINE_DAYS * 86_400
    before_onset = proofs.known_before(listed, people, began, within=within)
    before_test = proofs.known_before(listed, people, confirmed, within=within)
    everybody = len(run.city.homes.age)
    usual = proofs.listed_share(listed, confirmed, everybody, within=within)
    words = f"listed as a contact in the {_QUARANTINE_DAYS} days before"
    return (
        proofs.share(f"new cases {words} their symptoms", int(before_onset.sum()), int((~np.isnan(began)).sum())),
        proofs.share(f"new cases {words} they were confirmed", int(before_test.sum()), len(people)),
        proofs.share(f"anybody, for comparison: {words} the days of those confirmations", round(usual * everybody), everybody),
    )


def _begin(run: twin.Run, day: int | None) -> float:
    return float("nan") if day is None else clock.start_of(run.start + timedelta(days=day)).timestamp()
