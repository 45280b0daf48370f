"""The checkpoint: who changed is written, so many people in a turn of the stream, and then the entries before it go.

It begins at a step of the stream with everybody whom a step up to this one changed since their row was written. Each is
written as of the turn that writes them, which may be later; the row tells the step up to which it holds. When the last of
them is written, every row holds all steps up to the first one, and only then these entries are erased.
"""

from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from epipolis.act.quarantine.models import Entry, Stream
from epipolis.core import live
from epipolis.core.sealing import seal
from epipolis.engines.fence import STATES
from epipolis.engines.fence.fences import NEVER

from .memory import Memory
from .raising import TOPIC, keep_evidence

AT_ONCE = 2_000  # people in one turn: a tenth of a second
_SAVE = """
UPDATE quarantine_watch w SET seq = %s, body = n.body, state = n.state, since = to_timestamp(n.since),
  heard = to_timestamp(n.heard), battery = n.battery, charging = n.charging
FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::bigint[], %s::bigint[], %s::float8[], %s::boolean[])
  AS n(order_id, body, state, since, heard, battery, charging)
WHERE w.order_id = n.order_id AND w.ended IS NULL
"""


@dataclass
class Checkpoint:
    """One that has begun. `upto`: the step that it will hold; `rows`: of the memory, still to be written."""

    upto: int
    rows: NDArray[np.int64]
    has_written: bool = False

    @classmethod
    def begun(cls, memory: Memory, stream: Stream) -> "Checkpoint":
        return cls(stream.seq, np.flatnonzero((memory.changed > 0) & (memory.orders >= 0)))

    def go_on(self, memory: Memory, stream: Stream) -> bool:
        """Write the next of them in the caller's turn, after its last step; True with the last, when the entries went."""
        rows, self.rows = self.rows[:AT_ONCE], self.rows[AT_ONCE:]
        rows = rows[(memory.changed[rows] > 0) & (memory.orders[rows] >= 0)]
        if rows.size:
            _write(memory, rows, stream.seq)
            self.has_written = True
        if self.rows.size:
            return False
        if self.upto > stream.base:
            stream.base = self.upto
            Entry.objects.filter(seq__lte=stream.base).delete()
        if self.has_written:
            live.tell(TOPIC)
        return True


def _write(memory: Memory, rows: NDArray[np.int64], seq: int) -> None:
    own = memory.states.rows[rows]
    keep_evidence(memory, rows[(own["excursion"] > NEVER) | (own["doubts"] > 0)])
    with connection.cursor() as cursor:
        cursor.execute(
            _SAVE,
            [
                seq,
                memory.orders[rows].tolist(),
                [seal(memory.packed(row)) for row in rows.tolist()],
                [STATES[state] for state in own["state"].tolist()],
                [value if value > 0 else None for value in own["since"].tolist()],
                [value if value > 0 else None for value in own["time"].tolist()],
                [None if np.isnan(value) else float(value) for value in own["battery"].tolist()],
                [None if value < 0 else bool(value) for value in own["charging"].tolist()],
            ],
        )
    memory.changed[rows] = 0
