"""Tables of visits as text (CSV, Parquet) read into drafts, a column at a time: a million rows in seconds."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.sense.checkins.models import Source

from .doors import doors
from .drafts import RULES, UNKNOWN, Drafts, mark

FIELDS = ("visitor", "place", "venue", "arrived", "left", "stay_minutes", "companions", "staff", "sent")
_DIGITS = np.full(256, 255, np.uint8)
_DIGITS[np.frombuffer(b"0123456789", np.uint8)] = np.arange(10)
_DIGITS[np.frombuffer(b"abcdef", np.uint8)] = _DIGITS[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16)
_ISO = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|z|[+-]\d\d(:?\d\d)?)$"
_EPOCH = r"^-?\d{1,11}(\.0+)?$"
_FALSE = pa.array(["", "0", "false", "False", "no"])


def read_table(table: pa.Table, *, at: datetime, source: Source) -> Drafts:
    """Turn columns of text into drafts; a column that is missing counts as empty."""
    size = table.num_rows
    text = {name: _column(table, name, size) for name in FIELDS}
    bad = np.zeros(size, np.int8)
    visitor, is_uuid = _visitors(text["visitor"])
    mark(bad, ~is_uuid, RULES[0])
    moments = {}
    for name, rule in (("arrived", RULES[1]), ("left", RULES[2]), ("sent", RULES[5])):
        moments[name], is_time, is_given = _moments(text[name])
        mark(bad, ~is_time & (is_given | (name == "arrived")), rule)
    stay, is_stay = _numbers(text["stay_minutes"])
    mark(bad, ~is_stay, RULES[8])
    companions, is_count = _numbers(text["companions"])
    mark(bad, ~is_count, RULES[10])
    is_staff = ~np.asarray(pc.is_in(text["staff"], _FALSE))
    codes = pc.if_else(
        pc.equal(text["venue"], ""),
        pc.binary_join_element_wise("p:", text["place"], ""),
        pc.binary_join_element_wise("v:", text["venue"], ""),
    ).dictionary_encode()
    known = doors({code for code in codes.dictionary.to_pylist() if len(code) <= 62}, at)
    number = {code: position for position, code in enumerate(known)}
    places = np.array([number.get(code, -1) for code in codes.dictionary.to_pylist()], np.int64)
    return Drafts(
        visitor=visitor,
        arrived=moments["arrived"],
        left=moments["left"],
        stay=stay,
        door=places[codes.indices.to_numpy()] if size else np.zeros(0, np.int64),
        doors=list(known.values()),
        companions=companions,
        source=np.where(is_staff, int(Source.STAFF), int(source)),
        sent=moments["sent"],
        exact=np.ones(size, bool),
        bad=bad,
    )


def _column(table: pa.Table, name: str, size: int) -> pa.Array:
    if name not in table.column_names:
        return pa.array([""] * size, pa.string()) if size < 1_000 else pa.repeat(pa.scalar(""), size)
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = pc.divide(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), 1).cast(pa.string())
        column = pc.binary_join_element_wise("us", column, "")
    elif pa.types.is_fixed_size_binary(column.type) and column.type.byte_width == 16:
        column = pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
    return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))


def _visitors(text: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    plain = pc.replace_substring(text, "-", "")
    fits = np.asarray(pc.equal(pc.binary_length(plain), 32))
    plain = pc.if_else(pa.array(fits), plain, "0" * 32)
    letters = np.frombuffer(pc.cast(plain, pa.binary(32)).buffers()[1], np.uint8)[: 32 * len(plain)]
    digits = _DIGITS[letters.reshape(-1, 32)] if len(plain) else np.zeros((0, 32), np.uint8)
    fits = fits & (digits != 255).all(axis=1)
    whole = (digits[:, 0::2] << 4) | (digits[:, 1::2] & 15)
    return np.ascontiguousarray(whole).view("V16").reshape(-1), fits


def _moments(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Microseconds since 1970, whether it is a time, whether something was given at all."""
    given = np.asarray(pc.not_equal(text, ""))
    out = np.full(len(text), UNKNOWN, np.int64)
    fine = np.zeros(len(text), bool)
    if not given.any():
        return out, fine, given
    for pattern, read in ((_EPOCH, _epochs), (_ISO, _iso), (r"^us-?\d{1,18}$", _micros)):
        where = np.asarray(pc.match_substring_regex(text, pattern))
        if where.any():
            out[where], fine[where] = read(text.filter(pa.array(where)))
    return out, fine, given


def _epochs(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    seconds = pc.cast(pc.replace_substring_regex(text, r"\.0+$", ""), pa.int64()).to_numpy()
    return seconds * 1_000_000, np.ones(len(text), bool)


def _micros(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    return pc.cast(pc.utf8_slice_codeunits(text, 2), pa.int64()).to_numpy(), np.ones(len(text), bool)


def _iso(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    try:
        moments = pc.cast(text, pa.timestamp("us", "UTC"))
        return moments.cast(pa.int64()).to_numpy(), np.ones(len(text), bool)
    except pa.ArrowInvalid:  # at least one is no date of any calendar: look at each
        found = [_one(value) for value in text.to_pylist()]
        return np.array([UNKNOWN if v is None else v for v in found], np.int64), np.array([v is not None for v in found])


_START = datetime(1970, 1, 1, tzinfo=UTC)


def _one(text: str) -> int | None:
    try:
        return round((datetime.fromisoformat(text) - _START).total_seconds() * 1_000_000)
    except (ValueError, TypeError):
        return None


def _numbers(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole numbers from 0 to 9999; empty is 0."""
    fine = np.asarray(pc.match_substring_regex(text, r"^\d{0,4}(\.0+)?$"))
    plain = pc.replace_substring_regex(pc.if_else(pa.array(fine), text, "0"), r"\.0+$", "")
    return pc.cast(pc.if_else(pc.equal(plain, ""), "0", plain), pa.int64()).to_numpy(), fine
