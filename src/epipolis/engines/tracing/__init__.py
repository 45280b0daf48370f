"""Tracing: who met whom at a place, for a whole city at once.

Tables in, tables out (Apache Arrow). Persons and places are whole numbers (int64), times are whole seconds since
1970-01-01 UTC (int64, negative before), and an interval contains its start but not its end: who leaves in the second
in which another arrives has not met them.

    visits     visitor | place | arrived | left [| exact]      arrived < left
    windows    visitor | from | until                          from < until; any number for a visitor

`exact` is false where only the date of a visit is known; what follows from such a visit is possible, never certain.
Windows of one visitor that overlap or touch count as one. Other columns are ignored, other types of whole numbers and
timestamps with a time zone are accepted. A table that breaks a rule raises a ValueError that names column and rule.

The results are exact and do not depend on the number of threads; their order is the same in every run.
"""

from datetime import timedelta

import pyarrow as pa

__all__ = ["accumulate", "clip_visits", "find_clusters", "find_contacts", "find_sources"]


def find_contacts(visits: pa.Table, cases: pa.Table, *, at_least: timedelta, threads: int | None = None) -> pa.Table:
    """Find everyone who shared a place with a case in one of the case's infectious windows (`cases`: windows).

    Gives contact | case | place | starts | ends | seconds | certain: one row for each visit of another person that
    overlaps a visit of a case, cut to the window, by `at_least` (rounded up to seconds; at least one second):

        starts = max(arrived, arrived of the case, from),  ends = min(left, left of the case, until)

    A visit of a case across two separate windows is two stays and may give two rows. Cases that meet are contacts of
    each other (two rows). Nobody is a contact of their own. `certain` is true when both visits are exact.
    """
    from . import contacts  # noqa: PLC0415 -- loading the compiled functions takes a second: only who traces waits

    return contacts.find_contacts(visits, cases, at_least=at_least, threads=threads)


def find_sources(
    visits: pa.Table, exposures: pa.Table, cases: pa.Table, *, at_least: timedelta, threads: int | None = None
) -> pa.Table:
    """Find the earlier cases from whom a case may have caught the disease.

    `exposures` are the windows in which the cases in question were infected, `cases` the infectious windows of all
    cases. Gives case | source | place | starts | ends | seconds | certain: one row for each visit of the case, cut to
    its exposure window, that overlaps a visit of another case, cut to its infectious window, by `at_least`.

    Only earlier cases are sources: the infectious window of the source opens before that of the case (its first one
    that closes after the exposure window opens). A case without an infectious window has no such limit.
    """
    from . import contacts  # noqa: PLC0415 -- loading the compiled functions takes a second: only who traces waits

    return contacts.find_sources(visits, exposures, cases, at_least=at_least, threads=threads)


def accumulate(contacts: pa.Table, *, within: timedelta, at_least: timedelta = timedelta(0)) -> pa.Table:
    """Add up the meetings of each contact with each case: the most time shared in any period as long as `within`.

    Takes a table as `find_contacts` gives it (there ask for a short `at_least`, or brief meetings are lost). Gives
    contact | case | meetings | starts | ends | seconds | certain_seconds, ordered by case and contact: how often, from
    when to when in all, and the most seconds within any such period, of all and of the certain meetings alone. Time is
    counted once however many visits cover it. Pairs with fewer seconds than `at_least` are left out.

    Cumulative exposure as in the CDC definition of a close contact (15 minutes in all within 24 hours).
    """
    from . import summaries  # noqa: PLC0415 -- loading the compiled functions takes a second: only who traces waits

    return summaries.accumulate(contacts, within=within, at_least=at_least)


def clip_visits(
    visits: pa.Table, windows: pa.Table, *, at_least: timedelta = timedelta(0), threads: int | None = None
) -> pa.Table:
    """Give the parts of visits that lie in a window of their visitor and last `at_least`: again a table of visits."""
    from . import contacts  # noqa: PLC0415 -- loading the compiled functions takes a second: only who traces waits

    return contacts.clip_visits(visits, windows, at_least=at_least, threads=threads)


def find_clusters(visits: pa.Table, *, at_least_cases: int = 2, gap: timedelta = timedelta(0)) -> pa.Table:
    """Find places where several cases were at one time, from the visits of cases (see `clip_visits`).

    Visits to a place belong together when the next person arrives less than `gap` after the last one left (0: while
    someone is still there). Gives place | starts | ends | cases | visits | certain for each such group of visits with
    `at_least_cases` different visitors, most cases first; `certain` is true when all its visits are exact.
    """
    from . import summaries  # noqa: PLC0415 -- loading the compiled functions takes a second: only who traces waits

    return summaries.find_clusters(visits, at_least_cases=at_least_cases, gap=gap)
