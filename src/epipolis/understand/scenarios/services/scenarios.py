"""Making, changing, sharing and putting away scenarios. What was run once stays as it was: a change is a new version."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, live
from epipolis.core.models import User
from epipolis.understand.scenarios import queries
from epipolis.understand.scenarios.models import Scenario, Version
from epipolis.understand.scenarios.queries import Content


@transaction.atomic
def make_scenario(name: str, description: str, content: Content, *, by: audit.Actor, at: datetime) -> Scenario:
    """Keep a new scenario with its first version; nothing is computed yet.

    Raises:
        ValueError: the content has a part that is missing, out of bounds or at odds with another.
    """
    _check(content)
    author = by if isinstance(by, User) else None
    scenario = Scenario.objects.create(name=name[:100], description=description, author=author, made=at)
    if author is None:  # made by a device: nobody else could ever open it
        Scenario.objects.filter(id=scenario.id).update(shared=at)
    Version.objects.create(scenario=scenario, number=1, content=content, author=author, made=at)
    audit.record("scenarios.make", by=by, at=at, subject=scenario.id, measures=_kinds(content))
    live.tell("scenarios", scenario=str(scenario.id))
    return scenario


@transaction.atomic
def change_scenario(
    scenario_id: UUID, name: str, description: str, content: Content, *, by: audit.Actor, at: datetime
) -> Version:
    """Say something else with a scenario. A version that was run is left as it is, and a new one follows it.

    Raises:
        Scenario.DoesNotExist: there is none.
        ValueError: the content has a part that is missing, out of bounds or at odds with another.
    """
    _check(content)
    scenario = Scenario.objects.select_for_update().get(id=scenario_id)
    scenario.name, scenario.description = name[:100], description
    scenario.save(update_fields=["name", "description"])
    newest = queries.version(scenario)
    if newest.content != content:
        newest = _next_version(newest, content, by=by, at=at)
    audit.record("scenarios.change", by=by, at=at, subject=scenario_id, version=newest.number, measures=_kinds(content))
    live.tell("scenarios", scenario=str(scenario_id))
    return newest


def _next_version(newest: Version, content: Content, *, by: audit.Actor, at: datetime) -> Version:
    author = by if isinstance(by, User) else None
    if not queries.was_run(newest):
        newest.content, newest.author, newest.made = content, author, at
        newest.save(update_fields=["content", "author", "made"])
        return newest
    return Version.objects.create(
        scenario_id=newest.scenario_id, number=newest.number + 1, content=content, author=author, made=at
    )


@transaction.atomic
def restore_version(scenario_id: UUID, number: int, *, by: audit.Actor, at: datetime) -> Version:
    """Take changes back: the content of an earlier version becomes the newest again.

    Raises:
        Scenario.DoesNotExist, Version.DoesNotExist: there is none.
    """
    scenario = Scenario.objects.select_for_update().get(id=scenario_id)
    content = queries.version(scenario, number).content
    return change_scenario(scenario_id, scenario.name, scenario.description, content, by=by, at=at)


@transaction.atomic
def copy_scenario(scenario_id: UUID, *, by: audit.Actor, at: datetime) -> Scenario:
    """A new scenario of one's own with the newest content of another.

    Raises:
        Scenario.DoesNotExist: there is none.
    """
    former = Scenario.objects.get(id=scenario_id)
    name = _("%(name)s, copy") % {"name": former.name[:80]}
    return make_scenario(name, former.description, queries.version(former).content, by=by, at=at)


@transaction.atomic
def share_scenario(scenario_id: UUID, *, shared: bool, by: audit.Actor, at: datetime) -> None:
    """Let every member of staff who may see scenarios open this one, or take that back."""
    Scenario.objects.filter(id=scenario_id).update(shared=at if shared else None)
    audit.record("scenarios.share" if shared else "scenarios.unshare", by=by, at=at, subject=scenario_id)
    live.tell("scenarios", scenario=str(scenario_id))


@transaction.atomic
def archive_scenario(scenario_id: UUID, *, archived: bool, by: audit.Actor, at: datetime) -> None:
    """Put a scenario away, or take it out again; nothing is erased."""
    Scenario.objects.filter(id=scenario_id).update(archived=at if archived else None)
    audit.record("scenarios.archive" if archived else "scenarios.take_out", by=by, at=at, subject=scenario_id)
    live.tell("scenarios", scenario=str(scenario_id))


def import_scenario(text: str, *, by: audit.Actor, at: datetime, disease: str) -> Scenario:
    """Keep the scenario that a YAML file holds.

    Raises:
        ValueError: it holds none, or one that cannot be simulated; one sentence says why.
    """
    name, description, content = queries.from_yaml(text, disease=disease, start=at.date())
    return make_scenario(name, description, content, by=by, at=at)


def _check(content: Content) -> None:
    queries.check_shape(content)
    for where, sentence in queries.problems_of(content):
        raise ValueError(sentence if isinstance(where, str) else f"measure {where + 1}: {sentence}")


def _kinds(content: Content) -> list[Any]:
    return [entry["kind"] for entry in content["measures"]]
