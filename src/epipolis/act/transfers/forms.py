"""The forms of transfers between offices."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Partner, Transfer
from epipolis.sense.cases.models import Classification, Outcome
from epipolis.sense.city import queries as city

_DAYS = {"onset": _("onset of symptoms"), "sampled": _("sample taken"), "hospitalised": _("admitted to hospital")}
_DAYS |= {"isolated": _("isolated"), "ended": _("recovered or died")}
STATES = [("open", _("open")), ("", _("all")), *Transfer.State.choices]


def _dress(form: forms.Form) -> None:
    """The look of each field; asking for its errors here would check the form before it is whole."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.CheckboxInput):
            field.widget.attrs["class"] = "form-check-input"
        else:
            field.widget.attrs["class"] = "form-select" if isinstance(field.widget, forms.Select) else "form-control"


class _Dressed(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self)


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class TransferFilter(_Dressed):
    """Which transfers."""

    direction = forms.ChoiceField(label=_("Direction"), required=False, choices=[("", _("both")), *Transfer.Direction.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)


class MayForm(_Dressed):
    """What may be sent to an office, and what is taken from it."""

    may_hand_over = forms.BooleanField(label=_("Cases may be handed over to it"), required=False, initial=True)
    may_share = forms.BooleanField(label=_("Cases may be shared with it, without names"), required=False, initial=True)
    with_contacts = forms.BooleanField(label=_("Contacts go with a case that is handed over"), required=False)
    may_change = forms.BooleanField(label=_("Its changes of shared cases are taken over"), required=False)
    diseases = forms.CharField(
        label=_("Only these diseases"), max_length=200, required=False, help_text=_("Separated by commas. Empty: all.")
    )


class PartnerForm(MayForm):
    """Another office."""

    name = forms.CharField(label=_("Name"), max_length=100)
    address = forms.CharField(label=_("Address"), max_length=200, help_text=_("For example https://epipolis.example.org"))
    public_key = forms.CharField(label=_("Public key"), max_length=60, help_text=_("44 characters, from its page of partners."))
    field_order = ("name", "address", "public_key")


class ChangeForm(MayForm):
    """What changes of an office."""

    address = forms.CharField(label=_("Address"), max_length=200)
    field_order = ("address",)


class CompareForm(_Dressed):
    """The digits that were heard on the telephone."""

    digits = forms.CharField(
        label=_("Digits that you heard"), max_length=80, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )


class SendForm(_Dressed):
    """To which office a case goes, and how."""

    partner = forms.ModelChoiceField(label=_("To"), queryset=Partner.objects.none())
    what = forms.ChoiceField(
        label=_("How"),
        choices=[
            (Transfer.What.HANDOVER, _("hand over: it owns the case from then on")),
            (Transfer.What.SHARE, _("share: it reads along, without names")),
        ],
    )
    message = forms.CharField(
        label=_("Message"),
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What they should know. Do not write the name here."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        partner: Any = self.fields["partner"]
        partner.queryset = queries.open_partners()


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("Reason"), max_length=1_000)


class SelectionForm(_Dressed):
    """Which cases go into a file."""

    q = forms.CharField(label=_("Number, region, setting or note"), max_length=100, required=False)
    since = _day(_("Reported from"))
    until = _day(_("until"))
    district = forms.ModelChoiceField(city.districts(), label=_("District"), required=False, empty_label=_("all districts"))
    classification = forms.ChoiceField(
        label=_("Classification"), required=False, choices=[("", _("all")), *Classification.choices]
    )


class FileForm(_Dressed):
    """A file of another office."""

    file = forms.FileField(label=_("File"), help_text=_("FHIR (JSON, or one bundle a line), HL7 v2 or CSV."))


class SharedForm(_Dressed):
    """What this office knows better of a shared case."""

    classification = forms.ChoiceField(label=_("classification"), choices=Classification.choices)
    outcome = forms.ChoiceField(label=_("outcome"), required=False, choices=Outcome.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= {name: _day(label) for name, label in _DAYS.items()}
        _dress(self)
