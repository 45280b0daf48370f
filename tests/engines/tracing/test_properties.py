"""The engine against the plain version in `brute`, and against itself asked differently."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.tracing import accumulate, find_clusters, find_contacts, find_sources

from . import brute
from .tables import rows

SCALES = st.sampled_from([1, 7, 3600, 100_000])
SHIFTS = st.sampled_from([0, -1_000_000_007, 1_600_000_000])
NUMBERS = st.sampled_from([np.arange(8), np.arange(8) * 2**60 - 2**62, np.arange(8)[::-1] - 3])


@st.composite
def intervals(draw, names):
    start = draw(st.integers(-20, 60))
    return dict(zip(names, (start, start + draw(st.one_of(st.integers(1, 10), st.integers(1, 60)))), strict=True))


@st.composite
def visit_rows(draw, most=40):
    count = draw(st.integers(0, most))
    return [
        {
            "visitor": draw(st.integers(0, 5)),
            "place": draw(st.integers(0, 1)),
            **draw(intervals(("arrived", "left"))),
            "exact": draw(st.booleans()),
        }
        for _ in range(count)
    ]


@st.composite
def window_rows(draw):
    return [{"visitor": draw(st.integers(0, 6)), **draw(intervals(("from", "until")))} for _ in range(draw(st.integers(0, 6)))]


def table(data, names, scale=1, shift=0, numbers=None):
    columns = {}
    for name in names:
        values = [row[name] for row in data]
        if name in ("arrived", "left", "from", "until"):
            values = [value * scale + shift for value in values]
        elif name != "exact" and numbers is not None:
            values = [int(numbers[value]) for value in values]
        columns[name] = pa.array(values, pa.bool_() if name == "exact" else pa.int64())
    return pa.table(columns)


VISITS = ("visitor", "place", "arrived", "left", "exact")
WINDOWS = ("visitor", "from", "until")


def rescale(found, scale, shift, numbers):
    return sorted(
        (*(int(numbers[value]) for value in row[:3]), row[3] * scale + shift, row[4] * scale + shift, row[5] * scale, row[6])
        for row in found
    )


@settings(max_examples=150, deadline=None)
@given(visit_rows(), window_rows(), st.integers(0, 12), SCALES, SHIFTS, NUMBERS)
def test_contacts_equal_the_plain_version(seen, cases, least, scale, shift, numbers):
    found = find_contacts(
        table(seen, VISITS, scale, shift, numbers),
        table(cases, WINDOWS, scale, shift, numbers),
        at_least=timedelta(seconds=max(1, least) * scale),
    )

    assert rows(found) == rescale(brute.contacts(seen, cases, least), scale, shift, numbers)


@settings(max_examples=100, deadline=None)
@given(visit_rows(25), window_rows(), window_rows(), st.integers(0, 12), SCALES)
def test_sources_equal_the_plain_version(seen, exposures, cases, least, scale):
    found = find_sources(
        table(seen, VISITS, scale),
        table(exposures, WINDOWS, scale),
        table(cases, WINDOWS, scale),
        at_least=timedelta(seconds=max(1, least) * scale),
    )

    assert rows(found) == rescale(brute.sources(seen, exposures, cases, least), scale, 0, np.arange(8))


@settings(max_examples=100, deadline=None)
@given(visit_rows(25), st.integers(1, 4), st.integers(0, 8))
def test_clusters_equal_the_plain_version(seen, at_least_cases, gap):
    found = find_clusters(table(seen, VISITS), at_least_cases=at_least_cases, gap=timedelta(seconds=gap))

    assert rows(found) == brute.clusters(seen, at_least_cases, gap)


@settings(max_examples=100, deadline=None)
@given(st.lists(intervals(("starts", "ends")), min_size=1, max_size=12), st.integers(1, 80))
def test_accumulated_time_equals_the_plain_version(met, within):
    contacts = pa.table({name: [row[name] for row in met] for name in ("starts", "ends")})
    contacts = contacts.append_column("contact", pa.array([1] * len(met))).append_column("case", pa.array([2] * len(met)))

    summed = accumulate(contacts, within=timedelta(seconds=within))

    assert summed["seconds"].to_pylist() == [brute.most_within([(row["starts"], row["ends"]) for row in met], within)]


def city(count, people, places, seed):
    """Visits from a second to two months long, most of them to few places, with the people of interest first."""
    rng = np.random.default_rng(seed)
    arrived = rng.integers(-40 * 86400, 40 * 86400, count)
    columns = {
        "visitor": rng.integers(0, people, count),
        "place": rng.integers(0, rng.integers(1, places + 1, count)),
        "arrived": arrived,
        "left": arrived + np.exp(rng.uniform(0, np.log(60 * 86400), count)).astype(np.int64) + 1,
        "exact": rng.random(count) < 0.7,
    }
    return pa.table(columns), pa.table(
        {"visitor": np.arange(12), "from": np.arange(12) * 86400 - 30 * 86400, "until": np.arange(12) * 86400}
    )


@pytest.mark.parametrize("seed", range(3))
def test_contacts_of_visits_of_every_length_equal_the_plain_version(seed):
    seen, cases = city(1500, 40, 2, seed)

    found = find_contacts(seen, cases, at_least=timedelta(minutes=15))

    assert found.num_rows > 200
    windows = [{"visitor": v, "from": v * 86400 - 30 * 86400, "until": v * 86400} for v in range(12)]
    assert rows(found) == _plain_contacts(seen.to_pylist(), windows, 900)


def _plain_contacts(seen, windows, least):
    found = []
    for window in windows:
        for stay in (visit for visit in seen if visit["visitor"] == window["visitor"]):
            for other in seen:
                start = max(stay["arrived"], other["arrived"], window["from"])
                end = min(stay["left"], other["left"], window["until"])
                if stay["place"] == other["place"] and stay["visitor"] != other["visitor"] and end - start >= least:
                    certain = stay["exact"] and other["exact"]
                    found.append((other["visitor"], stay["visitor"], stay["place"], start, end, end - start, certain))
    return sorted(found)


@pytest.fixture(scope="module")
def large():
    return city(300_000, 5000, 10, 9)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_result_does_not_depend_on_the_number_of_threads(large, threads):
    expected = find_contacts(*large, at_least=timedelta(minutes=15))

    assert expected.num_rows > 40_000
    assert find_contacts(*large, at_least=timedelta(minutes=15), threads=threads).equals(expected)


@pytest.mark.parametrize("size", [977, 40_000, 100_001])
def test_the_result_does_not_depend_on_how_the_columns_are_chunked(large, size):
    seen, cases = large
    chunked = pa.concat_tables(seen.slice(first, size) for first in range(0, seen.num_rows, size))
    uneven = chunked.set_column(1, "place", seen["place"])

    found = find_contacts(uneven, cases, at_least=timedelta(minutes=15))

    order = [(name, "ascending") for name in found.column_names]
    assert found.sort_by(order).equals(find_contacts(seen, cases, at_least=timedelta(minutes=15)).sort_by(order))


def test_the_city_is_searched_whole(large):
    seen, cases = large
    columns = [seen[name].to_numpy() for name in ("visitor", "place", "arrived", "left")]
    expected = []
    for case, opens, closes in zip(*(cases[name].to_pylist() for name in WINDOWS), strict=True):
        for stay in np.flatnonzero(columns[0] == case):
            starts = np.maximum(np.maximum(columns[2], columns[2][stay]), opens)
            ends = np.minimum(np.minimum(columns[3], columns[3][stay]), closes)
            met = (columns[1] == columns[1][stay]) & (columns[0] != case) & (ends - starts >= 900)
            expected += zip(columns[0][met], [case] * met.sum(), starts[met], ends[met], strict=True)

    found = find_contacts(seen, cases, at_least=timedelta(minutes=15))

    assert sorted(zip(*(found[name].to_pylist() for name in ("contact", "case", "starts", "ends")), strict=True)) == sorted(
        expected
    )
