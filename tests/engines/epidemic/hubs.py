"""The hubs' own forecasts, observations and reference scores among the shared data."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from epipolis.engines.epidemic import from_hub

HUBS = ("forecast_us_flu_hosp", "forecast_us_covid_hosp", "forecast_europe_covid")
MADE_UP_TARGET = "admissions"


def hub_forecast(folder: Path) -> pa.Table:
    table = pq.read_table(folder / "forecasts.parquet")
    return from_hub(table, target=None if "target" in table.column_names else MADE_UP_TARGET)


def hub_observed(folder: Path) -> pa.Table:
    text = pcsv.ConvertOptions(column_types={"location": pa.string()})
    table = pcsv.read_csv(folder / "truth_weekly.csv.gz", convert_options=text)
    day = "target_end_date" if "target_end_date" in table.column_names else "date"
    columns = {"area": table["location"], "day": table[day], "value": table["value"]}
    return pa.table(columns | ({"target": table["target"]} if "target" in table.column_names else {}))


def example(shared_data: Path) -> tuple[pa.Table, pa.Table]:
    """Forecasts and observations of scoringutils' documentation."""
    table = pq.read_table(shared_data / "forecast_scoringutils_example" / "example_quantile.parquet")
    made = pa.table(
        {
            "model": table["model"],
            "target": table["target_type"],
            "area": table["location"],
            "made_on": table["forecast_date"],
            "horizon": pc.cast(table["horizon"], pa.int64()),
            "day": table["target_end_date"],
            "level": table["quantile_level"],
            "value": table["predicted"],
        }
    )
    keys = ["target_type", "location", "target_end_date"]
    seen = table.group_by(keys).aggregate([("observed", "max")]).rename_columns(["target", "area", "day", "value"])
    return made.filter(pc.is_valid(table["model"])), seen
