"""`epipolis fence truth`: the fence held against played telephones, one row for each kind of telephone and home."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from epipolis.engines import fence as engine
from epipolis.engines.fence.phones import DAY, Habits

_START = 1_767_542_400
USUAL = Habits()
KINDS: dict[str, tuple[Habits, dict[str, float]]] = {
    "as usual, a fix in 5 minutes": (USUAL, {}),
    "a fix in 2 minutes": (replace(USUAL, every=120), {}),
    "a fix in 15 minutes": (replace(USUAL, every=900), {}),
    "houses": (replace(USUAL, kinds=(1.0, 0.0, 0.0)), {}),
    "towers": (replace(USUAL, kinds=(0.0, 0.0, 1.0)), {}),
    "by satellite alone": (replace(USUAL, home_sources=(1, 0, 0), street_sources=(1, 0, 0)), {}),
    "by radio network alone": (replace(USUAL, home_sources=(0, 1, 0), street_sources=(0, 1, 0)), {}),
    "by cell alone (an operator's feed)": (replace(USUAL, by_cell_only=1.0), {}),
    "twice as many indoor jumps": (replace(USUAL, jumps=(1.0, 2.0, 4.0)), {}),
    "empty batteries and no network daily": (replace(USUAL, dry=0.5, outages=0.5), {}),
    "telephones that forge their place": (USUAL, {"forged": 1.0}),
}


def rows(people: int, days: int, seeds: range, rule: Any) -> Iterator[dict[str, Any]]:
    """For each kind: what was found of the excursions over 15 minutes, false alarms, delays in minutes; over all seeds."""
    for name, (habits, asked) in KINDS.items():
        judged = [_judged(people, days, seed, rule, habits, asked) for seed in seeds]
        out, person_days = sum(each.excursions for each in judged), sum(each.person_days for each in judged)
        yield {
            "telephones": name,
            "excursions": out,
            "found": sum(each.found for each in judged) / out if out else math.nan,
            "false_a_day": sum(each.false_alarms for each in judged) / person_days,
            "delay_minutes": float(np.mean([each.delay for each in judged])) / 60,
            "nine_in_ten_minutes": float(np.mean([each.delay_90 for each in judged])) / 60,
            "silences_a_day": sum(each.silences for each in judged) / person_days,
        }


def _judged(people: int, days: int, seed: int, rule: Any, habits: Habits, asked: dict[str, float]) -> Any:
    rng = np.random.default_rng([seed, 3])
    fences = engine.Fences.of(121.5 + rng.normal(0, 0.05, people), 25.05 + rng.normal(0, 0.05, people), rule.radius)
    out = engine.draw_excursions(seed, fences, _START, days, margin=rule.buffer, **asked)
    positions = engine.phone_positions(seed, fences, out, _START, days, habits)
    return engine.judge(_lived(fences, positions, rule), out, people * days, arrivals=positions)


def _lived(fences: Any, positions: pa.Table, rule: Any) -> pa.Table:
    """As a server would: ten minutes of arrivals, then a look for silence."""
    states, found = engine.States.new(len(fences)), []
    arrived = positions["arrived"].to_numpy()
    edges = np.searchsorted(arrived, np.arange(_START, _START + 2 * DAY + int(arrived[-1] - arrived[0]), 600))
    for first, last in zip(edges, [*edges[1:], len(arrived)], strict=True):
        if last > first:
            told = engine.follow(states, positions.slice(first, last - first), fences, rule)
            silent = engine.notice_silence(states, rule, int(arrived[last - 1]), fences=fences)
            found += [told.replace_schema_metadata(), silent]
    return pa.concat_tables(found)


def as_markdown(told: list[dict[str, Any]]) -> str:
    """The table as the guide has it."""
    lines = ["| telephones | excursions over 15 min | found | false alarms a person-day | median delay | nine in ten within |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for row in told:
        found = "" if math.isnan(row["found"]) else f"{100 * row['found']:.1f} %"
        delays = ["" if math.isnan(row[name]) else f"{row[name]:.1f} min" for name in ("delay_minutes", "nine_in_ten_minutes")]
        cells = [row["telephones"], f"{row['excursions']:,}", found, f"{row['false_a_day']:.4f}", *delays]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
