from datetime import date, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

_DAY = {"type": "date", "class": "form-control"}


class PastForm(forms.Form):
    """How would we have done? From when, until when, and how often."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    every = forms.IntegerField(
        label=_("Days between two rounds"),
        min_value=1,
        max_value=28,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )

    @classmethod
    def usual(cls, today: date) -> "PastForm":
        """The last eight weeks, week by week."""
        return cls(initial={"since": today - timedelta(days=56), "until": today - timedelta(days=7), "every": 7})


class ModelsFilter(forms.Form):
    """Which scores: of what, where, and how far back."""

    target = forms.CharField(max_length=60, required=False)
    area = forms.CharField(max_length=60, required=False)
    days = forms.IntegerField(min_value=7, max_value=1_830, required=False)


class LimitForm(forms.Form):
    """An incidence limit other than that of the rules."""

    limit = forms.FloatField(min_value=1, max_value=100_000, required=False)


class HubFilter(forms.Form):
    """Whose forecasts, of what."""

    model = forms.CharField(max_length=60, required=False)
    target = forms.CharField(max_length=60, required=False)
