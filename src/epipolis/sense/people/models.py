from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city.models import Neighbourhood


class Sex(models.TextChoices):
    FEMALE = "F", _("female")
    MALE = "M", _("male")
    OTHER = "X", _("other")
    UNKNOWN = "", _("unknown")


class Person(models.Model):
    """Somebody, known by an opaque id everywhere else. Names stand here only, encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    given_name = models.BinaryField(default=b"")  # sealed
    family_name = models.BinaryField(default=b"")  # sealed
    birth_year = models.SmallIntegerField(null=True)
    birth_month = models.SmallIntegerField(null=True)
    birth_day = models.SmallIntegerField(null=True)
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    language = models.CharField(max_length=10, blank=True)
    neighbourhood = models.ForeignKey(Neighbourhood, models.SET_NULL, null=True, related_name="+")
    address = models.BinaryField(default=b"")  # sealed
    known_at = models.DateTimeField()
    erased = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return str(self.id)


class Identifier(models.Model):
    """A number or key by which an office, a file or a card knows a person; found by its keyed hash."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=60)  # national_id, passport, or the name of the file it came from
    value = models.BinaryField()  # sealed
    value_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value_hash"], name="one_person_an_identifier")]

    def __str__(self):
        return self.kind


class ContactPoint(models.Model):
    """How to reach a person. Several people may share one."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        OTHER = "other", _("other")

    person = models.ForeignKey(Person, models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.BinaryField()  # sealed
    value_hash = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind", "value_hash"], name="a_contact_point_once")]

    def __str__(self):
        return self.kind


class ReturnCode(models.Model):
    """A code on paper with which a person without an account sees what is held about them and who looked."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="return_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    issued = models.DateTimeField()
    expires = models.DateTimeField()
    failures = models.SmallIntegerField(default=0)

    def __str__(self):
        return f"{self.person_id} until {self.expires:%Y-%m-%d}"
