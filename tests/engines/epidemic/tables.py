"""Small forecasts to score."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

MADE_ON = date(2026, 1, 3)


def forecast(values: dict[float, float], **other: Any) -> pa.Table:
    """One forecast: levels and values, and what differs from model "ours", target "cases", area "north", horizon 1."""
    horizon = other.get("horizon", 1)
    told = {"model": "ours", "target": "cases", "area": "north", "made_on": MADE_ON, "horizon": horizon}
    told |= {"day": MADE_ON + timedelta(weeks=horizon)} | other
    rows = [told | {"level": level, "value": value} for level, value in values.items()]
    table = pa.Table.from_pylist(rows)
    kinds = {"made_on": pa.date32(), "day": pa.date32(), "level": pa.float64(), "value": pa.float64()}
    return table.cast(
        pa.schema([pa.field(name, kinds.get(name, table.schema.field(name).type)) for name in table.column_names])
    )


def observed(*values: float, area: str = "north", target: str = "cases") -> pa.Table:
    """Values of the weeks from horizon 1 on."""
    days = pa.array([MADE_ON + timedelta(weeks=1 + week) for week in range(len(values))], pa.date32())
    count = len(values)
    return pa.table({"target": [target] * count, "area": [area] * count, "day": days, "value": pa.array(values, pa.float64())})


def together(parts: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts)
