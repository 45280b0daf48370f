import pytest

from epipolis.core.charts import table_of


def test_a_chart_of_series_is_a_table_with_its_bands():
    chart = {
        "kind": "line",
        "x": ["Monday", "Tuesday"],
        "x_title": "Day",
        "series": [{"name": "R", "values": [1.2, 1.1], "lo": [1.0, 0.9], "hi": [1.4, None]}, {"name": "Cases", "values": [5]}],
    }

    table = table_of(chart)

    assert table.header == ["Day", "R", "R, low", "R, high", "Cases"]
    assert table.rows == [["Monday", 1.2, 1.0, 1.4, 5], ["Tuesday", 1.1, 0.9, None, None]]


def test_a_fan_of_several_bands_is_a_table_under_its_own_label():
    fan = {"name": "Earlier", "label": "Made on Monday", "values": [2], "bands": [{"name": "95 %", "lo": [1], "hi": [4]}]}

    table = table_of({"kind": "line", "x": ["Tuesday"], "x_title": "Day", "series": [fan]})

    assert table.header == ["Day", "Made on Monday", "Made on Monday, 95 %, low", "Made on Monday, 95 %, high"]
    assert table.rows == [["Tuesday", 2, 1, 4]]


def test_a_network_is_a_table_of_its_links_by_name():
    chart = {
        "kind": "graph",
        "nodes": [{"id": 1, "name": "Case A"}, {"id": 2}],
        "links": [{"source": 1, "target": 2, "name": "30 minutes"}, {"source": 2, "target": 9, "value": 4}],
    }

    assert table_of(chart).rows == [["Case A", 2, "30 minutes"], [2, 9, 4]]


def test_a_timeline_is_a_table_in_the_citys_time():
    chart = {
        "kind": "timeline",
        "bars": [{"row": "P1", "start": "2026-10-01T16:30:00+00:00", "end": "2026-10-01T17:00:00+00:00", "label": "Café"}],
    }

    assert table_of(chart).rows == [["P1", "Café", "2026-10-02 00:30", "2026-10-02 01:00"]]


def test_an_unknown_kind_of_chart_is_refused():
    with pytest.raises(ValueError, match="no chart of kind 'pie'"):
        table_of({"kind": "pie"})
