"""What people may ask and tell on the pages of follow-up."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.core import clock
from epipolis.core.models import User
from epipolis.sense.cases.models import Case, Circumstance, Symptom
from epipolis.sense.cases.models import State as Answered
from epipolis.sense.city import queries as city
from epipolis.understand.tracing.models import Risk

from . import queries
from .models import Attempt, DayState, How, Order, State
from .services import Answer

_ANSWERS = [("", _("not asked")), ("no", _("no")), ("yes", _("yes")), ("unknown", _("not known"))]
_PLAIN = [ProhibitNullCharactersValidator()]


class DayField(forms.DateField):
    """A calendar day, as a browser's own picker sends it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}), **options)


class OnePageForm(forms.Form):
    """One of several forms on a page: its fields have names of their own there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": f"{type(self).__name__.lower()}_%s"} | kwargs))


class ListFilter(forms.Form):
    """Which part of the work list is shown."""

    who = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("mine", _("mine")), ("team", _("my team's")), ("nobody", _("nobody's")), ("all", _("everybody's"))],
    )
    lane = forms.ChoiceField(
        label=_("Why"),
        required=False,
        choices=[
            ("", _("all that waits")),
            ("promised", _("promised a call")),
            ("new", _("new, high risk")),
            ("overdue", _("overdue")),
            ("today", _("due today")),
            ("later", _("later")),
        ],
    )
    risk = forms.ChoiceField(label=_("Risk"), required=False, choices=[("", _("all")), *Risk.choices])
    district = forms.TypedChoiceField(label=_("District"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(str(key), name) for key, name in city.districts().values_list("id", "name")]
        field: Any = self.fields["district"]
        field.choices = [("", _("all")), *found]


class CheckForm(OnePageForm):
    """How somebody is on one day. Each symptom has three answers and an empty one: not asked."""

    day = DayField(label=_("Day"))
    part = forms.IntegerField(required=False, min_value=0, max_value=23, widget=forms.HiddenInput)
    state = forms.ChoiceField(label=_("Result"), required=False)
    temperature = forms.DecimalField(
        label=_("Temperature, °C"), required=False, min_value=Decimal(30), max_value=Decimal(45), decimal_places=1, max_digits=3
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=2_000, validators=_PLAIN)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    answered = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state: Any = self.fields["state"]
        state.choices = [("", _("from the answers")), *[choice for choice in DayState.choices if choice[0] in _TOLD]]
        for name, label in queries.SYMPTOMS.items():
            self.fields[f"symptom_{name}"] = forms.ChoiceField(label=label, required=False, choices=_ANSWERS)

    @property
    def symptoms(self) -> dict[str, str]:
        """What was asked, by symptom."""
        return {name: value for name in queries.SYMPTOMS if (value := self.cleaned_data.get(f"symptom_{name}"))}

    @property
    def symptom_fields(self) -> list[Any]:
        return [self[f"symptom_{name}"] for name in queries.SYMPTOMS]

    @property
    def told_state(self) -> str:
        """What was chosen; without a choice what follows from the answers."""
        fever = self.cleaned_data["temperature"]
        ill = "yes" in self.symptoms.values() or (fever is not None and fever >= queries.fever_from(clock.now()))
        return self.cleaned_data["state"] or str(DayState.SEEN_ILL if ill else DayState.SEEN_OK)

    @property
    def answer(self) -> Answer:
        """What was told."""
        told = {name: self.cleaned_data[name] for name in ("day", "temperature", "note", "answered", "client_id")}
        return Answer(state=self.told_state, part=self.cleaned_data["part"] or 0, symptoms=self.symptoms, **told)


_TOLD = (DayState.SEEN_OK, DayState.SEEN_ILL, DayState.NOT_SEEN)
_ENDS = (State.COMPLETED, State.CANCELLED, State.LOST, State.NOT_NEEDED)


class AttemptForm(OnePageForm):
    outcome = forms.ChoiceField(label=_("What came of the call"), choices=Attempt.Outcome.choices)
    how = forms.ChoiceField(label=_("How"), choices=[("call", _("telephone")), ("visit", _("visit"))], required=False)
    call_back_at = forms.DateTimeField(
        label=_("Call back at"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    note = forms.CharField(label=_("Note, or what was promised"), required=False, max_length=300, validators=_PLAIN)
    client_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    tried_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)  # by the phone's clock, where it was sent later

    def clean_how(self) -> str:
        """A call, where nothing else was chosen."""
        return self.cleaned_data["how"] or str(How.CALL)


class ReasonForm(OnePageForm):
    reason = forms.CharField(label=_("Reason"), max_length=1_000, validators=_PLAIN)


class EndForm(ReasonForm):
    until = DayField(label=_("Last day"))


class QuarantineForm(ReasonForm):
    starts = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)
    order = forms.ChoiceField(label=_("Order"), required=False, choices=Order.choices)
    ordered_on = DayField(label=_("Ordered on"), required=False)


class FinishForm(ReasonForm):
    state = forms.ChoiceField(
        label=_("Ends as"),
        choices=[choice for choice in State.choices if choice[0] in _ENDS],
    )


class AssignForm(OnePageForm):
    to = forms.ModelChoiceField(label=_("Give to"), queryset=User.objects.none(), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = queries.colleagues()


class HandoverForm(forms.Form):
    taker = forms.ModelChoiceField(
        label=_("Who takes over"), queryset=User.objects.none(), required=False, empty_label=_("whoever of my team takes it")
    )
    note = forms.CharField(
        label=_("What they must know"), required=False, max_length=2_000, validators=_PLAIN, widget=forms.Textarea
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["taker"]
        field.queryset = queries.colleagues()


class TeamForm(OnePageForm):
    name = forms.CharField(label=_("Name of the team"), max_length=100, validators=_PLAIN)
    note = forms.CharField(label=_("Note"), max_length=300, required=False, validators=_PLAIN)


class MemberForm(OnePageForm):
    user = forms.ModelChoiceField(label=_("Who"), queryset=User.objects.none())
    team = forms.ModelChoiceField(label=_("Team"), queryset=None)
    languages = forms.CharField(
        label=_("Languages"), required=False, max_length=200, validators=_PLAIN, help_text=_("Codes: en es vi zh-Hant")
    )
    districts = forms.TypedMultipleChoiceField(label=_("Districts"), required=False, coerce=int)
    most = forms.IntegerField(label=_("Contacts at most"), min_value=0, max_value=5_000, initial=80)
    is_active = forms.BooleanField(label=_("takes new contacts"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user, team, districts = (self.fields[name] for name in ("user", "team", "districts"))
        user.queryset = queries.colleagues()  # type: ignore[attr-defined]  # -- a field of choices has it
        team.queryset = queries.teams()  # type: ignore[attr-defined]  # -- as above
        districts.choices = [(str(key), name) for key, name in city.districts().values_list("id", "name")]  # type: ignore[attr-defined]  # -- as above

    def clean_languages(self) -> list[str]:
        words = self.cleaned_data["languages"].replace(",", " ").split()
        if any(len(word) > 10 for word in words):
            raise forms.ValidationError(_("Codes such as en, es or zh-Hant, with spaces between them."))
        return words


class ExposureForm(forms.Form):
    """Somebody whom a case named. What is not known stays empty."""

    case = forms.CharField(label=_("Number of the case"), max_length=100, validators=_PLAIN)
    given_name = forms.CharField(label=_("Given name"), max_length=150, required=False, validators=_PLAIN)
    family_name = forms.CharField(label=_("Family name"), max_length=150, required=False, validators=_PLAIN)
    phone = forms.CharField(label=_("Telephone"), max_length=50, required=False, validators=_PLAIN)
    national_id = forms.CharField(label=_("National number"), max_length=100, required=False, validators=_PLAIN)
    language = forms.CharField(label=_("Language"), max_length=10, required=False, validators=_PLAIN)
    relation = forms.CharField(label=_("Relation to the case"), max_length=100, required=False, validators=_PLAIN)
    household = forms.BooleanField(label=_("lives in the same household"), required=False)
    risk = forms.ChoiceField(label=_("Risk"), choices=Risk.choices)
    first_contact = DayField(label=_("First contact"), required=False)
    last_contact = DayField(label=_("Last contact"), required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not any(found.get(name) for name in ("given_name", "family_name", "phone", "national_id")):
            raise forms.ValidationError(_("Give at least a name, a telephone or a number."))
        first, last = found.get("first_contact"), found.get("last_contact")
        if first and last and first > last:
            raise forms.ValidationError(_("The first contact lies after the last."))
        return found


class PeriodForm(forms.Form):
    """The days that are counted."""

    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Until"), required=False)


class NamedForm(forms.Form):
    """One person whom a case named."""

    key = forms.RegexField(r"^[\w-]{1,40}$", required=False, widget=forms.HiddenInput)
    given_name = forms.CharField(label=_("Given name"), max_length=150, required=False, validators=_PLAIN)
    family_name = forms.CharField(label=_("Family name"), max_length=150, required=False, validators=_PLAIN)
    phone = forms.CharField(
        label=_("Telephone"), max_length=50, required=False, validators=_PLAIN, widget=forms.TextInput(attrs={"type": "tel"})
    )
    relation = forms.CharField(label=_("Relation to the case"), max_length=100, required=False, validators=_PLAIN)
    last_contact = DayField(label=_("Last contact"), required=False)
    place = forms.CharField(label=_("Where they met"), max_length=300, required=False, validators=_PLAIN)
    risk = forms.ChoiceField(label=_("Risk"), choices=Risk.choices, required=False, initial="medium")
    household = forms.BooleanField(label=_("lives in the same household"), required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        told = {name for name, value in found.items() if value and name not in ("key", "risk")}
        if told and not told & {"given_name", "family_name", "phone"}:
            raise forms.ValidationError(_("Give at least a name or a telephone."))
        return found


class BeenForm(forms.Form):
    """One place where a case was."""

    day = DayField(label=_("Day"), required=False)
    place = forms.CharField(label=_("Place"), max_length=300, required=False, validators=_PLAIN)
    starts = forms.TimeField(label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    ends = forms.TimeField(label=_("Until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if bool(found.get("place")) != bool(found.get("day")) and not self.errors:
            raise forms.ValidationError(_("A place needs its day, and a day its place."))
        if bool(found.get("starts")) != bool(found.get("ends")) and not self.errors:
            raise forms.ValidationError(_("Give both times, or none: then the day alone counts."))
        return found


NamedFormSet = forms.formset_factory(NamedForm, extra=1, max_num=300, absolute_max=300)
BeenFormSet = forms.formset_factory(BeenForm, extra=1, max_num=300, absolute_max=300)


class InterviewForm(forms.Form):
    """What a case tells of themselves: each symptom and circumstance, each day, needs."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    language = forms.RegexField(r"^[A-Za-z-]{0,10}$", label=_("Language"), required=False)
    needs = forms.MultipleChoiceField(
        label=_("What they need at home"),
        required=False,
        choices=list(queries.NEEDS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(
        label=_("Anything else"), required=False, max_length=5_000, validators=_PLAIN, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, case: Case, days: list[Any], **kwargs: Any) -> None:
        self.kinds: dict[str, Any] = {"symptoms": Symptom, "circumstances": Circumstance}
        initial: dict[str, Any] = {"revision": case.revision}
        for kind, names in self.kinds.items():
            initial |= {f"{kind}-{name}": getattr(case, kind).get(name, "") for name in names.values}
        super().__init__(*args, initial=initial | (kwargs.pop("initial", None) or {}), **kwargs)
        for kind, names in self.kinds.items():
            for name, label in names.choices:
                self.fields[f"{kind}-{name}"] = forms.ChoiceField(
                    label=label, required=False, choices=[*Answered.choices, ("", _("not asked"))], widget=forms.RadioSelect
                )
        for one in days:
            self.fields[f"day-{one.day}"] = forms.CharField(
                required=False, max_length=2_000, validators=_PLAIN, widget=forms.Textarea(attrs={"rows": 2})
            )

    def symptoms(self) -> list[Any]:
        return [self[f"symptoms-{name}"] for name in Symptom.values]

    def circumstances(self) -> list[Any]:
        return [self[f"circumstances-{name}"] for name in Circumstance.values]

    def told(self, prefix: str) -> dict[str, str]:
        """What was answered under a prefix, by the rest of the name."""
        found = {name.removeprefix(prefix): value for name, value in self.cleaned_data.items() if name.startswith(prefix)}
        return {name: value for name, value in found.items() if value}
