"""Which column of a line list means what: ready mappings, the sender's own, and a guess that is shown before the run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from unicodedata import category, normalize

import yaml
from django.utils.translation import gettext_noop

from epipolis.core.clock import zone
from epipolis.sense.cases.models import Circumstance, Symptom

from .facts import DAYS
from .values import CellError, is_empty, read_day

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "source_key": gettext_noop("number of the case in its source"),
        "source": gettext_noop("source, where rows come from several"),
        "disease": gettext_noop("disease"),
        "classification": gettext_noop("suspected, probable, confirmed or not a case"),
        "classified": gettext_noop("whose word the classification is: automatic, manual or source"),
        "outcome": gettext_noop("ill, recovered or died"),
        "exposed_from": gettext_noop("first day of exposure"),
        "exposed_until": gettext_noop("last day of exposure"),
        "onset": gettext_noop("day of the first symptoms"),
        "sampled": gettext_noop("day of the sample"),
        "reported": gettext_noop("day of the report"),
        "confirmed": gettext_noop("day of the confirmation"),
        "hospitalised": gettext_noop("day of the admission to hospital"),
        "isolated": gettext_noop("day from which the person was isolated"),
        "ended": gettext_noop("day of recovery or death, as the outcome says"),
        "recovered": gettext_noop("day of recovery; sets the outcome too"),
        "died": gettext_noop("day of death; sets the outcome too"),
        "has_symptoms": gettext_noop("yes or no"),
        "symptoms": gettext_noop("symptoms in words, such as `fever; no cough`"),
        "circumstances": gettext_noop("circumstances in words, such as `cluster: yes`"),
        "age": gettext_noop("age in years or a band: 34, 50s, 50-59, 3 months"),
        "age_from": gettext_noop("youngest age of a band"),
        "age_to": gettext_noop("oldest age of a band"),
        "birth_year": gettext_noop("year of birth"),
        "birth_date": gettext_noop("day of birth"),
        "sex": gettext_noop("female, male or other"),
        "district": gettext_noop("district by name or code"),
        "neighbourhood": gettext_noop("neighbourhood by name or code"),
        "region": gettext_noop("region in words"),
        "city": gettext_noop("city in words"),
        "setting": gettext_noop("setting of the infection in words"),
        "infected_by": gettext_noop("number of the case that infected this one"),
        "note": gettext_noop("anything else"),
        "simulated": gettext_noop("yes if the case is invented"),
        "national_id": gettext_noop("national number of the person"),
        "name": gettext_noop("whole name"),
        "given_name": gettext_noop("given name"),
        "family_name": gettext_noop("family name"),
        "phone": gettext_noop("telephone"),
        "email": gettext_noop("e-mail"),
        "address": gettext_noop("address of the home"),
        **{f"symptoms.{name}": gettext_noop("yes, no or unknown") for name in Symptom.values},
        **{f"circumstances.{name}": gettext_noop("yes, no or unknown") for name in Circumstance.values},
    }
)
DAY_FIELDS = frozenset({*DAYS, "recovered", "died", "birth_date"})
SEVERAL = frozenset({"region", "setting", "note"})  # fields that may gather several columns
_VOCABULARIES = ("words.yaml", "symptoms.yaml")
_ENOUGH = 0.8  # the part of a column's cells that must look like its kind


@dataclass(frozen=True)
class LineListMapping:
    """Column → field, the words in cells, and what holds for every row. `links` files only tell who infected whom."""

    columns: Mapping[str, str]
    name: str = ""
    source: str = ""
    disease: str = ""
    days: str = ""  # iso, day_first, month_first; empty: found out from the column
    links: bool = False
    recognised_by: Sequence[str] = ()  # columns that tell this kind of file; empty: all that the mapping names
    fixed: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@cache
def ready() -> dict[str, LineListMapping]:
    """The mappings that ship with the platform, by name."""
    folder = files(__package__.rpartition(".")[0]) / "mappings"
    texts = [item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name not in _VOCABULARIES]
    found = [read_mapping(yaml.safe_load(text)) for text in sorted(texts)]
    return {mapping.name: mapping for mapping in found}


def read_mapping(content: Mapping[str, Any]) -> LineListMapping:
    """A mapping from the content of its file: whole, or only column → field.

    Raises:
        ValueError: it names an unknown field or part.
    """
    parts = dict(content) if isinstance(content.get("columns"), Mapping) else {"columns": dict(content)}
    parts.pop("title", None)
    if strange := parts.keys() - set(LineListMapping.__dataclass_fields__):
        raise ValueError(f"a mapping has no part {', '.join(map(repr, sorted(strange)))}")
    if parts.get("days", "") not in ("", "iso", "day_first", "month_first"):
        raise ValueError("days must be iso, day_first or month_first")
    columns = {str(column): str(name) for column, name in parts.pop("columns").items() if name}
    for name in columns.values():
        if name not in FIELDS:
            raise ValueError(f"{name!r} is no field of a line list; the fields are {', '.join(FIELDS)}")
    return LineListMapping(columns=columns, **parts)


def choose(
    wanted: str | Mapping[str, Any] | None, columns: Sequence[str], sample: Sequence[Mapping[str, str]]
) -> LineListMapping:
    """The mapping for a file: the one asked for, else the ready one that fits, else a guess.

    Raises:
        ValueError: there is no such mapping, it does not fit the file, or no column holds the number of the case.
    """
    if isinstance(wanted, str):
        if wanted not in ready():
            raise ValueError(f"there is no mapping {wanted!r}; ready ones are {', '.join(sorted(ready()))}")
        chosen = ready()[wanted]
    elif wanted:
        chosen = read_mapping(wanted)
    else:
        fitting = [m for m in ready().values() if _fits(m, columns)]
        chosen = max(fitting, key=lambda m: len(m.columns)) if fitting else guess(columns, sample)
    used = {column: name for column, name in chosen.columns.items() if column in columns}
    if "source_key" not in used.values():
        names = ", ".join(map(repr, columns))
        raise ValueError(f"no column is known to hold the number of the case (source_key); the columns are {names}")
    for name in used.values():
        if name not in SEVERAL | {"city"} and list(used.values()).count(name) > 1:
            raise ValueError(f"two columns cannot both be {name}")
    return replace(chosen, columns=used)


def _fits(mapping: LineListMapping, columns: Sequence[str]) -> bool:
    wanted = set(mapping.recognised_by or mapping.columns)
    return wanted == set(columns) if mapping.links else wanted <= set(columns)


def guess(columns: Sequence[str], sample: Sequence[Mapping[str, str]]) -> LineListMapping:
    """What each column seems to mean, by its name in English, Spanish or Chinese, and by what stands in it."""
    found: dict[str, str] = {}
    for column in columns:
        if name := _by_name(column):
            _take(found, column, name, sample)
    for column in columns:
        if column not in found and (name := _by_content(column, sample)):
            _take(found, column, name, sample)
    if found and "source_key" not in found.values():  # a table that says nothing about illness is no line list
        for column in columns:
            cells = [row.get(column, "") for row in sample]
            if column not in found and cells and all(cells) and len(set(cells)) == len(cells):
                found[column] = "source_key"
                break
    return LineListMapping(columns=found)


def _take(found: dict[str, str], column: str, name: str, sample: Sequence[Mapping[str, str]]) -> None:
    if name in ("outcome", "classification"):
        name = _status_kind(column, sample) or name
    if name in SEVERAL or name not in found.values():
        found[column] = name


def _by_name(column: str) -> str:
    return _names().get(fold(column), "")


def _by_content(column: str, sample: Sequence[Mapping[str, str]]) -> str:
    cells = _cells(column, sample)
    if not cells:
        return ""
    if _part(cells, _is_day) >= _ENOUGH:
        text = fold(column)
        inside = [(len(name), kind) for name, kind in _names().items() if kind in DAY_FIELDS and len(name) > 3 and name in text]
        return max(inside)[1] if inside else ""
    if _part(cells, lambda cell: fold(cell) in words("sex")) == 1 and len(set(cells)) > 1:
        return "sex"
    return _status_kind(column, sample)


def _status_kind(column: str, sample: Sequence[Mapping[str, str]]) -> str:
    cells = _cells(column, sample)
    parts = {kind: _part(cells, lambda cell, kind=kind: fold(cell) in words(kind)) for kind in ("classification", "outcome")}
    best = max(parts, key=lambda kind: parts[kind])
    return best if cells and parts[best] >= _ENOUGH and parts["classification"] != parts["outcome"] else ""


def _cells(column: str, sample: Sequence[Mapping[str, str]]) -> list[str]:
    return [cell for row in sample if not is_empty(cell := row.get(column, ""))]


def _part(cells: Sequence[str], claim: Any) -> float:
    return sum(map(claim, cells)) / len(cells) if cells else 0.0


def _is_day(text: str) -> bool:
    if text.isdigit() and len(text) != 8:
        return False
    try:
        read_day(text, zone())
    except CellError:
        return False
    return True


@cache
def words(kind: str) -> Mapping[str, str]:
    """The words for one field's values in English, Spanish and Chinese: folded word → value."""
    return {fold(word): value for value, those in _vocabulary()["values"].get(kind, {}).items() for word in [value, *those]}


@cache
def asked(kind: str) -> Mapping[str, str]:
    """The words for `symptoms` or `circumstances`: folded word → name."""
    found = {fold(name): name for name in _vocabulary("symptoms.yaml")[kind]}
    return found | {fold(word): name for name, those in _vocabulary("symptoms.yaml")[kind].items() for word in those}


@cache
def _names() -> Mapping[str, str]:
    found = {word: f"{kind}.{name}" for kind in ("circumstances", "symptoms") for word, name in asked(kind).items()}
    found |= {fold(name): name for name in FIELDS}
    return found | {fold(word): name for name, those in _vocabulary()["columns"].items() for word in those}


@cache
def _vocabulary(name: str = "words.yaml") -> Any:
    text = (files(__package__.rpartition(".")[0]) / "mappings" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 -- BaseLoader makes only text, so that "no" stays a word


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """A name without case, accents, width and punctuation: `Date_of-Onset` and `date of onset` are the same."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    bare = "".join(c for c in normalize("NFKD", apart).casefold() if category(c) != "Mn")
    return " ".join(re.sub(r"[^\w]|_", " ", bare).split())
