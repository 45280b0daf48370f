"""The city lives on: what happens in the twin reaches the platform hour by hour, over the network, with a device's token.

What people of the health office and citizens do themselves, calls and declarations, is done as they would do it.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from epipolis.core import access, clock
from epipolis.core.modules import modules
from epipolis.engines import twin
from epipolis.engines.messages import LabReport, write_hl7
from epipolis.engines.twin import city_files
from epipolis.server.demonstration import citizens, history, laboratories, state, tracers, watched

_PAUSE = 1.0
_CALLS_FROM, _CALLS_UNTIL, _DECLARED = 9, 18, 12  # hours of the day
_CALLS_AN_HOUR = 3
Told = list[tuple[laboratories.Sender, LabReport]]
_TOKEN_DAYS = 30
_SCOPES = ["checkins.record", "cases.report", "cases.import"]


def new_token(at: datetime) -> tuple[str, datetime]:
    """A token of the city itself, and when to ask for the next: its days pass as fast as the city's."""
    _device, token = access.issue_token("demonstration city", _SCOPES, by=None, at=at, days=2 * _TOKEN_DAYS, simulated=True)
    return token, at + timedelta(days=_TOKEN_DAYS)


def feed(plan: history.Plan, address: str, is_wanted: Callable[[], bool]) -> None:
    """Go on until nobody wants it: each visit once it has begun, each report once it is known, each night the next day."""
    city = plan.city()
    visitors, codes, homes = history.visitors_of(city), history.codes_of(city), history.homes_of(city)
    saved = state.folder() / "run.npz"
    run = twin.load(saved.read_bytes(), city=city)
    token, renew = "", clock.now()
    office = Office(plan, city, address)
    if "quarantine" in modules():
        office.watched = watched.Watched(city, visitors, seed=plan.seed, at=clock.now())
    while is_wanted():
        after, day = twin.step(run)
        visits = twin.checked_in(day.visits, uptake=history.UPTAKE, seed=plan.seed).sort_by("arrived")
        cases = day.cases.to_pylist()
        office.begin(day.date)
        if clock.now() >= renew:
            token, renew = new_token(clock.now())
        while is_wanted() and clock.today() <= day.date:
            now = clock.now()
            rest, begun = _split(visits, now)
            due = [case for case in cases if case["known_at"] <= now.timestamp()]
            later = [case for case in cases if case["known_at"] > now.timestamp()]
            try:
                _send(begun, visitors, codes, address, token)
                visits = rest
                listed = [case for case in due if not laboratories.is_by_laboratory(case, plan.laboratories_since)]
                if listed:
                    _report(city_files.case_rows(listed, homes), address, token)
                cases = later
                office.hear(due)
                office.work(now)
            except OSError as error:  # the platform restarts or is busy: sent again, what arrived twice changes nothing
                print(f"the platform did not take the last hour ({error}); trying again")
            state.note_time()
            time.sleep(_PAUSE)
        run = after
        saved.write_bytes(twin.save(run))


class Office:
    """Laboratories, citizens and tracers of a living city."""

    def __init__(self, plan: history.Plan, city: twin.City, address: str) -> None:
        self.plan, self.city, self.address = plan, city, address
        self.tokens = laboratories.give_tokens(at=clock.now()) if "labs" in modules() else {}
        self.watched: watched.Watched | None = None
        self.colleagues = tracers.everybody() - {tracers.VISITOR} if "followup" in modules() else set()

    def begin(self, day: date) -> None:
        """A new day: what the laboratories will tell on it, as far as nobody is ill."""
        self.day, self.has_declared, self.called = day, "declarations" not in modules(), -1
        self.told: Told = laboratories.negatives_of(self.city, day=day, seed=self.plan.seed) if self.tokens else []
        self.ill: list[dict[str, Any]] = []
        if self.watched:
            self.watched.begin(day, clock.now())

    def hear(self, cases: list[dict[str, Any]]) -> None:
        """Cases became known: a laboratory tells what confirmed them."""
        self.ill += cases
        if self.tokens:
            self.told += laboratories.reports_of(self.city, cases, day=self.day, seed=self.plan.seed)

    def work(self, now: datetime) -> None:
        """Do what is due."""
        due = [one for one in self.told if one[1].reported_at is None or one[1].reported_at <= now]
        for code, token in self.tokens.items():
            body = b"".join(write_hl7(report) for sender, report in due if sender.code == code)
            if body:
                post(f"{self.address}/api/v1/labs/messages", body, "application/hl7-v2", token)
        self.told = [one for one in self.told if one not in due]
        if self.watched and (body := self.watched.due(now)):
            post(f"{self.address}/api/v1/quarantine/positions:bulk", body, "application/x-ndjson", self.watched.token)
            self.watched.sent(now)
        hour = clock.start_of(self.day)
        passed = int((now - hour).total_seconds() // 3_600)
        if not self.has_declared and passed >= _DECLARED:
            citizens.declare(self.city, self.ill, day=self.day, seed=self.plan.seed, at=now)
            self.has_declared = True
        if _CALLS_FROM <= passed < _CALLS_UNTIL and passed != self.called:
            self.called = passed
            tracers.work(self.colleagues, seed=self.plan.seed, at=now, calls=_CALLS_AN_HOUR)


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
            is_json = "json" in answer.headers.get("Content-Type", "")
            found: dict[str, Any] = json.load(answer) if is_json else {}
    except urllib.error.HTTPError as error:
        raise OSError(f"{address} answered {error.code}: {error.read()[:300].decode(errors='replace')}") from error
    return found


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
