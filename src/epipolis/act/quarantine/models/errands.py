from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .orders import Order


class Errand(models.Model):
    """That an officer agreed with somebody under an order that they may be elsewhere, from when until when, and why."""

    class Reason(models.TextChoices):
        TEST = "test", _("a test")
        VACCINATION = "vaccination", _("a vaccination")
        DOCTOR = "doctor", _("a doctor or a hospital")
        FUNERAL = "funeral", _("a funeral")
        OFFICE = "office", _("a court or an office")
        OTHER = "other", _("another reason")

    order = models.ForeignKey(Order, models.CASCADE, related_name="errands")
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    text = models.BinaryField(default=b"")  # sealed
    begins = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))  # before it one may be elsewhere
    at = models.DateTimeField()  # when it was agreed
    by = models.CharField(max_length=150)
    ended = models.DateTimeField(null=True)  # when it was taken back
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(until__gt=F("begins")), name="an_errand_ends_after_it_begins")]
        indexes = [models.Index(fields=["begins"], name="errands_by_time")]

    def __str__(self):
        return f"{self.order_id} {self.reason} {self.begins:%Y-%m-%d %H:%M}"

    @property
    def stops(self):
        """From when on one may not be elsewhere any more."""
        return self.until if self.ended is None else max(self.begins, min(self.until, self.ended))
