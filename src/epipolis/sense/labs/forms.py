"""The forms of the laboratories' pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.core.access import all_tokens
from epipolis.engines.messages import KINDS
from epipolis.sense.labs import queries
from epipolis.sense.labs.models import LabMessage, Laboratory
from epipolis.sense.labs.services import PROBLEMS

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
