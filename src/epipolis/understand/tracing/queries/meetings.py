"""Whom somebody met, from stored visits: the platform's rows in, the engine's meetings out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from uuid import UUID

import pyarrow as pa

from epipolis.engines import tracing
from epipolis.sense.checkins.queries import Stay

from .risks import Piece


def meetings(
    own: Sequence[Stay],
    others: Iterable[Stay],
    same: Mapping[UUID, UUID],
    *,
    since: datetime,
    until: datetime,
    least: timedelta,
) -> dict[UUID, list[Piece]]:
    """Everyone whose stays overlap somebody's own between two moments, each time for at least `least`.

    Args:
        own: the stays of the one person in question, under whatever pseudonyms.
        same: the person behind a pseudonym, where known; pseudonyms of one person are one contact.
    """
    mine = {stay.visitor for stay in own}
    numbers: dict[UUID, int] = {}
    rows = [(0, stay) for stay in own]
    for stay in others:
        who = same.get(stay.visitor, stay.visitor)
        if stay.visitor not in mine and who not in mine:
            rows.append((numbers.setdefault(who, len(numbers) + 1), stay))
    if not own or not numbers:
        return {}
    window = pa.table({"visitor": [0], "from": [seconds(since)], "until": [seconds(until)]})
    table = tracing.find_contacts(_table(rows), window, at_least=least, threads=1)
    companions = _companions(rows)
    people, found = list(numbers), defaultdict(list)
    columns = (table[name].to_pylist() for name in ("contact", "place", "starts", "ends", "certain"))
    for number, place, starts, ends, certain in zip(*columns, strict=True):
        with_them = max((n for a, b, n in companions.get((number, place), ()) if a < ends and b > starts), default=0)
        found[people[number - 1]].append(Piece(place, moment(starts), moment(ends), certain, with_them))
    return dict(found)


def seconds(at: datetime) -> int:
    """A moment as whole seconds since 1970, rounded down."""
    return floor(at.timestamp())


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _table(rows: Sequence[tuple[int, Stay]]) -> pa.Table:
    # Rounded outwards, as `checkins.arrow_visits` does: a run over the whole city must find the same.
    return pa.table(
        {
            "visitor": pa.array([number for number, _ in rows], pa.int64()),
            "place": pa.array([stay.place_id for _, stay in rows], pa.int64()),
            "arrived": pa.array([seconds(stay.arrived) for _, stay in rows], pa.int64()),
            "left": pa.array([ceil(stay.left.timestamp()) for _, stay in rows], pa.int64()),
            "exact": pa.array([stay.exact for _, stay in rows], pa.bool_()),
        }
    )


def _companions(rows: Sequence[tuple[int, Stay]]) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
    """The stays with companions, which the engine does not know of."""
    found: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for number, stay in rows:
        if stay.companions:
            found[number, stay.place_id].append((seconds(stay.arrived), seconds(stay.left), stay.companions))
    return found
