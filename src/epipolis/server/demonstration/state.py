"""Where the demonstration stands: its plan, its accounts, its clock; kept in EPIPOLIS_HOME so that it can go on later."""

import json
import shutil
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from epipolis.core import accounts, clock, database, rules
from epipolis.sense.cases import queries as cases
from epipolis.server.demonstration.history import Plan


def folder() -> Path:
    """The demonstration's files."""
    found = database.home() / "demonstration"
    found.mkdir(parents=True, exist_ok=True)
    return found


def existing() -> Plan | None:
    """The plan of the city that is already here, whole."""
    path = folder() / "plan.json"
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Plan(**(values | {"start": date.fromisoformat(values["start"])}))


def keep(plan: Plan) -> None:
    """Note that the city is whole. Until then a second try begins anew."""
    clock.set_clock(plan.opens, speed=plan.speed)
    text = json.dumps(asdict(plan) | {"start": plan.start.isoformat()})
    (folder() / "plan.json").write_text(text, encoding="utf-8")


def open_doors(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Let the clock go on from where it stood, and make the accounts, one for each role."""
    path = folder() / "clock.txt"
    stood = datetime.fromisoformat(path.read_text(encoding="utf-8")) if path.exists() else plan.opens
    clock.set_clock(max(stood, plan.opens), speed=plan.speed)
    return accounts.make_demo_accounts(at=clock.now())


def note_time() -> None:
    """Remember what the clock shows, so that the city sleeps while nobody runs it."""
    draft = folder() / "clock.draft"
    draft.write_text(clock.now().isoformat(), encoding="utf-8")
    draft.replace(folder() / "clock.txt")


def keep_days() -> int:
    """The whole days of visits that the rule in force lets stand on the opening morning; older ones need no import."""
    return int(rules.in_force("checkin_times", clock.today())["keep_days"]) - 1


def refuse_real_data() -> None:
    """A demonstration never mixes with a real city.

    Raises:
        ValueError: there are cases here that are not simulated.
    """
    if cases.line_list().filter(simulated=False).exists():
        raise ValueError("this database holds real cases; set EPIPOLIS_HOME to an empty folder for the demonstration")


def throw_away() -> None:
    """Drop every table and forget the files, after making sure that nothing real is in them."""
    refuse_real_data()
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    call_command("migrate", verbosity=0, interactive=False)
    shutil.rmtree(folder())
