"""`epipolis score`: how good forecasts were, from a file of forecasts and one of what came."""

from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import typer

from epipolis.engines import epidemic
from epipolis.server.commands import pictures
from epipolis.server.commands.series import (
    DAYS,
    VALUES,
    TableOut,
    as_json,
    check_files,
    column_of,
    days_of,
    has_column,
    in_columns,
    numbers_of,
    read_table,
    write_table,
)
from epipolis.server.commands.simulations import AsJson, Plot, one_sentence

AREAS = ("area", "location", "location_id", "fips", "region", "district", "stratum", "location_name")
TARGETS = ("target", "target_type")
_BY = ("target",)
_OWN = ("model", "target", "area", "made_on", "horizon", "day", "level", "value")
_MOST_LINES = 6

Forecasts = Annotated[Path, typer.Argument(help="Forecasts by quantiles, as forecast hubs have them; .csv, .csv.gz, .parquet.")]
Observed = Annotated[
    Path | None, typer.Argument(help="What came: area, day, value. Left out when the forecasts have a column observed.")
]
Baseline = Annotated[str | None, typer.Option(help="The model whose relative skill is 1.")]
By = Annotated[str | None, typer.Option(help="Scores for each of these, such as horizon,area, besides the model.")]
Scale = Annotated[str, typer.Option(help="Scored as natural numbers, or their log, sqrt or fourth root.")]
Model = Annotated[str | None, typer.Option(help="Name of the model, for a file without one.")]
Target = Annotated[str | None, typer.Option(help="Name of what is forecast, for a file without one.")]


def score(
    forecasts: Forecasts,
    observed: Observed = None,
    baseline: Baseline = None,
    by: By = None,
    scale: Scale = "natural",
    model: Model = None,
    target: Target = None,
    as_json_: AsJson = False,
    out: TableOut = None,
    plot: Plot = None,
) -> None:
    """Score forecasts: weighted interval score and its parts, coverage, and skill relative to each other.

    A lower score is better. The relative skill compares models on what they have in common; below 1 is better than the
    others, or than the baseline. --out has every single forecast's score.

    \b
        epipolis score forecasts.parquet truth.csv.gz --baseline FluSight-baseline --by horizon
        epipolis score forecasts.csv truth.csv --scale log
    """
    with one_sentence():
        check_files(out, plot)
        made, seen = read_forecasts(forecasts, observed, model or forecasts.stem, target or "value")
        scores = epidemic.score(made, seen, scale=scale)
        groups = _groups(by, made)
        whole = _table(scores, groups, baseline)
        if not any(whole["forecasts"].to_pylist()):
            raise ValueError(f"{observed or forecasts}: observes none of the areas and days that {forecasts} forecasts")
        if out:
            write_table(scores, out)
        if plot:
            _draw(plot, scores, f"Weighted interval score, mean over areas and horizons; {forecasts.name}")
    marks = _marks(scores)
    if as_json_:
        print(as_json(whole, forecasts=str(forecasts), observed=str(observed or forecasts), scale=scale, marked=marks))
        return
    print(in_columns(whole, rows=whole.num_rows, digits=3))
    for text, times in marks.items():
        print(f"{times:,} forecasts: {text}")
    for path in (out, plot):
        if path:
            print(f"written: {path}")


def read_forecasts(forecasts: Path, observed: Path | None, model: str, target: str) -> tuple[pa.Table, pa.Table]:
    """The forecasts and what came as tables to score. ValueError: one sentence beginning with the file's name."""
    table = read_table(forecasts)
    kind = has_column(table, "target_type")
    if kind and not has_column(table, "target"):
        table = table.rename_columns(["target" if name == kind else name for name in table.column_names])
    named = has_column(table, "model", "model_id") is not None
    if named:
        table = table.filter(pc.is_valid(table[has_column(table, "model", "model_id") or ""]))
    try:
        own = all(name in table.column_names for name in _OWN)
        made = table if own else epidemic.from_hub(table, None if named else model, target=target)
    except ValueError as error:
        raise ValueError(f"{forecasts}: {error}") from error
    if observed is None:
        if has_column(table, "observed") is None:
            raise ValueError(f"{forecasts}: has no column observed; name the file of what came as the second one")
        return made, _distinct(_observed(table, str(forecasts), "target_end_date", "observed"))
    return made, _observed(read_table(observed), str(observed))


def _observed(table: pa.Table, file: str, day: str | None = None, value: str | None = None) -> pa.Table:
    day = column_of(table, *DAYS, given=day, what="the day", file=file)
    value = column_of(table, *VALUES, given=value, what="the value", file=file)
    columns: dict[str, Any] = {}
    if name := has_column(table, *TARGETS):
        columns["target"] = pc.cast(table[name], pa.string())
    area = column_of(table, *AREAS, what="the area", file=file)
    columns["area"] = pc.cast(table[area], pa.string())
    columns["day"] = days_of(table, day, file=file)
    columns["value"] = pa.array(numbers_of(table, value, file=file), from_pandas=True)
    return pa.table(columns)


def _distinct(table: pa.Table) -> pa.Table:
    return table.group_by(table.column_names, use_threads=False).aggregate([])


def _groups(by: str | None, made: pa.Table) -> list[str]:
    if by is None:
        return [name for name in _BY if len(pc.unique(made[name])) > 1]
    names = [name.strip() for name in by.split(",")]
    return [name for name in names if name and name != "model"]


def _table(scores: pa.Table, groups: list[str], baseline: str | None) -> pa.Table:
    """Mean scores with the relative skill, best first in each group."""
    summary = epidemic.summarise(scores, by=[*groups, "model"])
    skill = epidemic.compare_models(scores, baseline=baseline, by=groups)
    found = {tuple(row[name] for name in (*groups, "model")): row for row in skill.to_pylist()}
    rows = []
    for row in summary.to_pylist():
        own = found.get(tuple(row[name] for name in (*groups, "model")), {})
        rows.append({"skill": own.get("relative_skill"), "to_baseline": own.get("scaled_skill"), **row})
    rows.sort(key=lambda row: (*(str(row[name]) for name in groups), row["skill"] is None, row["skill"] or 0.0))
    names = [*groups, "model", "skill", *(["to_baseline"] if baseline else []), *summary.column_names[len(groups) + 1 :]]
    schema = pa.schema(
        [pa.field(name, summary.schema.field(name).type if name in summary.column_names else pa.float64()) for name in names]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _marks(scores: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(scores["marked"]).to_pylist()
    return {row["values"]: row["counts"] for row in counted if row["values"]}


def _draw(plot: Path, scores: pa.Table, note: str) -> None:
    scored = scores.filter(pc.is_valid(scores["wis"]))
    means = epidemic.summarise(scored, by=("model", "made_on"))
    dates = sorted(set(means["made_on"].to_pylist()))
    if len(dates) < 2:
        raise ValueError("--plot draws scores by the day the forecasts were made, and all were made on one day")
    panel: dict[str, pictures.Band] = {}
    for name in sorted(set(means["model"].to_pylist()))[:_MOST_LINES]:
        rows = means.filter(pc.equal(means["model"], name))
        found = dict(zip(rows["made_on"].to_pylist(), rows["wis"].to_pylist(), strict=True))
        line = [found.get(day, float("nan")) for day in dates]
        panel[name] = (line, line, line)
    pictures.draw(plot, {"Score by the day the forecasts were made": panel}, dates, note=note)
