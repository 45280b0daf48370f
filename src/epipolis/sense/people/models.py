from uuid import uuid4

from django.db import models
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city.models import Neighbourhood


class Sex(models.TextChoices):
    FEMALE = "F", _("female")
    MALE = "M", _("male")
    OTHER = "X", _("other")
    UNKNOWN = "", _("unknown")


class Person(models.Model):
    """Somebody, known by an opaque id everywhere else. Names stand here only, encrypted.

    Any part of a birth date may be missing, the sex unknown, and there need be no number and no name.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    given_name = models.BinaryField(default=b"")  # sealed
    family_name = models.BinaryField(default=b"")  # sealed
    # A whole name is found in both orders; empty when there is no name.
    given_first_hash = models.CharField(max_length=64, blank=True)
    family_first_hash = models.CharField(max_length=64, blank=True)
    birth_year = models.SmallIntegerField(_("year of birth"), null=True)
    birth_month = models.SmallIntegerField(_("month of birth"), null=True)
    birth_day = models.SmallIntegerField(_("day of birth"), null=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    neighbourhood = models.ForeignKey(Neighbourhood, models.SET_NULL, null=True, related_name="+")
    address = models.BinaryField(default=b"")  # sealed
    known_at = models.DateTimeField()
    erased = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)
    # Who was found to be the same person points to the row that holds; no fact of any module moves, so it can be undone.
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged", db_index=False)
    keyed = models.SmallIntegerField(db_default=0)  # the way in which the match keys of this row were made; 0: not yet

    # The way in which this row was compared with everybody; 0: not yet.
    compared = models.SmallIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="people_uncompared", condition=models.Q(compared=0, erased=None)),
            models.Index(fields=["merged_into"], name="people_merged", condition=models.Q(merged_into__isnull=False)),
            models.Index(fields=["given_first_hash"], name="people_given_first", condition=~models.Q(given_first_hash="")),
            models.Index(fields=["family_first_hash"], name="people_family_first", condition=~models.Q(family_first_hash="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="an_erased_person_has_no_name",
                condition=models.Q(erased=None)
                | models.Q(given_name=b"", family_name=b"", address=b"", given_first_hash="", family_first_hash=""),
            ),
            models.CheckConstraint(
                name="nobody_is_merged_into_themselves",
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("id")),
            ),
            models.CheckConstraint(
                name="a_birth_date_has_months_and_days",
                condition=(models.Q(birth_month=None) | models.Q(birth_month__range=(1, 12)))
                & (models.Q(birth_day=None) | models.Q(birth_day__range=(1, 31))),
            ),
        ]

    def __str__(self):
        return str(self.id)


class Identifier(models.Model):
    """A number or key by which an office, a file or a card knows a person; found by its keyed hash."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=60)  # national_id, passport, or the name of the file it came from
    value = models.BinaryField()  # sealed
    value_hash = models.CharField(max_length=64)

    class Meta:
        # The hash first: a search knows the number and not its kind.
        constraints = [models.UniqueConstraint(fields=["value_hash", "kind"], name="one_person_an_identifier")]

    def __str__(self):
        return self.kind


class ContactPoint(models.Model):
    """How to reach a person. Several people may share one."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        OTHER = "other", _("other")

    person = models.ForeignKey(Person, models.CASCADE, related_name="contact_points", db_index=False)  # the constraint serves
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.BinaryField()  # sealed
    value_hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["value_hash"], name="contact_points_by_value")]
        constraints = [models.UniqueConstraint(fields=["person", "kind", "value_hash"], name="a_contact_point_once")]

    def __str__(self):
        return self.kind


class ReturnCode(models.Model):
    """A code on paper with which a person without an account sees what is held about them and who looked.

    Its first part finds the row, so that wrong guesses of the second part are counted against it.
    """

    person = models.ForeignKey(Person, models.CASCADE, related_name="return_codes")
    number_hash = models.CharField(max_length=64, unique=True)
    secret_hash = models.CharField(max_length=64)
    issued = models.DateTimeField()
    expires = models.DateTimeField()
    failures = models.SmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["expires"], name="return_codes_by_end")]

    def __str__(self):
        return f"{self.person_id} until {self.expires:%Y-%m-%d}"


class MatchKey(models.Model):
    """A keyed hash under which people who may be the same are found together; it says nothing without the key."""

    pk = models.CompositePrimaryKey("key", "person_id")
    key = models.BigIntegerField()
    person = models.ForeignKey(Person, models.CASCADE, related_name="match_keys")

    def __str__(self):
        return str(self.key)


class Merge(models.Model):
    """Two rows were found to be one person: the loser points to the winner until this is undone."""

    loser = models.ForeignKey(Person, models.CASCADE, related_name="merges")
    winner = models.ForeignKey(Person, models.CASCADE, related_name="merges_won")
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=200, blank=True)
    automatic = models.BooleanField(default=False)
    score = models.FloatField(null=True)  # in bits
    evidence = models.JSONField(default=list)  # field, level, weight in bits; never a value
    rule = models.CharField(max_length=120, blank=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loser"], name="one_merge_of_a_person_stands", condition=models.Q(undone_at=None)),
            models.CheckConstraint(name="a_merge_is_of_two", condition=~models.Q(loser=models.F("winner"))),
        ]

    def __str__(self):
        return f"{self.loser_id} into {self.winner_id}"


class MatchQuestion(models.Model):
    """Is this the same person? Asked once of each pair; that two are different is remembered for ever."""

    class Answer(models.TextChoices):
        SAME = "same", _("the same person")
        DIFFERENT = "different", _("different people")

    person = models.ForeignKey(Person, models.CASCADE, related_name="questions")  # who came later
    candidate = models.ForeignKey(Person, models.CASCADE, related_name="questions_about")
    score = models.FloatField()  # in bits
    evidence = models.JSONField(default=list)  # field, level, weight in bits; never a value
    rule = models.CharField(max_length=120, blank=True)
    asked = models.DateTimeField()
    put_off = models.DateTimeField(null=True)
    answered = models.DateTimeField(null=True)
    answer = models.CharField(max_length=9, choices=Answer.choices, blank=True)
    by = models.CharField(max_length=150, blank=True)
    closed_by = models.ForeignKey(Merge, models.SET_NULL, null=True, related_name="closed")  # undone: different

    class Meta:
        indexes = [
            models.Index(
                models.F("put_off").asc(nulls_first=True),
                models.F("score").desc(),
                "id",
                name="people_open_questions",
                condition=models.Q(answered=None),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                Least("person_id", "candidate_id"), Greatest("person_id", "candidate_id"), name="a_pair_is_asked_once"
            ),
            models.CheckConstraint(name="a_question_is_about_two", condition=~models.Q(person=models.F("candidate"))),
            models.CheckConstraint(
                name="an_answer_has_a_time", condition=models.Q(answered=None, answer="") | models.Q(answered__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.person_id} = {self.candidate_id}?"
