from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from epipolis.act.followup.models import FollowUp
from epipolis.core.sealing import unseal
from epipolis.sense.cases.models import Case
from epipolis.sense.city.models import District
from epipolis.sense.people.models import Person


class Kind(models.TextChoices):
    ISOLATION = "isolation", _("isolation")
    QUARANTINE = "quarantine", _("quarantine")


class PlaceKind(models.TextChoices):
    HOME = "home", _("at home")
    FACILITY = "facility", _("in a facility")


class State(models.TextChoices):
    """What became of an order. A draft binds nobody; only an officer makes an order of it."""

    DRAFT = "draft", _("draft")
    ISSUED = "issued", _("issued")
    ENDED = "ended", _("ended")
    LIFTED = "lifted", _("lifted")
    WITHDRAWN = "withdrawn", _("not issued")


class Basis(models.TextChoices):
    """Why a phone may be watched."""

    LAW = "law", _("ordered, by law")
    CONSENT = "consent", _("the person agreed")


OPEN = Q(state__in=(State.DRAFT, State.ISSUED))


class Order(models.Model):
    """That one person stays in one place, from a day until a day; both are local calendar days, and both are included.

    The days follow a dated rule from facts while the order is a draft. Once issued they change only by an officer: what
    the rule says since stands in `asks`. People of one address that are ordered together share a `household`.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")
    follow_up = models.ForeignKey(FollowUp, models.SET_NULL, null=True, related_name="+")
    disease = models.CharField(_("disease"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    household = models.UUIDField(null=True)

    place = models.CharField(_("place"), max_length=8, choices=PlaceKind.choices, default=PlaceKind.HOME)
    facility = models.CharField(_("name of the facility"), max_length=200, blank=True)
    address = models.BinaryField(default=b"")  # sealed
    spot = models.BinaryField(default=b"")  # sealed: "longitude latitude" of the place, where it is known
    radius = models.PositiveIntegerField(_("radius in metres"), default=100)
    moved_at = models.DateTimeField(null=True)  # since when this place holds; null: from the beginning
    district = models.ForeignKey(District, models.SET_NULL, null=True, related_name="+", db_index=False)

    starts = models.DateField(_("first day"), null=True)
    until = models.DateField(_("last day"), null=True)
    standard_until = models.DateField(_("last day by the rule"), null=True)
    first_until = models.DateField(null=True)  # as first issued: tells extended from shortened
    is_earliest = models.BooleanField(
        default=False
    )  # `until` is the earliest day only: symptoms have not ended as far as known
    well_since = models.DateField(_("without symptoms since"), null=True)
    decision = models.JSONField(default=dict)
    asks = models.JSONField(default=dict)  # what an officer should decide: {kind, until, is_earliest, decision, since}

    verbal_at = models.DateTimeField(_("told by word of mouth"), null=True)
    written_at = models.DateTimeField(_("given in writing"), null=True)
    issued_at = models.DateTimeField(_("issued"), null=True)
    issued_by = models.CharField(max_length=150, blank=True)
    legal_basis = models.CharField(_("legal basis"), max_length=500, blank=True)
    purpose = models.CharField(_("purpose"), max_length=500, blank=True)
    watched = models.BooleanField(_("watched by phone"), default=False)
    watched_since = models.DateTimeField(null=True)
    watch_basis = models.CharField(max_length=8, choices=Basis.choices, blank=True)
    watch_law = models.CharField(max_length=500, blank=True)  # as it was in force when watching was switched on
    watch_purpose = models.CharField(max_length=500, blank=True)

    language = models.CharField(_("language"), max_length=10, blank=True)
    needs_asked = models.DateTimeField(_("needs asked"), null=True)
    ended = models.DateTimeField(null=True)
    end_reason = models.JSONField(default=dict)
    known_at = models.DateTimeField()
    reference = models.CharField(max_length=200, blank=True)  # of an order from another list: by which a row is found again
    own_number = models.BinaryField(default=b"")  # sealed: its number there, which may be anybody's
    imported = models.JSONField(default=dict)  # what the list said last: state, last day, and a hash of all else
    revision = models.PositiveIntegerField(default=1)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="one_open_order_a_kind", condition=OPEN),
            models.UniqueConstraint(fields=["reference"], name="a_listed_order_is_taken_once", condition=~Q(reference="")),
            models.CheckConstraint(
                name="an_issued_order_has_days_and_a_basis",
                condition=~Q(state=State.ISSUED) | Q(starts__isnull=False, until__isnull=False, issued_at__isnull=False),
            ),
            models.CheckConstraint(
                name="who_is_watched_is_watched_for_a_reason",
                condition=Q(watched=False) | (~Q(watch_basis="") & ~Q(watch_law="") & ~Q(watch_purpose="")),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "until", "id"], name="orders_by_end"),
            models.Index(fields=["-known_at", "-id"], name="orders_by_age"),
            models.Index(fields=["household"], name="orders_of_household", condition=Q(household__isnull=False)),
            models.Index(fields=["id"], name="orders_watched", condition=Q(watched=True)),
            models.Index(fields=["ended"], name="orders_ended", condition=Q(ended__isnull=False)),
        ]

    def __str__(self):
        return self.number

    @property
    def number(self):
        """How papers and people call it. It says nothing of illness, for employers read it too."""
        return f"O-{self.known_at:%Y}-{self.id:06d}"

    @property
    def lon(self):
        return self._spot[0] if self.spot else None

    @property
    def lat(self):
        return self._spot[1] if self.spot else None

    @property
    def _spot(self):
        lon, lat = unseal(self.spot).split()
        return float(lon), float(lat)

    @property
    def is_open(self):
        return self.state in (State.DRAFT, State.ISSUED)

    @property
    def is_extended(self):
        return bool(self.first_until and self.until and self.until > self.first_until)

    @property
    def is_shortened(self):
        return bool(self.first_until and self.until and self.until < self.first_until)


class OrderChange(models.Model):
    """One thing that was done to an order: what it was, what it became, why, by whom; some can be taken back."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=20)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    former_place = models.BinaryField(default=b"")  # sealed: address and spot before a move
    reason = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    def __str__(self):
        return f"{self.order_id} {self.kind}"


class Need(models.Model):
    """What somebody under an order cannot get by themselves."""

    class Kind(models.TextChoices):
        FOOD = "food", _("food")
        MEDICINE = "medicine", _("medicine")
        CARE = "care", _("nursing or help at home")
        PETS = "pets", _("somebody for the pets")
        LANGUAGE = "language", _("an interpreter")
        OTHER = "other", _("something else")

    order = models.ForeignKey(Order, models.CASCADE, related_name="needs")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    text = models.BinaryField(default=b"")  # sealed
    is_urgent = models.BooleanField(_("today"), default=False)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    met_at = models.DateTimeField(null=True)
    met_by = models.CharField(max_length=150, blank=True)
    client_id = models.UUIDField(null=True, unique=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="needs_unmet", condition=Q(met_at=None))]

    def __str__(self):
        return f"{self.order_id} {self.kind}"


class Appeal(models.Model):
    """That somebody asks to have an order looked at again, with what was shown to them then, and the answer."""

    class Answer(models.TextChoices):
        UPHELD = "upheld", _("the order stays")
        CHANGED = "changed", _("the order is changed")
        LIFTED = "lifted", _("the order is lifted")

    order = models.ForeignKey(Order, models.CASCADE, related_name="appeals")
    text = models.BinaryField(default=b"")  # sealed
    evidence = models.JSONField(default=dict)  # what stood about the order when it was appealed
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    client_id = models.UUIDField(null=True, unique=True)
    answer = models.CharField(_("answer"), max_length=8, choices=Answer.choices, blank=True)
    answer_text = models.BinaryField(default=b"")  # sealed
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order"], name="one_open_appeal_an_order", condition=Q(answered_at=None))
        ]

    def __str__(self):
        return f"{self.order_id} {self.at:%Y-%m-%d}"


class SelfReport(models.Model):
    """How somebody under an order said they are on a day; the last one of a day holds."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="reports")
    day = models.DateField()
    is_ill = models.BooleanField()
    symptoms = models.JSONField(default=dict)  # name → yes or no
    temperature = models.DecimalField(_("temperature, °C"), max_digits=3, decimal_places=1, null=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    client_id = models.UUIDField(null=True, unique=True)

    class Meta:
        indexes = [models.Index(fields=["order", "day"], name="reports_by_day")]

    def __str__(self):
        return f"{self.order_id} {self.day}"


class OrderLink(models.Model):
    """A link by which one person sees their order. Its secret is made from its number by a key; only the hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    order = models.ForeignKey(Order, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order"], name="one_open_link_an_order", condition=Q(revoked=None))]

    def __str__(self):
        return f"{self.order_id} {self.made:%Y-%m-%d}"
