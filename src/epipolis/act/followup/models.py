from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import User
from epipolis.sense.cases.models import Case
from epipolis.sense.city.models import District
from epipolis.sense.people.models import Person
from epipolis.understand.tracing.models import Risk


class State(models.TextChoices):
    """What became of a follow-up as a whole; another vocabulary than what became of one day."""

    OPEN = "open", _("under follow-up")
    COMPLETED = "completed", _("completed")
    LOST = "lost", _("lost to follow-up")
    CANCELLED = "cancelled", _("cancelled")
    CONVERTED = "converted", _("became a case")
    NOT_NEEDED = "not_needed", _("without follow-up")


class DayState(models.TextChoices):
    """What became of one day of a follow-up."""

    SEEN_OK = "seen_ok", _("seen, well")
    SEEN_ILL = "seen_ill", _("seen, with symptoms")
    NOT_SEEN = "not_seen", _("tried, not reached")
    NOT_ATTEMPTED = "not_attempted", _("not tried")
    MISSED = "missed", _("did not report")


class Order(models.TextChoices):
    NONE = "", _("no order")
    VERBAL = "verbal", _("ordered by word of mouth")
    OFFICIAL = "official", _("ordered in writing")


class Team(models.Model):
    """People who share the work on contacts."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    is_active = models.BooleanField(default=True)

    def __str__(self):
        return self.name


class TeamMember(models.Model):
    """Somebody who follows contacts: in which languages, in which districts, and how many at most."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="members")
    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    languages = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    districts = ArrayField(models.BigIntegerField(), default=list, blank=True)  # empty: everywhere
    most = models.PositiveIntegerField(_("contacts at most"), default=80)
    is_active = models.BooleanField(default=True)

    def __str__(self):
        return f"{self.team_id} {self.user_id}"


LISTED = Q(state=State.OPEN, part_of=None, person__isnull=False)  # who can be worked on
_PROMISED = LISTED & Q(promised_at__isnull=False)


class FollowUp(models.Model):
    """One period in which one person who met cases is watched. Days are local calendar days.

    `visitor` is the pseudonym of somebody who is not known: such a follow-up is kept and counted, and cannot be called.
    When two records turn out to be one person, the younger follow-up becomes `part_of` the other; nothing is moved.
    """

    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    visitor = models.UUIDField(null=True)
    disease = models.CharField(_("disease"), max_length=40)
    part_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts", db_index=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    risk = models.CharField(_("risk"), max_length=8, choices=Risk.choices)
    rank = models.PositiveSmallIntegerField()  # the order of the risks; 1 = first
    certain = models.BooleanField(_("certain"), default=True)

    starts = models.DateField(_("first day"), null=True)
    standard_until = models.DateField(_("last day by the rule"), null=True)
    until = models.DateField(_("last day"), null=True)  # null: no day of contact is known, so no end can be
    chosen_until = models.DateField(null=True)  # set by a person or a file, with a reason; later exposures still win
    chosen_at = models.DateTimeField(null=True)
    extended_until = models.DateField(null=True)  # by the rule, because nobody was reached at the end
    decision = models.JSONField(default=dict)
    quarantine_from = models.DateField(_("quarantine from"), null=True)
    quarantine_until = models.DateField(_("quarantine until"), null=True)
    quarantine_first_until = models.DateField(null=True)  # as first ordered: tells extended from reduced
    order_kind = models.CharField(_("order"), max_length=10, choices=Order.choices, blank=True)
    ordered_verbally = models.DateField(_("ordered by word of mouth on"), null=True)
    ordered_officially = models.DateField(_("ordered in writing on"), null=True)

    language = models.CharField(_("language"), max_length=10, blank=True)
    district = models.ForeignKey(District, models.SET_NULL, null=True, related_name="+", db_index=False)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+", db_index=False)
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False)
    assignment = models.JSONField(default=dict)  # why this person: a decision

    first_reached = models.DateTimeField(null=True)
    is_told = models.BooleanField(default=False)  # of the end that holds; a new exposure makes this untrue again
    last_seen = models.DateField(null=True)
    seen_part = models.PositiveSmallIntegerField(default=0)  # of the last seen day
    noted_until = models.DateField(null=True)  # the day up to which each day has its state
    reports = models.BooleanField(default=False)  # tells by a link how they are; a tracer is only needed when they do not
    failed_days = models.PositiveSmallIntegerField(default=0)  # in a row, as the rule counts them
    due_from = models.DateTimeField(null=True)  # the next check may be done from here on; null: nobody asks
    overdue_from = models.DateTimeField(null=True)
    promised_at = models.DateTimeField(null=True)
    promise = models.CharField(_("promised"), max_length=300, blank=True)

    known_at = models.DateTimeField(_("known since"))
    restarted_at = models.DateTimeField()  # the newest exposure became known
    ended = models.DateTimeField(null=True)
    end_reason = models.JSONField(default=dict)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+", db_index=False)  # which the contact became
    note = models.TextField(_("note"), blank=True)
    revision = models.PositiveIntegerField(default=1)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "disease"],
                name="one_open_follow_up_a_person",
                condition=Q(state=State.OPEN, part_of=None, person__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["visitor", "disease"],
                name="one_open_follow_up_a_visitor",
                condition=Q(state=State.OPEN, person=None),
            ),
            models.CheckConstraint(
                name="a_follow_up_is_of_somebody", condition=Q(person__isnull=False) | Q(visitor__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["assigned_to", "due_from"], name="followups_of_tracer", condition=LISTED),
            models.Index(fields=["team", "due_from"], name="followups_of_team", condition=LISTED),
            models.Index(fields=["rank", "overdue_from", "id"], name="followups_overdue", condition=LISTED),
            models.Index(fields=["promised_at", "id"], name="followups_promised", condition=_PROMISED),
            models.Index(fields=["rank", "known_at", "id"], name="followups_new", condition=LISTED & Q(is_told=False)),
            models.Index(fields=["until"], name="followups_by_end", condition=Q(state=State.OPEN)),
            models.Index(fields=["ended"], name="followups_ended", condition=Q(ended__isnull=False)),
            models.Index(fields=["part_of"], name="followups_parts", condition=Q(part_of__isnull=False)),
        ]

    def __str__(self):
        return f"{self.person_id or self.visitor} {self.until}"

    @property
    def is_callable(self):
        return self.person_id is not None

    @property
    def is_extended(self):
        return bool(self.until and self.standard_until and self.until > self.standard_until)

    @property
    def is_reduced(self):
        return bool(self.until and self.standard_until and self.until < self.standard_until)

    @property
    def is_quarantine_extended(self):
        return bool(
            self.quarantine_until and self.quarantine_first_until and self.quarantine_until > self.quarantine_first_until
        )

    @property
    def is_quarantine_reduced(self):
        return bool(
            self.quarantine_until and self.quarantine_first_until and self.quarantine_until < self.quarantine_first_until
        )

    @property
    def quarantine_differs(self):
        """Whether somebody should be asked if the quarantine ends with the follow-up."""
        return bool(self.quarantine_until and self.until and self.quarantine_until != self.until)

    @property
    def days(self):
        """Every day from the first to the last; none while the end is not known."""
        if not (self.starts and self.until):
            return []
        return [self.starts + timedelta(days=n) for n in range((self.until - self.starts).days + 1)]


class Origin(models.TextChoices):
    TRACING = "tracing", _("found by tracing")
    INTERVIEW = "interview", _("named in an interview")
    IMPORT = "import", _("from a file")
    HOUSEHOLD = "household", _("lives in the same household")
    DECLARATION = "declaration", _("from a declaration")


class Exposure(models.Model):
    """That a followed person met a case. A follow-up may have many; the latest end holds."""

    class CountedBy(models.TextChoices):
        LAST_CONTACT = "last_contact", _("day of last contact")
        SAMPLE = "sample", _("day of the first positive sample")
        REPORT = "report", _("day of the report")

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="exposures")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+")  # null: a source that is not in the line list
    who = models.UUIDField()  # the row of the person, or the pseudonym, of whom this was told; it stays through merges
    origin = models.CharField(_("origin"), max_length=12, choices=Origin.choices)
    reference = models.CharField(max_length=200, unique=True)  # what was told twice is stored once
    relation = models.CharField(_("relation"), max_length=100, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True)
    risk = models.CharField(_("risk"), max_length=8, choices=Risk.choices)
    certain = models.BooleanField(_("certain"), default=True)
    first_contact = models.DateField(_("first contact"), null=True)
    last_contact = models.DateField(_("last contact"), null=True)
    reported = models.DateField(_("reported"), null=True)
    counted_from = models.DateField(null=True)
    counted_by = models.CharField(max_length=12, choices=CountedBy.choices, blank=True)
    starts = models.DateField(null=True)
    until = models.DateField(null=True)
    rule = models.CharField(max_length=120, blank=True)
    days = models.PositiveSmallIntegerField(default=0)  # that the rule says
    tracing_contact = models.BigIntegerField(null=True)
    known_at = models.DateTimeField()
    moved_at = models.DateTimeField()  # since when this end is known: it wins over an end chosen before
    gone = models.DateTimeField(null=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tracing_contact"], name="exposures_of_tracing", condition=Q(tracing_contact__isnull=False)),
            models.Index(fields=["who"], name="exposures_by_who"),
        ]

    def __str__(self):
        return self.reference


class How(models.TextChoices):
    LINK = "link", _("by the person's own link")
    CALL = "call", _("by telephone")
    VISIT = "visit", _("by a visit")
    IMPORT = "import", _("from a file")
    PLATFORM = "platform", _("noted by the platform")


class DailyCheck(models.Model):
    """What is known of one day (and, with several checks a day, one part of it). A later answer replaces an earlier one,
    which stays and can be seen."""

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="checks", db_index=False)
    day = models.DateField()
    part = models.PositiveSmallIntegerField(default=0)  # of the day: 0 is the first check
    state = models.CharField(_("state"), max_length=14, choices=DayState.choices)
    temperature = models.DecimalField(_("temperature, °C"), max_digits=3, decimal_places=1, null=True)
    symptoms = models.JSONField(default=dict)  # name → yes, no or unknown; absent: not asked
    how = models.CharField(max_length=10, choices=How.choices)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()  # when it was answered
    received = models.DateTimeField()  # when it reached the platform
    client_id = models.UUIDField(null=True, unique=True)  # of a draft that may be sent twice
    note = models.TextField(blank=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["follow_up", "day", "part"], name="one_current_check_a_part", condition=Q(is_current=True)
            )
        ]
        indexes = [models.Index(fields=["follow_up", "day"], name="checks_by_day")]

    def __str__(self):
        return f"{self.follow_up_id} {self.day} {self.state}"


class Attempt(models.Model):
    """One try to speak with somebody, and what came of it."""

    class Outcome(models.TextChoices):
        REACHED = "reached", _("reached")
        NO_ANSWER = "no_answer", _("no answer")
        WRONG_NUMBER = "wrong_number", _("wrong number")
        REFUSED = "refused", _("did not want to talk")
        CALL_BACK = "call_back", _("asked to be called later")
        ANOTHER_LANGUAGE = "language", _("speaks another language")

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    how = models.CharField(max_length=10, choices=How.choices, default=How.CALL)
    call_back_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    client_id = models.UUIDField(null=True, unique=True)

    def __str__(self):
        return f"{self.follow_up_id} {self.at:%Y-%m-%d %H:%M} {self.outcome}"


class Change(models.Model):
    """One change of a follow-up's state, dates or owner: what it was, what it became, why, by whom; some can be undone."""

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=20)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    def __str__(self):
        return f"{self.follow_up_id} {self.kind}"


class Handover(models.Model):
    """At the end of a shift: these contacts, from one to another, with what the other must know."""

    giver = models.ForeignKey(User, models.CASCADE, related_name="+")
    taker = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")  # null: whoever of the team takes it
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    follow_ups = ArrayField(models.BigIntegerField(), default=list)
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    accepted = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["-at"], name="handovers_by_time")]

    def __str__(self):
        return f"{self.giver_id} {self.at:%Y-%m-%d %H:%M}"


class SelfReportLink(models.Model):
    """A link by which one person tells how they are, without an account. Only the hash of its secret is kept."""

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.follow_up_id} until {self.expires:%Y-%m-%d}"


class Interview(models.Model):
    """The talk with one case. Whom they named stands in people and in the exposures; no name is ever kept here."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    client_id = models.UUIDField(unique=True)  # sent twice, it is one interview
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")  # who has it
    started = models.DateTimeField(_("begun"))
    finished = models.DateTimeField(_("finished"), null=True)
    by = models.CharField(max_length=150)
    language = models.CharField(_("language"), max_length=10, blank=True)
    answers = models.JSONField(default=dict)  # symptoms, circumstances, needs, and each contact by its reference
    note = models.BinaryField(default=b"")  # sealed: the case's own words

    class Meta:
        indexes = [models.Index(fields=["finished"], name="interviews_finished")]

    def __str__(self):
        return f"{self.case_id} {self.started:%Y-%m-%d}"
