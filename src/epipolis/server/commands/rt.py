"""`epipolis rt`: how many people each case infects, from a file of counts."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray

from epipolis.engines import epidemic
from epipolis.server.commands import pictures
from epipolis.server.commands.daily import Daily, read_daily
from epipolis.server.commands.series import (
    TableOut,
    as_json,
    check_files,
    column_of,
    in_columns,
    numbers_of,
    read_table,
    write_table,
)
from epipolis.server.commands.simulations import AsJson, Plot, first_day, one_sentence

Floats = NDArray[np.float64]
_LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
_LAST, _HEIGHT = 10, 11
_MOST_PANELS = 6

File = Annotated[
    Path, typer.Argument(help="Counts by day: .csv, .csv.gz or .parquet, with a column of days and one of counts.")
]
Interval = Annotated[
    Path | None,
    typer.Option(help="Serial interval as a file with the columns lag_days and probability. Or give --mean and --sd."),
]
Mean = Annotated[
    float | None,
    typer.Option(help="Mean of the serial interval in days: from the onset of a case to that of those it infects."),
]
Sd = Annotated[float | None, typer.Option(help="Its standard deviation in days.")]
MeanSd = Annotated[float, typer.Option(help="How uncertain that mean is (standard deviation, days); 0: taken as certain.")]
SdSd = Annotated[float, typer.Option(help="How uncertain that standard deviation is, likewise.")]
Window = Annotated[
    int, typer.Option(help="Days that are taken together; more is smoother and later. 7 evens out the weekdays.")
]
Imported = Annotated[
    str | None, typer.Option(help="Column with the cases infected elsewhere: they infect, but nobody here infected them.")
]
DelayMean = Annotated[
    float | None,
    typer.Option(help="Days from infection to being counted, on average: brings counts back to the day of infection first."),
]
DelaySd = Annotated[float | None, typer.Option(help="Standard deviation of that delay, days.")]
Pool = Annotated[bool, typer.Option("--pool", help="Let small areas lend each other strength (several areas in the file).")]
Cohort = Annotated[
    bool,
    typer.Option("--cohort", help="Wallinga and Teunis: how many the cases of a window went on to infect, looking forward."),
]
Only = Annotated[list[str] | None, typer.Option(help="Only this area; may be given several times.")]
Value = Annotated[str | None, typer.Option(help="Column with the counts, when it is not found by its name.")]
Day = Annotated[str | None, typer.Option(help="Column with the days.")]
Area = Annotated[str | None, typer.Option(help="Column with the areas; several as city,district.")]
Covers = Annotated[
    int | None, typer.Option(help="Days each value counts, such as 7 for weekly figures; they are spread evenly.")
]
Start = Annotated[str | None, typer.Option(help="First day, for a file without days.")]
PriorMean = Annotated[
    float, typer.Option(help="What is expected of R before any case is seen (not with --pool: there the areas tell).")
]
PriorSd = Annotated[float, typer.Option(help="And how vaguely; small values pull R strongly towards the mean.")]
Every = Annotated[bool, typer.Option("--all", help="Print every window, not only the last ones.")]


def rt(
    file: File,
    interval: Interval = None,
    mean: Mean = None,
    sd: Sd = None,
    mean_sd: MeanSd = 0.0,
    sd_sd: SdSd = 0.0,
    window: Window = 7,
    imported: Imported = None,
    delay_mean: DelayMean = None,
    delay_sd: DelaySd = None,
    pool: Pool = False,
    cohort: Cohort = False,
    only: Only = None,
    value: Value = None,
    day: Day = None,
    area: Area = None,
    covers: Covers = None,
    start: Start = None,
    prior_mean: PriorMean = 5.0,
    prior_sd: PriorSd = 5.0,
    every: Every = False,
    as_json_: AsJson = False,
    out: TableOut = None,
    plot: Plot = None,
) -> None:
    """Estimate R, the number of people each case infects, by day and area: above 1 the epidemic grows, below 1 it shrinks.

    Cori's method, the same as EpiEstim. The serial interval is the time from one case to those it infects; it depends
    on the disease. Answers that hardly rest on cases are marked.

    \b
        epipolis rt cases.csv --mean 4.5 --sd 2.6
        epipolis rt cases.csv --interval serial_interval.csv --all
        epipolis rt regions.csv.gz --mean 4.5 --sd 2.6 --only Lazio --plot lazio.png
        epipolis rt districts.csv --mean 4.5 --sd 2.6 --pool --out r.parquet
    """
    with one_sentence():
        check_files(out, plot)
        _check_together(mean, sd, delay_mean, delay_sd, pool=pool, cohort=cohort)
        weights = _interval(interval, mean, sd, mean_sd, sd_sd)
        first = None if start is None else first_day(start)
        counts = read_daily(
            file, value=value, day=day, area=area, imported=imported, covers=covers, start=first
        )  # fmt: skip
        counts = _chosen(counts, only)
        if plot and counts.days is None:
            raise ValueError(f"{file}: has no days for the picture; name the first with --start 2020-03-01")
        counts = _at_infection(counts, delay_mean, delay_sd)
        table = _table(counts, weights, window, (prior_mean, prior_sd), pool=pool, cohort=cohort)
        if out:
            write_table(table, out)
        if plot:
            _draw(plot, table, counts, f"R over {window} days, with its 95 % interval; {file.name}")
    if as_json_:
        print(as_json(table, file=str(file), window=window, notes=counts.notes))
    else:
        _show(table, counts, every=every, written=(out, plot))


def _check_together(
    mean: float | None, sd: float | None, delay_mean: float | None, delay_sd: float | None, *, pool: bool, cohort: bool
) -> None:
    if (mean is None) != (sd is None):
        raise ValueError("--mean and --sd of the serial interval belong together; one of them is missing")
    if (delay_mean is None) != (delay_sd is None):
        raise ValueError("--delay-mean and --delay-sd belong together; one of them is missing")
    if pool and cohort:
        raise ValueError("--pool and --cohort are two methods; choose one")


def _interval(path: Path | None, mean: float | None, sd: float | None, mean_sd: float, sd_sd: float) -> Any:
    if path is not None and mean is not None:
        raise ValueError("the serial interval is given twice: by --interval and by --mean; choose one")
    if path is not None:
        return _interval_in(path)
    if mean is None or sd is None:
        raise ValueError(
            "the serial interval is missing: give --interval FILE, or --mean and --sd in days "
            "(influenza about 2.6 and 1.5, COVID-19 of 2020 about 4.5 and 2.6, measles about 14.9 and 3.9)"
        )
    if not (mean_sd or sd_sd):
        return epidemic.discretise(mean, sd)
    low = max(1.01, mean - 3 * mean_sd), max(0.1, sd - 3 * sd_sd)
    high = mean + 3 * mean_sd, sd + 3 * sd_sd
    return epidemic.UncertainInterval(mean, mean_sd, (low[0], high[0]), sd, sd_sd, (low[1], high[1]), draws=100)


def _interval_in(path: Path) -> Any:
    table, file = read_table(path), str(path)
    lags = numbers_of(
        table, column_of(table, "lag_days", "lag", "day", "days", "k", what="the lag in days", file=file), file=file
    )
    chances = column_of(table, "probability", "weight", "p", "w", "value", what="the probability", file=file)
    weights = numbers_of(table, chances, file=file)
    for row, lag in enumerate(lags.tolist(), 1):
        if not (np.isfinite(lag) and 0 <= lag <= 3_650 and lag == int(lag)):
            raise ValueError(f"{file}: row {row} has the lag {lag:g}, but must have whole days from 0 on")
        if lag in lags[: row - 1]:
            raise ValueError(f"{file}: row {row} has the lag {lag:g} a second time")
    whole = np.zeros(max(2, int(lags.max()) + 1))
    whole[lags.astype(int)] = weights
    try:
        return epidemic.check_interval(whole)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _chosen(counts: Daily, only: list[str] | None) -> Daily:
    if not only:
        return counts
    for name in only:
        if name not in counts.areas:
            near = ", ".join(counts.areas[:8]) + (", …" if len(counts.areas) > 8 else "")
            raise ValueError(f"--only: there is no area {name!r}; there are {near}")
    rows = [counts.areas.index(name) for name in dict.fromkeys(only)]
    imported = None if counts.imported is None else counts.imported[rows]
    return Daily([counts.areas[row] for row in rows], counts.days, counts.values[rows], imported, counts.notes)


def _at_infection(counts: Daily, mean: float | None, sd: float | None) -> Daily:
    """The counts by day of infection, up to the last day of which half is reported."""
    if mean is None or sd is None:
        return counts
    if counts.imported is not None:
        raise ValueError("counts with imported cases cannot be brought back to the day of infection; leave one of them out")
    infections, complete = epidemic.deconvolve(counts.values, epidemic.discretise(mean, sd, shift=0.0))
    length = int(np.flatnonzero((complete >= 0.5) & np.isfinite(infections).any(axis=0))[-1]) + 1
    left_out = infections.shape[1] - length
    note = f"brought back to the day of infection, {mean:g} days on average; the last {left_out} days are not known yet"
    days = None if counts.days is None else counts.days[:length]
    return Daily(counts.areas, days, infections[:, :length], None, [*counts.notes, note])


def _table(counts: Daily, weights: Any, window: int, prior: tuple[float, float], *, pool: bool, cohort: bool) -> pa.Table:
    about: dict[str, Any] = {"windows": window, "days": counts.days, "areas": counts.areas}
    if cohort:
        if isinstance(weights, epidemic.UncertainInterval):
            raise ValueError("--cohort needs a certain serial interval: leave --mean-sd and --sd-sd out")
        if counts.imported is not None:
            counts.notes.append("imported cases are not told apart by --cohort: they too count as infected by somebody here")
        return epidemic.cohort_r(counts.values, weights, draws=200 if len(counts.areas) <= 50 else 0, **about).table()
    estimate = epidemic.pool_r if pool else epidemic.estimate_r
    about |= {} if pool else {"prior": prior}
    found = estimate(counts.values, weights, imported=counts.imported, **about)
    table = found.table(_LEVELS)
    return table.add_column(table.column_names.index("marked"), "above_1", pa.array(found.chance_above(1.0).reshape(-1)))


def _show(table: pa.Table, counts: Daily, *, every: bool, written: Sequence[Path | None]) -> None:
    for note in counts.notes:
        print(note)
    print()
    if len(counts.areas) == 1:
        print(_curve(table))
        print()
        print(in_columns(table, rows=table.num_rows if every else _LAST, skip=("area",) if counts.areas == ["all"] else ()))
        print()
        if "above_1" in table.column_names:
            told = f"{100 * table.column('above_1')[-1].as_py():.0f} %"
            print(f"the last window: R is above 1 with a probability of {told}")
        print(_growth(counts.values))
    else:
        last = table if every else table.take(pa.array(_last_told(table, len(counts.areas))))
        print(in_columns(last, rows=last.num_rows))
    for path in written:
        if path:
            print(f"written: {path}")


def _last_told(table: pa.Table, areas: int) -> list[int]:
    """Of each area the row of its last window with data, or up to a week before it one in which no day is missing."""
    texts = [text or "" for text in table.column("marked").to_pylist()]
    windows = len(texts) // areas
    rows = []
    for area in range(areas):
        own = range((area + 1) * windows - 1, area * windows - 1, -1)
        last = next((row for row in own if not texts[row].startswith("no ")), own[0])
        near = range(last, max(last - 8, area * windows - 1), -1)
        rows.append(next((row for row in near if "days missing" not in texts[row]), last))
    return rows


def _growth(values: Floats) -> str:
    days = min(14, values.shape[1])
    if days < 3:
        return ""
    rate, low, high = (float(one[0, -1]) for one in epidemic.growth_rate(values, days))
    times = float(epidemic.doubling_time(rate))
    told = f"the last {days} days: {100 * rate:+.1f} % a day ({100 * low:+.1f} to {100 * high:+.1f})"
    if low <= 0 <= high:
        return told + ", neither growth nor decline is certain"
    return told + (f", doubling in {times:.1f} days" if rate > 0 else f", halving in {-times:.1f} days")


def _bands(table: pa.Table) -> tuple[Floats, Floats, Floats]:
    """Low, middle and high; NaN where the answer hardly rests on cases."""
    middle = "q50" if "q50" in table.column_names else "mean"
    ends = [name if name in table.column_names else "mean" for name in ("q2.5", "q97.5")]
    weak = ("prior", "before one", "no cases")
    marked = np.array([any(word in (text or "") for word in weak) for text in table.column("marked").to_pylist()])
    low, centre, high = (np.where(marked, np.nan, table.column(name).to_numpy()) for name in (ends[0], middle, ends[1]))
    return low, centre, high


def _curve(table: pa.Table) -> str:
    """R in the terminal: its middle and its 95 % interval, and where 1 is."""
    low, middle, high = _bands(table)
    if np.isnan(middle).all():
        return "too few cases for a picture: every window is marked"
    wide = min(pictures.WIDTH, middle.size)
    at = np.arange(wide) * (middle.size - 1) // max(1, wide - 1)
    top = max(1.5, float(np.nanquantile(high, 0.98)) * 1.05)
    rows = [np.floor(np.clip(one[at], 0, top * 0.999) / top * _HEIGHT) for one in (low, middle, high)]
    one = int(1 / top * _HEIGHT)
    lines = ["R, its middle ● and 95 % interval │ (left out where it hardly rests on cases)"]
    for row in range(_HEIGHT - 1, -1, -1):
        label = f"{top:.1f}" if row == _HEIGHT - 1 else "1" if row == one else "0" if row == 0 else ""
        signs = np.where((rows[0] <= row) & (row <= rows[2]), "│", "┄" if row == one else " ")
        signs = np.where(rows[1] == row, "●", signs)
        lines.append(f"{label:>8} ┤" + "".join(signs.tolist()))
    ends = [str(table.column("day")[edge]) for edge in (0, table.num_rows - 1)]
    lines.append(" " * 10 + ends[0] + " " * max(1, wide - len(ends[0]) - len(ends[1])) + ends[1])
    return "\n".join(lines)


def _draw(plot: Path, table: pa.Table, counts: Daily, note: str) -> None:
    windows = table.num_rows // len(counts.areas)
    most = np.argsort(-np.nansum(counts.values, axis=1), kind="stable")[:_MOST_PANELS]
    panels: dict[str, dict[str, pictures.Band]] = {}
    dates: list[date] = table.column("day").slice(0, windows).to_pylist()
    for area in most.tolist():
        low, middle, high = _bands(table.slice(area * windows, windows))
        name = "R" if counts.areas == ["all"] else f"R, {counts.areas[area]}"
        level = np.ones(windows).tolist()
        panels[name] = {"R": (low.tolist(), middle.tolist(), high.tolist()), "1": (level, level, level)}
    left_out = len(counts.areas) - len(most)
    pictures.draw(plot, panels, dates, note=note + (f"; the {len(most)} areas with most cases" if left_out else ""))
