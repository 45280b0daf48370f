from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.sense.cases.models import Case


class Basis(models.TextChoices):
    """What a link rests on, the strongest first."""

    JUDGED = "judged", _("decided by a person")
    TOLD = "told", _("named in the report")
    MET = "met", _("they met")


class Link(models.Model):
    """One case may have infected another: how probable that is beside all others that may have, and why it is thought."""

    infectee = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    infector = models.ForeignKey(Case, models.CASCADE, related_name="+")
    probability = models.FloatField(_("probability"))
    days = models.SmallIntegerField(_("days between the onsets"), null=True)
    basis = models.CharField(_("rests on"), max_length=6, choices=Basis.choices)
    minutes = models.PositiveIntegerField(_("minutes shared"), default=0)
    rule = models.CharField(max_length=120)
    made = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["infectee", "infector"], name="a_link_once")]

    def __str__(self):
        return f"{self.infector_id} > {self.infectee_id}"


class Judgement(models.Model):
    """Somebody decided that one case infected another, or did not; it holds until it is taken back."""

    infectee = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    infector = models.ForeignKey(Case, models.CASCADE, related_name="+")
    is_source = models.BooleanField()
    reason = models.CharField(_("reason"), max_length=500)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undone = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["infectee", "infector"], condition=models.Q(undone=None), name="one_judgement_a_pair"
            ),
            models.UniqueConstraint(
                fields=["infectee"], condition=models.Q(undone=None, is_source=True), name="one_decided_source_a_case"
            ),
        ]

    def __str__(self):
        return f"{self.infector_id} > {self.infectee_id}: {self.is_source}"
