"""What the fence remembers: phones, the stream and its checkpoint, transitions, alarms with their steps, and receipts."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .orders import Order


class FenceState(models.TextChoices):
    UNKNOWN = "unknown", _("not heard of yet")
    INSIDE = "inside", _("at the place")
    UNCERTAIN = "uncertain", _("uncertain")
    OUTSIDE = "outside", _("away")
    SILENT = "silent", _("silent")
    OFF = "off", _("probably switched off")


class Stream(models.Model):
    """The one order in which everything reaches the fence. `seq` is the last entry, `base` the last that the rows hold."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    only = models.BooleanField(default=True, unique=True)
    seq = models.BigIntegerField(default=0)
    base = models.BigIntegerField(default=0)

    def __str__(self):
        return f"{self.seq}"


class Entry(models.Model):
    """One step of the stream since the last checkpoint, until the next one: whoever lost the states plays it again."""

    seq = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()
    body = models.BinaryField()  # sealed

    def __str__(self):
        return f"{self.seq} {self.kind}"


class Watch(models.Model):
    """One watched person: what the fence knows of them, as of the checkpoint; the state itself is always of now."""

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="watch")
    began = models.DateTimeField()
    ended = models.DateTimeField(null=True)
    seq = models.BigIntegerField(default=0)  # the entry up to which `body` holds
    body = models.BinaryField(default=b"")  # sealed: fence, state and the last fixes
    state = models.CharField(max_length=10, choices=FenceState.choices, default=FenceState.UNKNOWN)
    since = models.DateTimeField(null=True)
    heard = models.DateTimeField(null=True)
    battery = models.FloatField(null=True)
    charging = models.BooleanField(null=True)
    clock_ahead = models.BigIntegerField(null=True)  # seconds by which the device's clock is wrong; none: right, or not known

    class Meta:
        indexes = [
            models.Index(fields=["seq"], name="watches_by_entry"),
            models.Index(fields=["state", "since"], name="watches_open", condition=Q(ended=None)),
        ]

    def __str__(self):
        return f"{self.order_id} {self.state}"


class Phone(models.Model):
    """A telephone that says where it is; several people may share it. Its secret stands nowhere, only the hash of it."""

    class Kind(models.TextChoices):
        APP = "app", _("own telephone, this city's page")
        OPERATOR = "operator", _("own telephone, by the network")
        DEVICE = "device", _("a device that was lent")

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.APP)
    token_hash = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    ended = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return f"{self.id}"


class PhoneHolder(models.Model):
    """Whose telephone it is, from when until when. A person has one at a time."""

    phone = models.ForeignKey(Phone, models.CASCADE, related_name="holders")
    order = models.ForeignKey(Order, models.CASCADE, related_name="phones")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order"], name="one_phone_an_order", condition=Q(until=None))]

    def __str__(self):
        return f"{self.phone_id} {self.order_id}"


class Transition(models.Model):
    """A change of state, without a place. The same positions give the same rows, however often they come."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="transitions")
    at = models.DateTimeField()  # of the fix, or when the silence became too long
    before = models.CharField(max_length=10, choices=FenceState.choices)
    after = models.CharField(max_length=10, choices=FenceState.choices)
    reason = models.CharField(max_length=10)
    excursion = models.BigIntegerField(null=True)
    distance = models.FloatField(null=True)
    accuracy = models.FloatField(null=True)
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "at", "before", "after", "reason"], name="a_transition_is_told_once")
        ]

    def __str__(self):
        return f"{self.order_id} {self.before} {self.after}"


class Alarm(models.Model):
    """That somebody should be looked after: one for each excursion or silence, whatever crashes or comes twice."""

    class Kind(models.TextChoices):
        LEFT = "left", _("seems to be away")
        SILENT = "silent", _("the phone is silent")
        OFF = "off", _("the phone is probably empty")
        SPOOFED = "spoofed", _("the positions do not fit together")

    class State(models.TextChoices):
        NEW = "new", _("new")
        TAKEN = "taken", _("taken")
        CLOSED = "closed", _("closed")

    class Next(models.TextChoices):
        MESSAGE = "message", _("message")
        CALL = "call", _("call")
        VISIT = "visit", _("visit")
        DECIDE = "decide", _("close it")
        NOTHING = "nothing", _("nothing")

    class Outcome(models.TextChoices):
        FALSE = "false_alarm", _("false alarm: was at the place")
        ALLOWED = "allowed", _("allowed errand")
        HELPED = "helped", _("needed help, help sent")
        PHONE = "phone", _("trouble with the phone")
        LEFT = "left", _("left without a reason")
        NOT_FOUND = "not_found", _("not found")
        HEARD = "heard", _("the phone was heard again")
        ENDED = "ended", _("the order ended")

    order = models.ForeignKey(Order, models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    excursion = models.BigIntegerField()  # the second in which it began
    at = models.DateTimeField()  # by the phone's clock
    known_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    next_step = models.CharField(max_length=8, choices=Next.choices, default=Next.MESSAGE)
    due = models.DateTimeField(null=True)
    returned = models.DateTimeField(null=True)
    taken_by = models.CharField(max_length=150, blank=True)
    taken_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices, blank=True)
    referred_at = models.DateTimeField(null=True)
    referred_by = models.CharField(max_length=150, blank=True)
    evidence = models.BinaryField(default=b"")  # sealed: the last fixes around it, erased after the time for appeals

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind", "excursion"], name="one_alarm_an_excursion")]
        indexes = [
            models.Index(fields=["due", "id"], name="alarms_open", condition=~Q(state="closed")),
            models.Index(fields=["-known_at", "-id"], name="alarms_by_age"),
        ]

    def __str__(self):
        return f"{self.order_id} {self.kind} {self.excursion}"


class Step(models.Model):
    """One thing that was done about an alarm. The person sees it at once."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10)
    result = models.CharField(max_length=20, blank=True)
    text = models.BinaryField(default=b"")  # sealed
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    def __str__(self):
        return f"{self.alarm_id} {self.kind}"


class ShiftNote(models.Model):
    """What one shift tells the next, with what was open then."""

    text = models.BinaryField(default=b"")  # sealed
    open_alarms = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    read_by = models.CharField(max_length=150, blank=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="shift_notes_by_age")]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M}"


class Receipt(models.Model):
    """What was deleted when watching ended, and what of it stays until when."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="receipts")
    at = models.DateTimeField()
    fixes = models.IntegerField()
    transitions = models.IntegerField()
    phones = models.IntegerField()
    evidence = models.IntegerField()  # alarms whose last fixes stay for appeals
    evidence_until = models.DateTimeField(null=True)
    evidence_gone = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.order_id} {self.at:%Y-%m-%d}"
