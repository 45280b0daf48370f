from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city.models import District, Neighbourhood
from epipolis.sense.people.models import Person


class Classification(models.TextChoices):
    SUSPECTED = "suspected", _("suspected")
    PROBABLE = "probable", _("probable")
    CONFIRMED = "confirmed", _("confirmed")
    NOT_A_CASE = "not_a_case", _("not a case")


class Outcome(models.TextChoices):
    UNKNOWN = "", _("unknown")
    ILL = "ill", _("ill or isolated")
    RECOVERED = "recovered", _("recovered")
    DIED = "died", _("died")


class State(models.TextChoices):
    """The answer to a question; a name that is absent was not asked."""

    YES = "yes", _("yes")
    NO = "no", _("no")
    UNKNOWN = "unknown", _("not known")


class Symptom(models.TextChoices):
    """What a person may be asked about; a definition of cases names them by their value."""

    FEVER = "fever", _("fever")
    CHILLS = "chills", _("chills")
    COUGH = "cough", _("cough")
    SORE_THROAT = "sore_throat", _("sore throat")
    RUNNY_NOSE = "runny_nose", _("runny nose")
    DYSPNOEA = "dyspnoea", _("shortness of breath")
    CHEST_PAIN = "chest_pain", _("chest pain")
    ANOSMIA = "anosmia", _("loss of smell")
    AGEUSIA = "ageusia", _("loss of taste")
    FATIGUE = "fatigue", _("weakness or fatigue")
    HEADACHE = "headache", _("headache")
    MYALGIA = "myalgia", _("muscle pain")
    JOINT_PAIN = "joint_pain", _("joint pain")
    ANOREXIA = "anorexia", _("loss of appetite")
    NAUSEA = "nausea", _("nausea")
    VOMITING = "vomiting", _("vomiting")
    DIARRHOEA = "diarrhoea", _("diarrhoea")
    ABDOMINAL_PAIN = "abdominal_pain", _("abdominal pain")
    ALTERED_MENTAL_STATUS = "altered_mental_status", _("altered mental status")
    SEIZURES = "seizures", _("seizures")
    RASH = "rash", _("rash")
    CONJUNCTIVITIS = "conjunctivitis", _("red eyes")
    SWOLLEN_GLANDS = "swollen_glands", _("swollen glands")
    JAUNDICE = "jaundice", _("jaundice")
    BLEEDING = "bleeding", _("unexplained bleeding")
    PNEUMONIA = "pneumonia", _("pneumonia, clinical or by imaging")
    RESPIRATORY_DISTRESS = "respiratory_distress", _("acute respiratory distress")
    VENTILATION = "ventilation", _("respiratory disease that needs ventilation")


class Circumstance(models.TextChoices):
    """What surrounds the illness and counts for its classification, asked for the 14 days before the first symptoms."""

    CONTACT_OF_CASE = "contact_of_case", _("contact of a probable or confirmed case")
    CLUSTER = "cluster", _("belongs to a cluster of cases")
    HIGH_RISK_SETTING = "high_risk_setting", _("lived or worked in a place of high risk")
    COMMUNITY_TRANSMISSION = "community_transmission", _("lived in or travelled to an area with community transmission")
    HEALTH_WORKER = "health_worker", _("worked in health care")
    HOSPITALISED_SEVERE = "hospitalised_severe", _("in hospital with a severe respiratory infection")
    SUGGESTIVE_IMAGING = "suggestive_imaging", _("chest imaging that suggests the disease")
    OTHER_CAUSE = "other_cause", _("another cause explains the symptoms")
    DIED_UNEXPLAINED = "died_unexplained", _("died of no other known cause after respiratory distress")


class ClassifiedBy(models.TextChoices):
    """Who says the classification. Only where the rules do, new facts change it by themselves."""

    AUTOMATIC = "automatic", _("by the rules")
    MANUAL = "manual", _("by a person")
    SOURCE = "source", _("by the source")


class Facts(models.Model):
    """What is believed about a case at one time: the columns that a revision may change. Days are local calendar days."""

    classification = models.CharField(_("classification"), max_length=12, choices=Classification.choices)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    exposed_from = models.DateField(_("first exposure"), null=True)
    exposed_until = models.DateField(_("last exposure"), null=True)
    onset = models.DateField(_("onset of symptoms"), null=True)
    sampled = models.DateField(_("sample taken"), null=True)
    reported = models.DateField(_("reported"), null=True)
    confirmed = models.DateField(_("confirmed"), null=True)
    hospitalised = models.DateField(_("admitted to hospital"), null=True)
    isolated = models.DateField(_("isolated"), null=True)
    ended = models.DateField(_("recovered or died"), null=True)
    has_symptoms = models.BooleanField(_("has symptoms"), null=True)
    age_from = models.SmallIntegerField(_("age from"), null=True)
    age_to = models.SmallIntegerField(_("age to"), null=True)
    sex = models.CharField(_("sex"), max_length=1, blank=True)
    district = models.ForeignKey(District, models.PROTECT, null=True, related_name="+", verbose_name=_("district"))
    neighbourhood = models.ForeignKey(
        Neighbourhood, models.PROTECT, null=True, related_name="+", verbose_name=_("neighbourhood")
    )
    region = models.CharField(_("region as reported"), max_length=200, blank=True)
    setting = models.CharField(_("setting of infection"), max_length=200, blank=True)
    infected_by = models.UUIDField(_("infected by case"), null=True)
    note = models.TextField(_("note"), blank=True)
    symptoms = models.JSONField(_("symptoms"), default=dict, blank=True)  # Symptom → State
    circumstances = models.JSONField(_("circumstances"), default=dict, blank=True)  # Circumstance → State
    classified = models.CharField(
        _("classified"), max_length=10, choices=ClassifiedBy.choices, default=ClassifiedBy.SOURCE, blank=True
    )
    classified_why = models.CharField(_("reason of the classification"), max_length=400, default="", blank=True)
    same_as = models.UUIDField(_("the same illness as case"), null=True)  # then this case counts nowhere

    class Meta:
        abstract = True


class Case(Facts):
    """One illness of one person, as believed now."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    disease = models.CharField(_("disease"), max_length=40)
    source = models.CharField(_("source"), max_length=100)
    source_key = models.CharField(_("number in the source"), max_length=100)
    known_at = models.DateTimeField(_("known since"))
    revised_at = models.DateTimeField(_("last revised"))
    revision = models.PositiveIntegerField(default=1)
    owner = models.CharField(_("owned by"), max_length=200, default="", db_default="", blank=True)  # another office; "": ours
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "source_key"], name="one_case_a_source_key")]
        indexes = [
            models.Index(fields=["known_at", "id"], name="cases_by_known_at"),
            models.Index(fields=["person"], name="cases_of_person"),
            models.Index(fields=["disease", "classification", "reported"], name="cases_by_report"),
            models.Index(fields=["same_as"], name="cases_by_same_as", condition=~models.Q(same_as=None)),
        ]

    def __str__(self):
        return f"{self.source} {self.source_key}"


class CaseRevision(Facts):
    """What was believed about a case from `known_at` until `superseded_at` (null: still). Never changed but for that end."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField()
    known_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    changed = models.JSONField(default=list)  # names of the fields that this revision changed
    by = models.CharField(max_length=150)
    origin = models.CharField(
        max_length=100, default="", blank=True
    )  # the source whose file said so; empty: a person or a system did

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "revision"], name="one_row_a_revision")]
        indexes = [models.Index(fields=["known_at", "superseded_at"], name="revisions_by_time")]

    def __str__(self):
        return f"{self.case_id} r{self.revision}"


class CaseTest(models.Model):
    """One laboratory finding about a case. What a laboratory corrects supersedes its former finding, and both stay."""

    class Kind(models.TextChoices):
        PCR = "pcr", _("nucleic acid (PCR)")
        ANTIGEN = "antigen", _("antigen")
        CULTURE = "culture", _("culture")
        SEQUENCING = "sequencing", _("sequencing")
        ANTIBODY = "antibody", _("antibody")
        OTHER = "other", _("other test")

    class Result(models.TextChoices):
        POSITIVE = "positive", _("positive")
        NEGATIVE = "negative", _("negative")
        INCONCLUSIVE = "inconclusive", _("inconclusive")
        UNSATISFACTORY = "unsatisfactory", _("sample not usable")
        PENDING = "pending", _("pending")

    class Status(models.TextChoices):
        PRELIMINARY = "preliminary", _("preliminary")
        FINAL = "final", _("final")
        CORRECTED = "corrected", _("corrected")
        WITHDRAWN = "withdrawn", _("withdrawn")

    case = models.ForeignKey(Case, models.CASCADE, related_name="tests")
    source = models.CharField(_("laboratory"), max_length=100)
    source_ref = models.CharField(_("number in the laboratory"), max_length=200)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    disease = models.CharField(_("disease"), max_length=40)  # that was looked for; it may be another than the case's
    result = models.CharField(_("result"), max_length=15, choices=Result.choices)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.FINAL)
    specimen = models.CharField(_("specimen"), max_length=100, blank=True)
    sampled_at = models.DateTimeField(_("sample taken"), null=True)
    resulted_at = models.DateTimeField(_("result known at the laboratory"), null=True)
    known_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    superseded_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=150)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_ref"], name="one_test_a_number", condition=models.Q(superseded_by=None)
            )
        ]

    def __str__(self):
        return f"{self.source} {self.source_ref}"


class Classified(models.Model):
    """What the rules said about a case, from which facts and why; the newest one counts."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="decisions")
    outcome = models.CharField(max_length=12, choices=Classification.choices, blank=True)  # empty: the rules leave it open
    decision = models.JSONField()
    kept = models.CharField(max_length=10, choices=ClassifiedBy.choices)  # whose word stands
    conflict = models.BooleanField(default=False)  # another word stands than the rules say
    decided_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], name="one_decision_counts", condition=models.Q(superseded_at=None))
        ]

    def __str__(self):
        return f"{self.case_id} {self.outcome}"


class DuplicateQuestion(models.Model):
    """Two cases of one person that may be one illness. An answer is kept, and never asked for again."""

    class Answer(models.TextChoices):
        OPEN = "", _("open")
        SAME = "same", _("the same illness")
        DIFFERENT = "different", _("two illnesses")
        WITHDRAWN = "withdrawn", _("no longer asked: they are two people")

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")  # the earlier known one
    candidate = models.ForeignKey(Case, models.CASCADE, related_name="+")
    days_apart = models.PositiveIntegerField()
    asked = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered = models.DateTimeField(null=True)
    by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "candidate"], name="one_question_a_pair")]

    def __str__(self):
        return f"{self.case_id} {self.candidate_id}"


class Replay(models.Model):
    """A case definition tried on all cases: what it would change, before anybody decides to apply it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READY = "ready", _("ready")
        APPLIED = "applied", _("applied")

    name = models.CharField(max_length=200)  # of the rules
    content = models.JSONField()  # the whole pack, as it was tried
    as_of = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked = models.DateTimeField()
    by = models.CharField(max_length=150)
    made = models.DateTimeField(null=True)
    applied = models.DateTimeField(null=True)
    cases = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=list)  # [from, to, cases, of which another word stands]

    def __str__(self):
        return f"{self.name} as of {self.as_of}"


class ReplayChange(models.Model):
    """One case that a definition would classify in another way."""

    replay = models.ForeignKey(Replay, models.CASCADE, related_name="changes")
    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    before = models.CharField(max_length=12, choices=Classification.choices)
    after = models.CharField(max_length=12, choices=Classification.choices)
    kept = models.CharField(max_length=10, choices=ClassifiedBy.choices)  # whose word stands; only the rules' own would change
    reasons = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["replay", "case"], name="one_change_a_case")]

    def __str__(self):
        return f"{self.case_id} {self.before} {self.after}"
