"""Follow people against their fences: positions in, transitions out, the states changed in place."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.fence.fences import ALWAYS, NEVER, Fences
from epipolis.engines.fence.kernel import BLOCK, COUNTS, FOUND, follow_rows
from epipolis.engines.fence.positions import typed
from epipolis.engines.fence.rules import DEVICE, FenceRule, as_row
from epipolis.engines.fence.states import AGREED, BY_SILENCE, OFF, OUTSIDE, SILENT, UNCERTAIN, UNKNOWN, States

Array = NDArray[Any]
_NOTHING: dict[str, Any] = {
    **{"accuracy": np.float32, "battery": np.float32, "charging": np.int8},
    **{"source": np.uint8, "arrived": np.int64, "excused": np.int8},
}
_FILL = {"person": -1, "time": NEVER, "charging": -1, "source": DEVICE, "arrived": ALWAYS // 2, "excused": 0}
_INPUT = ("person", "time", "lon", "lat", *_NOTHING)
SMALL = 20_000
"""Positions for which a second thread costs more than it gives."""
AT_ONCE = 2**20
TRANSITION = pa.schema(
    [
        *[("person", pa.int32()), ("time", pa.int64()), ("before", pa.uint8()), ("after", pa.uint8()), ("reason", pa.uint8())],
        *[
            ("excursion", pa.int64()),
            ("lon", pa.float64()),
            ("lat", pa.float64()),
            ("distance", pa.float32()),
            ("accuracy", pa.float32()),
        ],
    ]
)
"""One row for each change of state. time: epoch seconds of the fix, or when the silence became too long. before, after:
numbers of STATES; reason: of REASONS (a row with reason 2 may leave the state as it was). excursion: the second in which
the excursion, the silence (last word) or the doubtful fixes began, empty where none did; with person, `after` and reason
the same in every replay. lon, lat: the fix; after silence the last credible one. distance: metres from the home; accuracy:
the error in metres that was taken; both empty where the fix tells none. With reason 3 an excursion was ended by `excuse`."""


def follow(
    states: States,
    positions: pa.Table,
    fences: Fences,
    rule: FenceRule | None = None,
    *,
    now: int | None = None,
    threads: int = 2,
) -> pa.Table:
    """Take positions in the order of their rows and give the transitions (columns: TRANSITION), in that order too.

    `positions`: columns as in `positions.COLUMNS`, perhaps of `OPTIONAL`; rows of different people may be mixed in any
    way. `states` are changed in place and are the checkpoint: positions at or before the last time of their person change
    nothing, so a stream that is sent again from any earlier row on gives no transition twice, and any cut of it into
    tables gives the same. Fixes later than `now` (epoch seconds) or than the column `arrived` of their row, each +
    clock_tolerance, are from the future and not taken; with the column a replay needs no clock. How many rows were taken
    and why others were not is told by `counts_in`.

    Raises:
        ValueError: a column is missing or of another type; fences and states are not of the same people.
    """
    rule = rule or FenceRule()
    if len(states) != len(fences):
        raise ValueError(f"follow: {len(states)} states, but {len(fences)} fences")
    latest = ALWAYS if now is None else int(now + rule.clock_tolerance)
    counts = np.zeros(len(COUNTS), np.int64)
    rules, circles, pieces = as_row(rule), _read_only(np.ascontiguousarray(fences.rows)), []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for batch in typed(positions).to_batches(max_chunksize=AT_ONCE):
            columns = _columns(batch)
            parts = 1 << (max(1, threads).bit_length() - 1) if batch.num_rows > SMALL else 1
            shares = [np.zeros(len(COUNTS), np.int64) for _ in range(parts)]
            work = partial(_work, columns, states, circles, rules, latest, shares)
            found = [work(0)] if parts == 1 else list(pool.map(work, range(parts)))
            counts += sum(shares)
            pieces.append(_transitions(columns, found, states))
    told = {name: int(count) for name, count in zip(COUNTS, counts, strict=True)}
    table = pa.Table.from_batches(pieces, TRANSITION) if pieces else TRANSITION.empty_table()
    return table.replace_schema_metadata({b"counts": json.dumps(told).encode()})


def _work(
    columns: list[Array], states: States, circles: Array, rules: Array, latest: int, shares: list[Array], part: int
) -> Array:
    """The transitions of one share of the people, found by one thread."""
    person, time, lon, lat, accuracy, battery, charging, source, arrived, excused = columns
    room, mine, parts = np.empty(len(person), FOUND), np.empty(BLOCK + 1, np.int64), len(shares)
    told = follow_rows(
        person, time, lon, lat, accuracy, battery, charging, source, arrived, excused,
        states.rows, circles, rules, latest, part, parts, room, shares[part], mine,
    )  # fmt: skip
    return room[:told]


def counts_in(transitions: pa.Table) -> dict[str, int]:
    """What became of the positions from which `follow` made these transitions.

    taken; repeated (same second as the last), older, future, not_ordered (before or after the order), nobody (no such
    person); and of those taken: impossible (no place on the globe, or null island), says_nothing (accuracy too wide),
    doubtful (impossible speed).
    """
    return dict(json.loads((transitions.schema.metadata or {}).get(b"counts", b"{}")))


def notice_silence(
    states: States, rule: FenceRule, now: int, quiet: NDArray[np.bool_] | bool = False, fences: Fences | None = None
) -> pa.Table:
    """Mark everybody of whom nothing was heard for `silent_after`, and give the transitions (to silent, or to off).

    `now`: epoch seconds. `quiet`: for everybody or for each person: it is not a time at which silence counts (night, or a
    pause that was agreed). With `fences` only orders in force count, and people never heard of are silent when
    `silent_after` has passed since their order began. The time of a transition is when the silence became too long, not
    `now`: a replay with other moments of looking gives the same rows. An open excursion stays open.
    """
    rows = states.rows
    last, due = rows["time"].copy(), (rows["state"] != SILENT) & (rows["state"] != OFF) & ~np.asarray(quiet, bool)
    if fences is not None:
        if len(fences) != len(states):
            raise ValueError(f"notice_silence: {len(states)} states, but {len(fences)} fences")
        last = np.maximum(last, fences.rows["starts"])
        due &= now < fences.rows["ends"]
    late = np.flatnonzero(due & (last > NEVER) & (last < now - rule.silent_after))
    own = rows[late]
    with np.errstate(invalid="ignore"):
        after = np.where((own["battery"] <= rule.off_battery) & (own["charging"] != 1), OFF, SILENT).astype(np.uint8)
    since = last[late] + int(rule.silent_after)
    before = own["state"].copy()
    rows["state"][late] = after
    rows["since"][late] = since
    columns = {
        **{"person": late.astype(np.int32), "time": since, "before": before, "after": after},
        **{"reason": np.full(late.size, BY_SILENCE, np.uint8), "excursion": last[late]},
        **{name: pa.array(own[name], from_pandas=True) for name in ("lon", "lat")},
        **{"distance": pa.nulls(late.size, pa.float32()), "accuracy": pa.array(own["accuracy"], from_pandas=True)},
    }
    return pa.table(columns, TRANSITION)


def excuse(states: States, person: int, since: int, until: int, now: int) -> pa.Table:
    """End what became a window that was agreed: an excursion, or fixes outside, that began within it; give the transition.

    Times in epoch seconds; nothing happens where `now` is not within the window. Fixes taken before do not come again, so
    what they began is ended here; later ones of the window carry `excused`. The row tells the excursion that is none.
    """
    own = states.rows[person : person + 1]
    began, before = int(own["excursion"][0]), own["state"].copy()
    first = began if began > NEVER else int(own["outside_since"][0])
    if not (since <= now < until and since <= first < until):
        return TRANSITION.empty_table()
    for name, value in (("outside", 0), ("sure", 0), ("back", 0), ("outside_since", NEVER), ("excursion", NEVER)):
        own[name] = value
    if began == NEVER:
        return TRANSITION.empty_table()
    if before[0] == OUTSIDE:
        own["state"], own["since"] = UNCERTAIN, now
    columns = {
        **{"person": [person], "time": [now], "before": before, "after": own["state"].copy(), "reason": [AGREED]},
        **{"excursion": [began], **{name: pa.array(own[name], from_pandas=True) for name in ("lon", "lat")}},
        **{name: pa.nulls(1, pa.float32()) for name in ("distance", "accuracy")},
    }
    return pa.table(columns, TRANSITION)


def is_open(states: States) -> NDArray[np.bool_]:
    """Who is on an excursion that has not ended, whatever the state is now (also silent on the way)."""
    return np.asarray((states.rows["excursion"] > NEVER) | (states.rows["state"] == OUTSIDE), bool)


def never_heard(states: States) -> NDArray[np.bool_]:
    """Whose telephone has not said a word yet."""
    return np.asarray((states.rows["time"] == NEVER) & (states.rows["state"] == UNKNOWN), bool)


def _columns(batch: pa.RecordBatch) -> list[Array]:
    """The arrays of the kernel, without a copy where nothing is empty; columns that were not sent have no rows."""
    arrays = []
    for name in _INPUT:
        if name not in batch.schema.names:
            array = np.empty(0, _NOTHING[name])
        else:
            column = batch.column(name)
            if name in ("charging", "excused"):
                column = column.cast(pa.int8())
            if column.null_count:
                column = pc.fill_null(column, _FILL.get(name, np.nan))
            array = column.to_numpy(zero_copy_only=False)
        arrays.append(_read_only(array))
    return arrays


def _transitions(columns: list[Array], found: list[Array], states: States) -> pa.RecordBatch:
    """The transitions of one batch, in the order of its rows; what is empty is null."""
    all_found = np.concatenate(found) if len(found) > 1 else found[0]
    if len(found) > 1:
        all_found = all_found[np.argsort(all_found["row"], kind="stable")]
    row, began = all_found["row"], all_found["excursion"]
    person = columns[0][row]
    arrays = {
        **{"person": person, "time": columns[1][row]},
        **{name: np.ascontiguousarray(all_found[name]) for name in ("before", "after", "reason")},
        "excursion": pa.array(began, mask=began == NEVER),
        **{"lon": _filled(columns[2][row]), "lat": _filled(columns[3][row])},
        **{name: _filled(np.ascontiguousarray(all_found[name])) for name in ("distance", "accuracy")},
    }
    return pa.RecordBatch.from_arrays([pa.array(arrays[name]) for name in TRANSITION.names], schema=TRANSITION)


def _read_only(array: Array) -> Array:
    """The same numbers; the loop is compiled once, for arrays that it may not change."""
    seen = array.view()
    seen.setflags(write=False)
    return seen


def _filled(values: Array) -> pa.Array:
    return pa.array(values, from_pandas=True)
