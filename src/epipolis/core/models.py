from datetime import datetime, timedelta
from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class ClockSetting(models.Model):
    """One row, when the platform's clock was set: what it showed, when, and how fast it runs since."""

    shown = models.DateTimeField()
    set_at = models.DateTimeField()
    speed = models.FloatField()

    def __str__(self) -> str:
        return f"{self.shown:%Y-%m-%d %H:%M} x{self.speed:g}"

    def shown_at(self, real: datetime) -> datetime:
        return self.shown + timedelta(seconds=(real - self.set_at).total_seconds() * self.speed)


class User(AbstractUser):
    """A member of staff. Citizens need no account."""

    language = models.CharField(_("language"), max_length=10, blank=True)
    simulated = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    session_epoch = models.PositiveIntegerField(default=0)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What every session of this account carries: a new password or a new epoch ends all of them at once."""
        return salted_hmac(
            "epipolis.core.models.User.session", f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def role_names(self) -> list[str]:
        return sorted(self.groups.values_list("name", flat=True))


class DeviceToken(models.Model):
    """The right of a device or partner system to do a few named things, until a day, revocable at once."""

    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=100))
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
    issued = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    def is_valid(self, at: datetime) -> bool:
        return self.revoked is None and (self.expires is None or at < self.expires)


class AuditEntry(models.Model):
    """One write, or one read of a named person. Never changed, never deleted: the database refuses both.

    Entries are chained shortly after their transaction has ended (`audit.seal`): a lock in every writer's transaction
    would make all writers wait for the slowest.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=100)
    subject = models.CharField(max_length=200, blank=True)
    person = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    position = models.BigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-at"], name="audit_of_person", condition=models.Q(person__isnull=False)),
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(position__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.subject}"


class RulePackRow(models.Model):
    """A rule pack that this city added to those that ship with the modules."""

    name = models.SlugField(max_length=60)
    version = models.CharField(max_length=30)
    jurisdiction = models.CharField(max_length=60)
    valid_from = models.DateField()
    source = models.TextField()
    content = models.JSONField()
    known_at = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "jurisdiction", "version"], name="one_rule_pack_a_version")]

    def __str__(self) -> str:
        return f"{self.name} {self.jurisdiction} {self.version}"


class TaskRun(models.Model):
    """One piece of long work that a person started, with its progress and its result."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid4)
    task = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict)
    asked_by = models.ForeignKey(User, models.CASCADE, related_name="+", null=True)
    asked = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["asked_by", "-asked"], name="tasks_of_person")]

    def __str__(self) -> str:
        return f"{self.title}: {self.state}"

    @property
    def percent(self) -> int:
        return 100 * min(self.done, self.total) // self.total if self.total else 0


class PeriodicRun(models.Model):
    """When each job that runs by itself ran last, by the platform's clock."""

    name = models.CharField(max_length=200, primary_key=True)
    last = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class DeletionReceipt(models.Model):
    """Proof that rows older than the city may keep were erased."""

    what = models.CharField(max_length=100)
    before = models.DateTimeField()
    rows = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-at"], name="receipts_by_time")]

    def __str__(self) -> str:
        return f"{self.rows} {self.what} before {self.before:%Y-%m-%d}"


class SentOnce(models.Model):
    """The answer given to a request that carried an Idempotency-Key, so that a repeat gets the same one."""

    sender = models.CharField(max_length=150)
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "key"], name="one_answer_a_key")]

    def __str__(self) -> str:
        return self.key


class CacheEntry(models.Model):
    """What all processes must know for a while, such as failed sign-ins; the table behind Django's database cache."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key


class SecretKeyCheck(models.Model):
    """A value encrypted with the city's key: a start with another key is refused before it can write unreadable rows."""

    sealed = models.BinaryField()

    def __str__(self) -> str:
        return "key check"
