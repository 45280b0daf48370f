from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from epipolis.engines.tracing import accumulate, clip_visits, find_clusters, find_contacts, find_sources

from .tables import rows, visits, windows

SEEN = visits((1, 7, 0, 100), (2, 7, 50, 150))
CASES = windows((1, 0, 1000))
ANY = timedelta(0)


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (SEEN.drop(["place"]), r"^visits\.place: the column is missing"),
        (_with(SEEN, "visitor", pa.array([1, None])), r"^visits\.visitor: must not be empty, but 1 row"),
        (_with(SEEN, "left", pa.array([100, 50])), r"^visits\.left: must be after visits\.arrived .* row 1 has 50 to 50"),
        (_with(SEEN, "left", pa.array([-1, 150])), r"^visits\.left: must be after visits\.arrived .* row 0 has 0 to -1"),
        (_with(SEEN, "left", pa.array([100, 2**62])), r"^visits\.left: .* within ±2\^60 seconds"),
        (_with(SEEN, "arrived", pa.array([0, -(2**63)])), r"^visits\.left: .* within ±2\^60 seconds"),
        (_with(SEEN, "place", pa.array(["a", "b"])), r"^visits\.place: must be whole numbers \(int64\), not string"),
        (_with(SEEN, "place", pa.array([True, False])), r"^visits\.place: must be whole numbers \(int64\), not bool"),
        (_with(SEEN, "place", pa.array([1.0, 1.5])), r"^visits\.place: must be whole numbers \(int64\) without loss"),
        (_with(SEEN, "place", pa.array([1, 2**63], pa.uint64())), r"^visits\.place: .* without loss"),
        (_with(SEEN, "left", pa.array([100, 150], pa.timestamp("s"))), r"^visits\.left: a timestamp needs a time zone"),
        (_with(SEEN, "left", pa.array([1, 2], pa.timestamp("us", "UTC"))), r"^visits\.left: .* without loss"),
        (SEEN.append_column("exact", pa.array([True, None])), r"^visits\.exact: must be true or false"),
        (SEEN.append_column("exact", pa.array([1, 0])), r"^visits\.exact: must be true or false"),
    ],
)
def test_visits_that_break_a_rule_are_refused_by_name(table, message):
    with pytest.raises(ValueError, match=message):
        find_contacts(table, CASES, at_least=ANY)
    with pytest.raises(ValueError, match=message):
        find_sources(table, CASES, CASES, at_least=ANY)
    with pytest.raises(ValueError, match=message):
        find_clusters(table)
    with pytest.raises(ValueError, match=message):
        clip_visits(table, CASES)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (CASES.drop(["until"]), r"^cases\.until: the column is missing"),
        (_with(CASES, "from", pa.array([None], pa.int64())), r"^cases\.from: must not be empty"),
        (windows((1, 0, 9), (1, 5, 5)), r"^cases\.until: must be after cases\.from .* row 1 has 5 to 5"),
    ],
)
def test_windows_that_break_a_rule_are_refused_by_name(table, message):
    with pytest.raises(ValueError, match=message):
        find_contacts(SEEN, table, at_least=ANY)


def test_a_wrong_row_deep_in_a_large_table_is_named_by_its_number():
    count = 200_000
    left = [1] * count
    left[150_000] = 0
    table = pa.table({"visitor": [1] * count, "place": [1] * count, "arrived": [0] * count, "left": left})

    with pytest.raises(ValueError, match="row 150000 has 0 to 0"):
        find_contacts(table, CASES, at_least=ANY)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_contacts(SEEN, CASES, at_least=timedelta(seconds=-1)), "^at_least: must not be negative"),
        (lambda: find_clusters(SEEN, gap=timedelta(seconds=-1)), "^gap: must not be negative"),
        (lambda: find_clusters(SEEN, at_least_cases=0), "^at_least_cases: must be at least 1"),
        (lambda: accumulate(_met(), within=ANY), "^within: must be longer than nothing"),
        (lambda: accumulate(_met().drop(["case"]), within=timedelta(1)), r"^contacts\.case: the column is missing"),
        (lambda: find_contacts(SEEN, CASES, at_least=ANY, threads=0), "^threads: must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint16(), pa.uint64(), pa.float64()])
def test_other_types_of_whole_numbers_give_the_same_contacts(kind):
    cast = pa.table([column.cast(pa.int16()).cast(kind) for column in SEEN.columns], SEEN.column_names)

    assert find_contacts(cast, CASES, at_least=ANY).equals(_met())


def test_timestamps_with_a_zone_give_the_same_contacts():
    moments = [datetime.fromtimestamp(second, UTC) for second in (0, 50, 100, 150)]
    table = _with(SEEN, "arrived", pa.array(moments[:2], pa.timestamp("ms", "Asia/Taipei")))
    table = _with(table, "left", pa.array(moments[2:], pa.timestamp("us", "UTC")))

    assert find_contacts(table, CASES, at_least=ANY).equals(_met())


def test_the_longest_spans_of_time_do_not_overflow():
    far = 2**60
    seen = visits((1, 7, -far, far), (2, 7, -far, -far + 1), (3, 7, far - 1, far), (4, 7, -5, 5))

    found = rows(find_contacts(seen, windows((1, -far, far)), at_least=ANY))

    assert [row[5] for row in found] == [1, 1, 10]
    assert find_contacts(seen, windows((1, -far, far)), at_least=timedelta.max).num_rows == 0


def test_other_columns_and_the_order_of_columns_do_not_matter():
    table = SEEN.select(["left", "place", "arrived", "visitor"]).append_column("note", pa.array(["a", None]))

    assert find_contacts(table, CASES, at_least=ANY).equals(_met())


def _met() -> pa.Table:
    return find_contacts(SEEN, CASES, at_least=ANY)
