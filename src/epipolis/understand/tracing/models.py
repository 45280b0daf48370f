from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import User
from epipolis.sense.cases.models import Case
from epipolis.sense.city.models import Place
from epipolis.sense.people.models import Person


class Risk(models.TextChoices):
    HIGH = "high", _("high")
    MEDIUM = "medium", _("medium")
    LOW = "low", _("low")


class Trace(models.Model):
    """One look at who met a case: the window, the rule, and what came of it. The newest of a case holds."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    case_revision = models.PositiveIntegerField()
    known_at = models.DateTimeField()  # since when these facts of the case were known
    made = models.DateTimeField()
    is_first_look = models.BooleanField(default=True)  # the first at this revision; later ones tell nothing about delay
    window_from = models.DateTimeField(null=True)
    window_until = models.DateTimeField(null=True)
    decision = models.JSONField()  # which rule gave the window, from what, and why
    visits = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=dict)  # ids of contacts: added, gone, and changed with what changed
    checked = models.DateTimeField()  # when a later look last came to the same result
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case"], condition=models.Q(is_current=True), name="one_current_trace")]
        indexes = [models.Index(fields=["made"], name="traces_by_time")]

    def __str__(self):
        return f"{self.case_id} {self.made:%Y-%m-%d %H:%M}"


class Contact(models.Model):
    """Somebody who met a case. `visitor` is a pseudonym; `person` is known only where somebody linked the two."""

    class State(models.TextChoices):
        OPEN = "open", _("to be called")
        TRIED = "tried", _("not reached yet")
        REACHED = "reached", _("reached")
        CLOSED = "closed", _("closed")

    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    visitor = models.UUIDField()
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    risk = models.CharField(_("risk"), max_length=8, choices=Risk.choices)
    certain = models.BooleanField(_("certain"))
    rank = models.PositiveSmallIntegerField()  # 1 = to be called first; the order of the risks
    minutes = models.PositiveIntegerField(_("minutes shared"))  # where not certain: at most
    companions = models.PositiveSmallIntegerField(_("companions"), default=0)
    last_met = models.DateTimeField(_("last met"))
    decision = models.JSONField()
    found = models.DateTimeField(_("found"))
    gone = models.DateTimeField(null=True)  # a later trace no longer finds this contact; work done on it stays
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    worked_at = models.DateTimeField(null=True)
    note = models.TextField(_("note"), blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "visitor"], name="a_contact_of_a_case_once")]
        indexes = [
            models.Index(fields=["visitor"], name="contacts_by_visitor"),
            models.Index(fields=["rank", "-last_met", "id"], name="contacts_to_do", condition=models.Q(gone=None)),
            models.Index(fields=["last_met"], name="contacts_by_age"),
        ]

    def __str__(self):
        return f"{self.case_id} {self.visitor}"


class Encounter(models.Model):
    """One stretch of time that a case and a contact spent at one place."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="encounters")
    place = models.ForeignKey(Place, models.PROTECT, related_name="+")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    certain = models.BooleanField()

    def __str__(self):
        return f"{self.contact_id} {self.place_id} {self.starts:%Y-%m-%d %H:%M}"


class CaseStay(models.Model):
    """A place where a case was on one day, while infectious or when it was infected; clusters are counted from these."""

    class Phase(models.TextChoices):
        EXPOSED = "exposed", _("when infected")
        INFECTIOUS = "infectious", _("while infectious")

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    place = models.ForeignKey(Place, models.PROTECT, related_name="+")
    day = models.DateField()
    phase = models.CharField(max_length=10, choices=Phase.choices)
    minutes = models.PositiveIntegerField()
    certain = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "place", "day", "phase"], name="a_stay_of_a_case_once_a_day"),
        ]
        indexes = [models.Index(fields=["day", "place", "case"], name="case_stays_by_day")]

    def __str__(self):
        return f"{self.case_id} {self.place_id} {self.day}"
