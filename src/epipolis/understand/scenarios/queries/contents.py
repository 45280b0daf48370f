"""What a version says, as plain data: checked, turned into the engine's measures, and written as one YAML file.

{"city": {"kind": "procedural", "people": 50000, "seed": 1} or {"kind": "ours", "seed": 1},
 "disease": "covid_19_ancestral", "start": "2026-01-05", "days": 120, "seeds": 5,
 "beds": {"ward": 250.0, "icu": 12.0},            per 100,000 people
 "measures": [{"kind": "masks", "effect": 0.5, …}],
 "begin": null or {"as_of", "under_reporting", "immune_share", "reported", "infected": [{area, age_from, age_to,
           days_since_infection, count}]}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from datetime import date
from functools import cache
from typing import Any

import yaml
from django.utils.translation import gettext as _

from epipolis.engines import twin
from epipolis.sense.city import queries as city
from epipolis.understand.scenarios.queries.menu import KINDS
from epipolis.understand.scenarios.settings import settings

Content = dict[str, Any]
Problem = tuple[str | int, str]  # the field, or the number of the measure, and what is wrong with it
LARGEST_FILE = 1_000_000


def empty_content(disease: str, start: date) -> Content:
    """What a new scenario begins with."""
    return {
        "city": {"kind": "procedural", "people": 20_000, "seed": 1},
        "disease": disease,
        "start": start.isoformat(),
        "days": 120,
        "seeds": 5,
        "beds": {"ward": settings.ward_beds_per_100k, "icu": settings.icu_beds_per_100k},
        "measures": [],
        "begin": None,
    }


def measure_of(entry: Mapping[str, Any]) -> Any:
    """One stored measure as the engine's declaration.

    Raises:
        ValueError: it is of no known kind, or has a field or value that the kind does not allow.
    """
    kind = _classes().get(str(entry.get("kind")))
    if kind is None:
        raise ValueError(f"there is no measure {str(entry.get('kind'))[:40]!r}")
    values = {name: value for name, value in entry.items() if name != "kind"}
    if unknown := sorted(set(values) - {field.name for field in fields(kind)}):
        raise ValueError(f"{kind.kind()} has no field {unknown[0]!r}")
    if isinstance(values.get("trigger"), Mapping):
        values["trigger"] = twin.Trigger(**values["trigger"])
    try:
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    except TypeError as error:
        raise ValueError(str(error)) from error


def entry_of(measure: Any) -> dict[str, Any]:
    """The engine's declaration as it is stored; what is as usual is left out."""
    entry: dict[str, Any] = {"kind": measure.kind()}
    for field in fields(measure):
        value = getattr(measure, field.name)
        usual = field.default if field.default_factory is MISSING else field.default_factory()
        if value != usual or field.name in _asked(entry["kind"]):
            entry[field.name] = asdict(value) if field.name == "trigger" and value else _plain(value)
    return entry


@cache
def _classes() -> dict[str, Any]:
    return {kind.kind(): kind for kind in twin.MEASURES}


def _asked(kind: str) -> set[str]:
    return {ask.name for ask in KINDS[kind].asks} if kind in KINDS else set()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def measures_of(content: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(measure_of(entry) for entry in content["measures"])


def problems_of(content: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a content that has every field, each with the field or the measure at fault."""
    found: list[Problem] = []
    people = people_of(content)
    if content["city"]["kind"] == "ours" and not people:
        found.append(("city", _("No people are counted in our city yet. Load its population, or simulate an invented city.")))
    codes = area_codes(content)
    named = {row["area"] for row in (content.get("begin") or {}).get("infected", ())} - {None}
    if named and codes is not None and (strange := sorted(named - _counted_areas())):
        found.append(("begin", _("begin: our city has no area %(area)s.") % {"area": strange[0][:40]}))
    good: list[Any] = []
    disease = twin.load_disease(content["disease"])
    for number, entry in enumerate(content["measures"]):
        try:
            measure = measure_of(entry)
            # An invented city's areas are known when it is built, and checked then.
            areas = codes if codes is not None else tuple({code for one in (*good, measure) for code in one.compliance_by_area})
            if people:
                twin.check_measures((*good, measure), people=people, areas=areas, days=content["days"], disease=disease)
            good.append(measure)
        except ValueError as error:
            found.append((number, str(error)))
    return found


def people_of(content: Mapping[str, Any]) -> int:
    """How many people the city of a content has."""
    return city.total_population() if content["city"]["kind"] == "ours" else int(content["city"]["people"])


def _counted_areas() -> set[str]:
    return {code for row in city.counted_people() for code in (row["neighbourhood"], row["district"]) if code}


def area_codes(content: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The areas that measures may name; None where they are only known when the city is built."""
    if content["city"]["kind"] != "ours":
        return None
    return tuple(city.neighbourhoods().values_list("code", flat=True))


def disease_choices() -> list[tuple[str, str]]:
    """Every disease that ships, by its file's name and by what people call it."""
    return [(name, twin.load_disease(name).name) for name in twin.diseases()]


def vaccines_of(disease: str) -> list[str]:
    return [vaccine.name for vaccine in twin.load_disease(disease).vaccines]


def to_yaml(name: str, description: str, content: Mapping[str, Any]) -> str:
    """A whole scenario as one file."""
    whole = {"name": name, "description": description, **content, "measures": plain_measures(content)}
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False)


def from_yaml(text: str, *, disease: str, start: date) -> tuple[str, str, Content]:
    """Name, description and content of a file; what it leaves out is as in a new scenario.

    Raises:
        ValueError: it is no scenario, or something in it is wrong; one sentence says what.
    """
    whole = _read(text)
    content = empty_content(disease, start)
    if unknown := sorted(str(key) for key in set(whole) - {"name", "description", *content}):
        raise ValueError(f"a scenario has no part {unknown[0][:40]!r}")
    content |= {key: whole[key] for key in content if key in whole and key != "measures"}
    content["start"] = str(content["start"])
    content["measures"] = read_entries(whole.get("measures") or [])
    check_shape(content)
    for where, sentence in problems_of(content):
        raise ValueError(sentence if isinstance(where, str) else f"measure {where + 1}: {sentence}")
    return str(whole.get("name") or _("Imported scenario"))[:100], str(whole.get("description") or "")[:4_000], content


def read_entries(measures: Any) -> list[dict[str, Any]]:
    """Measures as a file or a program gives them (`- masks: {effect: 0.5}`), as they are stored.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    try:
        found = twin.read_measures(yaml.safe_dump(measures, allow_unicode=True))
    except yaml.YAMLError as error:
        raise ValueError("measures: this is no list of measures") from error
    except ValueError as error:  # the line counts in the measures alone, not in the file
        raise ValueError(re.sub(r"^Line \d+: ", "", str(error))) from error
    return [entry_of(measure) for measure in found]


def plain_measures(content: Mapping[str, Any]) -> Any:
    """The measures of a content as files and programs write them."""
    return yaml.safe_load(twin.write_measures(measures_of(content))) or []


def _read(text: str) -> dict[str, Any]:
    if len(text) > LARGEST_FILE:
        raise ValueError("the file is too large for a scenario")
    if "\0" in text:
        raise ValueError("the file is no text")
    try:
        whole = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("the file is no YAML that can be read") from error
    if not isinstance(whole, dict):
        raise ValueError("the file is no scenario: it must name a city, a disease and measures")
    return whole


def check_shape(content: Mapping[str, Any]) -> None:
    """Refuse a content whose parts are missing, of the wrong kind or out of bounds.

    Raises:
        ValueError: one sentence says which part.
    """
    place = content["city"]
    if not isinstance(place, Mapping) or place.get("kind") not in ("procedural", "ours"):
        raise ValueError("city: kind must be procedural or ours")
    if place["kind"] == "procedural":
        _whole("city: people", place.get("people"), twin.FEWEST_PEOPLE, settings.most_people)
    _whole("city: seed", place.get("seed"), 0, 2**31 - 1)
    _whole("days", content["days"], 1, settings.most_days)
    _whole("seeds", content["seeds"], 1, settings.most_seeds)
    if content["disease"] not in twin.diseases():
        raise ValueError(f"there is no disease {str(content['disease'])[:40]!r}; there are {', '.join(twin.diseases())}")
    try:
        first = date.fromisoformat(str(content["start"]))
    except ValueError as error:
        raise ValueError("start must be a day such as 2026-01-05") from error
    if not 1900 <= first.year <= 2200:
        raise ValueError("start must lie between 1900 and 2200")
    beds = content["beds"]
    if not isinstance(beds, Mapping) or not all(_is_number(beds.get(part)) for part in ("ward", "icu")):
        raise ValueError("beds: ward and icu must be numbers per 100,000 people")
    if not isinstance(content["measures"], Sequence) or len(content["measures"]) > settings.most_measures:
        raise ValueError(f"measures: at most {settings.most_measures}")
    check_begin(content["begin"])


def check_begin(begin: Any) -> None:
    """Refuse a beginning that is no table of people already infected.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    if begin is None:
        return
    if not isinstance(begin, Mapping) or not _is_number(begin.get("immune_share"), 1):
        raise ValueError("begin: immune_share must lie between 0 and 1")
    rows = begin.get("infected")
    if not isinstance(rows, list) or len(rows) > 200_000:
        raise ValueError("begin: infected must be a list")
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("area"), str | None):
            raise ValueError("begin: every row of infected needs an area, or null for anywhere")
        for part, most in (("count", 10_000_000), ("days_since_infection", 60), ("age_from", 200), ("age_to", 200)):
            _whole(f"begin: {part}", row.get(part), 0, most)
        if row["age_to"] < row["age_from"]:
            raise ValueError(f"begin: age_to is {row['age_to']}, but must be no less than age_from, which is {row['age_from']}")


def _is_number(value: Any, most: float = 1e9) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number between {low:,} and {high:,}")
