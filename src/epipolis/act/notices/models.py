from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import User
from epipolis.sense.people.models import Person


class Channel(models.TextChoices):
    """A way to reach somebody. Voice and letter are carried by people: a call list and pages to print."""

    SMS = "sms", _("SMS")
    EMAIL = "email", _("e-mail")
    WHATSAPP = "whatsapp", _("WhatsApp")
    VOICE = "voice", _("call")
    PUSH = "push", _("push message")
    LETTER = "letter", _("letter")
    IN_APP = "in_app", _("own page")


class State(models.TextChoices):
    WAITING = "waiting", _("waits")
    HELD = "held", _("held back")
    SENDING = "sending", _("is being sent")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", _("read")
    FAILED = "failed", _("failed")
    STOPPED = "stopped", _("stopped")
    EXPIRED = "expired", _("too late")


OPEN = (State.WAITING, State.HELD)
ENDED = (State.DELIVERED, State.READ, State.FAILED, State.STOPPED, State.EXPIRED)


class Template(models.Model):
    """One wording in one language; a channel of its own or, empty, every channel. Never changed: a new version is written."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("in use")
        RETIRED = "retired", _("no longer used")

    name = models.CharField(_("template"), max_length=60)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, blank=True)
    language = models.CharField(_("language"), max_length=10)
    version = models.PositiveIntegerField(_("version"))
    subject = models.CharField(_("subject"), max_length=150, blank=True)
    body = models.TextField(_("text"))
    provider_name = models.CharField(_("name at WhatsApp"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    written = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    approved = models.DateTimeField(null=True)
    valid_from = models.DateTimeField(_("in use from"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "channel", "language", "version"], name="one_wording_a_version"),
            models.CheckConstraint(
                name="a_wording_is_approved_by_another", condition=Q(approved_by=None) | ~Q(approved_by=F("written_by"))
            ),
            models.CheckConstraint(
                name="a_wording_in_use_was_approved", condition=~Q(state="approved") | Q(approved_by__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.language} {self.version}"


class Preference(models.Model):
    """How somebody wants to be told, in their own words or as staff noted it."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="+")
    channels = ArrayField(models.CharField(max_length=10), default=list, blank=True)  # in this order; empty: as the rule says
    language = models.CharField(_("language"), max_length=10, blank=True)
    stopped = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    changed = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    def __str__(self):
        return str(self.person_id)


class StoppedAddress(models.Model):
    """A number or address that does not want to be written to by a channel; found by its keyed hash."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    address_hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address_hash", "channel"], name="an_address_stops_a_channel_once")]

    def __str__(self):
        return self.channel


class PushSubscription(models.Model):
    """A browser that somebody allowed to show messages; the address and the keys are the browser's."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    endpoint = models.BinaryField()  # sealed, as JSON with its keys
    endpoint_hash = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField()
    gone = models.DateTimeField(null=True)

    def __str__(self):
        return str(self.person_id)


class Broadcast(models.Model):
    """A warning to everybody in an area: drafted by one person, approved by another, told to other systems as CAP 1.2."""

    class State(models.TextChoices):
        DRAFTED = "drafted", _("waits for a second person")
        APPROVED = "approved", _("going out")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        REPLACED = "replaced", _("changed by a newer one")

    id = models.UUIDField(primary_key=True, default=uuid4)
    event = models.CharField(_("what is it about"), max_length=100)
    headlines = models.JSONField(default=dict)  # language: text
    texts = models.JSONField(default=dict)
    instructions = models.JSONField(default=dict)
    category = models.CharField(_("category"), max_length=10, default="Health")
    severity = models.CharField(_("severity"), max_length=10)
    urgency = models.CharField(_("urgency"), max_length=10)
    certainty = models.CharField(_("certainty"), max_length=10)
    response = models.CharField(_("what to do"), max_length=10, blank=True)
    districts = ArrayField(models.BigIntegerField(), default=list, blank=True)
    polygon = models.JSONField(null=True)  # GeoJSON Polygon, WGS84, drawn on the map
    area = models.CharField(_("area in words"), max_length=300)
    expires = models.DateTimeField(_("ends"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFTED)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    drafted = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    approved = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    ended = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, related_name="newer")  # the warning that it changes
    queued_up_to = models.UUIDField(null=True)  # everybody up to this number has their message
    people = models.PositiveIntegerField(default=0)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_warning_is_approved_by_another", condition=Q(approved_by=None) | ~Q(approved_by=F("drafted_by"))
            ),
            models.CheckConstraint(
                name="a_warning_goes_out_approved",
                condition=~Q(state__in=("approved", "sent")) | Q(approved_by__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.event} {self.state}"


class Notice(models.Model):
    """One message to one person, however many channels it takes until it arrives.

    Where it goes and what it says is sealed; the same `dedupe_key` is the same message.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    template = models.CharField(_("template"), max_length=60)
    wording = models.CharField(max_length=60, blank=True)  # the version that was used
    language = models.CharField(_("language"), max_length=10)
    values = models.BinaryField(default=b"")  # sealed JSON
    subject = models.BinaryField(default=b"")  # sealed
    body = models.BinaryField(default=b"")  # sealed
    dedupe_key = models.CharField(max_length=200, unique=True)
    about_kind = models.CharField(max_length=40)
    about_id = models.CharField(max_length=64)
    urgent = models.BooleanField(_("urgent"), default=False)

    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, blank=True)
    to = models.BinaryField(default=b"")  # sealed
    to_hash = models.CharField(max_length=64, blank=True)
    rest = models.BinaryField(default=b"")  # sealed JSON: the ways that are left, [channel, address]
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.WAITING)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    not_before = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # by this channel
    step = models.PositiveSmallIntegerField(default=0)  # how many channels were given up
    claim = models.BigIntegerField(null=True)  # of the worker that is sending it
    unsure_since = models.DateTimeField(null=True)  # a worker died while it was sending this
    provider = models.CharField(max_length=40, blank=True)
    provider_ref = models.CharField(max_length=200, blank=True)
    parts = models.PositiveSmallIntegerField(default=0)
    cost = models.DecimalField(_("cost"), max_digits=10, decimal_places=4, default=0)
    broadcast = models.ForeignKey(Broadcast, models.PROTECT, null=True, related_name="notices", db_index=False)
    made = models.DateTimeField(_("asked for"))
    by = models.CharField(max_length=150)
    sent = models.DateTimeField(_("sent"), null=True)
    ended = models.DateTimeField(null=True)
    erased = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["-urgent", "not_before", "id"], name="notices_due", condition=Q(state__in=("waiting", "held"))
            ),
            models.Index(fields=["claim"], name="notices_claimed", condition=Q(state="sending")),
            models.Index(fields=["provider", "provider_ref"], name="notices_by_ref", condition=~Q(provider_ref="")),
            models.Index(fields=["about_kind", "about_id"], name="notices_about"),
            models.Index(fields=["person", "-made"], name="notices_of_person", condition=Q(person__isnull=False)),
            models.Index(fields=["to_hash", "-sent"], name="notices_to", condition=Q(sent__isnull=False)),
            models.Index(fields=["broadcast"], name="notices_of_broadcast", condition=Q(broadcast__isnull=False)),
            models.Index(fields=["-made", "id"], name="notices_newest"),
        ]

    def __str__(self):
        return f"{self.template} {self.channel} {self.state}"


class DeliveryEvent(models.Model):
    """One thing that happened to a message: by us (no provider), or told by the provider, in any order and repeatedly."""

    notice = models.ForeignKey(Notice, models.CASCADE, null=True, related_name="events")
    step = models.PositiveSmallIntegerField(null=True)  # of the message when it was handed over
    channel = models.CharField(max_length=10, choices=Channel.choices, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    provider_ref = models.CharField(max_length=200, blank=True)
    event_id = models.CharField(max_length=200, blank=True)  # the provider's own, or made of what it says
    state = models.CharField(max_length=20)
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)  # by the provider's clock
    text = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["provider", "provider_ref"], name="reports_without_a_notice", condition=Q(notice=None)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="a_report_once", condition=~Q(event_id="")),
        ]

    def __str__(self):
        return self.state


class Inbound(models.Model):
    """What somebody answered. It opens the 24 hours in which WhatsApp lets us write freely."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)
    address_hash = models.CharField(max_length=64)
    text = models.BinaryField(default=b"")  # sealed
    meaning = models.CharField(max_length=10, blank=True)  # stop, start, help, or nothing that is known
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    notice = models.ForeignKey(Notice, models.SET_NULL, null=True, related_name="answers")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_hash", "channel", "-at"], name="answers_from")]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="an_answer_once")]

    def __str__(self):
        return f"{self.channel} {self.meaning}"


class SimulatedMessage(models.Model):
    """What the simulated provider took: its own store, in transactions of its own. It reaches no real telephone."""

    key = models.CharField(max_length=100, unique=True)  # the same key is the same message
    ref = models.CharField(max_length=60, unique=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    to = models.BinaryField()  # sealed
    to_hash = models.CharField(max_length=64)
    subject = models.BinaryField(default=b"")  # sealed
    body = models.BinaryField(default=b"")  # sealed
    fate = models.CharField(max_length=20)
    at = models.DateTimeField()
    due = models.DateTimeField(null=True)  # the next report is sent then; null: all are sent
    told = models.PositiveSmallIntegerField(default=0)  # reports that were sent

    class Meta:
        indexes = [
            models.Index(fields=["due"], name="simulated_reports_due", condition=Q(due__isnull=False)),
            models.Index(fields=["to_hash", "-at"], name="simulated_phone"),
        ]

    def __str__(self):
        return f"{self.channel} {self.fate}"
