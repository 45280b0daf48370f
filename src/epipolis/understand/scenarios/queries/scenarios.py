"""Which scenarios there are for whom, and what of each is finished."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Max, Prefetch, Q, QuerySet

from epipolis.core.models import User
from epipolis.understand.scenarios.models import Run, Scenario, Version
from epipolis.understand.scenarios.queries.figures import Shown

OPEN = (Run.State.WAITING, Run.State.RUNNING)


def visible_to(user: Any) -> QuerySet[Scenario]:
    """The scenarios that somebody may open: their own, those that were shared, and for managers all."""
    found = Scenario.objects.select_related("author")
    if isinstance(user, User) and user.has_perm("scenarios.manage"):
        return found
    own = Q(author=user) if isinstance(user, User) else Q(pk=None)
    return found.filter(own | Q(shared__isnull=False))


def scenario(scenario_id: UUID, *, user: Any) -> Scenario | None:
    """One scenario; None when there is none or this person may not open it."""
    return visible_to(user).filter(id=scenario_id).first()


def may_change(found: Scenario, user: Any) -> bool:
    """Its author may, and who manages scenarios."""
    return isinstance(user, User) and (found.author_id == user.pk or user.has_perm("scenarios.manage"))


def listed(user: Any, *, archived: bool = False, text: str = "") -> QuerySet[Scenario]:
    """The list of scenarios, newest first, each with its versions."""
    found = visible_to(user).filter(archived__isnull=not archived)
    if text := text.replace("\0", "").strip():
        found = found.filter(Q(name__icontains=text) | Q(description__icontains=text))
    versions = Version.objects.order_by("-number").prefetch_related(Prefetch("runs", _light_runs()))
    return found.prefetch_related(Prefetch("versions", versions)).order_by("-made", "id")


def _light_runs() -> QuerySet[Run]:
    return Run.objects.order_by("-asked", "-id").select_related("work").defer("disease")


def versions(found: Scenario) -> list[Version]:
    """Every version, the newest first, with its runs."""
    return list(
        Version.objects.filter(scenario=found)
        .select_related("author")
        .order_by("-number")
        .prefetch_related(Prefetch("runs", _light_runs()))
    )


def version(found: Scenario, number: int | None = None) -> Version:
    """A version by its number, or the newest.

    Raises:
        Version.DoesNotExist: there is none of this number.
    """
    all_of_it = Version.objects.filter(scenario=found)
    wanted = number if number is not None else all_of_it.aggregate(n=Max("number"))["n"]
    return all_of_it.get(number=wanted)


def run(run_id: UUID, *, user: Any) -> Run | None:
    """One run; None when there is none or its scenario may not be opened."""
    found = Run.objects.select_related("version", "version__scenario", "work").filter(id=run_id)
    return found.filter(version__scenario__in=visible_to(user)).first()


def runs_of(found: Version) -> QuerySet[Run]:
    """The runs of a version, the newest first."""
    return _light_runs().filter(version=found)


def newest_run(found: Version) -> Run | None:
    return Run.objects.filter(version=found).select_related("work").order_by("-asked", "-id").first()


def finished_run(found: Version) -> Run | None:
    return Run.objects.filter(version=found, state=Run.State.DONE).order_by("-asked", "-id").first()


def differs_from_before(run: Run) -> bool:
    """Whether an earlier finished run of the same version gave other numbers: the engine or our city has changed since."""
    return Run.objects.filter(version=run.version_id, state=Run.State.DONE).exclude(digest=run.digest).exists()


def was_run(found: Version) -> bool:
    return Run.objects.filter(version=found).exists()


def is_unwanted(run_id: UUID) -> bool:
    """Whether somebody asked to cancel this run."""
    return not Run.objects.filter(id=run_id, is_unwanted=False).exists()


def shown(scenarios: Iterable[Scenario]) -> tuple[list[Shown], list[Scenario]]:
    """What can be compared (the newest finished run of each), and the scenarios of which nothing is finished."""
    ready, missing = [], []
    for one in scenarios:
        found = Run.objects.filter(version__scenario=one, state=Run.State.DONE).select_related("version")
        newest = found.order_by("-version__number", "-asked", "-id").first()
        if newest:
            ready.append(Shown(one.name, newest.version, newest))
        else:
            missing.append(one)
    return told_apart(ready), missing


def told_apart(ready: Sequence[Shown]) -> list[Shown]:
    """Two scenarios of one name get a number behind it."""
    found: list[Shown] = []
    for one in ready:
        same = sum(other.name == one.name or other.name.startswith(f"{one.name} (") for other in found)
        found.append(Shown(f"{one.name} ({same + 1})", one.version, one.run) if same else one)
    return found


def latest_finished(user: Any = None, *, count: int = 2) -> list[Scenario]:
    """The scenarios whose runs were finished last, the earlier one first; shared ones only without a person."""
    names = Run.objects.filter(state=Run.State.DONE, version__scenario__archived=None)
    names = names.filter(version__scenario__in=visible_to(user))
    found: list[UUID] = []
    for key in names.order_by("-finished", "-version_id").values_list("version__scenario", flat=True)[:50]:
        if key not in found:
            found.append(key)
    rows = Scenario.objects.in_bulk(found[:count])
    return [rows[key] for key in reversed(found[:count])]


def plain_first(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those without measures before the others, so that these are measured against doing nothing."""
    return sorted(scenarios, key=lambda one: bool(version(one).content["measures"]))
