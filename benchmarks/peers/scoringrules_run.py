"""Score the forecasts of a Parquet file with scoringrules: from arrays, and from the table as it is."""

import json
import sys
import time

import numpy as np
import pandas as pd
import scoringrules

KEYS = ["model", "target", "area", "made_on", "horizon", "day"]


def scored(values: np.ndarray, observed: np.ndarray, levels: np.ndarray) -> np.ndarray:
    half = len(levels) // 2
    lower, upper = np.ascontiguousarray(values[:, :half]), np.ascontiguousarray(values[:, :half:-1])
    return scoringrules.weighted_interval_score(
        observed, np.ascontiguousarray(values[:, half]), lower, upper, 2 * levels[:half]
    )


def from_table(forecast: pd.DataFrame, truth: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wide = forecast.set_index([*KEYS, "level"])["value"].unstack()
    seen = wide.reset_index()[KEYS].merge(truth, on=["target", "area", "day"], how="left")["value"]
    return wide.to_numpy(), seen.to_numpy(), wide.columns.to_numpy()


def main() -> None:
    forecast, truth, runs = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2]), int(sys.argv[3])
    values, seen, levels = from_table(forecast, truth)
    scored(values[:10], seen[:10], levels)
    arrays, tables = [], []
    for _ in range(runs):
        start = time.perf_counter()
        scored(values, seen, levels)
        arrays.append(time.perf_counter() - start)
        start = time.perf_counter()
        result = scored(*from_table(forecast, truth))
        tables.append(time.perf_counter() - start)
    np.save(sys.argv[4], np.sort(result))
    sys.stdout.write(json.dumps({"arrays": arrays, "tables": tables}))


if __name__ == "__main__":
    main()
