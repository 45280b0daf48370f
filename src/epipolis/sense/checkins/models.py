from enum import IntEnum

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city.models import Place
from epipolis.sense.people.models import Person


class VenueKind(models.TextChoices):
    """R42: permanent places and temporary events."""

    OTHER = "other", _("other place")
    RETAIL = "retail", _("shop")
    FOOD = "food", _("food and drink")
    CRAFT = "craft", _("craft or trade")
    WORKPLACE = "workplace", _("workplace")
    EDUCATION = "education", _("education")
    PUBLIC_BUILDING = "public_building", _("public building")
    TEMPORARY_OTHER = "temporary_other", _("other event")
    CULTURAL = "cultural", _("cultural event")
    CLUB = "club", _("club activity")
    PRIVATE = "private", _("private event")
    WORSHIP = "worship", _("worship service")


class Venue(models.Model):
    """A place where people can check in, by a signed code at its door."""

    place = models.OneToOneField(Place, models.PROTECT, related_name="+", primary_key=True)
    kind = models.CharField(_("kind"), max_length=20, choices=VenueKind.choices)
    default_stay = models.PositiveSmallIntegerField(_("usual stay in minutes"))
    opens = models.DateTimeField(_("begins"), null=True)  # temporary venues only
    closes = models.DateTimeField(_("ends"), null=True)
    key_number = models.PositiveSmallIntegerField(default=1)  # a new poster makes the older ones invalid
    registered = models.DateTimeField()
    closed = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return str(self.pk)


class Source(IntEnum):
    """How a visit became known."""

    CODE = 1
    DEVICE = 2
    FILE = 3
    INTERVIEW = 4
    STAFF = 5

    @property
    def label(self):
        return SOURCES[self]


SOURCES = {
    Source.CODE: _("scanned code"),
    Source.DEVICE: _("kiosk or device"),
    Source.FILE: _("file import"),
    Source.INTERVIEW: _("told in an interview"),
    Source.STAFF: _("staff shift"),
}


class Visit(models.Model):
    """One stay of one pseudonym at one place. Times are exact, or a whole local day that is only possible."""

    pk = models.CompositePrimaryKey("visitor", "arrived", "place_id")
    visitor = models.UUIDField()
    arrived = models.DateTimeField()
    place_id = models.BigIntegerField()  # a city place; no foreign key, whose check would halve the intake rate
    left = models.DateTimeField()  # announced, or the automatic check-out until then
    is_open = models.BooleanField(default=False)  # `left` is still the automatic check-out
    exact = models.BooleanField(default=True)
    companions = models.PositiveSmallIntegerField(default=0)
    source = models.PositiveSmallIntegerField(choices=[(int(source), label) for source, label in SOURCES.items()])
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(left__gt=F("arrived")), name="a_visit_takes_time")]
        indexes = [
            # With its end, so that who has left by then is passed over without reading the row.
            models.Index(fields=["place_id", "arrived", "left"], name="visits_at_place"),
            models.Index(fields=["visitor"], name="visits_open", condition=Q(is_open=True)),
            BrinIndex(fields=["arrived"], name="visits_by_age", pages_per_range=32),
        ]

    def __str__(self):
        return f"{self.place_id} {self.arrived:%Y-%m-%d %H:%M}"


class VisitorLink(models.Model):
    """A person showed or told the pseudonym under which their phone checked in."""

    visitor = models.UUIDField(primary_key=True)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    linked = models.DateTimeField()
    linked_by = models.CharField(max_length=150)

    def __str__(self):
        return str(self.visitor)
