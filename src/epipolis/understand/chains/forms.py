"""What people may decide on the pages of chains."""

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _


class JudgeForm(forms.Form):
    """Whether one case infected another, and why."""

    infector = forms.UUIDField(required=False)
    number = forms.CharField(label=_("number of the case"), required=False, max_length=100)
    is_source = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    reason = forms.CharField(label=_("reason"), max_length=500, validators=[ProhibitNullCharactersValidator()])


class PeriodForm(forms.Form):
    """Cases of how many days."""

    days = forms.TypedChoiceField(
        label=_("Cases of the last"),
        required=False,
        coerce=int,
        empty_value=0,
        choices=[("28", _("4 weeks")), ("56", _("8 weeks")), ("120", _("4 months")), ("730", _("2 years"))],
    )
