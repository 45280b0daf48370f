from django.db import models
from django.utils.translation import gettext_lazy as _


class District(models.Model):
    """A part of the city that has a name, a border and figures of its own."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    border = models.JSONField(_("border"), null=True)  # GeoJSON geometry, WGS84
    area_m2 = models.FloatField(_("area in m²"), null=True)
    edition = models.PositiveIntegerField(default=1)  # rises with each change, so that copies in memory notice
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return self.name

    @property
    def square_km(self):
        return self.area_m2 / 1e6 if self.area_m2 else None

    @property
    def density(self):
        """People per km², for areas that a query annotated with `people`."""
        people = getattr(self, "people", None)
        return people / self.square_km if people and self.square_km else None


class Neighbourhood(models.Model):
    """The smallest area with a border: a village, ward or block."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="neighbourhoods")
    border = models.JSONField(_("border"), null=True)
    area_m2 = models.FloatField(_("area in m²"), null=True)
    edition = models.PositiveIntegerField(default=1)
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # Deferred, so that one load may swap two names.
            models.UniqueConstraint(
                fields=["district", "name"], name="one_neighbourhood_a_name", deferrable=models.Deferrable.DEFERRED
            )
        ]

    def __str__(self):
        return self.name

    @property
    def square_km(self):
        return self.area_m2 / 1e6 if self.area_m2 else None

    @property
    def density(self):
        """People per km², for areas that a query annotated with `people`."""
        people = getattr(self, "people", None)
        return people / self.square_km if people and self.square_km else None


class PopulationCount(models.Model):
    """How many people of one sex and age band live in a district or, finer, a neighbourhood."""

    district = models.ForeignKey(District, models.CASCADE, related_name="population")
    neighbourhood = models.ForeignKey(Neighbourhood, models.CASCADE, null=True, related_name="population")
    sex = models.CharField(max_length=1, blank=True)  # F, M, X or empty for all
    age_from = models.SmallIntegerField()
    age_to = models.SmallIntegerField(null=True)  # inclusive; null = and older
    people = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "neighbourhood", "sex", "age_from"], name="one_count_a_band", nulls_distinct=False
            )
        ]

    def __str__(self):
        return f"{self.sex or '*'} {self.age_from}-{'' if self.age_to is None else self.age_to}: {self.people}"


class Place(models.Model):
    """Anywhere that people meet or are cared for: a shop, a school, a hospital, a stop. Homes are not places."""

    code = models.CharField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=40)  # the city's word: shop, school, hospital …
    address = models.CharField(_("address"), max_length=200, blank=True)
    neighbourhood = models.ForeignKey(Neighbourhood, models.PROTECT, null=True, related_name="places")
    district = models.ForeignKey(District, models.PROTECT, null=True, related_name="places")
    lon = models.FloatField(_("longitude"), null=True)
    lat = models.FloatField(_("latitude"), null=True)
    edition = models.PositiveIntegerField(default=1)
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["kind"], name="places_by_kind"),
            models.Index(fields=["name", "id"], name="places_by_name"),
        ]

    def __str__(self):
        return self.name
