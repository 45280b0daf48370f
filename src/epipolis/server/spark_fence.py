"""The fence on Spark Structured Streaming: the same kernel, for archives and for cities with a cluster.

    session = SparkSession.builder.master("spark://…").getOrCreate()
    transitions = follow_stream(session.readStream.schema(SCHEMA).parquet("in"), fences)
    transitions.writeStream.format("parquet").option("checkpointLocation", "kept").start("out")

Needs `epipolis[spark]` and Java 17, and epipolis on every worker (set PYSPARK_PYTHON, or workers take the python of their
system). Micro-batches take seconds: live alarms are the platform's own work. Spark is loaded by who calls this, not before.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.fence import FenceRule, Fences, States, follow
from epipolis.engines.fence.following import TRANSITION
from epipolis.engines.fence.positions import COLUMNS, OPTIONAL

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = ", ".join(
    [
        *("person int", "time bigint", "lon double", "lat double", "accuracy float", "battery float"),
        *("charging boolean", "source tinyint", "arrived bigint", "excused boolean"),
    ]
)
"""Columns of the positions, in Spark's words; time and arrived in epoch seconds."""
TOLD = (
    "person int, time bigint, before tinyint, after tinyint, reason tinyint, excursion bigint, lon double, lat double, "
    "distance float, accuracy float"
)
_ORDER = [(name, "ascending") for name in ("arrived", "time", "lon", "lat")]


def follow_stream(positions: "DataFrame", fences: Fences, rule: FenceRule | None = None, *, shards: int = 16) -> "DataFrame":
    """Transitions of a stream of `positions` (columns as SCHEMA), with the columns TOLD, in append mode.

    People are dealt out to `shards`, each of which is one call of the kernel for each micro-batch and one checkpoint in
    Spark's state store; so the number of shards must stay what it was as long as a checkpoint is in use. Within a
    micro-batch positions are taken in order of arrival, time and place. A stream that is sent again gives nothing again.

    Raises:
        ValueError: there is no shard, or a column is missing.
    """
    from pyspark.sql import functions  # noqa: PLC0415 -- an extra that few have
    from pyspark.sql.streaming.state import GroupStateTimeout  # noqa: PLC0415 -- an extra that few have

    if shards < 1:
        raise ValueError(f"follow_stream: needs at least one shard, not {shards}")
    if missing := [name for name in (*COLUMNS, "arrived") if name not in positions.columns]:
        raise ValueError(f"follow_stream: the column {missing[0]} is missing; there are {positions.columns}")
    known, going = _packed(fences.to_table()), rule or FenceRule()

    def run(key: tuple[int], frames: Iterable[Any], state: Any) -> Iterator[Any]:
        saved = bytes(state.get[0]) if state.exists else None
        table = pa.concat_tables([_read(frame) for frame in frames])
        told, kept = follow_shard(table, known, key[0], shards, saved, going)
        state.update((kept,))
        yield told.to_pandas()

    dealt = positions.withColumn("shard", functions.pmod(positions["person"], functions.lit(shards)).cast("int"))
    return dealt.where("person >= 0").groupBy("shard").applyInPandasWithState(
        run, TOLD, "saved binary", "append", GroupStateTimeout.NoTimeout
    )  # fmt: skip


def follow_shard(
    positions: pa.Table, fences: bytes, shard: int, shards: int, saved: bytes | None, rule: FenceRule
) -> tuple[pa.Table, bytes]:
    """One shard of one micro-batch: the transitions (columns of TRANSITION), and the states to keep.

    `fences`: all of them, as an Arrow stream; `saved`: the states kept last time, None at first. Row i of a shard is
    person i x shards + shard.
    """
    own = _fences_of(fences, shard, shards)
    states = States.new(len(own)) if saved is None else States.from_table(_unpacked(saved))
    if len(states) < len(own):
        states = states.grown(len(own))
    numbers = pc.divide(pc.subtract(positions["person"], shard), shards).cast(pa.int32())
    ordered = positions.set_column(positions.column_names.index("person"), "person", numbers).sort_by(_ORDER)
    told = follow(states, ordered, own, rule, threads=1)
    people = pc.add(pc.multiply(told["person"], shards), shard).cast(pa.int32())
    return told.set_column(0, TRANSITION.field("person"), people), _packed(states.to_table())


def _read(frame: Any) -> pa.Table:
    """A frame of pandas, in the types of the engine; what is missing in pandas is missing in Arrow."""
    kinds = COLUMNS | OPTIONAL
    names = [name for name in kinds if name in frame.columns]
    return pa.Table.from_pandas(frame[names], pa.schema([(name, kinds[name]) for name in names]), preserve_index=False)


@lru_cache(maxsize=64)
def _fences_of(saved: bytes, shard: int, shards: int) -> Fences:
    return Fences(Fences.from_table(_unpacked(saved)).rows[shard::shards])


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _unpacked(saved: bytes) -> pa.Table:
    with pa.ipc.open_stream(saved) as reader:
        return reader.read_all()
