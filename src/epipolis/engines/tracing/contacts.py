"""Who met a case, and whom a case may have caught it from."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from . import kernel
from .columns import Visits, read_visits, whole_seconds
from .meetings import meet, table_of
from .shelves import shelve
from .windows import clip, read_windows


def find_contacts(visits: pa.Table, cases: pa.Table, *, at_least: timedelta, threads: int | None) -> pa.Table:
    """See the package."""
    least = shortest(at_least)
    runs = read_visits(visits, "visits")
    shelves = shelve(clip(runs, read_windows(cases, "cases"), least, "visits", threads))
    return table_of(meet(runs, shelves, least, threads), shelves, threads)


def find_sources(
    visits: pa.Table, exposures: pa.Table, cases: pa.Table, *, at_least: timedelta, threads: int | None
) -> pa.Table:
    """See the package."""
    least = shortest(at_least)
    runs = read_visits(visits, "visits")
    exposed_in, infectious_in = read_windows(exposures, "exposures"), read_windows(cases, "cases")
    exposed = clip(runs, exposed_in, least, "visits", threads)
    shelves = shelve(clip(runs, infectious_in, least, "visits", threads))
    own_start = np.empty(exposed_in.owner.size, np.int64)
    own = infectious_in.visitors.find(exposed_in.owner)
    kernel.first_open(own, exposed_in.opens, infectious_in.first, infectious_in.opens, infectious_in.closes, own_start)

    run = Visits(0, exposed.visitor, exposed.place, exposed.start, exposed.end, exposed.exact)
    met = meet([run], shelves, least, threads)
    earlier = [
        infectious_in.opens[shelves.window[part.stay]]
        < own_start[exposed.window[part.run.first_row + part.visit.astype(np.int64)]]
        for part in met
    ]
    rows = table_of(met, shelves, threads).filter(pa.array(np.concatenate([*earlier, np.empty(0, np.bool_)])))
    return rows.rename_columns(["case", "source", *rows.column_names[2:]])


def clip_visits(visits: pa.Table, windows: pa.Table, *, at_least: timedelta, threads: int | None) -> pa.Table:
    """See the package."""
    runs = read_visits(visits, "visits")
    stays = clip(runs, read_windows(windows, "windows"), shortest(at_least), "visits", threads)
    return pa.table(
        {
            "visitor": stays.visitor,
            "place": stays.place,
            "arrived": stays.start,
            "left": stays.end,
            "exact": pa.array(stays.exact.view(np.bool_)),
        }
    )


def shortest(at_least: timedelta) -> int:
    """Give the shortest shared time in seconds: at least one, for to touch is not to meet."""
    return max(1, whole_seconds(at_least, "at_least"))
