"""Learn what the forecast models know before they see any data, and write it to `forecasts/priors.py`.

    .venv/bin/python benchmarks/_forecast_priors.py [--out FILE] [--only flu,cases,deaths] [--data FOLDER]

From three public series, each only up to the day before the rounds that `benchmarks/forecast.py` scores: weekly
influenza admissions in the United States until September 2023, weekly COVID-19 cases and deaths in Europe until October
2021. The weekly COVID-19 admissions of the United States are not used at all. Each series counts the same.
"""

import argparse
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import minimize

from epipolis.engines.epidemic.forecasts.panels import FEATURES, Panel, panel_of
from epipolis.engines.epidemic.histories import History
from epipolis.engines.epidemic.quantiles import LEVELS
from epipolis.server.commands.series import read_series, read_table

HERE = Path(__file__).parent
STEPS = 8
RIDGE = 1e-5
HEAD = '''"""What past epidemics say before there is any data; `benchmarks/_forecast_priors.py` wrote it and tells from what."""

import numpy as np

from epipolis.engines.epidemic.histories import Floats
from epipolis.engines.epidemic.quantiles import LEVELS

ERROR_LEVELS: Floats = LEVELS


def _table(text: str) -> Floats:
    """Read rows that end with a semicolon."""
    return np.array([[float(number) for number in row.split()] for row in text.split(";") if row.strip()])


def longest() -> int:
    """Give for how many steps ahead something is known."""
    return len(COEFFICIENTS)


'''
OUT = HERE.parent / "src/epipolis/engines/epidemic/forecasts/priors.py"


def panels(data: Path) -> dict[str, Panel]:
    flu = read_series(data / "forecast_us_flu_hosp/truth_weekly.csv.gz", area="location")
    europe = read_table(data / "forecast_europe_covid/truth_weekly.csv.gz")
    result = {"flu": _panel(flu, date(2023, 10, 1))}
    for name, target in {"cases": "inc case", "deaths": "inc death"}.items():
        rows = europe.filter(pc.equal(europe["target"], target))
        series = pa.table({"area": rows["location"], "day": rows["target_end_date"], "value": rows["value"]})
        result[name] = _panel(series, date(2021, 11, 1))
    return result


def _panel(series: pa.Table, until: date) -> Panel:
    return panel_of(History(series).as_of(until))


def changes(panel: Panel, step: int) -> tuple[Any, Any, Any, Any]:
    """Features, change, weight and place in the panel of every step that counts."""
    change = panel.changes(step)
    features = panel.features[:, : change.shape[1]]
    known = np.isfinite(change) & np.isfinite(features).all(axis=-1) & (panel.base[:, : change.shape[1]] > 1.2)
    weight = 1 / (panel.noise[:, : change.shape[1]][known] + 0.02 / 16)
    return features[known], change[known], weight / weight.sum(), known


def coefficients(all_panels: dict[str, Panel]) -> tuple[np.ndarray, np.ndarray]:
    """What the features say of the change after each number of steps, and how they vary together."""
    result = []
    spread = np.zeros((len(FEATURES), len(FEATURES)))
    for step in range(1, STEPS + 1):
        square, product = np.zeros_like(spread), np.zeros(len(FEATURES))
        for panel in all_panels.values():
            features, change, weight, _ = changes(panel, step)
            square += features.T @ (features * weight[:, None]) / len(all_panels)
            product += features.T @ (weight * change) / len(all_panels)
        if step == 1:
            spread = square
        result.append(np.linalg.solve(square + RIDGE * np.eye(len(FEATURES)), product))
    return np.array(result), spread


def errors(all_panels: dict[str, Panel], betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How large the errors are, by what is known, and the quantiles of errors of size one."""
    sizes, shapes = [], []
    for step in range(1, STEPS + 1):
        off, known, weight = [], [], []
        for panel in all_panels.values():
            features, change, _, where = changes(panel, step)
            off.append(change - features @ betas[step - 1])
            own = (features[:, 0] + features[:, 1]) ** 2 + (features[:, 2] + features[:, 3]) ** 2
            shared = (features[:, 6] + features[:, 7]) ** 2 + features[:, 8] ** 2
            noise = panel.noise[:, : where.shape[1]][where]
            known.append(np.column_stack([np.ones(len(own)), noise, np.minimum(own, 0.5) / 2, np.minimum(shared, 0.1) / 2]))
            weight.append(np.full(len(own), 1 / len(own)))
        error, x, w = np.concatenate(off), np.concatenate(known), np.concatenate(weight)
        found = np.exp(_fit(error, x, w))
        sizes.append(found)
        relative = error / np.sqrt(x @ found)
        order = np.argsort(relative)
        shapes.append(np.interp(LEVELS, (np.cumsum(w[order]) - w[order] / 2) / w.sum(), relative[order]))
    return np.array(sizes), np.array(shapes)


def _fit(error: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    def loss(logs: np.ndarray) -> float:
        size = np.sqrt(x @ np.exp(logs))
        return float((w * (np.log(size) + np.sqrt(2) * np.abs(error) / size)).sum())

    bounds = [(-9, 0), (-3, 2), (-7, 1), (-7, 4)]
    return minimize(loss, np.log([0.004, 1.0, 0.05, 0.1]), method="L-BFGS-B", bounds=bounds).x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", default="flu,cases,deaths")
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    chosen = parser.parse_args()
    found = {name: panel for name, panel in panels(chosen.data).items() if name in chosen.only.split(",")}
    betas, spread = coefficients(found)
    sizes, shapes = errors(found, betas)
    tables = {"COEFFICIENTS": betas, "FEATURE_SPREAD": spread, "ERROR_SIZE": sizes, "ERROR_SHAPE": shapes}
    written = "\n".join(f'{name}: Floats = _table("""\n{_text(table)}\n""")' for name, table in tables.items())
    chosen.out.write_text(f"{HEAD}{written}\n")


def _text(table: np.ndarray) -> str:
    rows = " ;\n".join(" ".join(f"{value:.4g}" for value in row) for row in table)
    return "\n".join(textwrap.fill(line, 120) for line in rows.splitlines())


if __name__ == "__main__":
    main()
