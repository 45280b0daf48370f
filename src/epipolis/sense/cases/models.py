from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city.models import District, Neighbourhood
from epipolis.sense.people.models import Person


class Classification(models.TextChoices):
    SUSPECTED = "suspected", _("suspected")
    PROBABLE = "probable", _("probable")
    CONFIRMED = "confirmed", _("confirmed")
    NOT_A_CASE = "not_a_case", _("not a case")


class Outcome(models.TextChoices):
    UNKNOWN = "", _("unknown")
    ILL = "ill", _("ill or isolated")
    RECOVERED = "recovered", _("recovered")
    DIED = "died", _("died")


class Facts(models.Model):
    """What is believed about a case at one time: the columns that a revision may change. Days are local calendar days."""

    classification = models.CharField(_("classification"), max_length=12, choices=Classification.choices)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    exposed_from = models.DateField(_("first exposure"), null=True)
    exposed_until = models.DateField(_("last exposure"), null=True)
    onset = models.DateField(_("onset of symptoms"), null=True)
    sampled = models.DateField(_("sample taken"), null=True)
    reported = models.DateField(_("reported"), null=True)
    confirmed = models.DateField(_("confirmed"), null=True)
    hospitalised = models.DateField(_("admitted to hospital"), null=True)
    isolated = models.DateField(_("isolated"), null=True)
    ended = models.DateField(_("recovered or died"), null=True)
    has_symptoms = models.BooleanField(_("has symptoms"), null=True)
    age_from = models.SmallIntegerField(_("age from"), null=True)
    age_to = models.SmallIntegerField(_("age to"), null=True)
    sex = models.CharField(_("sex"), max_length=1, blank=True)
    district = models.ForeignKey(District, models.PROTECT, null=True, related_name="+", verbose_name=_("district"))
    neighbourhood = models.ForeignKey(
        Neighbourhood, models.PROTECT, null=True, related_name="+", verbose_name=_("neighbourhood")
    )
    region = models.CharField(_("region as reported"), max_length=200, blank=True)
    setting = models.CharField(_("setting of infection"), max_length=200, blank=True)
    infected_by = models.UUIDField(_("infected by case"), null=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        abstract = True


class Case(Facts):
    """One illness of one person, as believed now."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    disease = models.CharField(_("disease"), max_length=40)
    source = models.CharField(_("source"), max_length=100)
    source_key = models.CharField(_("number in the source"), max_length=100)
    known_at = models.DateTimeField(_("known since"))
    revised_at = models.DateTimeField(_("last revised"))
    revision = models.PositiveIntegerField(default=1)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "source_key"], name="one_case_a_source_key")]
        indexes = [
            models.Index(fields=["known_at", "id"], name="cases_by_known_at"),
            models.Index(fields=["person"], name="cases_of_person"),
            models.Index(fields=["disease", "classification", "reported"], name="cases_by_report"),
        ]

    def __str__(self):
        return f"{self.source} {self.source_key}"


class CaseRevision(Facts):
    """What was believed about a case from `known_at` until `superseded_at` (null: still). Never changed but for that end."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField()
    known_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    changed = models.JSONField(default=list)  # names of the fields that this revision changed
    by = models.CharField(max_length=150)
    origin = models.CharField(
        max_length=100, default="", blank=True
    )  # the source whose file said so; empty: a person or a system did

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "revision"], name="one_row_a_revision")]
        indexes = [models.Index(fields=["known_at", "superseded_at"], name="revisions_by_time")]

    def __str__(self):
        return f"{self.case_id} r{self.revision}"
