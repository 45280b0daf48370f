"""What is remembered of each person between two positions: one fixed row, kept in memory, saved and restored as Arrow."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.fence.fences import NEVER, empty_rows, lined

UNKNOWN, INSIDE, UNCERTAIN, OUTSIDE, SILENT, OFF = range(6)
STATES = ("unknown", "inside", "uncertain", "outside", "silent", "off")
BY_POSITION, BY_SILENCE, SPOOFED, AGREED = range(4)
REASONS = ("position", "silence", "spoofed", "agreed")

_KINDS = {
    **dict.fromkeys(("time", "good_time"), np.int64),
    **dict.fromkeys(("lon", "lat"), np.float64),
    **dict.fromkeys(("outside_since", "excursion"), np.int64),
    **dict.fromkeys(("accuracy", "battery"), np.float32),
    **dict.fromkeys(("outside", "sure", "back", "unsure", "doubts", "doubted", "state"), np.uint8),
    "charging": np.int8,
    **dict.fromkeys(("since", "doubt_time", "doubts_since"), np.int64),
    **dict.fromkeys(("doubt_lon", "doubt_lat"), np.float64),
    "doubt_accuracy": np.float32,
}
STATE = lined(_KINDS)
"""time: last taken fix. since: begin of the state. good_time, lon, lat, accuracy: last credible place. doubt_…: the last
place too far to have been reached. outside, sure, outside_since: fixes outside in a row, how many of them sure, the first.
excursion: begin of the one that is open. back, unsure: fixes in a row inside, either. doubts, doubts_since: doubtful
fixes; doubted: the last one was. battery 0..1, charging -1 unknown, 0 no, 1 yes. Times in epoch seconds, NEVER where
there was none."""
_VERSION = b"1"


@dataclass(frozen=True)
class States:
    """The states of all people; row i belongs to person i. `follow` and `notice_silence` change the rows in place."""

    rows: NDArray[Any]
    """One STATE for each person."""

    @classmethod
    def new(cls, people: int) -> "States":
        """People of whom nothing was heard yet."""
        rows = empty_rows(people, STATE)
        for name in STATE.names or ():
            kind = STATE[name]
            if kind == np.int64:
                rows[name] = NEVER
            elif kind.kind == "f":
                rows[name] = np.nan
        rows["charging"] = -1
        return cls(rows)

    def grown(self, people: int) -> "States":
        """The same states and new people behind them, `people` in all."""
        if people < len(self.rows):
            raise ValueError(f"states of {len(self.rows)} people cannot shrink to {people}")
        more = States.new(people)
        more.rows[: len(self.rows)] = self.rows
        return more

    def copy(self) -> "States":
        """States that later positions do not change."""
        return self.grown(len(self.rows))

    def reset(self, person: int) -> None:
        """Forget everything about one person: the order ended, or the row is given to somebody else."""
        self.rows[person] = States.new(1).rows[0]

    def to_table(self) -> pa.Table:
        """The checkpoint: one column for each field of a state, one row for each person."""
        columns = {name: np.ascontiguousarray(self.rows[name]) for name in STATE.names or ()}
        return pa.table(columns).replace_schema_metadata({b"fence states": _VERSION})

    @classmethod
    def from_table(cls, table: pa.Table) -> "States":
        """Restore a checkpoint exactly.

        Raises:
            ValueError: it is of another version, or a column is missing, of another type, or holds an impossible state.
        """
        if (table.schema.metadata or {}).get(b"fence states") != _VERSION:
            raise ValueError("states: this table is no checkpoint of the fence, or of another version")
        rows = empty_rows(table.num_rows, STATE)
        for name in STATE.names or ():
            kind = STATE[name]
            if name not in table.column_names:
                raise ValueError(f"states.{name}: the column is missing")
            column = table.column(name)
            if column.null_count or column.type != pa.from_numpy_dtype(kind):
                raise ValueError(f"states.{name}: must be {kind} without empty cells, not {column.type}")
            rows[name] = column.to_numpy()
        if (wrong := np.flatnonzero(rows["state"] >= len(STATES))).size:
            raise ValueError(f"states, row {wrong[0]}, state: there is no state {rows['state'][wrong[0]]}")
        return cls(rows)

    def counts(self) -> dict[str, int]:
        """How many people are in each state."""
        found = np.bincount(self.rows["state"], minlength=len(STATES))
        return {name: int(count) for name, count in zip(STATES, found, strict=True)}

    def __len__(self) -> int:
        return len(self.rows)
