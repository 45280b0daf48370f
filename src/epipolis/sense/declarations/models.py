from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from epipolis.sense.cases.models import Case
from epipolis.sense.city.models import District, Neighbourhood
from epipolis.sense.people.models import Person


class Purpose(models.TextChoices):
    """What a household allows its answers to be used for, each by itself."""

    CARE = "care", _("so that a doctor or nurse can call me")
    TRACING = "tracing", _("so that people I met can be warned")
    AID = "aid", _("so that help can be brought to me")
    PERMIT = "permit", _("so that my work, school or travel can be shown that I am well")


class Relation(models.TextChoices):
    SELF = "self", _("myself")
    PARTNER = "partner", _("partner")
    CHILD = "child", _("child")
    PARENT = "parent", _("parent")
    OTHER = "other", _("somebody else in my household")


class Need(models.TextChoices):
    FOOD = "food", _("food")
    MEDICINE = "medicine", _("medicine")
    CARE = "care", _("nursing or help at home")
    CHILDCARE = "childcare", _("somebody for the children")
    PETS = "pets", _("somebody for the pets")
    MONEY = "money", _("help with money")
    TALK = "talk", _("somebody to talk to")


class Channel(models.TextChoices):
    WEB = "web", _("on the web")
    SMS = "sms", _("by text message")
    PHONE = "phone", _("by telephone, entered by staff")
    KIOSK = "kiosk", _("at a counter or kiosk")


class Advice(models.TextChoices):
    """What somebody is told to do, the most urgent first."""

    EMERGENCY = "emergency", _("Call the emergency number now")
    TEST = "test", _("Stay at home and get tested")
    STAY = "stay", _("Stay at home and watch yourself")
    UNSURE = "unsure", _("Some answers are missing")
    WELL = "well", _("Nothing to do now")


class Household(models.Model):
    """People who live together and declare together, under a code instead of an account."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    number_hash = models.CharField(max_length=64, unique=True)
    secret_hash = models.CharField(max_length=64)
    failures = models.SmallIntegerField(default=0)
    expires = models.DateTimeField()
    sender_hash = models.CharField(max_length=64, blank=True)  # keyed hash of the telephone that declares by text message
    district = models.ForeignKey(District, models.SET_NULL, null=True, related_name="+")
    neighbourhood = models.ForeignKey(Neighbourhood, models.SET_NULL, null=True, related_name="+")
    needs = ArrayField(models.CharField(max_length=12, choices=Need.choices), default=list, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    started = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["expires"], name="households_by_end")]
        constraints = [
            models.UniqueConstraint(fields=["sender_hash"], condition=~Q(sender_hash=""), name="one_household_a_telephone")
        ]

    def __str__(self):
        return str(self.id)


class Member(models.Model):
    """Somebody of a household. Who it is stands in people, and only where a purpose needs it."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    household = models.ForeignKey(Household, models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    relation = models.CharField(_("relation"), max_length=8, choices=Relation.choices)
    label = models.BinaryField(default=b"")  # sealed; how the household calls this member, shown to nobody else
    age_from = models.SmallIntegerField(null=True)
    age_to = models.SmallIntegerField(null=True)
    added = models.DateTimeField()

    def __str__(self):
        return f"{self.household_id} {self.relation}"


class Consent(models.Model):
    """That a household allowed one purpose, since when and until when."""

    household = models.ForeignKey(Household, models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    given = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "purpose"], condition=Q(withdrawn=None), name="one_consent_a_purpose")
        ]

    def __str__(self):
        return f"{self.household_id} {self.purpose}"


class Declaration(models.Model):
    """How somebody said they are on one day. A later one of the same day holds instead; the earlier stays."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    member = models.ForeignKey(Member, models.CASCADE, related_name="declarations")
    day = models.DateField(_("day"))
    symptoms = models.JSONField(default=dict)  # Symptom → State
    circumstances = models.JSONField(default=dict)  # Circumstance → State
    onset = models.DateField(_("first symptoms"), null=True)
    temperature = models.DecimalField(_("temperature, °C"), max_digits=3, decimal_places=1, null=True)
    district = models.ForeignKey(District, models.SET_NULL, null=True, related_name="+")  # as it was on that day
    advice = models.CharField(max_length=10, choices=Advice.choices)
    is_ill = models.BooleanField()  # at least one symptom
    decision = models.JSONField()
    channel = models.CharField(max_length=6, choices=Channel.choices)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    known_at = models.DateTimeField()
    client_id = models.UUIDField(null=True, unique=True)  # the same sent twice is stored once
    is_current = models.BooleanField(default=True)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")  # which came of it
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "day"], condition=Q(is_current=True), name="one_declaration_a_day")
        ]
        indexes = [
            models.Index(fields=["day", "district"], name="declarations_by_day", condition=Q(is_current=True)),
            models.Index(fields=["known_at"], name="declarations_by_age"),
        ]

    def __str__(self):
        return f"{self.member_id} {self.day}"
