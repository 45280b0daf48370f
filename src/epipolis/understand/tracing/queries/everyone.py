"""Everybody who met any case, over the whole city in one pass of the engine."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.core import clock, rules
from epipolis.core.rules import RulePack
from epipolis.core.work import Progress
from epipolis.engines import tracing
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins import queries as checkins
from epipolis.sense.city import queries as city

from .risks import shortest_piece
from .windows import Window, infectious_window

COLUMNS = ("case", "case_number", "contact", "place", "starts", "ends", "minutes", "certain")


@dataclass(frozen=True)
class CityTrace:
    """Every stretch that a case shared with somebody: one row of `pairs` each, with the columns `COLUMNS`."""

    cases: int
    contacts: int
    pairs: pa.Table


def everyone(*, at: datetime, since: date | None = None, at_least: timedelta | None = None, progress: Progress) -> CityTrace:
    """Trace every confirmed case by the rules in force, or with `at_least` as the shortest stretch in place of theirs.

    `since` leaves out cases confirmed (or else reported) before that day. Nothing is stored.
    """
    day = clock.local_day(at)
    progress(0, 4, "cases")
    found, windows = _windows(since, day)
    if not found:
        return CityTrace(0, 0, _named(_no_rows(), found, windows, pa.array([], pa.binary(16))))
    progress(1, 4, "visits")
    visits = checkins.arrow_visits(min(w.since for w in windows), max(w.until for w in windows))
    visitors = visits["visitor_id"].combine_chunks().dictionary if visits.num_rows else pa.array([], pa.binary(16))
    progress(2, 4, "meetings")
    definition = rules.in_force("contact_definition", day)
    least = at_least if at_least is not None else shortest_piece(definition)
    codes = _codes(found, visitors)
    table = pa.table(
        {
            "visitor": pa.array(codes, pa.int64()),
            "from": pa.array([_seconds(w.since) for w in windows], pa.int64()),
            "until": pa.array([_seconds(w.until) for w in windows], pa.int64()),
        }
    ).filter(pa.array(codes >= 0))
    meetings = tracing.find_contacts(visits, table, at_least=least)
    meetings = _by_case(meetings, codes, windows, least)
    if at_least is None and definition["within_hours"]:
        meetings = _reaching(meetings, definition)
    progress(3, 4, "names")
    pairs = _named(meetings, found, windows, visitors)
    progress(4, 4, "")
    keys = pa.table({"case": pairs["case"], "contact": pairs["contact"]})
    return CityTrace(len(found), keys.group_by(["case", "contact"]).aggregate([]).num_rows, pairs)


def pair_rows(pairs: pa.Table) -> Iterator[dict[str, Any]]:
    """The pairs as plain rows, for a file or a program."""
    for batch in pairs.to_batches(max_chunksize=20_000):
        yield from batch.to_pylist()


def _windows(since: date | None, day: date) -> tuple[list[Case], list[Window]]:
    pack, zone = rules.in_force("infectious_window", day), clock.zone()
    pairs = ((case, infectious_window(case, pack, zone, day=day)[0]) for case in cases.confirmed_cases(since).order_by("id"))
    kept = [(case, window) for case, window in pairs if window]
    return [case for case, _ in kept], [window for _, window in kept]


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _codes(found: list[Case], visitors: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The number that each case's person has among the visitors; -1 for those who never checked in."""
    people = pa.array([case.person_id.bytes for case in found], pa.binary(16))
    numbers: np.ndarray[Any, np.dtype[np.int64]] = (
        pc.fill_null(pc.index_in(people, value_set=visitors), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return numbers


def _by_case(
    meetings: pa.Table, codes: np.ndarray[Any, np.dtype[np.int64]], windows: list[Window], least: timedelta
) -> pa.Table:
    """The engine's rows with the number of the case in place of its visitor; a person ill twice has two cases."""
    of_visitor: dict[int, list[int]] = defaultdict(list)
    for number, code in enumerate(codes.tolist()):
        of_visitor[code].append(number)
    twice = {code: numbers for code, numbers in of_visitor.items() if code >= 0 and len(numbers) > 1}
    case_of = np.zeros(int(codes.max(initial=0)) + 1, np.int64)
    case_of[codes[codes >= 0]] = np.flatnonzero(codes >= 0)
    visitor = meetings["case"].to_numpy()
    plain = meetings.set_column(meetings.column_names.index("case"), "case", pa.array(case_of[visitor], pa.int64()))
    if not twice:
        return plain
    repeated = np.isin(visitor, list(twice))
    parts = [plain.filter(pa.array(~repeated))]
    for row in meetings.filter(pa.array(repeated)).to_pylist():
        for number in twice[row["case"]]:
            starts = max(row["starts"], _seconds(windows[number].since))
            ends = min(row["ends"], _seconds(windows[number].until))
            if ends - starts >= max(1, least.total_seconds()):
                cut = row | {"case": number, "starts": starts, "ends": ends, "seconds": ends - starts}
                parts.append(pa.Table.from_pylist([cut], schema=plain.schema))
    return pa.concat_tables(parts)


def _reaching(meetings: pa.Table, definition: RulePack) -> pa.Table:
    """Only the meetings of those pairs that add up to the minutes of the definition within its hours."""
    within, least = timedelta(hours=definition["within_hours"]), timedelta(minutes=definition["minutes"])
    enough = tracing.accumulate(meetings, within=within, at_least=least).select(["contact", "case"])
    return meetings.join(enough, keys=["contact", "case"], join_type="left semi")


def _named(meetings: pa.Table, found: list[Case], windows: list[Window], visitors: pa.Array) -> pa.Table:
    """Numbers replaced by what people know: case numbers, place codes, local times."""
    places = city.places_by_id(pc.unique(meetings["place"]).to_pylist())
    known = pc.is_in(meetings["place"], value_set=pa.array(list(places), pa.int64()))
    rows = meetings.filter(known).sort_by(
        [("case", "ascending"), ("contact", "ascending"), ("starts", "ascending"), ("place", "ascending")]
    )
    by_time = sorted(zip(found, windows, strict=True), key=lambda pair: (pair[1].first, pair[0].source_key))
    keys = {case.person_id.bytes: case.source_key for case, _ in by_time}  # who was ill twice is named by the last time
    used = pc.unique(rows["contact"])
    names = [keys.get(raw) or str(UUID(bytes=raw)) for raw in visitors.take(used).to_pylist()]
    codes = list(places)
    zone = pa.timestamp("s", str(clock.zone()))
    number = rows["case"]
    return pa.table(
        {
            "case": pa.array([str(case.id) for case in found], pa.string()).take(number),
            "case_number": pa.array([case.source_key for case in found], pa.string()).take(number),
            "contact": pa.array(names, pa.string()).take(pc.index_in(rows["contact"], value_set=used)),
            "place": pa.array([places[key].code for key in codes], pa.string()).take(
                pc.index_in(rows["place"], value_set=pa.array(codes, pa.int64()))
            ),
            "starts": rows["starts"].cast(pa.timestamp("s", "UTC")).cast(zone),
            "ends": rows["ends"].cast(pa.timestamp("s", "UTC")).cast(zone),
            "minutes": pc.divide(rows["seconds"], 60),
            "certain": rows["certain"],
        }
    )


def _no_rows() -> pa.Table:
    numbers = dict.fromkeys(("contact", "case", "place", "starts", "ends", "seconds"), pa.int64())
    return pa.schema([*numbers.items(), ("certain", pa.bool_())]).empty_table()
