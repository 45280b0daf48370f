from django.db import models
from django.utils.translation import gettext_lazy as _

from epipolis.core.models import DeviceToken, User
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.people.models import Person


class Laboratory(models.Model):
    """A laboratory that sends results, known by the code in its messages, by its device token or by its certificate."""

    name = models.CharField(_("name"), max_length=200)
    code = models.CharField(_("code"), max_length=100, unique=True)  # as in MSH-4, or the FHIR identifier
    account = models.ForeignKey(DeviceToken, models.SET_NULL, null=True, related_name="+")
    certificate = models.CharField(_("name in the client certificate"), max_length=200, blank=True)
    disease = models.CharField(_("disease of its tests"), max_length=40, blank=True)
    is_trusted = models.BooleanField(_("results count without a person’s look"), default=True)
    is_closed = models.BooleanField(_("no longer sends"), default=False)
    silent_after = models.PositiveSmallIntegerField(_("hours after which it is silent"), null=True)  # null: the setting
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate"], name="one_laboratory_a_certificate", condition=~models.Q(certificate="")
            ),
            models.UniqueConstraint(fields=["account"], name="one_laboratory_an_account"),
        ]

    def __str__(self):
        return self.name


class CodeMeaning(models.Model):
    """What a test's code means here, as staff said: a disease and a kind of test, or (no disease) that it is not for us."""

    laboratory = models.ForeignKey(Laboratory, models.CASCADE, null=True, related_name="meanings")  # null: of all
    system = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=100)
    text = models.CharField(max_length=200, blank=True)
    disease = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=12, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["laboratory", "system", "code"], name="one_meaning_a_code", nulls_distinct=False)
        ]

    def __str__(self):
        return f"{self.code}: {self.disease or '–'}"


class LabMessage(models.Model):
    """One message as it came, sealed, and the one state in which it ended.

    A sender's number comes once. The same number with the same content is the same message; with other content it is
    kept beside the first and waits for a person.
    """

    class Format(models.TextChoices):
        HL7 = "hl7", _("HL7 v2")
        FHIR = "fhir", _("FHIR")
        CSV = "csv", _("table row")
        READING = "poct", _("test device")

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        NEW_CASE = "new_case", _("new case")
        EXISTING_CASE = "existing_case", _("known case")
        PERSON = "person", _("person without a case")
        UNCLEAR = "unclear", _("unclear")
        FORWARDED = "forwarded", _("forwarded")
        REJECTED = "rejected", _("rejected")

    laboratory = models.ForeignKey(Laboratory, models.PROTECT, null=True, related_name="messages")
    sender = models.CharField(_("sender"), max_length=200)  # as the message says it
    message_id = models.CharField(_("number"), max_length=200)
    format = models.CharField(max_length=4, choices=Format.choices)
    raw = models.BinaryField(default=b"")  # sealed; empty once it was forgotten
    digest = models.CharField(max_length=64)  # keyed
    road = models.CharField(max_length=10)  # mllp, http, import
    by = models.CharField(max_length=150)
    received = models.DateTimeField(_("received"))
    state = models.CharField(max_length=13, choices=State.choices, default=State.RECEIVED)
    problem = models.CharField(max_length=20, blank=True)  # what kept it from being filed, in one word
    is_waiting = models.BooleanField(default=False)  # for a person to look
    reason = models.JSONField(default=list)  # pairs of a sentence and its values
    processed = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "message_id", "digest"], name="a_message_once"),
        ]
        indexes = [
            models.Index(fields=["state", "-received", "-id"], name="messages_by_state"),
            models.Index(fields=["laboratory", "-received"], name="messages_by_laboratory"),
            models.Index(fields=["received"], name="messages_unprocessed", condition=models.Q(state="received")),
            models.Index(fields=["received", "id"], name="messages_waiting", condition=models.Q(is_waiting=True)),
            models.Index(fields=["received", "id"], name="messages_with_raw", condition=~models.Q(raw=b"")),
        ]

    def __str__(self):
        return f"{self.sender} {self.message_id}"


class LabResult(models.Model):
    """One finding of one message about one disease. A correction supersedes; nothing is overwritten."""

    Result = CaseTest.Result
    Status = CaseTest.Status

    message = models.ForeignKey(LabMessage, models.PROTECT, related_name="results")
    ref = models.CharField(max_length=100)  # what the laboratory calls this finding, the same in every version of it
    source = models.CharField(max_length=100)  # who uses that name: the laboratory
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")
    test_ref = models.CharField(max_length=140, blank=True)  # under which the case knows it
    code = models.CharField(max_length=100, blank=True)
    system = models.CharField(max_length=100, blank=True)
    text = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=12)
    disease = models.CharField(_("disease"), max_length=40)
    result = models.CharField(_("result"), max_length=14, choices=Result.choices)
    value = models.CharField(max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=11, choices=Status.choices)
    specimen = models.CharField(_("specimen"), max_length=100, blank=True)
    sampled_at = models.DateTimeField(_("sample taken"), null=True)
    reported_at = models.DateTimeField(_("reported by the laboratory"), null=True)
    received = models.DateTimeField(_("received"))
    known_at = models.DateTimeField()
    supersedes = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    is_in_force = models.BooleanField(default=True)  # of all versions of one finding, the one that counts
    taken_back = models.DateTimeField(null=True)  # somebody undid the handling of its message
    device = models.CharField(max_length=100, blank=True)
    lot = models.CharField(max_length=60, blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "ref"], name="one_result_a_message_and_finding"),
            models.UniqueConstraint(fields=["source", "ref"], name="one_result_in_force", condition=models.Q(is_in_force=True)),
        ]
        indexes = [
            models.Index(fields=["source", "ref"], name="versions_of_a_result"),
            models.Index(fields=["person"], name="results_of_person"),
            models.Index(fields=["case"], name="results_of_case"),
            models.Index(fields=["received", "id"], name="results_by_time"),
        ]

    def __str__(self):
        return f"{self.disease} {self.result} {self.ref}"


class Handling(models.Model):
    """One step that somebody took with a message; the newest can be taken back."""

    message = models.ForeignKey(LabMessage, models.CASCADE, related_name="handlings")
    action = models.CharField(max_length=12)  # link, case, forward, reject, again, undo
    before = models.CharField(max_length=13, choices=LabMessage.State.choices)
    after = models.CharField(max_length=13, choices=LabMessage.State.choices)
    former = models.JSONField(default=dict)  # problem, reason and waiting before the step
    note = models.CharField(max_length=500, blank=True)  # why, or to whom; no names of patients
    person = models.UUIDField(null=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undoes = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["message", "-id"], name="handlings_of_message")]

    def __str__(self):
        return f"{self.action}: {self.before} → {self.after}"


class KitLot(models.Model):
    """One lot of test kits: what it tests for, until when it may be used, and between which temperatures."""

    class Kind(models.TextChoices):
        PCR = "pcr", _("nucleic acid (PCR)")
        ANTIGEN = "antigen", _("antigen")

    number = models.CharField(_("lot"), max_length=60, unique=True)
    product = models.CharField(_("product"), max_length=150, blank=True)
    kind = models.CharField(_("kind of test"), max_length=12, choices=Kind.choices)
    disease = models.CharField(_("disease"), max_length=40)
    expires = models.DateField(_("last day of use"))
    coldest = models.SmallIntegerField(_("not below, °C"), null=True)
    warmest = models.SmallIntegerField(_("not above, °C"), null=True)
    is_allowed = models.BooleanField(_("may be used"), default=True)
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return self.number


class Device(models.Model):
    """A test device at the point of care: where it stands, who works with it, and how wrong its clock is."""

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("not registered")
        ACTIVE = "active", _("in use")
        PAUSED = "paused", _("paused")
        LOST = "lost", _("lost")

    serial = models.CharField(_("serial number"), max_length=60, unique=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    place = models.CharField(_("where it stands"), max_length=150, blank=True)
    laboratory = models.ForeignKey(Laboratory, models.PROTECT, null=True, related_name="devices")
    account = models.OneToOneField(DeviceToken, models.SET_NULL, null=True, related_name="+")
    signing_key = models.BinaryField(default=b"")  # sealed: with it a device signs what goes over a broker
    operators = models.ManyToManyField(User, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ACTIVE)
    state_reason = models.CharField(max_length=200, blank=True)
    heard = models.DateTimeField(null=True)
    clock_offset = models.FloatField(null=True)  # seconds to add to what its clock says
    clock_measured = models.DateTimeField(null=True)
    battery = models.SmallIntegerField(null=True)  # percent
    about = models.JSONField(default=dict)  # what it says of itself
    known_at = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    def __str__(self):
        return self.serial


class SampleLabel(models.Model):
    """A barcode for one sample. Given to a person at the counter, it brings the result to that person in one step."""

    barcode = models.CharField(max_length=40, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # null: printed, not yet given
    given = models.DateTimeField(null=True)
    given_by = models.CharField(max_length=150, blank=True)
    taken_back = models.DateTimeField(null=True)  # given by mistake; it is never used again
    reason = models.CharField(max_length=200, blank=True)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    simulated = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["person"], name="labels_of_person"),
            models.Index(fields=["-made", "-id"], name="labels_by_time"),
        ]

    def __str__(self):
        return self.barcode


class Reading(models.Model):
    """What a device measured, beside the message in which it came. Its own time and the corrected one are both kept."""

    class Result(models.TextChoices):
        POSITIVE = "positive", _("positive")
        NEGATIVE = "negative", _("negative")
        INCONCLUSIVE = "inconclusive", _("inconclusive")
        INVALID = "invalid", _("invalid")

    message = models.OneToOneField(LabMessage, models.CASCADE, related_name="reading")
    device = models.ForeignKey(Device, models.PROTECT, related_name="readings")
    number = models.CharField(max_length=60)  # the device's own
    is_first = models.BooleanField()  # of those with one number that are proven, the one that came first
    is_proven = models.BooleanField()  # that this device sent it: by its token, or by a signature made with it
    barcode = models.CharField(max_length=40)
    lot = models.CharField(max_length=60)
    operator = models.CharField(max_length=150)
    result = models.CharField(max_length=12, choices=Result.choices)
    device_time = models.DateTimeField()  # as the device's clock said
    measured_at = models.DateTimeField()  # corrected
    clock_offset = models.FloatField()  # seconds that were added
    control_valid = models.BooleanField()
    battery = models.SmallIntegerField(null=True)
    temperature = models.FloatField(null=True)
    marks = models.JSONField(default=list)  # pairs of a sentence and its values
    received = models.DateTimeField()
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "number"], name="a_reading_once", condition=models.Q(is_first=True)),
        ]
        indexes = [
            models.Index(fields=["device", "-received", "-id"], name="readings_of_device"),
            models.Index(fields=["barcode"], name="readings_of_sample"),
            models.Index(fields=["lot"], name="readings_of_lot"),
        ]

    def __str__(self):
        return f"{self.device_id} {self.number}"
