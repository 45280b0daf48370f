"""What somebody may need, from what they said elsewhere: proposed on the form, and stored only when somebody says yes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings as platform
from django.utils.formats import date_format
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from epipolis.act.followup import queries as followup
from epipolis.act.quarantine.models import Need, Order
from epipolis.core import clock
from epipolis.sense.declarations import queries as declarations
from epipolis.sense.people import queries as people

_SAME = {"food": Need.Kind.FOOD, "medicine": Need.Kind.MEDICINE, "care": Need.Kind.CARE, "childcare": Need.Kind.CARE,
         "doctor": Need.Kind.CARE, "pets": Need.Kind.PETS}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposed:
    """One need that is proposed: its kind, what the person called it there, and where they said so."""

    kind: str
    words: str
    source: str


def proposed_needs(row: Order, at: datetime) -> list[Proposed]:
    """What the person told in the interview of their own case, or declared so that help is brought, and the language that
    they speak; nothing once they were asked."""
    if row.needs_asked is not None or not row.is_open:
        return []
    found: dict[tuple[str, str], Proposed] = {}
    for one in (*_interviewed(row), *_declared(row, at)):
        found.setdefault((one.kind, one.words), one)
    return list(found.values())


def words_proposed(needs: list[Proposed]) -> str:
    """What is proposed and has no box of its own, in words."""
    return ", ".join(dict.fromkeys(one.words for one in needs if one.kind == Need.Kind.OTHER))


def _interviewed(row: Order) -> Iterator[Proposed]:
    held = followup.interviews_of([row.case_id]).get(row.case_id) if row.case_id else None
    spoken = row.language
    if held is not None and held.finished:
        day = date_format(clock.local_day(held.finished), "SHORT_DATE_FORMAT")
        source = _("told in the interview of %(day)s") % {"day": day}
        for name in held.answers.get("needs", ()):
            if name in followup.NEEDS:
                yield Proposed(str(_SAME.get(name, Need.Kind.OTHER)), str(followup.NEEDS[name]), source)
        if held.language:
            spoken = held.language
            if not _is_spoken(spoken):
                yield Proposed(str(Need.Kind.LANGUAGE), _called(spoken), source)
    if spoken == row.language and spoken and not _is_spoken(spoken):
        yield Proposed(str(Need.Kind.LANGUAGE), _called(spoken), _("the language of the record"))


def _declared(row: Order, at: datetime) -> Iterator[Proposed]:
    for day, name, words in declarations.needs_told(people.same_person(row.person_id), at):
        source = _("declared on %(day)s") % {"day": date_format(day, "SHORT_DATE_FORMAT")}
        yield Proposed(str(_SAME.get(name, Need.Kind.OTHER)), words, source)


def _is_spoken(language: str) -> bool:
    """Whether the office writes in this language."""
    return any(code.partition("-")[0] == language.casefold().partition("-")[0] for code, _name in platform.LANGUAGES)


def _called(language: str) -> str:
    try:
        return str(get_language_info(language.casefold())["name_translated"])
    except KeyError:
        return language
