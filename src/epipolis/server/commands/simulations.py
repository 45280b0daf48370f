"""What `simulate`, `compare` and `calibrate` have in common: their inputs, their progress, and folders written whole."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from epipolis.engines import twin

People = Annotated[int, typer.Option(help="People in the invented city.")]
Days = Annotated[int, typer.Option(help="Days to simulate.")]
Areas = Annotated[
    Path | None, typer.Option(help="A folder with borders and people by area, as for `epipolis load city`: simulate that city.")
]
MeasuresFile = Annotated[
    Path | None,
    typer.Option(help="Measures or a scenario as YAML, or “usual” for those of a careful city; without it nothing is done."),
]
CitySeed = Annotated[int, typer.Option(help="Another number is another invented city.")]
DiseaseName = Annotated[str, typer.Option("--disease", help="Which disease; an unknown name lists them.")]
Start = Annotated[str, typer.Option(help="First day, such as 2026-01-05.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]
Out = Annotated[Path | None, typer.Option(help="A folder, not there yet, for every table as Parquet.")]
Plot = Annotated[Path | None, typer.Option(help="A picture, .png or .svg.")]
PICTURES = (".png", ".svg")
MOST_DAYS, MOST_PEOPLE, LARGEST_SEED = 3_650, 20_000_000, 2**31 - 1
USUAL = "usual"


@dataclass(frozen=True)
class Asked:
    """What every simulation on the command line is asked for, already held against its limits."""

    people: int
    days: int
    areas: Path | None
    disease: str
    seed: int
    out: Path | None
    plot: Path | None
    as_json: bool

    def __post_init__(self) -> None:
        check_numbers(people=self.people, days=self.days, areas=self.areas, seed=self.seed)
        check_outputs(self.out, self.plot)
        disease_named(self.disease)

    @property
    def illness(self) -> Any:
        return disease_named(self.disease)

    def build(self, *measures: tuple[Any, ...]) -> Any:
        """The city, once all these measures fit it.

        Raises:
            ValueError: the folder holds no city that can be built, or measures contradict each other or the city.
        """
        what = {"people": self.people} if self.areas is None else {"areas": twin.read_areas(self.areas)}
        city = twin.build_city(seed=self.seed, **what)
        codes = city.neighbourhoods.column("code").to_pylist()
        for orders in measures:
            twin.check_measures(orders, people=people_in(city), areas=codes, days=self.days, disease=self.illness)
        return city

    def keep(self, tables: dict[str, pa.Table], told: dict[str, Any], texts: dict[str, str]) -> None:
        """Write the folder that was asked for, if one was."""
        if self.out:
            write_whole(self.out, tables, {"summary.json": json.dumps(told, indent=1), **texts})

    @property
    def written(self) -> list[Path]:
        return [path for path in (self.out, self.plot) if path]


@contextmanager
def one_sentence() -> Iterator[None]:
    """A wrong input ends the command with one sentence and code 2, before any work."""
    try:
        yield
    except (ValueError, OSError) as error:
        text = str(error) or type(error).__name__
        print(f"epipolis: {' '.join(text.split())}", file=sys.stderr)
        raise typer.Exit(2) from None


def check_numbers(*, people: int, days: int, areas: Path | None, seed: int = 0) -> None:
    """Refuse what cannot be simulated.

    Raises:
        ValueError: one sentence.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"--days is {days}, but must lie between 1 and {MOST_DAYS:,}")
    if areas is None and not twin.FEWEST_PEOPLE <= people <= MOST_PEOPLE:
        raise ValueError(f"--people is {people:,}, but must lie between {twin.FEWEST_PEOPLE} and {MOST_PEOPLE:,}")
    if areas is not None and not areas.is_dir():
        raise ValueError(f"--areas: {areas} is no folder")
    check_seed("--seed", seed)


def check_seed(option: str, seed: int) -> None:
    """Refuse a number that starts no chance.

    Raises:
        ValueError: one sentence.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"{option} is {seed}, but must lie between 0 and {LARGEST_SEED:,}")


def check_outputs(out: Path | None, plot: Path | None, *, name: str = "--out") -> None:
    """Refuse places where nothing can be written.

    Raises:
        ValueError: one sentence.
    """
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{name}: {out} is there already; nothing is overwritten")
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise ValueError(f"--plot: {plot.name} must end in {' or '.join(PICTURES)}")
    for path in (out, plot):
        if path is not None and not path.absolute().parent.is_dir():
            raise ValueError(f"{path.absolute().parent} is no folder")


def first_day(text: str) -> date:
    """The day that was typed.

    Raises:
        ValueError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"--start is {text!r}, but must be a day such as 2026-01-05") from error


def disease_named(name: str) -> Any:
    """The disease of this name.

    Raises:
        ValueError: there is none; the sentence lists what there is.
    """
    if name not in twin.diseases():
        raise ValueError(f"there is no disease {name!r}; there are {', '.join(twin.diseases())}")
    return twin.load_disease(name)


def measures_in(path: Path | None) -> tuple[str, tuple[Any, ...]]:
    """The name and the measures of a file: a list of measures, or a scenario taken from the platform.

    Raises:
        ValueError: it cannot be read, or is neither; the sentence begins with the file's name.
    """
    if path is None:
        return "as is", ()
    if str(path) == USUAL and not path.exists():
        return "usual response", twin.USUAL_RESPONSE
    try:
        text = path.read_text(encoding="utf-8")
        whole = yaml.safe_load(text)
        if isinstance(whole, dict) and "measures" in whole:
            text = yaml.safe_dump(whole["measures"] or [], allow_unicode=True)
            return str(whole.get("name") or path.stem), twin.read_measures(text)
        return path.stem, twin.read_measures(text)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is no text in UTF-8") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is no YAML that can be read") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def people_in(city: Any) -> int:
    return len(city.homes.age)


@contextmanager
def bar(words: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal's error stream."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as shown:
        row = shown.add_task(words, total=None)
        yield lambda done, total: shown.update(row, completed=done, total=total)


def write_whole(out: Path, tables: dict[str, pa.Table], texts: dict[str, str]) -> None:
    """Write a folder of tables and texts so that it is there whole or not at all."""
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))
    try:
        for name, table in tables.items():
            pq.write_table(table, partial / f"{name}.parquet", compression="zstd")
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(out)  # an empty folder of that name is replaced
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write a file that takes its name only when it is complete."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as folder:
        partial = Path(folder) / path.name
        yield partial
        partial.replace(path)
