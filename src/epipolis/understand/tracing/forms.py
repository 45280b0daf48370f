"""What people may ask and tell on the pages of tracing."""

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city import queries as city

from .models import Contact, Risk


class WorkFilter(forms.Form):
    """Which contacts the work list shows."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("waiting for a call")), *Contact.State.choices, ("all", _("all"))],
    )
    risk = forms.ChoiceField(label=_("Risk"), required=False, choices=[("", _("all")), *Risk.choices])
    certain = forms.TypedChoiceField(
        label=_("Meeting"),
        required=False,
        choices=[("", _("all")), ("1", _("certain")), ("0", _("possible"))],
        coerce=lambda value: value == "1",
        empty_value=None,
    )
    district = forms.TypedChoiceField(label=_("District"), required=False, coerce=int, empty_value=None)
    place = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    mine = forms.BooleanField(label=_("only mine"), required=False)
    older = forms.BooleanField(label=_("also those met too long ago to fall ill"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        districts = city.districts().values_list("id", "name")
        self.fields["district"].choices = [("", _("all")), *((str(key), name) for key, name in districts)]


class WorkForm(forms.Form):
    """What came of a call."""

    state = forms.ChoiceField(choices=Contact.State.choices)
    note = forms.CharField(required=False, max_length=2_000, validators=[ProhibitNullCharactersValidator()])


class UndoForm(WorkForm):
    """What a contact was before the last step."""

    worked_at = forms.DateTimeField(required=False)
