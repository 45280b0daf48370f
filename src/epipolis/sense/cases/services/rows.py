"""One row of a line list becomes facts about one case, with every doubt named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.imports import ImportReport, Row
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Classification, Outcome, State
from epipolis.sense.cases.settings import settings
from epipolis.sense.city import queries as city
from epipolis.sense.city.models import District

from .answers import read_answers
from .facts import STATES
from .mappings import DAY_FIELDS, FIELDS, LineListMapping, fold, words
from .values import CellError, day_order, is_ambiguous, is_empty, read_age, read_birth_year, read_day, read_state, read_yes

_PERSON = ("national_id", "name", "given_name", "family_name", "phone", "email", "address")
_CONFIRMED, _DIED, _RECOVERED = str(Classification.CONFIRMED), str(Outcome.DIED), str(Outcome.RECOVERED)
_YES = str(State.YES)
_ASKED = frozenset(name for name in FIELDS if "." in name)  # one question each; here 無 is a no and 不詳 an answer too
_LIMITS = {"region": 200, "setting": 200, "note": 4_000}


@dataclass(slots=True)
class ReadRow:
    """What one row says: `facts` holds only the fields that the file has, so that others stay as they are."""

    number: int
    source: str
    source_key: str
    disease: str
    simulated: bool
    facts: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)
    birth: tuple[int | None, int | None, int | None] = (None, None, None)
    infectors: list[str] = field(default_factory=list)
    district: District | None = None
    is_ill: bool | None = None
    classified_by: str = ""
    id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.id = queries.case_id_of(self.source, self.source_key)


class RowReader:
    """Reads the rows of one file by one mapping; `report` gathers what is wrong with them."""

    def __init__(
        self,
        mapping: LineListMapping,
        sample: Sequence[Row],
        *,
        source: str,
        at: datetime,
        simulated: bool,
        report: ImportReport,
    ) -> None:
        self.mapping, self.report, self.at = mapping, report, at
        self._source, self._simulated, self._zone = source, simulated, clock.zone()
        self._districts: dict[str, District | None] = {}
        self._columns_of = {name: [c for c, f in mapping.columns.items() if f == name] for name in mapping.columns.values()}
        self._words = {kind: _words_for(mapping, kind) for kind in ("classification", "outcome", "sex")}
        self._day_first = {
            c: self._order(c, [row.get(c, "") for row in sample]) for c, f in mapping.columns.items() if f in DAY_FIELDS
        }
        self._plan = [(column, name, self._reader(column, name)) for column, name in mapping.columns.items()]
        self._plan.sort(key=lambda step: step[1] == "neighbourhood")  # a district settles which neighbourhood is meant

    def read(self, number: int, row: Row) -> ReadRow | None:
        """The row's meaning; None when it has no number or none of the columns."""
        if "" in row:
            if len(row) == 1:
                self.report.reject(number, "", gettext_noop("the row cannot be read"), row[""])
                return None
            rule = gettext_noop("more cells than columns") if row[""] else gettext_noop("fewer cells than columns")
            self.report.warn(number, "", rule, row[""])
        key = row.get(self._columns_of["source_key"][0], "")
        if not key or len(key) > 100:
            rule = gettext_noop("is too long for a number") if key else gettext_noop("the case has no number")
            self.report.reject(number, "source_key", rule, key)
            return None
        found = ReadRow(
            number,
            self._one(row, "source")[:100] or self._source,
            key,
            self._one(row, "disease")[:40] or self.mapping.disease or settings.disease,
            self._simulated or self._one(row, "simulated").casefold() in ("true", "1", "yes"),
            classified_by=self._one(row, "classified").casefold(),
        )
        for column, name, reader in self._plan:
            text = row.get(column, "")
            if "\ufffd" in text:
                self.report.warn(number, name, gettext_noop("holds characters that could not be read"), text)
            try:
                reader(found, "" if is_empty(text) and name not in _ASKED else text)
            except CellError as error:
                self.report.warn(number, name, str(error), text)
        self._conclude(found)
        return found

    def _one(self, row: Row, name: str) -> str:
        columns = self._columns_of.get(name)
        return row.get(columns[0], "") if columns else ""

    def _order(self, column: str, cells: list[str]) -> bool:
        if self.mapping.days:
            return self.mapping.days != "month_first"
        order = day_order(cells)
        if order is None and any(map(is_ambiguous, cells)):
            rule = gettext_noop("day and month cannot be told apart in this column; the day is read first")
            self.report.warn(1, self.mapping.columns[column], rule, column)
        return order is not False

    def _reader(self, column: str, name: str) -> Callable[[ReadRow, str], None]:
        if name in DAY_FIELDS:
            return partial(self._read_day, name, self._day_first[column])
        if name in self._words:
            return partial(self._read_word, name)
        kind, _dot, asked = name.partition(".")
        if asked:
            return partial(self._read_state, kind, asked)
        if name in STATES:
            return partial(self._read_states, name)
        if name in ("region", "city", "setting", "note"):
            label = "" if name != "note" or words_name_note(column) else f"{column}: "
            return partial(self._read_text, {"city": "region"}.get(name, name), label)
        if name in _PERSON:
            return partial(self._read_person, name)
        readers: dict[str, Callable[[ReadRow, str], None]] = {
            "age": self._read_age,
            "age_from": partial(self._read_bound, "age_from"),
            "age_to": partial(self._read_bound, "age_to"),
            "birth_year": self._read_birth_year,
            "has_symptoms": self._read_has_symptoms,
            "district": self._read_district,
            "neighbourhood": self._read_neighbourhood,
            "infected_by": self._read_infectors,
        }
        return readers.get(name, _skip)

    def _read_day(self, name: str, day_first: bool, found: ReadRow, text: str) -> None:
        found.facts[name] = None
        if text:
            found.facts[name] = read_day(text, self._zone, day_first)

    def _read_word(self, name: str, found: ReadRow, text: str) -> None:
        value = self._words[name].get(fold(text)) if text else ""
        if value or name != "classification":
            found.facts[name] = value or ""
        if value is None:
            raise CellError(gettext_noop("is no word that is known for this field"))

    def _read_text(self, name: str, label: str, found: ReadRow, text: str) -> None:
        if text or name not in found.texts:
            found.texts.setdefault(name, []).extend([label + text] if text else [])

    def _read_person(self, name: str, found: ReadRow, text: str) -> None:
        if text:
            found.person[name] = text[:200]

    def _read_age(self, found: ReadRow, text: str) -> None:
        found.facts["age_from"] = found.facts["age_to"] = None
        if text:
            found.facts["age_from"], found.facts["age_to"] = read_age(text)

    def _read_bound(self, name: str, found: ReadRow, text: str) -> None:
        found.facts[name] = None
        if text:
            found.facts[name] = read_age(text)[0]

    def _read_birth_year(self, found: ReadRow, text: str) -> None:
        if text:
            found.birth = (read_birth_year(text), None, None)

    def _read_has_symptoms(self, found: ReadRow, text: str) -> None:
        found.facts["has_symptoms"] = None
        if text:
            found.facts["has_symptoms"] = read_yes(text)

    def _read_state(self, kind: str, name: str, found: ReadRow, text: str) -> None:
        answers = found.facts.setdefault(kind, {})
        try:
            answers |= {name: read_state(text)} if text else {}
        except CellError:
            if not is_empty(text):
                raise

    def _read_states(self, kind: str, found: ReadRow, text: str) -> None:
        answers, rest = read_answers(text, kind)
        found.facts[kind] = found.facts.get(kind, {}) | answers
        if kind == "symptoms" and rest == ["none"]:
            found.is_ill, rest = False, []
        if rest:
            found.texts.setdefault("note", []).append(f"{kind}: {'; '.join(rest)}")
        if kind == "symptoms" and (rest or _YES in answers.values()):
            found.is_ill = True

    def _read_district(self, found: ReadRow, text: str) -> None:
        if text not in self._districts:
            self._districts[text] = city.district_named(text)
        found.district = area = self._districts[text]
        found.facts["district_id"] = area.id if area else None
        if text and area is None:
            found.texts.setdefault("region", []).append(text)
            raise CellError(gettext_noop("is no district of this city; kept as the region"))

    def _read_neighbourhood(self, found: ReadRow, text: str) -> None:
        area = city.neighbourhood_named(text, found.district)
        found.facts["neighbourhood_id"] = area.id if area else None
        if area:
            found.facts["district_id"] = area.district_id
        elif text:
            found.texts.setdefault("region", []).append(text)
            raise CellError(gettext_noop("is no neighbourhood of this city; kept as the region"))

    def _read_infectors(self, found: ReadRow, text: str) -> None:
        found.facts["infected_by"] = None
        found.infectors = [part for part in text.replace(";", ",").replace("、", ",").replace(",", " ").split() if part]

    def _conclude(self, found: ReadRow) -> None:
        found.facts = facts = {**self.mapping.fixed, **found.facts}
        self._conclude_end(found, facts)
        self._conclude_source(found, facts)
        if "classification" not in facts and facts.get("confirmed"):
            facts["classification"] = _CONFIRMED
        if found.is_ill is None and facts.get("has_symptoms") is None and _YES in facts.get("symptoms", {}).values():
            found.is_ill = True
        if found.is_ill is not None:
            facts["has_symptoms"] = found.is_ill
        birth_date = facts.pop("birth_date", None)
        if birth_date:
            found.birth = (birth_date.year, birth_date.month, birth_date.day)
        if found.birth[0] and facts.get("age_from") is None:
            facts["age_from"], facts["age_to"] = self._age_by_birth(found, facts)
        for name, texts in found.texts.items():
            whole = ("; " if name == "note" else ", ").join(dict.fromkeys(texts))
            if len(whole) > _LIMITS[name]:
                self.report.warn(found.number, name, gettext_noop("is too long; the end was cut off"), whole)
            facts[name] = whole[: _LIMITS[name]].rstrip()

    def _conclude_end(self, found: ReadRow, facts: dict[str, Any]) -> None:
        """Days of recovery and death are one fact here, and say the outcome better than a word."""
        if "died" not in facts and "recovered" not in facts:
            return
        died, recovered = facts.pop("died", None), facts.pop("recovered", None)
        said = facts.get("outcome", "")
        outcome = _DIED if died else _RECOVERED if recovered and said != _DIED else said
        if said and outcome != said:
            self.report.warn(found.number, "outcome", gettext_noop("a day of recovery or death says otherwise"), said)
        if died and recovered:
            rule = gettext_noop("the day of death counts, this day of recovery does not")
            self.report.warn(found.number, "recovered", rule, recovered)
        if outcome == _DIED and not died and recovered:
            rule = gettext_noop("died on an unknown day; this day of recovery does not count")
            self.report.warn(found.number, "recovered", rule, recovered)
        facts["outcome"] = outcome
        facts["ended"] = died or (recovered if outcome == _RECOVERED else None)

    def _conclude_source(self, found: ReadRow, facts: dict[str, Any]) -> None:
        if len(found.infectors) > 1:
            found.texts.setdefault("note", []).append(f"infected by: {', '.join(found.infectors)}")
            rule = gettext_noop("names several cases; kept in the note")
            self.report.warn(found.number, "infected_by", rule, ", ".join(found.infectors))
        elif found.infectors == [found.source_key]:
            self.report.warn(found.number, "infected_by", gettext_noop("names the case itself"), found.source_key)
            found.infectors = []
        elif found.infectors:
            facts["infected_by"] = _case_named(found.source, found.infectors[0])

    def _age_by_birth(self, found: ReadRow, facts: Mapping[str, Any]) -> tuple[int | None, int | None]:
        known = [facts[name] for name in ("onset", "confirmed", "reported", "sampled") if facts.get(name)]
        day: date = known[0] if known else clock.local_day(self.at)
        year, month, birthday = found.birth
        if year is None or not year <= day.year <= year + 120:
            self.report.warn(found.number, "birth_year", gettext_noop("does not fit the days of the case"), year or "")
            return None, None
        oldest = day.year - year
        if month and birthday:
            exact = oldest - ((day.month, day.day) < (month, birthday))
            return exact, exact
        return max(oldest - 1, 0), oldest


def words_name_note(column: str) -> bool:
    """Whether a column is named as a note, so that its name need not stand before its text."""
    return fold(column) in {"note", "notes", "nota", "notas", "comment", "comments", "remarks", "備註", "备注"}


def _words_for(mapping: LineListMapping, kind: str) -> Mapping[str, str]:
    return dict(words(kind)) | {fold(str(word)): value for word, value in mapping.values.get(kind, {}).items()}


def _case_named(source: str, text: str) -> UUID:
    try:
        return UUID(text) if len(text) == 36 else queries.case_id_of(source, text)
    except ValueError:
        return queries.case_id_of(source, text)


def _skip(found: ReadRow, text: str) -> None:
    """Read elsewhere, as the row's own number, source or disease."""
