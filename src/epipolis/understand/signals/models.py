from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from epipolis.core.models import User


class Look(models.Model):
    """One look at everything that is watched, from what was known at one moment; the same moment and rules never twice."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("nightly")
        ASKED = "asked", _("asked for")
        PAST = "past", _("made later")

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    known_at = models.DateTimeField(_("from data known at"))
    made_at = models.DateTimeField(_("made"))
    day = models.DateField()  # the last whole day at that moment
    rules = models.JSONField(default=list)  # references of the packs in force
    fingerprint = models.CharField(max_length=64)  # of rules, engine and settings
    digest = models.CharField(max_length=64)  # of the input
    problems = models.JSONField(default=list)  # {"part", "why"}: what could not be watched
    skipped = models.JSONField(default=list)  # areas that the search for hot spots left out
    judged = models.JSONField(default=dict)  # {series: places judged}
    raised = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["known_at", "fingerprint"], name="one_look_a_moment_and_rules")]
        indexes = [models.Index(fields=["-known_at"], name="looks_by_time")]

    def __str__(self):
        return f"{self.day} ({self.kind})"


class Signal(models.Model):
    """A value that chance does not explain, a limit that was passed, or a hot spot; one for each series, place, day and method.

    `value`, `expected` and `upper` are as known at `revised_at`; the first revision says how it was raised. `stands` is false
    once later reports took the value back below its limit.
    """

    class Method(models.TextChoices):
        REGRESSION = "regression", _("higher than usual")
        CUSUM = "cusum", _("small rise that lasts")
        EARS = "ears", _("higher than the last weeks")
        LEVEL = "level", _("incidence limit passed")
        SCAN = "scan", _("hot spot")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("signal", "open")
        LOOKED_AT = "looked_at", _("looked at")
        EXPLAINED = "explained", _("explained")
        FALSE_ALARM = "false_alarm", _("false alarm")

    id = models.UUIDField(primary_key=True, default=uuid4)
    series = models.CharField(max_length=60)
    area = models.CharField(max_length=60)
    day = models.DateField()
    method = models.CharField(max_length=12, choices=Method.choices)
    step = models.SmallIntegerField(default=1)  # days that one value covers
    value = models.FloatField()
    expected = models.FloatField(null=True)
    upper = models.FloatField(null=True)
    stands = models.BooleanField(default=True)
    rate = models.FloatField(null=True)  # stated false alarms a year for each place
    rule = models.CharField(max_length=160)  # the rule pack with its version
    known_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    revised_at = models.DateTimeField()  # the newest data by which it changed
    course = models.JSONField(default=list)  # [day, value, expected, upper] of the days before, as known when it was raised
    detail = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "area", "day", "method"], name="one_signal_a_day")]
        indexes = [
            models.Index(fields=["state", "-day", "-id"], name="signals_by_state"),
            models.Index(fields=["series", "area", "-day"], name="signals_by_series"),
        ]

    def __str__(self):
        return f"{self.series} {self.area} {self.day} {self.method}"


class SignalRevision(models.Model):
    """A signal as it was from data known at one moment; never changed."""

    signal = models.ForeignKey(Signal, models.CASCADE, related_name="revisions")
    known_at = models.DateTimeField()
    value = models.FloatField()
    expected = models.FloatField(null=True)
    upper = models.FloatField(null=True)
    stands = models.BooleanField()
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signal", "known_at"], name="one_revision_a_moment")]

    def __str__(self):
        return f"{self.signal_id} {self.known_at}"


class Judgement(models.Model):
    """What somebody made of a signal and why; taking one back is another."""

    signal = models.ForeignKey(Signal, models.CASCADE, related_name="judgements")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    before = models.CharField(max_length=12, choices=Signal.State.choices)
    after = models.CharField(max_length=12, choices=Signal.State.choices)
    reason = models.CharField(max_length=500, blank=True)
    together = models.UUIDField(default=uuid4)  # the same for all that were judged at one go
    undoes = models.OneToOneField("self", models.CASCADE, null=True, related_name="undone_by")

    class Meta:
        indexes = [models.Index(fields=["signal", "-id"], name="judgements_by_signal")]

    def __str__(self):
        return f"{self.before} → {self.after}"


class HotSpot(models.Model):
    """Places next to each other that for some days had more than their share; its signal carries what people think of it."""

    signal = models.OneToOneField(Signal, models.CASCADE, related_name="hot_spot")
    areas = ArrayField(models.CharField(max_length=60))
    lon = models.FloatField()
    lat = models.FloatField()
    radius_km = models.FloatField()
    first_day = models.DateField()
    last_day = models.DateField()
    observed = models.FloatField()
    expected = models.FloatField()
    risk = models.FloatField()  # observed over expected, inside over outside
    p = models.FloatField()
    recurrence_days = models.FloatField()  # in which chance alone gives one so strong once

    class Meta:
        indexes = [models.Index(fields=["-last_day"], name="hot_spots_by_day")]

    def __str__(self):
        return f"{', '.join(self.areas)} {self.first_day} – {self.last_day}"


class Watched(models.Model):
    """How many places of a series a method judged for a day, and how many false alarms its stated rate gives for that."""

    series = models.CharField(max_length=60)
    method = models.CharField(max_length=12, choices=Signal.Method.choices)
    day = models.DateField()
    places = models.PositiveIntegerField()
    stated = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "method", "day"], name="watched_once_a_day")]
        indexes = [models.Index(fields=["day"], name="watched_by_day")]

    def __str__(self):
        return f"{self.series} {self.method} {self.day}"
