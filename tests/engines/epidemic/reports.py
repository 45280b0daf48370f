"""Made-up epidemics whose reports come late, as line lists and as counts."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

MONDAY = date(2026, 1, 5)


def late_reports(
    *, strata: dict[str, float], days: int = 120, seed: int = 1, slow: float = 3.0, quiet_weekend: bool = True
) -> pa.Table:
    """A line list: cases of a slow wave around each stratum's mean, known after a geometric delay of mean `slow` days.

    With a quiet weekend, what would become known on Saturday or Sunday becomes known on Monday.
    """
    generator = np.random.default_rng(seed)
    rows: dict[str, list[object]] = {"day": [], "known_on": [], "stratum": []}
    for name, mean in strata.items():
        for day in range(days):
            cases = generator.poisson(mean * np.exp(0.6 * np.sin(day / 18)))
            for delay in generator.geometric(1 / (1 + slow), cases) - 1:
                known = day + int(delay)
                known += (7 - known % 7) if quiet_weekend and known % 7 >= 5 else 0
                rows["day"].append(MONDAY + timedelta(days=day))
                rows["known_on"].append(MONDAY + timedelta(days=known))
                rows["stratum"].append(name)
    kinds = {"day": pa.date32(), "known_on": pa.date32(), "stratum": pa.string()}
    return pa.table({name: pa.array(column, kinds[name]) for name, column in rows.items()})


def events(*rows: tuple[int, int, float], stratum: str | None = None) -> pa.Table:
    """Counts by the day they happened and the day they became known, days from a Monday on."""
    columns = {
        "day": pa.array([MONDAY + timedelta(days=row[0]) for row in rows], pa.date32()),
        "known_on": pa.array([MONDAY + timedelta(days=row[1]) for row in rows], pa.date32()),
        "count": pa.array([row[2] for row in rows], pa.float64()),
    }
    return pa.table(columns | ({} if stratum is None else {"stratum": pa.array([stratum] * len(rows))}))
