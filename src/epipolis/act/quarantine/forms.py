"""What officers and people under orders may ask and tell on the pages."""

from typing import Any
from uuid import uuid5

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.act.followup.queries import SYMPTOMS
from epipolis.sense.city import queries as city

from . import queries
from .models import Alarm, Appeal, Basis, Errand, FenceState, Kind, Need, Phone, PlaceKind
from .services import NeedAsked, Report

_PLAIN = [ProhibitNullCharactersValidator()]
_LONG = 4_000


class DayField(forms.DateField):
    """A calendar day, as a browser's own picker sends it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


class MomentField(forms.DateTimeField):
    """A moment by the city's clock, as a browser's own picker sends it."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)


class WordsField(forms.CharField):
    """What somebody writes in lines; browsers count a line's end once and send it as two characters."""

    def __init__(self, *, rows: int = 2, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), validators=_PLAIN, **options)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class PageForm(forms.Form):
    """One of several forms on a page: its fields have ids of their own there, and the looks of the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": f"{type(self).__name__.lower()}_%s"} | kwargs))
        for field in self.fields.values():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            kind = "form-check-input" if isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple) else kind
            field.widget.attrs.setdefault("class", kind)


def _reason(label: Any = "", *, required: bool = True) -> forms.CharField:
    return WordsField(label=label or _("Reason"), required=required, max_length=1_000)


def _ground(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=500, validators=_PLAIN, widget=forms.Textarea(attrs={"rows": 2}))


class ListFilter(forms.Form):
    """Which orders are shown."""

    view = forms.ChoiceField(label=_("List"), required=False, choices=[(one, queries.VIEW_NAMES[one]) for one in queries.VIEWS])
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("all")), *Kind.choices])
    place = forms.ChoiceField(label=_("Place"), required=False, choices=[("", _("all")), *PlaceKind.choices])
    district = forms.TypedChoiceField(label=_("District"), required=False, coerce=int, empty_value=None)
    ends_by = DayField(label=_("Ends by"), required=False)
    number = forms.CharField(label=_("Number"), required=False, max_length=30, validators=_PLAIN)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["district"]
        field.choices = [("", _("all")), *[(str(key), name) for key, name in city.districts().values_list("id", "name")]]


class PlaceForm(PageForm):
    """Where somebody stays. The spot on the map is only needed where a phone is watched."""

    place = forms.ChoiceField(label=_("Place"), choices=PlaceKind.choices)
    facility = forms.CharField(label=_("Name of the facility"), required=False, max_length=200, validators=_PLAIN)
    address = forms.CharField(
        label=_("Address"), required=False, max_length=500, validators=_PLAIN, widget=forms.Textarea(attrs={"rows": 2})
    )
    lat = forms.FloatField(
        label=_("Latitude"), required=False, min_value=-90, max_value=90, widget=forms.NumberInput(attrs={"step": "any"})
    )
    lon = forms.FloatField(
        label=_("Longitude"), required=False, min_value=-180, max_value=180, widget=forms.NumberInput(attrs={"step": "any"})
    )
    radius = forms.IntegerField(label=_("Radius, metres"), required=False, min_value=20, max_value=5_000)


class MoveForm(PlaceForm):
    reason = _reason()


class IssueForm(PlaceForm):
    """Everything that an officer decides when issuing an order."""

    starts = DayField(label=_("First day"), required=False)
    until = DayField(label=_("Last day"), required=False)
    how = forms.ChoiceField(label=_("Told how"), choices=[("written", _("in writing")), ("verbal", _("by word of mouth"))])
    told_at = MomentField(label=_("Told when"))
    language = forms.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,6})?$",
        label=_("Language"),
        required=False,
        error_messages={"invalid": _("must be a language code such as en, es or zh-Hant")},
    )
    legal_basis = _ground(_("Legal basis"))
    purpose = _ground(_("Purpose"))
    reason = _reason(_("Reason, where the days are not those of the rule"), required=False)
    household = forms.BooleanField(label=_("Issue the drafts of this household too, each with its own days"), required=False)


class DraftForm(PageForm):
    """An order that no fact of the platform asks for, such as that of a traveller."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices)
    disease = forms.CharField(label=_("Disease"), max_length=40, validators=_PLAIN)
    starts = DayField(label=_("First day"))
    until = DayField(label=_("Last day"))
    reason = _reason()


class DaysForm(PageForm):
    until = DayField(label=_("Last day"))
    reason = _reason()


class ReasonForm(PageForm):
    reason = _reason()


class AskForm(PageForm):
    reason = _reason(required=False)


class ToldForm(PageForm):
    how = forms.ChoiceField(label=_("Told how"), choices=[("written", _("in writing")), ("verbal", _("by word of mouth"))])
    told_at = MomentField(label=_("Told when"))


class TogetherForm(ToldForm):
    """What is the same for all orders that are issued together."""

    legal_basis = _ground(_("Legal basis"))
    purpose = _ground(_("Purpose"))


class WellForm(PageForm):
    well_since = DayField(label=_("Without symptoms since"), required=False, help_text=_("Empty: there are symptoms."))
    reason = _reason(required=False)


class ErrandForm(PageForm):
    """When somebody may be elsewhere, by the city's clock, and why."""

    reason = forms.ChoiceField(label=_("Why"), choices=Errand.Reason.choices)
    begins = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))
    text = forms.CharField(label=_("Note, also for the person"), required=False, max_length=500, validators=_PLAIN)


class WatchForm(PageForm):
    basis = forms.ChoiceField(label=_("On what basis"), choices=Basis.choices)
    reason = _reason()


class NeedsForm(PageForm):
    """What somebody needs; nothing is an answer too."""

    kinds = forms.MultipleChoiceField(
        label=_("What they need"),
        required=False,
        choices=Need.Kind.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": ""}),
    )
    text = WordsField(label=_("In their words"), required=False, max_length=1_000)
    urgent = forms.BooleanField(label=_("needed today"), required=False)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        is_vague = Need.Kind.OTHER in found.get("kinds", ()) or (found.get("urgent") and not found.get("kinds"))
        if is_vague and not found.get("text") and "text" not in self.errors:
            raise forms.ValidationError(_("Say what is needed."))
        return found

    @property
    def needs(self) -> list[NeedAsked]:
        told = self.cleaned_data
        kinds = told["kinds"] or ([str(Need.Kind.OTHER)] if told["text"] else [])
        own = told["client_id"]  # one form is stored once; each of its needs has a number made of the form's
        return [NeedAsked(kind, told["text"], told["urgent"], uuid5(own, kind) if own else None) for kind in kinds]


class AnswerForm(PageForm):
    answer = forms.ChoiceField(label=_("Answer"), choices=Appeal.Answer.choices)
    text = WordsField(label=_("Why"), max_length=_LONG, rows=4)


class AppealForm(PageForm):
    text = WordsField(label=_("What should be looked at again?"), max_length=_LONG, rows=4)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)


class ReportForm(PageForm):
    """How somebody is today, by themselves."""

    temperature = forms.DecimalField(required=False, min_value=30, max_value=45, decimal_places=1, max_digits=3)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in SYMPTOMS.items():
            self.fields[f"symptom_{name}"] = forms.ChoiceField(
                label=label, required=False, choices=[("", ""), ("no", _("no")), ("yes", _("yes"))]
            )

    @property
    def symptom_fields(self) -> list[Any]:
        return [self[f"symptom_{name}"] for name in SYMPTOMS]

    def report(self, day: Any, *, all_well: bool) -> Report | None:
        """What was told; None where nothing was."""
        told = self.cleaned_data
        symptoms = {name: value for name in SYMPTOMS if (value := told.get(f"symptom_{name}"))}
        if all_well:
            symptoms = dict.fromkeys(SYMPTOMS, "no")
        if not symptoms and told["temperature"] is None:
            return None
        fever = told["temperature"] is not None and told["temperature"] >= 38
        return Report(
            day=day,
            symptoms=symptoms,
            temperature=told["temperature"],
            is_ill="yes" in symptoms.values() or fever,
            client_id=told["client_id"],
        )


class DeskFilter(forms.Form):
    state = forms.ChoiceField(required=False, choices=FenceState.choices)
    show = forms.ChoiceField(required=False, choices=[("open", ""), ("mine", ""), ("closed", "")])


class CallForm(PageForm):
    """What came of a call: first whether somebody needs help."""

    result = forms.ChoiceField(
        label=_("What came of it"),
        choices=[
            ("no_answer", _("nobody answered")),
            ("well", _("is well, at the place")),
            ("needs_help", _("needs help")),
            ("phone_trouble", _("trouble with the phone")),
            ("says_away", _("says they are elsewhere")),
        ],
    )
    text = forms.CharField(label=_("Note"), required=False, max_length=1_000, validators=_PLAIN)


class VisitForm(PageForm):
    result = forms.ChoiceField(
        label=_("What came of it"), choices=[("found", _("was at the place")), ("nobody", _("nobody was there"))]
    )
    text = forms.CharField(label=_("Note"), required=False, max_length=1_000, validators=_PLAIN)


class CloseForm(PageForm):
    outcome = forms.ChoiceField(
        label=_("What it was"), choices=[one for one in Alarm.Outcome.choices if one[0] not in ("heard", "ended")]
    )
    text = forms.CharField(label=_("Note"), required=False, max_length=1_000, validators=_PLAIN)


class EnrolForm(PageForm):
    kind = forms.ChoiceField(label=_("Whose telephone"), choices=Phone.Kind.choices)


class ShiftForm(PageForm):
    text = forms.CharField(
        label=_("For the next shift"), max_length=_LONG, validators=_PLAIN, widget=forms.Textarea(attrs={"rows": 3})
    )
