from datetime import timedelta

from epipolis.engines.tracing import find_sources

from .tables import rows, visits, windows

ANY = timedelta(0)


def test_an_earlier_case_met_in_the_exposure_window_is_a_source():
    seen = visits((1, 7, 0, 1000), (2, 7, 500, 1500), (3, 7, 0, 2000))

    found = find_sources(seen, windows((2, 400, 900)), windows((1, 600, 5000), (2, 1000, 5000)), at_least=ANY)

    assert found.schema.names == ["case", "source", "place", "starts", "ends", "seconds", "certain"]
    assert rows(found) == [(2, 1, 7, 600, 900, 300, True)]


def test_a_case_that_became_infectious_later_or_at_the_same_time_is_no_source():
    seen = visits((1, 7, 0, 1000), (2, 7, 0, 1000), (3, 7, 0, 1000))

    found = find_sources(seen, windows((1, 0, 900)), windows((1, 500, 2000), (2, 500, 2000), (3, 499, 2000)), at_least=ANY)

    assert [row[:2] for row in rows(found)] == [(1, 3)]


def test_an_infectious_window_of_an_earlier_illness_does_not_hide_the_sources_of_the_next():
    seen = visits((1, 7, 5000, 6000), (2, 7, 5000, 6000))
    cases = windows((1, 0, 1000), (1, 5900, 8000), (2, 5500, 8000))

    assert rows(find_sources(seen, windows((1, 4000, 5900)), cases, at_least=ANY)) == [(1, 2, 7, 5500, 5900, 400, True)]


def test_a_case_without_an_infectious_window_may_have_any_source():
    seen = visits((1, 7, 0, 1000), (2, 7, 0, 1000, 0))

    assert rows(find_sources(seen, windows((1, 0, 900)), windows((2, 100, 2000)), at_least=ANY)) == [
        (1, 2, 7, 100, 900, 800, False)
    ]


def test_without_exposures_there_are_no_sources():
    assert find_sources(visits((1, 7, 0, 1000)), windows(), windows((1, 0, 9)), at_least=ANY).num_rows == 0
