"""Estimate R with epyestim in an environment of its own and print what it took, as JSON.

    .venv-peers/bin/python benchmarks/peers/epyestim_run.py counts.npy interval.npy found.npy --runs 5

`counts.npy`: counts [series, days]. `found.npy` gets mean and quantiles [series, windows, 1 + 5] of the 7-day windows.
Needs `requirements.txt` beside this file; nothing of epipolis is imported.
"""

import argparse
import json
import sys
import time

import numpy as np
import pandas as pd
from epyestim.estimate_r import estimate_r, gamma_quantiles

LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


def estimate(series: list[pd.Series], interval: np.ndarray) -> list[np.ndarray]:
    """Mean and quantiles of R for each series, as a user of the package gets them."""
    found = []
    for counts in series:
        after = estimate_r(counts, interval, a_prior=1.0, b_prior=5.0, window_size=7)
        shape, scale = after["a_posterior"].to_numpy(), after["b_posterior"].to_numpy()
        found.append(np.column_stack([shape * scale, *(gamma_quantiles(level, shape, scale) for level in LEVELS)]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts")
    parser.add_argument("interval")
    parser.add_argument("found")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    counts, interval = np.load(options.counts), np.load(options.interval)
    days = pd.date_range("2020-01-01", periods=counts.shape[1])
    series = [pd.Series(row, index=days) for row in counts]
    estimate(series[:1], interval)  # what is loaded on first use is not the estimate's
    seconds, found = [], []
    for _ in range(options.runs):
        start = time.perf_counter()
        found = estimate(series, interval)
        seconds.append(time.perf_counter() - start)
    np.save(options.found, np.stack(found))
    sys.stdout.write(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
