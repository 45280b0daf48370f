"""The forms of the laboratories' pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.core.access import all_tokens
from epipolis.core.models import User
from epipolis.engines.messages import KINDS
from epipolis.sense.labs import queries
from epipolis.sense.labs.models import Device, KitLot, LabMessage, Laboratory
from epipolis.sense.labs.services import MOST_PRINTED, PROBLEMS

STATES = [(queries.WAITING, _("to look at")), ("", _("all")), *LabMessage.State.choices]
AGES = [("", _("any age")), ("1", _("older than a day")), ("7", _("older than a week")), ("30", _("older than 30 days"))]
KIND_WORDS = {
    "pcr": _("nucleic acid (PCR)"),
    "antigen": _("antigen"),
    "culture": _("culture"),
    "sequencing": _("sequencing"),
    "antibody": _("antibody"),
    "other": _("other test"),
}


class InboxFilter(forms.Form):
    """Which messages."""

    state = forms.ChoiceField(label=_("State"), choices=STATES, required=False)
    lab = forms.ModelChoiceField(
        label=_("Laboratory"), queryset=Laboratory.objects.order_by("name"), required=False, empty_label=_("all")
    )
    problem = forms.ChoiceField(label=_("What keeps it"), required=False)
    age = forms.ChoiceField(label=_("Age"), choices=AGES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        problems: Any = self.fields["problem"]
        problems.choices = [("", _("anything")), *((name, _(words)) for name, words in PROBLEMS.items())]
        for one in self.fields.values():
            one.widget.attrs["class"] = "form-select"


class LaboratoryForm(forms.ModelForm):
    """What is known about a laboratory."""

    class Meta:
        model = Laboratory
        fields = ("name", "code", "account", "certificate", "disease", "is_trusted", "silent_after", "is_closed")
        labels = {"account": _("device token")}
        help_texts = {
            "code": _("As its messages name it (HL7: MSH-4 or MSH-3)."),
            "account": _("With which it sends over HTTPS; its messages then come with no other."),
            "certificate": _("The common name with which it connects over TLS; its messages then come with no other."),
            "disease": _("For tests of its own whose code nobody has explained. Empty: such results wait for a look."),
            "silent_after": _("Empty: as the platform’s settings say."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["silent_after"].required = False
        account: Any = self.fields["account"]
        account.queryset, account.required, account.empty_label = all_tokens().filter(revoked=None), False, _("none")
        for one in self.fields.values():
            if isinstance(one.widget, forms.CheckboxInput):
                one.widget.attrs["class"] = "form-check-input"
            else:
                one.widget.attrs["class"] = "form-select" if isinstance(one.widget, forms.Select) else "form-control"


class MeaningForm(forms.Form):
    """What a test's code means."""

    code = forms.CharField(label=_("Code"), max_length=100)
    system = forms.CharField(label=_("Code system"), max_length=100, required=False, help_text=_("As sent; empty: any."))
    laboratory = forms.ModelChoiceField(
        label=_("Laboratory"), queryset=Laboratory.objects.order_by("name"), required=False, empty_label=_("all of them")
    )
    disease = forms.CharField(label=_("Disease"), max_length=40, required=False, help_text=_("Empty: it is not for us."))
    kind = forms.ChoiceField(label=_("Kind of test"), required=False, choices=[(one, KIND_WORDS[one]) for one in KINDS])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in self.fields.values():
            one.widget.attrs["class"] = "form-select" if isinstance(one.widget, forms.Select) else "form-control"


class HandleForm(forms.Form):
    """One step with a message."""

    action = forms.ChoiceField(choices=[(one, one) for one in ("link", "case", "anyway", "again", "forward", "reject")])
    person = forms.UUIDField(required=False)
    note = forms.CharField(max_length=500, required=False)
    back = forms.CharField(max_length=10, required=False)


class ManyForm(forms.Form):
    """One reason for several messages."""

    messages = forms.TypedMultipleChoiceField(coerce=int)
    note = forms.CharField(max_length=500)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        numbers = [one for one in data.getlist("messages")[:500] if one.isascii() and one.isdigit() and len(one) < 19]
        field: Any = self.fields["messages"]
        field.choices = [(one, one) for one in numbers]


class DeviceForm(forms.ModelForm):
    """Where a test device stands, and who works with it."""

    class Meta:
        model = Device
        fields = ("serial", "model", "place", "laboratory", "operators")
        help_texts = {
            "serial": _("As on its plate: letters, digits, dots, dashes."),
            "place": _("For instance the clinic and the room."),
            "laboratory": _("Who answers for its results; empty where it is nobody."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["laboratory"].required, fields["laboratory"].empty_label = False, _("none")
        fields["place"].required = True
        fields["operators"].queryset = User.objects.filter(is_active=True).order_by("username")
        fields["operators"].label, fields["operators"].required = _("Who works with it"), False
        fields["operators"].help_text = _("A reading of anybody else waits for a person.")
        if self.instance.pk is not None and self.instance.state != Device.State.ANNOUNCED:
            del fields["serial"]
        for one in fields.values():
            one.widget.attrs["class"] = "form-select" if isinstance(one.widget, forms.Select) else "form-control"

    def validate_unique(self) -> None:
        """Whether the number is taken is for the service to say: one that announced itself may be registered."""


class StateForm(forms.Form):
    """Put a device into use, pause it, or say that it is lost."""

    state = forms.ChoiceField(choices=[(one, one) for one in ("active", "paused", "lost")])
    reason = forms.CharField(max_length=200, required=False)


class LotForm(forms.ModelForm):
    """A lot of test kits."""

    class Meta:
        model = KitLot
        fields = ("number", "product", "kind", "disease", "expires", "coldest", "warmest", "is_allowed")
        widgets = {"expires": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {
            "number": _("As printed on the kit, and as the device scans it."),
            "coldest": _("Empty: as the rules say."),
            "warmest": _("Empty: as the rules say."),
            "is_allowed": _("Take the mark away when the maker calls the lot back: its readings then wait."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["coldest"].required = fields["warmest"].required = False
        for name in ("coldest", "warmest"):
            fields[name].min_value, fields[name].max_value = -60, 90
        if self.instance.pk is not None:
            del fields["number"]
        for one in fields.values():
            css = "form-select" if isinstance(one.widget, forms.Select) else "form-control"
            one.widget.attrs["class"] = "form-check-input" if isinstance(one.widget, forms.CheckboxInput) else css

    def validate_unique(self) -> None:
        """A number that is known is changed: the service says so."""


class CountForm(forms.Form):
    """How many labels."""

    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=MOST_PRINTED)


class FindForm(forms.Form):
    """Whom the counter looks for."""

    q = forms.CharField(max_length=200)


class BarcodeForm(forms.Form):
    """The barcode of a sample."""

    barcode = forms.CharField(max_length=60)
