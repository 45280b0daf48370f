"""What orders do when something upstream changed; each listener may hear a thing twice."""

from epipolis.act.followup.events import FollowUpsEvent
from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged

from .contacts import draft_from_follow_ups
from .drafting import draft_from_case
from .joining import join, part
from .storing import TOPIC

_DECIDES = {"classification", "onset", "sampled", "reported", "has_symptoms", "symptoms", "ended", "same_as", "outcome"}


def on_case_confirmed(event: CaseConfirmed) -> None:
    """A confirmed case gets a draft of isolation."""
    draft_from_case(event.case, by=TOPIC, at=clock.now())


def on_case_revised(event: CaseRevised) -> None:
    """A case of which something else is believed now may isolate longer, shorter, or not at all."""
    if not _DECIDES & set(event.changed):
        return
    if "classification" in event.changed and cases.is_confirmed(event.case):
        return  # CaseConfirmed says so too
    draft_from_case(event.case, by=TOPIC, at=clock.now())


def on_follow_ups(event: FollowUpsEvent) -> None:
    """Contacts get drafts of quarantine, which follow what is known of the contacts."""
    draft_from_follow_ups(event.follow_ups, by=TOPIC, at=clock.now())


def on_people_merged(event: PeopleMerged) -> None:
    """One person has one order of a kind."""
    join(event.person, at=clock.now())


def on_people_unmerged(event: PeopleUnmerged) -> None:
    part(event.person, event.unmerged, at=clock.now())
