from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from epipolis.engines.epidemic import from_hub, to_hub
from tests.engines.epidemic.hubs import HUBS, hub_forecast
from tests.engines.epidemic.tables import forecast, together

QUANTILES = {0.25: 3.0, 0.5: 4.0, 0.75: 6.5}


def hub_table(**changed: Any) -> pa.Table:
    return pa.table({**to_hub(forecast(QUANTILES)).to_pydict(), **changed})


def test_a_forecast_returns_from_the_hub_as_it_went() -> None:
    made = together([forecast(QUANTILES, horizon=step) for step in (0, 1, 2)])
    sent = to_hub(made)
    assert sent.column_names[:4] == ["reference_date", "target", "horizon", "target_end_date"]
    assert sent["output_type_id"].to_pylist()[:3] == ["0.25", "0.5", "0.75"]
    assert from_hub(sent, "ours").equals(made.select(from_hub(sent, "ours").column_names))


@pytest.mark.parametrize("hub", HUBS)
def test_the_hubs_own_files_are_read(shared_data: Path, hub: str) -> None:
    made = hub_forecast(shared_data / hub)
    assert made.num_rows > 250_000
    assert made["level"].to_pylist()[:3] == [0.01, 0.025, 0.05]
    one = made["model"][0].as_py()
    assert from_hub(to_hub(made, one), one).num_rows < made.num_rows


def test_the_older_format_tells_the_horizon_in_the_target() -> None:
    table = pa.table(
        {
            "forecast_date": ["2022-01-03"] * 3,
            "target": ["2 wk ahead inc case"] * 3,
            "target_end_date": ["2022-01-15"] * 3,
            "location": ["DE"] * 3,
            "type": ["point", "quantile", "quantile"],
            "quantile": [None, 0.25, 0.75],
            "value": [5.0, 4.0, 6.0],
        }
    )
    rows = from_hub(table, "team").to_pylist()
    assert [row["level"] for row in rows] == [0.25, 0.75]
    assert rows[0] | {"level": 0, "value": 0} == {
        "model": "team",
        "target": "wk inc case",
        "area": "DE",
        "made_on": date(2022, 1, 3),
        "horizon": 2,
        "day": date(2022, 1, 15),
        "level": 0,
        "value": 0,
    }


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"value": [3.0, 2.0, 6.5]}, r"row 2: quantiles cross: 2 at level 0.5, 3 at level 0.25 \(row 1\)"),
        ({"output_type_id": ["0.25", "0.5", "0.5"]}, "row 3: the same forecast and level as row 2"),
        ({"output_type_id": ["0.25", "0.5", "75"]}, "row 3: level 75 is not between 0 and 1"),
        ({"value": [-3.0, 2.0, 6.5]}, "row 1: the value -3 is below zero"),
        ({"value": [3.0, None, 6.5]}, "row 2: value is missing"),
        ({"horizon": [2, 2, 2]}, r"row 1: 2026-01-10 is not 2 weeks or days after 2026-01-03 \(and 2 more rows\)"),
        ({"output_type": ["pmf"] * 3}, "holds no quantiles"),
    ],
)
def test_a_broken_file_is_refused_by_row_and_rule(changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        from_hub(hub_table(**changed), "ours")


def test_an_unknown_location_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1: the location 'north' is not known"):
        from_hub(hub_table(), "ours", areas={"south"})


def test_rows_are_counted_in_the_file_not_among_the_quantiles() -> None:
    table = hub_table(output_type=["mean", "quantile", "quantile"], value=[3.0, 4.0, 3.0])
    with pytest.raises(ValueError, match="row 3: quantiles cross"):
        from_hub(table, "ours")


def test_what_the_file_lacks_is_named() -> None:
    with pytest.raises(ValueError, match=r"lacks model \(model or model_id\)"):
        from_hub(hub_table())
    with pytest.raises(ValueError, match="not 'cases'"):
        from_hub(hub_table().drop_columns(["horizon"]), "ours")


def test_one_file_holds_one_model() -> None:
    both = together([forecast(QUANTILES), forecast(QUANTILES, model="theirs")])
    with pytest.raises(ValueError, match="name one of ours, theirs"):
        to_hub(both)
    with pytest.raises(ValueError, match="'nobody'; the models are ours, theirs"):
        to_hub(both, "nobody")
    assert to_hub(both, "theirs").num_rows == 3
