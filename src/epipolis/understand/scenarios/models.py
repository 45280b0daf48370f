from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import TaskRun, User


class Scenario(models.Model):
    """One question to the simulated city: what if? Its content is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made = models.DateTimeField(_("made"))
    shared = models.DateTimeField(null=True)  # since when other staff may open it; null: its author alone
    archived = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-made", "id"], name="scenarios_by_time")]

    def __str__(self):
        return self.name


class Version(models.Model):
    """What a scenario says: city, disease, days and measures. Once it was run it is never written again."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()  # queries.contents says what it holds
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scenario", "number"], name="one_version_a_number")]

    def __str__(self):
        return f"{self.scenario_id} v{self.number}"


class Run(models.Model):
    """One computation of a version. A finished run is never changed; the same version again gives equal numbers."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid4)
    version = models.ForeignKey(Version, models.CASCADE, related_name="runs")
    work = models.ForeignKey(TaskRun, models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    asked = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    is_unwanted = models.BooleanField(default=False)  # somebody asked to cancel it
    finished = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    problem = models.TextField(blank=True)
    engine = models.CharField(max_length=60, blank=True)  # the version that computed it
    disease = models.JSONField(null=True)  # every parameter that was used
    people = models.PositiveIntegerField(null=True)
    summaries = models.JSONField(default=list)  # totals and peaks, one mapping for each seed
    digest = models.CharField(max_length=64, blank=True)  # of all tables: equal digests, equal numbers

    class Meta:
        indexes = [models.Index(fields=["version", "-asked"], name="runs_of_version")]

    def __str__(self):
        return f"{self.version_id} {self.asked:%Y-%m-%d %H:%M}"


class RunTable(models.Model):
    """One table of a run as Parquet, in the database so that backups hold it."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="tables")
    name = models.CharField(max_length=20)
    rows = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_table_a_name")]

    def __str__(self):
        return f"{self.run_id} {self.name}"
