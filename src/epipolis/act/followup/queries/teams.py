"""Who follows whom: members, what they can do, how much they have, and who fits best, with reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_noop

from epipolis.act.followup.models import LISTED, FollowUp, Team, TeamMember
from epipolis.core import accounts
from epipolis.core.models import User
from epipolis.core.rules import Decision

_RULE = "assignment of contacts"
_LANGUAGE = gettext_noop("Speaks %(language)s.")
_NO_LANGUAGE = gettext_noop("Nobody with free time speaks %(language)s: an interpreter is needed.")
_DISTRICT = gettext_noop("Works in this district.")
_OTHER_DISTRICT = gettext_noop("Nobody with free time works in this district.")
_LOAD = gettext_noop("Has %(open)s of at most %(most)s contacts, the least of those who fit.")


@dataclass
class Candidate:
    """Somebody who may be given a contact."""

    user: int
    name: str
    team: int
    languages: frozenset[str]
    districts: frozenset[int]
    most: int
    open: int = 0

    @property
    def load(self) -> float:
        return self.open / self.most if self.most else 1.0


@dataclass
class Choice:
    """Who was chosen for one contact, and why."""

    user: int
    team: int
    decision: dict[str, Any] = field(default_factory=dict)


def teams() -> QuerySet[Team]:
    return Team.objects.prefetch_related("members__user").order_by("name")


def members() -> QuerySet[TeamMember]:
    return TeamMember.objects.select_related("user", "team").order_by("team__name", "user__username")


def team_of(user_id: int | None) -> Team | None:
    """The team in which somebody works."""
    found = TeamMember.objects.select_related("team").filter(user=user_id, is_active=True).first()
    return found.team if found else None


def colleagues() -> QuerySet[User]:
    """Everybody who may follow contacts."""
    may = Q(groups__permissions__content_type__app_label="followup", groups__permissions__codename="work")
    return accounts.all_accounts().filter(may, is_active=True).order_by("username").distinct()


def loads() -> dict[int, int]:
    """How many open contacts each tracer has."""
    rows = FollowUp.objects.filter(LISTED, assigned_to__isnull=False).order_by().values_list("assigned_to")
    return dict(rows.annotate(n=Count("id")))


def candidates() -> list[Candidate]:
    """Everybody who may be given contacts now, with what they have."""
    active = members().filter(Q(is_active=True, team__is_active=True, user__is_active=True))
    if not (rows := list(active)):
        return []
    load = loads()
    return [
        Candidate(
            row.user_id,
            row.user.username,
            row.team_id,
            frozenset(bare(word) for word in row.languages),
            frozenset(row.districts),
            row.most,
            load.get(row.user_id, 0),
        )
        for row in rows
    ]


def choose(found: Iterable[Candidate], *, language: str, district: int | None, day: date) -> Choice | None:
    """Who fits best: who speaks the language, then who works in the district, then who has the least to do.

    Nobody is given more than they can take; None when everybody is full. The chosen one's load rises by one.
    """
    free = [one for one in found if one.open < one.most]
    if not free:
        return None
    reasons: list[tuple[str, Mapping[str, Any]]] = []
    if language:
        speaking = [one for one in free if bare(language) in one.languages]
        reasons.append((_LANGUAGE if speaking else _NO_LANGUAGE, {"language": language}))
        free = speaking or free
    if district is not None:
        # Who names no district works everywhere.
        near = [one for one in free if district in one.districts] or [one for one in free if not one.districts]
        reasons.append((_DISTRICT if near else _OTHER_DISTRICT, {}))
        free = near or free
    best = min(free, key=lambda one: (one.load, one.open, one.name))
    reasons.append((_LOAD, {"open": best.open, "most": best.most}))
    best.open += 1
    inputs = {"language": language, "district": district}
    return Choice(best.user, best.team, Decision(best.name, _RULE, day, inputs, tuple(reasons)).to_json())


def bare(language: str) -> str:
    """A language without its script and region: zh-Hant and zh are understood by the same people."""
    return language.split("-")[0].casefold()
