"""Match keys kept: made anew when a record changes, and by a job where they are missing or were made in another way."""

from uuid import UUID

from django.db import transaction

from epipolis.sense.people import queries
from epipolis.sense.people.models import MatchKey, Person
from epipolis.sense.people.settings import settings

from .storing import store_keys


def key_again(people: list[UUID]) -> None:
    """Make the keys of these people from what is held now; in the caller's transaction."""
    MatchKey.objects.filter(person__in=people)._raw_delete("default")
    found = queries.held(people)
    store_keys((person, queries.match_keys(one.record)) for person, one in found.items())
    Person.objects.filter(id__in=people).update(keyed=queries.WAY)


def make_missing_keys() -> int:
    """Make the keys of everybody who has none of the present way; returns of how many. Safe to run at the same time twice."""
    done = 0
    while True:
        with transaction.atomic():
            missing = Person.objects.exclude(keyed=queries.WAY).filter(erased=None).select_for_update(skip_locked=True)
            people = list(missing.values_list("id", flat=True)[: settings.key_batch])
            if not people:
                return done
            key_again(people)
        done += len(people)
