from datetime import date, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Signal

_DAY = {"type": "date", "class": "form-control"}
_CHOICE = {"class": "form-select"}


class SignalFilter(forms.Form):
    """Which signals the list shows."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("still to do")), *Signal.State.choices, ("all", _("all"))],
        widget=forms.Select(attrs=_CHOICE),
    )
    series = forms.CharField(max_length=60, required=False)
    area = forms.CharField(max_length=60, required=False)
    method = forms.ChoiceField(required=False, choices=[("", ""), *Signal.Method.choices])


class JudgeForm(forms.Form):
    """What a signal was, and why. What is missing or too long is told by the service."""

    state = forms.ChoiceField(choices=Signal.State.choices)
    reason = forms.CharField(max_length=2_000, required=False)
    seen = forms.ChoiceField(choices=[("", ""), *Signal.State.choices], required=False)
    with_earlier = forms.BooleanField(required=False)
    back = forms.ChoiceField(choices=[("", ""), ("list", "list")], required=False)


class PastForm(forms.Form):
    """Which past days to look at, as they were known then."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))

    @classmethod
    def usual(cls, today: date) -> "PastForm":
        """The last four weeks."""
        return cls(initial={"since": today - timedelta(days=28), "until": today})
