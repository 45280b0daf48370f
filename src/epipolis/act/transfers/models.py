from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.sense.cases.models import Case


class Partner(models.Model):
    """Another office with its own epipolis. Nothing is sent to it or taken from it before its key was compared."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    address = models.CharField(_("address"), max_length=200)  # https://…, without a path
    public_key = models.CharField(_("public key"), max_length=60, unique=True)  # Ed25519, base64
    key_id = models.CharField(max_length=64, unique=True)  # by which its requests name the key
    compared = models.DateTimeField(_("key compared"), null=True)
    compared_by = models.CharField(max_length=150, blank=True)
    closed = models.DateTimeField(_("closed"), null=True)
    may_hand_over = models.BooleanField(_("cases may be handed over to it"), default=True)
    may_share = models.BooleanField(_("cases may be shared with it"), default=True)
    with_contacts = models.BooleanField(_("contacts of a case go with it"), default=False)
    may_change = models.BooleanField(_("its changes of shared cases are taken over"), default=False)
    diseases = models.CharField(_("only these diseases"), max_length=200, blank=True)  # separated by commas; empty: all
    last_heard = models.DateTimeField(_("last heard of"), null=True)
    added = models.DateTimeField()
    added_by = models.CharField(max_length=150)

    def __str__(self):
        return self.name

    @property
    def is_open(self) -> bool:
        return self.compared is not None and self.closed is None


class Transfer(models.Model):
    """A case on its way between two offices, seen from this one, with the document that says what it holds."""

    class Direction(models.TextChoices):
        IN = "in", _("received")
        OUT = "out", _("sent")

    class What(models.TextChoices):
        HANDOVER = "handover", _("handed over")
        SHARE = "share", _("shared to read")

    class State(models.TextChoices):
        DRAFTED = "drafted", _("drafted")
        SENT = "sent", _("on its way")
        RECEIVED = "received", _("waits for an answer")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")
        FAILED = "failed", _("could not be delivered")

    id = models.UUIDField(primary_key=True, default=uuid4)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="transfers")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    what = models.CharField(max_length=8, choices=What.choices)
    remote_id = models.UUIDField()  # the sender's number of it; of one that is sent, its own
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")  # of one that came in, once accepted
    subject = models.CharField(max_length=150, blank=True)  # number and disease, never a name
    state = models.CharField(max_length=9, choices=State.choices)
    message = models.CharField(_("message"), max_length=1_000, blank=True)  # of the sender to the receiver
    reason = models.CharField(_("reason"), max_length=1_000, blank=True)  # of a rejection or a withdrawal
    owner = models.CharField(_("who owns the case now"), max_length=200)
    origin = models.JSONField(default=dict)  # of one that came in: instance, case, number and source where it began
    document = models.BinaryField(default=b"")  # sealed; empty once it was forgotten
    digest = models.CharField(max_length=64, blank=True)  # keyed
    revision = models.PositiveIntegerField(default=0)  # of the owner's case, as in the document
    changed = models.BinaryField(default=b"")  # sealed: a shared case as this office would have it, until the owner answers
    left = models.JSONField(default=list)  # sentences about what of the document could not be filed
    drafted = models.DateTimeField()
    sent = models.DateTimeField(null=True)
    received = models.DateTimeField(null=True)
    asked_back = models.DateTimeField(null=True)
    decided = models.DateTimeField(null=True)
    updated = models.DateTimeField(null=True)  # the last news of a shared case
    by = models.CharField(max_length=150)
    decided_by = models.CharField(max_length=150, blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "direction", "remote_id"], name="a_transfer_once"),
            models.UniqueConstraint(
                fields=["case"],
                name="one_open_handover_a_case",
                condition=models.Q(direction="out", what="handover", state__in=["drafted", "sent", "received"]),
            ),
        ]
        indexes = [
            models.Index(fields=["direction", "state", "-drafted"], name="transfers_by_state"),
            models.Index(fields=["case"], name="transfers_of_case"),
        ]

    def __str__(self):
        return f"{self.direction} {self.subject}"

    @property
    def gave_away(self) -> bool:
        """That with it the case went to the other office for good."""
        return (self.direction, self.what, self.state) == ("out", "handover", "accepted")

    @property
    def is_open(self) -> bool:
        return self.state in ("drafted", "sent", "received")


class Outgoing(models.Model):
    """One message to another office, kept until the office has answered it. Sent again and again, it says the same."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        GIVEN_UP = "given_up", _("given up")

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=10)  # offer, answer, withdrawal, update, proposal
    body = models.BinaryField(default=b"")  # sealed; empty once it was answered
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    queued = models.DateTimeField()
    next_try = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    ended = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["next_try", "id"], name="outgoing_waiting", condition=models.Q(state="waiting"))]

    def __str__(self):
        return f"{self.kind} {self.transfer_id}"


class UsedNonce(models.Model):
    """A number of a signed request that was taken; the same request again is refused."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+")
    nonce = models.CharField(max_length=64)
    at = models.DateTimeField()  # by the real clock, as the request's own time

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "nonce"], name="a_nonce_once")]

    def __str__(self):
        return self.nonce


class Lost(models.Model):
    """One field that two offices changed: the owner's word stayed, the other was lost, and a person can read it here."""

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="losses")
    field = models.CharField(max_length=200)
    values = models.BinaryField()  # sealed: what was kept, and what was lost
    ours = models.BooleanField()  # whether it was this office's word that was lost
    at = models.DateTimeField()
    seen = models.DateTimeField(null=True)

    def __str__(self):
        return self.field
