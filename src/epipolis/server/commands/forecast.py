"""`epipolis forecast`: the next weeks of every area in a file, and how good such forecasts were."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer

from epipolis.engines import epidemic
from epipolis.server.commands import pictures
from epipolis.server.commands.series import (
    TableOut,
    as_json,
    check_files,
    column_of,
    has_column,
    in_columns,
    read_series,
    read_table,
    typed_day,
    write_table,
)
from epipolis.server.commands.simulations import AsJson, Plot, bar, one_sentence

_SHOWN = (0.025, 0.25, 0.5, 0.75, 0.975)
_NAMES = ("low_95", "low_50", "median", "high_50", "high_95")
_MOST_ROWS = 60
_MOST_MARKS = 8
_PAST_STEPS = 30
_TARGETS = ("target", "target_type")
_HUB = ".hub.csv"

File = Annotated[Path, typer.Argument(help="Counts by area and day or week, with vintages (known_on, as_of) or without.")]
MadeOn = Annotated[str | None, typer.Option(help="Forecast as of this day, from what was known on it; usually the newest.")]
Weeks = Annotated[int, typer.Option(min=1, max=8, help="How many weeks ahead.")]
Backtest = Annotated[str | None, typer.Option(help="Forecast as of many past days instead: FROM:TO, either may be left out.")]
Scored = Annotated[bool, typer.Option("--score", help="Score the back-test against what the file says in the end.")]
Baseline = Annotated[Path | None, typer.Option(help="Forecasts of others to compare with, in a forecast hub's format.")]
Vintages = Annotated[Path | None, typer.Option(help="A second file: what was published of these counts on each day.")]
Models = Annotated[str | None, typer.Option(help="Only some models, as in autoregressive,renewal.")]
Signals = Annotated[str | None, typer.Option(help="Further columns of the file that models may use: positivity,visits.")]
Target = Annotated[str | None, typer.Option(help="Which target, when the file holds several; else a name for the counts.")]
Value = Annotated[str | None, typer.Option(help="Column of the counts.")]
AreaColumn = Annotated[str | None, typer.Option("--areas", help="Column of the areas, or several: city,district.")]
Hub = Annotated[bool, typer.Option("--hub", help="Write --out in a forecast hub's format; also by a name ending in .hub.csv.")]
Area = Annotated[str | None, typer.Option(help="The area to draw with --plot; usually the one with the largest counts.")]
Model = Annotated[str, typer.Option(help="The model to show, draw and write for a hub.")]
Seed = Annotated[int, typer.Option(help="The same number gives the same forecasts.")]


def forecast(
    file: File,
    made_on: MadeOn = None,
    weeks: Weeks = 4,
    backtest: Backtest = None,
    scored: Scored = False,
    baseline: Baseline = None,
    vintages: Vintages = None,
    models: Models = None,
    signals: Signals = None,
    target: Target = None,
    value: Value = None,
    areas: AreaColumn = None,
    hub: Hub = False,
    area: Area = None,
    model: Model = epidemic.ENSEMBLE,
    seed: Seed = 0,
    out: TableOut = None,
    plot: Plot = None,
    as_json_: AsJson = False,
) -> None:
    """Forecast every area of a file one to some weeks ahead, with quantiles, by several models and their ensemble.

    Horizon 0 is the week (or day) that ends on or after the day the forecast is made. With --backtest the past is
    forecast as it was known, and --score tells how good that was.

    \b
        epipolis forecast admissions.csv --out next.hub.csv --plot fan.png
        epipolis forecast truth.csv.gz --vintages vintages.parquet --backtest 2023-10-14:2024-05-04 --score \\
            --baseline forecasts.parquet
    """
    with one_sentence():
        check_files(out, plot)
        _check_options(made_on, backtest, scored, baseline)
        table, named = _series(file, target, value, areas, signals)
        final = epidemic.History(table, target=named, signals=_listed(signals))
        history = final
        if vintages:
            both = _with_vintages(table, vintages, areas)
            history = epidemic.History(both, target=named, signals=_listed(signals))
        chosen = _listed(models) or epidemic.MODELS
        horizons = range(weeks if history.step == 7 else 7 * weeks)
        others = None if baseline is None else read_others(baseline, named, history, horizons)
        options: dict[str, Any] = {"horizons": tuple(horizons), "models": chosen, "seed": seed}
        with bar(f"{len(history.areas):,} areas", quiet=as_json_) as progress:
            if backtest or scored:
                days = _days(backtest or ":", history, others)
                made = epidemic.backtest(history, made_on=days, progress=progress, **options)
            else:
                made = epidemic.forecast(history, made_on=_day(made_on, history), progress=progress, **options)
        shown = _model_shown(model, made)
        result = compare_with(made, final, others) if scored else _quantiles(made, shown)
        _write(made, shown, out, hub, history.step)
        if plot:
            _draw(plot, history, made, shown, area)
    told = json.loads(made.schema.metadata[b"epipolis"])
    if as_json_:
        print(as_json(result, file=str(file), target=named, step=history.step, notes=history.notes, **told))
        return
    _show(result, told, history, shown, scored)
    for path in (out, plot):
        if path:
            print(f"written: {path}")


def _check_options(made_on: str | None, backtest: str | None, scored: bool, baseline: Path | None) -> None:
    if made_on and (backtest or scored):
        raise ValueError("--made-on is one day, --backtest and --score are of many: give one of them")
    if baseline and not scored:
        raise ValueError("--baseline compares scores: give --score as well")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _series(file: Path, target: str | None, value: str | None, areas: str | None, signals: str | None) -> tuple[pa.Table, str]:
    """The file as a series, of one target, and its name."""
    whole = read_table(file)
    column = areas or ("location" if has_column(whole, "location") else None)
    series = read_series(file, value=value, area=column)
    for name in _listed(signals):
        series = series.append_column(name, whole[column_of(whole, given=name, file=str(file))])
    kind = has_column(whole, *_TARGETS)
    if kind is None:
        return series, target or "count"
    kinds = pc.cast(whole[kind], pa.string())
    there = sorted(pc.unique(kinds).drop_null().to_pylist())
    if target is None and there:
        target = there[0]
    if target is None or target not in there:
        raise ValueError(f"{file}: has no target {target!r}; it has {', '.join(there)}")
    return series.filter(pc.equal(kinds, target)), target


def _with_vintages(series: pa.Table, file: Path, areas: str | None) -> pa.Table:
    """Values of the main file for the time before vintages begin, vintages since then."""
    whole = read_table(file)
    column = areas or ("location" if has_column(whole, "location") else None)
    published = read_series(file, area=column)
    if "known_on" not in published.column_names:
        raise ValueError(f"{file}: has no column that tells when a value was published, such as known_on or as_of")
    plain = series.select([name for name in series.column_names if name != "known_on"])
    return pa.concat_tables([plain, published], promote_options="default")


def read_others(file: Path, target: str, history: Any, horizons: range) -> pa.Table:
    """Forecasts of others, horizons counted as here: 0 is the step that ends on or after the day they were made."""
    table = read_table(file)
    if kind := has_column(table, "target"):
        kinds = pc.cast(table[kind], pa.string())
        wanted = [name for name in pc.unique(kinds).to_pylist() if name == target or str(name).endswith(f" {target}")]
        table = table.filter(pc.is_in(kinds, pa.array(wanted or pc.unique(kinds).to_pylist()[:1])))
        table = table.drop_columns([kind])
    named = None if has_column(table, "model", "model_id") else file.name.split(".")[0]
    table = epidemic.from_hub(table, named, target=target)
    days = pc.cast(table["day"], pa.int32()).to_numpy().astype(np.int64)
    made = pc.cast(table["made_on"], pa.int32()).to_numpy().astype(np.int64)
    steps = (days - made) // history.step
    table = table.set_column(table.column_names.index("horizon"), "horizon", pa.array(steps, pa.int32()))
    return table.filter(pc.is_in(table["horizon"], pa.array(list(horizons), pa.int32())))


def _days(span: str, history: Any, others: pa.Table | None) -> list[date]:
    """The days of a back-test: those of the others' forecasts, else one a week, four days after its step ended."""
    first, _, last = span.partition(":")
    begin, end = (typed_day(text, "--backtest") if text.strip() else None for text in (first, last))
    if begin and end and end < begin:
        raise ValueError(f"--backtest {span}: ends before it begins; write FROM:TO")
    if others is not None:
        days = sorted(pc.unique(others["made_on"]).to_pylist())
    else:
        known = history.days.tolist()
        lag = 4 if history.step == 7 else 1
        days = [day + timedelta(days=lag) for day in known[:: 7 // history.step]]
        days = [day for day in days if day > known[0]]
    chosen = [day for day in days if (begin is None or day >= begin) and (end is None or day <= end)]
    if not chosen:
        raise ValueError(f"--backtest {span}: none of the {len(days)} possible days is within")
    return chosen


def _day(text: str | None, history: Any) -> date:
    if text is not None:
        return typed_day(text, "--made-on")
    newest: date = history.days[-1].item()
    return newest + timedelta(days=1)


def _model_shown(model: str, made: pa.Table) -> str:
    there = pc.unique(made["model"]).to_pylist()
    if model in there:
        return model
    if model == epidemic.ENSEMBLE:
        return str(there[0])
    raise ValueError(f"--model: there is no {model!r}; there are {', '.join(there)}")


def _quantiles(made: pa.Table, model: str) -> pa.Table:
    """One row for each area and step with the usual quantiles side by side."""
    wanted = made.filter(pc.equal(made["model"], model))
    keys = ["area", "made_on", "horizon", "day"]
    columns: dict[str, Any] = {}
    for level, name in zip(_SHOWN, _NAMES, strict=True):
        rows = wanted.filter(pc.less(pc.abs(pc.subtract(wanted["level"], level)), 1e-9))
        columns |= {key: rows[key] for key in keys}
        columns[name] = rows["value"]
    return pa.table(columns)


def compare_with(made: pa.Table, final: Any, others: pa.Table | None) -> pa.Table:
    """Mean scores by model, relative to the others' baseline or to the own one, on what all of them forecast.

    `final` is the history whose values are what came.
    """
    areas, steps = final.values.shape
    truth = pa.table(
        {
            "target": pa.repeat(final.target, areas * steps),
            "area": np.repeat(np.array(final.areas, dtype=object), steps).tolist(),
            "day": pa.array(np.tile(final.days, areas)),
            "value": pa.array(final.values.reshape(-1), from_pandas=True),
        }
    )
    both = made.replace_schema_metadata(None)
    if others is not None:
        both = pa.concat_tables([both, others.select(both.column_names).cast(both.schema)])
    scores = epidemic.score(both, truth)
    scores = _common(scores.filter(pc.is_valid(scores["wis"])))
    names = pc.unique(both["model"]).to_pylist()
    reference = next((name for name in names if str(name).endswith("baseline")), None)
    if others is not None:
        theirs = pc.unique(others["model"]).to_pylist()
        reference = next((name for name in theirs if "baseline" in name.lower()), theirs[0])
    summary = epidemic.summarise(scores, by=("model",)).to_pylist()
    skill = {row["model"]: row for row in epidemic.compare_models(scores, baseline=reference).to_pylist()}
    own = next((row["wis"] for row in summary if row["model"] == reference), None)
    for row in summary:
        row["relative_wis"] = row["wis"] / own if own else None
        row["pairwise"] = skill.get(row["model"], {}).get("scaled_skill" if reference else "relative_skill")
    wanted = ("model", "relative_wis", "pairwise", "wis", "spread", "over", "under", "within_50", "within_95", "forecasts")
    summary.sort(key=lambda row: row["wis"])
    return pa.Table.from_pylist([{name: row.get(name) for name in wanted} for row in summary])


def _common(scores: pa.Table) -> pa.Table:
    """Only what all models forecast."""
    keys = ["area", "made_on", "horizon", "day"]
    counts = scores.group_by(keys).aggregate([("model", "count_distinct")])
    full = counts.filter(pc.equal(counts["model_count_distinct"], len(pc.unique(scores["model"]))))
    if not full.num_rows:
        raise ValueError("There is nothing that all models forecast and that is known by now; do areas and days fit?")
    return scores.join(full.select(keys), keys=keys, join_type="left semi")


def _write(made: pa.Table, model: str, out: Path | None, hub: bool, step: int) -> None:
    if out is None:
        return
    if hub or out.name.lower().endswith(_HUB):
        write_table(epidemic.to_hub(_by_reference(made, step), model), out)
    else:
        write_table(made, out)


def _by_reference(made: pa.Table, step: int) -> pa.Table:
    """A hub dates a forecast by the day of its horizon 0."""
    days = pc.cast(made["day"], pa.int32()).to_numpy().astype(np.int64)
    horizons = made["horizon"].to_numpy().astype(np.int64)
    made_on = pa.array((days - horizons * step).astype(np.int32)).cast(pa.date32())
    return made.replace_schema_metadata(None).set_column(made.column_names.index("made_on"), "made_on", made_on)


def _draw(plot: Path, history: Any, made: pa.Table, model: str, area: str | None) -> None:
    totals = np.nansum(history.values, axis=1)
    name = history.areas[int(totals.argmax())] if area is None else area
    if name not in history.areas:
        raise ValueError(f"--area: there is no {name!r}; there are {', '.join(history.areas[:8])} …")
    values = history.values[history.areas.index(name)]
    rows = _quantiles(made.filter(pc.equal(made["area"], name)), model).to_pylist()
    newest = max(row["made_on"] for row in rows)
    rows = [row for row in rows if row["made_on"] == newest]
    past = [(day, count) for day, count in zip(history.days.tolist(), values.tolist(), strict=True) if day < newest]
    past = past[-_PAST_STEPS * (7 // history.step) :] if history.step == 1 else past[-_PAST_STEPS:]
    days = [day for day, _ in past] + [row["day"] for row in rows]
    empty, seen = [float("nan")] * len(rows), [count for _, count in past]
    before = [float("nan")] * (len(past) - 1) + seen[-1:]
    curves: dict[str, pictures.Band] = {"known": (seen + empty, seen + empty, seen + empty)}
    for words, low, high in (("95 of 100", "low_95", "high_95"), ("50 of 100", "low_50", "high_50")):
        middle = before + [row["median"] for row in rows]
        curves[words] = (before + [row[low] for row in rows], middle, before + [row[high] for row in rows])
    pictures.draw(plot, {f"{name}: {history.target}": curves}, days, note=f"Forecast of {newest} by {model}")


def _show(result: pa.Table, told: dict[str, Any], history: Any, model: str, scored: bool) -> None:
    print(in_columns(result.slice(0, _MOST_ROWS), rows=_MOST_ROWS, digits=3 if scored else 1))
    if result.num_rows > _MOST_ROWS:
        print(f"… {result.num_rows - _MOST_ROWS:,} more rows; --out or --json has all of them")
    if not scored:
        print(f"{history.target} by {model}")
    if not told["vintages"] and (scored or len(told["weights"]) > 1):
        print("The file does not tell when values were published: each round saw the final values of what was over.")
    for day in told["skipped"]:
        print(f"left out: {day}, nothing was known yet")
    marked = list(told["marked"].items())
    for area, why in marked[:_MOST_MARKS]:
        print(f"marked: {area}: {why}")
    if len(marked) > _MOST_MARKS:
        print(f"… {len(marked) - _MOST_MARKS} more areas are marked; --json has all of them")
