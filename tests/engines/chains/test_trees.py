import csv
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.chains import (
    NOBODY,
    Lags,
    clusters,
    infectors,
    intervals,
    largest_first,
    lay_out,
    likeliest,
    offspring,
    tree_of,
)


def tree(onsets, links):
    infectee, infector, probability = zip(*links, strict=True) if links else ((), (), ())
    table = {"infectee": pa.array(infectee, pa.int64()), "infector": pa.array(infector, pa.int64()), "probability": probability}
    return tree_of([f"c{number}" for number in range(len(onsets))], onsets, pa.table(table))


@st.composite
def forests(draw):
    """Any links, circles included: each case has one infector at most."""
    size = draw(st.integers(1, 60))
    onsets = draw(st.lists(st.one_of(st.just(float("nan")), st.integers(0, 40).map(float)), min_size=size, max_size=size))
    links = []
    for case in range(size):
        infector = draw(st.integers(-1, size - 1))
        if infector not in (-1, case):
            links.append((case, infector, draw(st.floats(0.01, 1))))
    return tree(onsets, links)


def test_generations_count_from_the_first_case():
    found = tree([0, 2, 4, 3], [(1, 0, 1), (2, 1, 1), (3, 0, 1)])
    assert found.generation.tolist() == [0, 1, 2, 1]
    assert found.cut == ()
    assert intervals(found).tolist() == [2, 2, 3]
    assert offspring(found).tolist() == [2, 1, 0, 0]
    assert offspring(found, until=2).tolist() == [2, 1]


def test_a_circle_is_cut_where_it_is_weakest():
    found = tree([0, 1, 2], [(1, 0, 0.9), (2, 1, 0.8), (0, 2, 0.1)])
    assert found.cut == ((0, 2),)
    assert found.generation.tolist() == [0, 1, 2]


def test_of_two_who_may_have_infected_each_other_the_later_one_was_infected():
    found = tree([3, 0, 2], [(0, 1, 0.5), (1, 0, 0.7), (2, 0, 0.6)])
    assert found.cut == ((1, 0),)
    assert found.parent.tolist() == [1, -1, 0]


def test_a_link_that_is_sure_outweighs_the_order_of_the_onsets():
    found = tree([3, 0], [(0, 1, 0.5), (1, 0, 1.0)])
    assert found.cut == ((0, 1),)


def test_weak_links_do_not_hold_a_cluster_together():
    found = tree([0, 1, 2, 3], [(1, 0, 0.9), (2, 1, 0.2), (3, 2, 0.9)])
    assert clusters(found).tolist() == [0, 0, 0, 0]
    assert clusters(found, at_least=0.5).tolist() == [0, 0, 2, 2]
    assert [group.tolist() for group in largest_first(clusters(found, at_least=0.5))] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ([(1, 0, 1), (1, 2, 1)], "two infectors"),
        ([(5, 0, 1)], "infectee: there are only 3"),
        ([(0, -1, 1)], "infector: there are only 3"),
    ],
)
def test_links_that_make_no_tree_are_named(links, words):
    with pytest.raises(ValueError, match=words):
        tree([0, 1, 2], links)


def test_a_small_tree_is_drawn_as_it_is():
    found = lay_out(tree([0, 2, 4, 3, 3, 3], [(case, 0, 1) for case in range(1, 6)]), most=10)
    assert [mark.cases for mark in found.marks] == [(0,), (1,), (3,), (4,), (5,), (2,)]
    assert found.folded == 0


def test_those_who_infected_nobody_fold_under_their_infector_and_open_on_request():
    star = tree([0] + [1 + n % 7 for n in range(50)], [(case, 0, 1) for case in range(1, 51)])
    closed = lay_out(star, most=20)
    assert [(len(mark.cases), mark.is_fold) for mark in closed.marks] == [(1, False), (50, True)]
    assert (closed.marks[1].first, closed.marks[1].last, closed.marks[1].above) == (1, 7, 0)
    assert len(lay_out(star, most=20, opened={0}).marks) == 51


def test_a_thousand_cases_without_a_link_are_one_row():
    found = lay_out(tree(list(range(1000)), []), most=60)
    assert len(found.marks) == 1
    assert found.marks[0].above == NOBODY
    assert len(lay_out(tree(list(range(1000)), []), most=60, opened={NOBODY}).marks) == 1000


@settings(deadline=None)
@given(forests(), st.integers(1, 30), st.data())
def test_every_case_has_its_place_once_and_below_its_infector(found, most, data):
    opened = data.draw(st.sets(st.integers(-1, len(found.cases) - 1), max_size=3))
    marks = lay_out(found, most=most, opened=opened).marks
    assert sorted(case for mark in marks for case in mark.cases) == list(range(len(found.cases)))
    assert [mark.row for mark in marks] == list(range(len(marks)))
    row = {mark.cases[0]: mark.row for mark in marks if not mark.is_fold}
    for mark in marks:
        if mark.above != NOBODY:
            assert row[mark.above] < mark.row
        assert mark.is_fold or len(mark.cases) == 1
    if not opened:
        assert len(marks) <= max(most, 1)


@settings(deadline=None)
@given(forests())
def test_a_tree_has_no_circle_and_keeps_every_link_that_closes_none(found):
    for case in range(len(found.cases)):
        steps, at = 0, case
        while found.parent[at] >= 0:
            at, steps = found.parent[at], steps + 1
            assert steps <= len(found.cases)
        assert found.generation[case] == steps
    assert sorted(found.order.tolist()) == list(range(len(found.cases)))
    assert all(np.isnan(found.probability[infectee]) for infectee, _ in found.cut)


def test_the_tree_of_the_korean_mers_outbreak_holds_the_links_of_the_file(shared_data):
    folder = shared_data / "linelists"
    with (folder / "mers_korea_2015_linelist.csv").open() as lines:
        cases = {row["id"]: row["dt_onset"] for row in csv.DictReader(lines)}
    with (folder / "mers_korea_2015_contacts.csv").open() as lines:
        told = [(row["from"], row["to"]) for row in csv.DictReader(lines)]
    number = {name: index for index, name in enumerate(cases)}
    onsets = [float(date.fromisoformat(day).toordinal()) if day else float("nan") for day in cases.values()]
    pairs = {"infectee": [number[to] for _, to in told], "infector": [number[one] for one, _ in told], "strength": [1.0] * 98}
    links = infectors(onsets, pa.table(pairs), Lags(np.ones(60), first=-20), unseen=0)
    assert {(link["infector"], link["infectee"]) for link in links.to_pylist()} == {(number[a], number[b]) for a, b in told}
    found = tree_of(list(cases), onsets, likeliest(links))
    several = {"SK_39", "SK_107"}  # the file names three and two infectors
    hung = {(found.cases[found.parent[n]], found.cases[n]) for n in range(len(cases)) if found.parent[n] >= 0}
    assert {link for link in hung if link[1] not in several} == {link for link in told if link[1] not in several}
    assert hung <= set(told)
    assert found.cut == ()
    assert found.generation.max() == 3
    assert len(lay_out(found, most=40).marks) <= 40
