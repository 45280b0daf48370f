"""How good the models were so far: what the weights and the width of the ensemble follow from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.epidemic.histories import Floats

WIDTHS = {"within_50": 0.5, "within_90": 0.9, "within_95": 0.95}


@dataclass(frozen=True)
class Record:
    """The past of models by one day.

    Attributes:
        means: mean score of each model, over tasks that all of them have; their number is `tasks`.
        shares: how often what came was within the ensemble's intervals, by their width.
        rounds: how many rounds `shares` rest on, older ones counting less, a part of a round as such.
    """

    means: Mapping[str, float] = field(default_factory=dict)
    tasks: int = 0
    shares: Mapping[float, float] = field(default_factory=dict)
    rounds: float = 0.0


HALF_LIFE = 12.0
"""After how many rounds one counts half."""


def record_of(scores: pa.Table | None, models: Sequence[str], whole: str, made_on: date) -> Record:
    """The record by `made_on`: from scores of forecasts whose day was over before; `whole` is the ensemble's name.

    Raises:
        ValueError: the table lacks one of model, day, wis.
    """
    if scores is None or not scores.num_rows:
        return Record()
    if missing := [name for name in ("model", "day", "wis") if name not in scores.column_names]:
        raise ValueError(f"The past scores have no column {missing[0]!r}.")
    over = pc.less(scores["day"], pa.scalar(made_on, pa.date32()))
    known = scores.filter(pc.and_(over, pc.is_valid(scores["wis"])))
    return Record(*_means(known, models), *_shares(known.filter(pc.equal(known["model"], whole)), made_on))


def _means(scores: pa.Table, models: Sequence[str]) -> tuple[dict[str, float], int]:
    keys = [name for name in ("target", "area", "made_on", "horizon", "day") if name in scores.column_names]
    wanted = scores.filter(pc.is_in(scores["model"], pa.array(list(models), pa.string())))
    counts = wanted.group_by(keys).aggregate([("model", "count_distinct")])
    common = counts.filter(pc.equal(counts["model_count_distinct"], len(models)))
    if not common.num_rows:
        return {}, 0
    kept = wanted.join(common.select(keys), keys=keys, join_type="left semi")
    means = kept.group_by("model").aggregate([("wis", "mean")])
    return dict(zip(means["model"].to_pylist(), means["wis_mean"].to_pylist(), strict=True)), common.num_rows


def _shares(scores: pa.Table, made_on: date) -> tuple[dict[float, float], float]:
    names = [name for name in WIDTHS if name in scores.column_names]
    if not scores.num_rows or not names or "made_on" not in scores.column_names:
        return {}, 0.0
    made = scores["made_on"].to_pylist()
    horizons = scores["horizon"].to_pylist() if "horizon" in scores.column_names else [0] * len(made)
    rounds = {day: age for age, day in enumerate(sorted(set(made), reverse=True), start=1)}
    weight = np.array([0.5 ** (rounds[day] / HALF_LIFE) for day in made])
    tasks = len(set(zip(made, horizons, strict=True)))
    shares = {}
    for name in names:
        within = scores[name].cast(pa.float64()).to_numpy()
        there = np.isfinite(within)
        shares[WIDTHS[name]] = float((within[there] * weight[there]).sum() / max(weight[there].sum(), 1e-12))
    return shares, float(weight.mean()) * tasks / max(len(set(horizons)), 1)


class Running:
    """The record of a back-test: told each round and what has become known since."""

    def __init__(self, models: Sequence[str], whole: str, levels: Floats) -> None:
        """Begin without any past."""
        self.models, self.whole, self.levels = list(models), whole, np.asarray(levels, np.float64)
        self._rounds: list[tuple[list[date], dict[str, Floats]]] = []

    def add(self, days: list[date], values: dict[str, Floats]) -> None:
        """Remember what was forecast for these days: by model, [areas, days, levels]."""
        self._rounds.append((days, values))

    def by_now(self, days: Sequence[date], seen: Floats) -> Record:
        """Score all that was forecast so far against what is known now, [areas, days]."""
        position = {day: step for step, day in enumerate(days)}
        totals, tasks = dict.fromkeys(self.models, 0.0), 0
        inside = dict.fromkeys(WIDTHS.values(), 0.0)
        weights = 0.0
        for age, (ahead, values) in enumerate(reversed(self._rounds), start=1):
            known = [(number, position[day]) for number, day in enumerate(ahead) if day in position]
            for number, step in known:
                truth = seen[:, step]
                there = np.isfinite(truth)
                if not there.any():
                    continue
                tasks += int(there.sum())
                for name in self.models:
                    totals[name] += float(_score(truth[there], values[name][there, number], self.levels).sum())
                weight = 0.5 ** (age / HALF_LIFE) / len(ahead)
                weights += weight
                if self.whole in values:
                    for width in inside:
                        inside[width] += weight * _within(truth[there], values[self.whole][there, number], self.levels, width)
        if not tasks:
            return Record()
        shares = {width: share / weights for width, share in inside.items() if self.whole in self._rounds[0][1]}
        return Record({name: total / tasks for name, total in totals.items()}, tasks, shares, weights)


def _score(truth: Floats, values: Floats, levels: Floats) -> Floats:
    off = truth[:, None] - values
    score: Floats = 2 * np.maximum(levels * off, (levels - 1) * off).mean(axis=1)
    return score


def _within(truth: Floats, values: Floats, levels: Floats, width: float) -> float:
    low = int(np.abs(levels - (1 - width) / 2).argmin())
    high = int(np.abs(levels - (1 + width) / 2).argmin())
    return float(((truth >= values[:, low]) & (truth <= values[:, high])).mean())
