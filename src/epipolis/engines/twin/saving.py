"""A run put aside as bytes, without its city, and taken up again."""

import io
import json
from collections import defaultdict
from datetime import date
from typing import Any

import numpy as np

from epipolis.engines.twin.city import City
from epipolis.engines.twin.courses import LIVE
from epipolis.engines.twin.disease import Disease, diseases, load_disease
from epipolis.engines.twin.epidemics import begin_epidemic
from epipolis.engines.twin.measure_files import read_measures, write_measures
from epipolis.engines.twin.responses import Response
from epipolis.engines.twin.runs import Run
from epipolis.engines.twin.worlds import world_of

_FORMAT = 3
_AGENDAS = ("samples", "results", "cases")
_COUNTS = ("isolated", "quarantined", "others")
_ARRAYS = ("bodies", "last_of", "vaccinated_on", "vaccine_of", "live")


def save(run: Run) -> bytes:
    """The state of a run without its city, to go on later with `load`. No pickles: only numbers and texts."""
    epidemic, response = run.epidemic, run.response
    header = {
        "format": _FORMAT,
        "city": _fingerprint(run.city),
        "seed": run.seed,
        "start": run.start.isoformat(),
        "day": run.day,
        "disease": run.disease.name,
        "measures": write_measures(run.measures),
    }
    arrays: dict[str, Any] = {name: getattr(epidemic, name) for name in _ARRAYS}
    arrays["rows"] = epidemic.infections
    fresh = np.concatenate([np.zeros(0, LIVE), *epidemic.fresh])
    arrays["fresh"] = fresh[np.argsort(fresh["person"], kind="stable")]
    for name in _AGENDAS:
        parts = [(day, rows) for day, listed in getattr(response, name).items() for rows in listed]
        arrays[f"{name} rows"] = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in parts)])
        arrays[f"{name} days"] = np.concatenate([np.zeros(0, np.int64), *(np.full(len(rows), day) for day, rows in parts)])
    for name in _COUNTS:
        arrays[name] = np.array(list(getattr(response, name).items()), np.int64).reshape(-1, 2)
    for number, measure in enumerate(run.measures):
        if id(measure) in response.queues:
            arrays[f"queue {number}"] = response.queues[id(measure)]
            arrays[f"doses {number}"] = np.array(list(response.doses[id(measure)].items()), np.int64).reshape(-1, 2)
    target = io.BytesIO()
    np.savez_compressed(target, header=np.array(json.dumps(header)), **arrays)
    return target.getvalue()


def load(saved: bytes, *, city: City, disease: Disease | None = None) -> Run:
    """The run as it was saved. `disease`: where it is none of those that come with the twin.

    Raises ValueError when it was saved from another city, with an unknown disease or in another format.
    """
    with np.load(io.BytesIO(saved), allow_pickle=False) as arrays:
        header = json.loads(str(arrays["header"]))
        if header["format"] != _FORMAT or header["city"] != _fingerprint(city):
            raise ValueError(f"This run was saved from another city than {city.name} with seed {city.seed}.")
        own = disease or _disease_named(header["disease"])
        measures = read_measures(header["measures"])
        start = date.fromisoformat(header["start"])
        epidemic = begin_epidemic(world_of(city), own, seed=header["seed"], start=start, introduced=0)
        for name in _ARRAYS:
            setattr(epidemic, name, arrays[name])
        rows = arrays["rows"]
        epidemic.rows, epidemic.count, epidemic.day = rows, len(rows), header["day"]
        epidemic.fresh = [arrays["fresh"]]
        return Run(city, measures, epidemic, _response(arrays, measures))


def _response(arrays: Any, measures: tuple[Any, ...]) -> Response:
    response = Response()
    for name in _AGENDAS:
        days, agenda = arrays[f"{name} days"], getattr(response, name)
        for day in np.unique(days).tolist():
            agenda[day].append(arrays[f"{name} rows"][days == day])
    for name in _COUNTS:
        setattr(response, name, defaultdict(int, {int(day): int(count) for day, count in arrays[name]}))
    for number, measure in enumerate(measures):
        if f"queue {number}" in arrays:
            response.queues[id(measure)] = arrays[f"queue {number}"]
            for day, count in arrays[f"doses {number}"].tolist():
                response.doses[id(measure)][day] = count
    return response


def _disease_named(name: str) -> Disease:
    for one in diseases():
        disease = load_disease(one)
        if disease.name == name:
            return disease
    raise ValueError(f"This run was saved with {name}, which is none of the diseases that come with the twin.")


def _fingerprint(city: City) -> list[object]:
    return [city.seed, len(city.homes.age), len(city.sites.kind), *city.centre]
