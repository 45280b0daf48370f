from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import TaskRun, User

COPIES = "copies"
"""The part of a problem that names models which had too little to learn from and only said what another said."""


class Round(models.Model):
    """One look ahead by all models, from what was known at one moment; or one forecast that another team sent in.

    A finished round is never written again. `made_at` is later than `known_at` where somebody asked afterwards what would
    have been forecast: it still saw nothing that became known later.
    """

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("nightly")
        ASKED = "asked", _("asked for")
        PAST = "past", _("made later")
        IMPORTED = "imported", _("another team’s")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    known_at = models.DateTimeField(_("from data known at"))
    made_at = models.DateTimeField(_("made"), null=True)
    made_on = models.DateField(_("as of"))  # the local day of `known_at`; of another team's, the day that its file names
    team = models.CharField(_("team"), max_length=60, blank=True)
    engine = models.CharField(max_length=60, blank=True)  # the version that computed it
    settings = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64, blank=True)  # of engine, settings and seed
    seed = models.PositiveIntegerField(default=1)
    levels = ArrayField(models.FloatField(), default=list)  # of every `values` of the round's forecasts
    content = models.BinaryField(null=True)  # the input as it was known, an Arrow table as Parquet
    digest = models.CharField(max_length=64, blank=True)  # of the input
    problems = models.JSONField(default=list)  # {"target", "area", "why"} of what could not be forecast
    problem = models.TextField(blank=True)  # why the whole round failed
    seconds = models.FloatField(null=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    work = models.ForeignKey(TaskRun, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["known_at", "fingerprint"], condition=models.Q(team=""), name="one_round_a_moment_and_setting"
            ),
            models.UniqueConstraint(
                fields=["team", "made_on"], condition=~models.Q(team=""), name="one_submission_a_team_and_day"
            ),
        ]
        indexes = [models.Index(fields=["state", "-known_at"], name="rounds_by_time")]

    def __str__(self):
        return f"{self.team or self.kind} {self.made_on}"

    @property
    def gaps(self):
        """What could not be forecast."""
        return [one for one in self.problems if one["part"] != COPIES]

    @property
    def is_later(self):
        """Whether it was made a day or more after the moment from which it looks ahead."""
        return self.made_at is not None and (self.made_at - self.known_at).days >= 1


class Forecast(models.Model):
    """What one model says of one target, area and day: a value for each of the round's levels.

    `step` is 7 for the seven days that end on `day`, 1 for the day alone. `horizon` counts steps after the round's day, 0
    the first; a nowcast (model "nowcast") has negative ones. `marked` says why a forecast is wider or poorer than others.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="forecasts")
    model = models.CharField(max_length=60)
    target = models.CharField(max_length=60)
    area = models.CharField(max_length=60)
    step = models.SmallIntegerField()
    horizon = models.SmallIntegerField()
    day = models.DateField()
    values = ArrayField(models.FloatField(null=True))
    marked = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "model", "target", "area", "step", "horizon"], name="one_forecast_a_horizon"
            )
        ]
        indexes = [models.Index(fields=["target", "area", "day"], name="forecasts_by_day")]

    def __str__(self):
        return f"{self.model} {self.target} {self.area} {self.day}"


class Reproduction(models.Model):
    """The reproduction number of one area over the last weeks, as one round saw it.

    `table` holds for each day: `day` (the last of its window), `mean`, `low`, `quarter`, `median`, `three_quarters`, `high`
    (95 % and 50 % of the probability) and `marked`.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="reproductions")
    target = models.CharField(max_length=60)
    area = models.CharField(max_length=60)
    is_pooled = models.BooleanField(default=False)  # steadied by what the other areas show
    growth = models.JSONField(null=True)  # {"rate", "low", "high"} a day
    table = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "target", "area"], name="one_reproduction_an_area")]

    def __str__(self):
        return f"R {self.target} {self.area}"


class Passing(models.Model):
    """How likely an occupancy passes its limit by each of the days after the round."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="passings")
    target = models.CharField(max_length=60)
    area = models.CharField(max_length=60)
    limit = models.FloatField()
    is_assumed = models.BooleanField(default=False)  # the rules' beds per 100,000 people; nobody stated this area's own
    first_day = models.DateField()
    probabilities = ArrayField(models.FloatField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "target", "area"], name="one_limit_an_area")]

    def __str__(self):
        return f"{self.target} {self.area} > {self.limit:g}"


class Score(models.Model):
    """How good one forecast was, against what was known at `truth_known_at`; a later, final truth gives a second row."""

    forecast = models.ForeignKey(Forecast, models.CASCADE, related_name="scores")
    is_final = models.BooleanField()
    truth_known_at = models.DateTimeField()
    observed = models.FloatField()
    wis = models.FloatField()
    spread = models.FloatField()
    over = models.FloatField()
    under = models.FloatField()
    error = models.FloatField()  # of the median, absolute
    within_50 = models.BooleanField(null=True)
    within_95 = models.BooleanField(null=True)
    relative = models.FloatField(null=True)  # WIS over that of the baseline for the same round, area and horizon

    class Meta:
        constraints = [models.UniqueConstraint(fields=["forecast", "is_final"], name="two_scores_a_forecast")]
        indexes = [models.Index(fields=["truth_known_at"], name="scores_by_truth")]

    def __str__(self):
        return f"{self.forecast_id} {self.wis:g}"


class Series(models.Model):
    """Counts or occupancies that come from elsewhere: beds of each hospital, calls, sewage."""

    class Kind(models.TextChoices):
        COUNT = "count", _("count of a day or week")
        OCCUPANCY = "occupancy", _("occupied at the time")

    name = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    source = models.CharField(max_length=100, blank=True)
    made = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "series"

    def __str__(self):
        return self.title


class SeriesValue(models.Model):
    """One value as it became known; a correction is a new row, an earlier one is never changed. An empty value takes back."""

    series = models.ForeignKey(Series, models.CASCADE, related_name="values")
    area = models.CharField(max_length=60)
    day = models.DateField()
    known_at = models.DateTimeField()  # when it was published, where the file says so; else when it was stored
    stored_at = models.DateTimeField()
    value = models.FloatField(null=True)
    limit = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "area", "day", "known_at"], name="one_value_a_moment")]
        indexes = [models.Index(fields=["series", "known_at"], name="values_by_time")]

    def __str__(self):
        return f"{self.series_id} {self.area} {self.day}"
