"""Linking: from all that speaks for it to the probability of each possible infector, kept until something changes."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from epipolis.core import clock, live
from epipolis.core.rows import update_rows
from epipolis.core.rules import RulePack
from epipolis.engines.chains import infectors
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.understand.chains import queries
from epipolis.understand.chains.models import Basis, Link
from epipolis.understand.chains.settings import settings

_LOCK = 7_302
_FIELDS = ("probability", "days", "basis", "minutes", "rule")
_MATTERS = frozenset(("classification", "onset", "sampled", "reported", "confirmed", "infected_by"))
Pair = tuple[UUID, UUID]


def on_case_confirmed(event: CaseConfirmed) -> None:
    """Link a case that became confirmed, and those it may have infected."""
    _link_around(event.case)


def on_case_revised(event: CaseRevised) -> None:
    """Link again when a day or the named infector changed; a case that became confirmed is told of twice, and linked once."""
    if _MATTERS.isdisjoint(event.changed) or ("classification" in event.changed and queries.is_confirmed(event.case)):
        return
    _link_around(event.case)


def link_recent(at: datetime | None = None) -> int:
    """Link the cases of the last days again: meetings become known after the cases do. Returns how many links changed."""
    now = at or clock.now()
    since = clock.local_day(now) - timedelta(days=settings.link_days)
    return link_cases(queries.known_cases(since=since), at=now)


@transaction.atomic
def link_cases(cases: Collection[UUID], *, at: datetime) -> int:
    """Work out who may have infected each of these cases, and store what changed; twice changes nothing.

    Returns how many links are new, different or gone.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    pack = queries.rule_on(clock.local_day(at))
    known, met = queries.around(cases)
    wanted = [case for case in cases if case in known]
    said = queries.evidence(known, wanted, pack, met=met)
    found = _links(known, said, pack, at) if said.basis else {}
    held = {(link.infectee_id, link.infector_id): link for link in Link.objects.filter(infectee__in=wanted)}
    gone = [link.pk for pair, link in held.items() if pair not in found]
    new = [link for pair, link in found.items() if pair not in held]
    changed = [link for pair, link in found.items() if pair in held and _differs(link, held[pair])]
    if not (gone or new or changed):
        return 0
    Link.objects.filter(pk__in=gone).delete()
    for link in changed:
        link.pk = held[link.infectee_id, link.infector_id].pk
    update_rows(changed, (*_FIELDS, "made"))
    Link.objects.bulk_create(new, batch_size=2_000)
    count = len(gone) + len(new) + len(changed)
    live.tell("chains", links=count)
    return count


def _links(known: dict[UUID, queries.Known], said: queries.Evidence, pack: RulePack, at: datetime) -> dict[Pair, Link]:
    ids = list(known)
    number = {case: index for index, case in enumerate(ids)}
    # Without an onset the day of the report stands in for it, so many days earlier: better than no day at all.
    earlier = pack["onset_before_report_days"]
    onsets = [float(case.onset.toordinal() if case.onset else case.day.toordinal() - earlier) for case in known.values()]
    table = infectors(onsets, queries.pairs_table(number, said), queries.lags_of(pack), unseen=pack["unseen"])
    found: dict[Pair, Link] = {}
    for row in table.to_pylist():
        pair = (ids[row["infectee"]], ids[row["infector"]])
        if row["probability"] >= pack["shown_from"]:
            found[pair] = _link(pair, row["probability"], _days(known, pair), said, pack.reference, at)
    for pair, basis in said.basis.items():
        if basis == Basis.JUDGED and pair[1] in known:  # what a person decided stands, whatever the days say
            found[pair] = _link(pair, 1.0, _days(known, pair), said, pack.reference, at)
    return found


def _days(known: dict[UUID, queries.Known], pair: Pair) -> int | None:
    onset, before = known[pair[0]].onset, known[pair[1]].onset
    return (onset - before).days if onset and before else None


def _link(pair: Pair, chance: float, days: int | None, said: queries.Evidence, rule: str, at: datetime) -> Link:
    return Link(
        infectee_id=pair[0],
        infector_id=pair[1],
        probability=chance,
        days=days,
        basis=said.basis[pair],
        minutes=said.minutes.get(pair, 0),
        rule=rule,
        made=at,
    )


def _differs(one: Link, other: Link) -> bool:
    return abs(one.probability - other.probability) > 1e-9 or any(
        getattr(one, name) != getattr(other, name) for name in _FIELDS[1:]
    )


def _link_around(case: UUID) -> None:
    others = set(queries.links_between([case]).filter(infector=case).values_list("infectee", flat=True))
    link_cases({case, *others}, at=clock.now())
