"""The invented city as the files that a real one would bring: areas, people, venues, visits, line lists. Writes files."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from epipolis.engines.twin.city import City

SOURCE = "demonstration"
_PHONES = UUID("0f7d1d0c-6b1e-5f0a-9a53-2f7d54a1c9de")
_SEX = {"female": "F", "male": "M"}
_UNREGISTERED = 4  # every fourth person checks in with a telephone that nobody knows by name
_DISEASE = "covid19"
_ALWAYS_OPEN = {"worship": "public_building", "cultural": "public_building"}  # the platform keeps these kinds for events


def write_city(city: City, folder: Path) -> None:
    """Districts, neighbourhoods, people counts and places, for `epipolis load city`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("districts", "neighbourhoods"):
        rows = getattr(city, name).to_pylist()
        features = [{"type": "Feature", "geometry": json.loads(row.pop("geometry")), "properties": row} for row in rows]
        collection = {"type": "FeatureCollection", "features": features}
        (folder / f"{name}.geojson").write_text(json.dumps(collection), encoding="utf-8")
    counts = city.population.to_pylist()
    for row in counts:
        row["sex"] = _SEX[row["sex"]]
    _write_csv(pa.Table.from_pylist(counts), folder / "population.csv")
    columns = ["code", "name", "kind", "address", "lon", "lat", "neighbourhood"]
    _write_csv(city.places.select(columns), folder / "places.csv")


def write_people(city: City, path: Path) -> None:
    """Everybody's name, number and way to be reached, for `epipolis import people`."""
    people = city.people
    number = people.column("person").to_pylist()
    born = zip(*(people.column(f"birth_{part}").to_pylist() for part in ("year", "month", "day")), strict=True)
    table = pa.table(
        {
            "national_id": [national_id(n) for n in number],
            "given_name": people.column("given_name"),
            "family_name": people.column("family_name"),
            "birth_date": [f"{year:04}-{month:02}-{day:02}" for year, month, day in born],
            "sex": [_SEX[sex] for sex in people.column("sex").to_pylist()],
            "phone": people.column("phone"),
            "language": people.column("language"),
            "address": people.column("address"),
            "neighbourhood": people.column("neighbourhood"),
        }
    )
    pa.parquet.write_table(table, path)


def write_venues(city: City, path: Path) -> None:
    """Where people can check in, for `epipolis import venues`."""
    places = city.places
    table = pa.table(
        {
            "place": places.column("code"),
            "kind": [_ALWAYS_OPEN.get(kind, kind) for kind in places.column("venue_type").to_pylist()],
            "default_stay": places.column("default_stay_minutes"),
        }
    )
    _write_csv(table, path)


def write_visits(visits: pa.Table, visitors: list[UUID], codes: list[str], path: Path) -> None:
    """Check-ins, for `epipolis import visits`."""
    pa.parquet.write_table(visit_rows(visits, visitors, codes), path)


def visit_rows(visits: pa.Table, visitors: list[UUID], codes: list[str]) -> pa.Table:
    """Check-ins with the pseudonym of each visitor and the code of each place."""
    who = visits.column("visitor").to_numpy()
    names = np.array([str(visitor) for visitor in visitors], object)
    places = np.array(codes, object)
    return pa.table(
        {
            "visitor": pa.array(names[who], pa.string()),
            "place": pa.array(places[visits.column("place").to_numpy()], pa.string()),
            "arrived": visits.column("arrived"),
            "left": visits.column("left"),
            "companions": visits.column("companions"),
            "staff": visits.column("staff"),
        }
    )


def case_rows(cases: Sequence[Mapping[str, Any]], homes: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the city's laboratories and doctors report, as rows of a line list: the newest revision of each case."""
    newest = {case["person"]: case for case in sorted(cases, key=lambda case: case["revision"])}
    return [_case_row(case, homes[person]) for person, case in newest.items()]


def write_cases(rows: list[dict[str, Any]], path: Path) -> None:
    """A line list, for `epipolis import cases --mapping epipolis`."""
    _write_csv(pa.Table.from_pylist(rows), path)


def national_id(person: int) -> str:
    return f"SIM{person:08}"


def phone_of(person: int) -> UUID:
    """The pseudonym under which an unregistered person's telephone checks in."""
    return uuid5(_PHONES, str(person))


def is_registered(person: int) -> bool:
    return person % _UNREGISTERED != 0


def _case_row(case: Mapping[str, Any], home: Mapping[str, Any]) -> dict[str, Any]:
    confirmed = datetime.fromtimestamp(case["confirmed_at"], UTC).date() if case["confirmed_at"] else None
    return {
        "source": SOURCE,
        "source_key": f"DEMO-{case['person']:06}",
        "national_id": national_id(case["person"]),
        "disease": _DISEASE,
        "classification": case["classification"],
        "outcome": case["outcome"] or "ill",
        "onset": case["onset"],
        "sampled": case["sampled"],
        "reported": case["reported"],
        "confirmed": max(confirmed, case["reported"]) if confirmed else None,
        "hospitalised": case["hospitalised"],
        "ended": case["outcome_date"],
        "has_symptoms": "yes" if case["symptoms"] else "no",
        "age_from": home["age"],
        "age_to": home["age"],
        "sex": _SEX[home["sex"]],
        "neighbourhood": home["neighbourhood"],
        "setting": case["setting"],
        "note": ", ".join(case["symptoms"] or ()).replace("_", " "),
        "simulated": "yes",
    }


def _write_csv(table: pa.Table, path: Path) -> None:
    pa.csv.write_csv(table, path)
