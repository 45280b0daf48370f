"""The forms of the core's own pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.core.access import device_scopes
from epipolis.core.models import User
from epipolis.core.modules import ROLES


class NewAccount(forms.Form):
    username = forms.CharField(
        label=_("Account name"),
        max_length=150,
        help_text=_("Letters, digits and @ . + - _ only. It appears in the audit trail."),
    )
    full_name = forms.CharField(label=_("Full name"), max_length=200, required=False)
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=[(role, role) for role in ROLES], widget=forms.CheckboxSelectMultiple
    )


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=[(role, role) for role in ROLES], widget=forms.CheckboxSelectMultiple, required=False
    )


class NewToken(forms.Form):
    name = forms.CharField(label=_("Device"), max_length=100, help_text=_("Where it stands and what it is for."))
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label=_("Ends after (days)"), min_value=1, max_value=1_000, initial=90)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = [(scope, scope) for scope in sorted(device_scopes(by))]
        scopes: Any = self.fields["scopes"]
        scopes.choices = choices


class AuditFilter(forms.Form):
    actor = forms.CharField(label=_("Who"), max_length=150, required=False)
    action = forms.CharField(label=_("What"), max_length=100, required=False, help_text=_("For example cases or people.read"))
    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    person = forms.UUIDField(label=_("Person (identifier)"), required=False)


class EarlierHead(forms.Form):
    position = forms.IntegerField(label=_("Position"), min_value=1, max_value=2**63 - 1, required=False)
    digest = forms.CharField(label=_("Digest"), max_length=64, required=False)
