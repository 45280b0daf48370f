"""What a citizen, or staff for a caller, may answer."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.sense.cases.models import State
from epipolis.sense.city import queries as city

from . import queries, services
from .models import Need, Purpose, Relation

_PLAIN = [ProhibitNullCharactersValidator()]


class CodeForm(forms.Form):
    """The code of a household."""

    code = forms.CharField(label=_("Your code"), max_length=100, validators=_PLAIN)


class AnswersForm(forms.Form):
    """How somebody is. `well` answers every question with no."""

    onset = forms.DateField(label=_("When did it begin?"), required=False)
    temperature = forms.DecimalField(label=_("Temperature, °C"), required=False, max_digits=3, decimal_places=1, localize=True)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, day: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.symptoms, self.circumstances = queries.asked_symptoms(day), queries.asked_circumstances(day)
        self.is_well = bool(self.data.get("well"))
        for name, text in (*self.symptoms, *self.circumstances):
            self.fields[name] = forms.ChoiceField(label=text, required=False, choices=[("", ""), *State.choices])

    def questions(self) -> list[dict[str, Any]]:
        """Each question with what was answered."""
        return [{"name": name, "text": text, "value": self.data.get(name, "")} for name, text in self.symptoms]

    def around(self) -> list[dict[str, Any]]:
        return [{"name": name, "text": text, "value": self.data.get(name, "")} for name, text in self.circumstances]

    def answers(self) -> services.Answers:
        if self.is_well:
            no = str(State.NO)
            return services.Answers(
                {name: no for name, _text in self.symptoms}, {name: no for name, _text in self.circumstances}
            )
        told = self.cleaned_data
        return services.Answers(
            {name: told[name] for name, _text in self.symptoms if told[name]},
            {name: told[name] for name, _text in self.circumstances if told[name]},
            told["onset"],
            told["temperature"],
        )


class AboutForm(forms.Form):
    """Who may use the answers, and how to reach the household; all of it may stay empty."""

    relation = forms.ChoiceField(label=_("For whom?"), required=False, choices=Relation.choices)
    purposes = forms.MultipleChoiceField(required=False, choices=Purpose.choices)
    needs = forms.MultipleChoiceField(label=_("What do you need?"), required=False, choices=Need.choices)
    district = forms.TypedChoiceField(label=_("District"), required=False, coerce=int, empty_value=None)
    given_name = forms.CharField(label=_("given name"), required=False, max_length=150, validators=_PLAIN)
    family_name = forms.CharField(label=_("family name"), required=False, max_length=150, validators=_PLAIN)
    phone = forms.CharField(label=_("telephone"), required=False, max_length=40, validators=_PLAIN)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        districts = city.districts().values_list("id", "name")
        self.fields["district"].choices = [("", _("I would rather not say")), *((str(key), name) for key, name in districts)]

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        needs_name = set(told.get("purposes") or ()) & {Purpose.CARE, Purpose.TRACING, Purpose.AID}
        if needs_name and not told.get("phone"):
            self.add_error("phone", _("Somebody can only call or come if you leave a telephone."))
        return told


class MemberForm(forms.Form):
    """Somebody more of the household."""

    relation = forms.ChoiceField(label=_("Who is it?"), choices=[choice for choice in Relation.choices if choice[0] != "self"])
    label = forms.CharField(label=_("What do you call this person?"), required=False, max_length=60, validators=_PLAIN)


class WishesForm(forms.Form):
    """What a household allows and needs, as ticked."""

    purposes = forms.MultipleChoiceField(required=False, choices=Purpose.choices)
    needs = forms.MultipleChoiceField(required=False, choices=Need.choices)


class ListForm(forms.Form):
    """Which list staff look at."""

    purpose = forms.ChoiceField(required=False, choices=Purpose.choices)
    urgent = forms.BooleanField(required=False)


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
