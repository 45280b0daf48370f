"""The city lives on: what happens in the twin reaches the platform hour by hour, over the network, with a device's token."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from epipolis.core import access, clock
from epipolis.engines import twin
from epipolis.engines.twin import city_files
from epipolis.server.demonstration import history, state

_PAUSE = 1.0
_SCOPES = ["checkins.record", "cases.report", "cases.import"]


def feed(plan: history.Plan, address: str, is_wanted: Callable[[], bool]) -> None:
    """Go on until nobody wants it: each visit once it has begun, each report once it is known, each night the next day."""
    city = plan.city()
    visitors, codes, homes = history.visitors_of(city), history.codes_of(city), history.homes_of(city)
    saved = state.folder() / "run.npz"
    run = twin.load(saved.read_bytes(), city=city)
    _device, token = access.issue_token("demonstration city", _SCOPES, by=None, at=clock.now(), days=1, simulated=True)
    while is_wanted():
        after, day = twin.step(run)
        visits = twin.checked_in(day.visits, uptake=history.UPTAKE, seed=plan.seed).sort_by("arrived")
        cases = day.cases.to_pylist()
        while is_wanted() and clock.today() <= day.date:
            now = clock.now()
            rest, begun = _split(visits, now)
            due = [case for case in cases if case["known_at"] <= now.timestamp()]
            later = [case for case in cases if case["known_at"] > now.timestamp()]
            try:
                _send(begun, visitors, codes, address, token)
                visits = rest
                if due:
                    _report(city_files.case_rows(due, homes), address, token)
                cases = later
            except OSError as error:  # the platform restarts or is busy: sent again, what arrived twice changes nothing
                print(f"the platform did not take the last hour ({error}); trying again")
            state.note_time()
            time.sleep(_PAUSE)
        run = after
        saved.write_bytes(twin.save(run))


def _split(visits: pa.Table, now: datetime) -> tuple[pa.Table, pa.Table]:
    """The visits still to come, and those that have begun."""
    begun = pc.less_equal(visits.column("arrived"), int(now.timestamp()))
    return visits.filter(pc.invert(begun)), visits.filter(begun)


def _send(visits: pa.Table, visitors: list[Any], codes: list[str], address: str, token: str) -> None:
    rows = (
        {
            "visitor": str(visitors[row["visitor"]]),
            "place": codes[row["place"]],
            "arrived": _moment(row["arrived"]),
            "left": _moment(row["left"]),
            "companions": row["companions"],
            "staff": row["staff"],
        }
        for row in visits.to_pylist()
    )
    body = "\n".join(json.dumps(row) for row in rows)
    if body:
        post(f"{address}/api/v1/checkins/visits:bulk", body.encode(), "application/x-ndjson", token)


def _report(rows: list[dict[str, Any]], address: str, token: str) -> None:
    body = "\n".join(json.dumps(row, default=str) for row in rows)
    post(f"{address}/api/v1/cases/import?mapping=epipolis&simulated=true", body.encode(), "application/x-ndjson", token)


def post(address: str, body: bytes, kind: str, token: str) -> dict[str, Any]:
    """Send one request.

    Raises:
        OSError: the platform is away, or answered that it did not take it.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    request = urllib.request.Request(address, body, headers)  # noqa: S310 -- our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- our own loopback address
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{address} answered {error.code}: {error.read()[:300].decode(errors='replace')}") from error
    return found


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
