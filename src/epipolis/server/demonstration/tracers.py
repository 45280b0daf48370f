"""The tracers of the city: two teams who work their lists each day, and never get through them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Attempt, DayState, FollowUp
from epipolis.act.followup.services import Answer, FollowUpError
from epipolis.core import accounts, clock
from epipolis.core.models import User
from epipolis.sense.city import queries as areas

WORK_DAYS = 5
"""Days before the opening morning on which the teams work."""
VISITOR = "tracer"
"""The account of whoever looks at the demonstration: in a team, and on the opening morning nobody does its work."""
_BY = "demonstration"
_CALLS = 20  # a day and tracer
_MOST = 60  # contacts of one tracer
_OUTCOMES = {"reached": 0.68, "no_answer": 0.22, "wrong_number": 0.03, "call_back": 0.05, "refused": 0.02}
_ILL = 0.04  # of those reached
_TEAMS = (
    ("North and harbour", ((VISITOR, "Demo Tracer", ("zh-Hant", "en")), ("mei", "Mei Lin", ("zh-Hant",)))),
    ("South and hills", (("ana", "Ana Morales", ("es", "en")), ("omar", "Omar Haddad", ("ar", "en", "es")))),
)


def make_teams(*, at: datetime) -> None:
    """Two teams with their tracers, each for half of the districts; twice makes nothing new."""
    accounts.make_demo_accounts(at=at)
    districts = [one.pk for one in areas.districts()]
    known = {team.name for team in queries.teams()}
    for number, (name, members) in enumerate(_TEAMS):
        if name in known:
            continue
        team = services.save_team(name, by=_BY, at=at, note="Simulated")
        for username, full_name, languages in members:
            user = _account(username, full_name, at=at)
            own = districts[number :: len(_TEAMS)]
            services.save_member(user, team, languages=languages, districts=own, most=_MOST, by=_BY, at=at)


def work(names: Iterable[str], *, seed: int, at: datetime, calls: int = _CALLS) -> int:
    """Let tracers call the most urgent of their contacts; return how many calls. Each call takes three minutes."""
    made = 0
    for member in queries.members():
        if member.user.username not in names:
            continue
        random = np.random.default_rng((seed, int(at.timestamp()), member.pk))
        listed = queries.work_list(at, queries.Wanted(mine=member.user_id), limit=calls)
        for position, one in enumerate(listed.rows):
            try:
                _call(one.row, by=member.user, at=at + position * timedelta(minutes=3), random=random)
            except FollowUpError:  # it ended or changed meanwhile: nothing to note
                continue
            made += 1
    return made


def everybody() -> set[str]:
    """Who calls: every tracer of the teams."""
    return {username for _name, members in _TEAMS for username, *_rest in members}


def _call(row: FollowUp, *, by: User, at: datetime, random: np.random.Generator) -> None:
    outcome = str(random.choice(list(_OUTCOMES), p=list(_OUTCOMES.values())))
    more: dict[str, Any] = {"call_back_at": at + timedelta(hours=5)} if outcome == Attempt.Outcome.CALL_BACK else {}
    services.record_attempt(row.id, outcome=outcome, by=by, at=at, **more)
    if outcome == Attempt.Outcome.REACHED and (row.starts is None or row.starts <= clock.local_day(at)):
        is_ill = bool(random.random() < _ILL)
        state = DayState.SEEN_ILL if is_ill else DayState.SEEN_OK
        symptoms = {"cough": "yes", "fever": "no"} if is_ill else {"cough": "no", "fever": "no"}
        services.record_check(row.id, Answer(str(state), clock.local_day(at), symptoms=symptoms), by=by, at=at)


def _account(username: str, full_name: str, *, at: datetime) -> User:
    found = accounts.all_accounts().filter(username=username).first()
    if found is not None:
        return found
    # Nobody signs in as these: the password is not shown to anybody.
    user, _password = accounts.make_account(username, ["tracer"], by=_BY, at=at, full_name=full_name, simulated=True)
    return user
