"""Fields that speak as officers do: percent instead of shares, lists in words."""

import math

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _


class AmountField(forms.FloatField):
    """A finite number within bounds."""

    def prepare_value(self, value):
        """60 rather than 60.0."""
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def to_python(self, value):
        found = super().to_python(value)
        if found is not None and not math.isfinite(found):
            raise forms.ValidationError(_("Enter a number."))
        return found


class PercentField(AmountField):
    """Asked in percent, kept as a share between 0 and 1."""

    def __init__(self, **kwargs):
        super().__init__(min_value=0, max_value=100, step_size=None, **kwargs)

    def prepare_value(self, value):
        is_share = isinstance(value, float | int) and not isinstance(value, bool)
        return super().prepare_value(round(100.0 * value, 4) if is_share else value)

    def clean(self, value):
        found = super().clean(value)
        return None if found is None else round(found / 100, 6)


class GroupsField(forms.CharField):
    """Names with commas, kept as a list."""

    default_validators = [ProhibitNullCharactersValidator()]

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value):
        return [part.strip() for part in super().clean(value).split(",") if part.strip()]


class ManyField(forms.MultipleChoiceField):
    """Several of a few names."""

    def __init__(self, **kwargs):
        super().__init__(widget=forms.CheckboxSelectMultiple, **kwargs)
