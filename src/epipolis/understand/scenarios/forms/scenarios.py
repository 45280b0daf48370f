"""The part of the form that is not about measures: the city, the disease, the days and where it begins."""

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.understand.scenarios import queries
from epipolis.understand.scenarios.settings import settings

from .fields import AmountField, PercentField

_NO_NUL = [ProhibitNullCharactersValidator()]


class ScenarioForm(forms.Form):
    """Everything but the measures."""

    name = forms.CharField(label=_("Name"), max_length=100, validators=_NO_NUL)
    description = forms.CharField(
        label=_("Description"), max_length=4_000, required=False, widget=forms.Textarea(attrs={"rows": 2}), validators=_NO_NUL,
        help_text=_("What this scenario is to answer, for those who read it later."),
    )  # fmt: skip
    city = forms.ChoiceField(
        label=_("City"),
        choices=[("procedural", _("an invented city")), ("ours", _("our city"))],
        help_text=_("Our city: its areas and people as they are loaded on this platform."),
    )
    people = forms.IntegerField(
        label=_("People"), min_value=500, max_value=settings.most_people, required=False,
        help_text=_("Of the invented city. 20,000 take seconds, a million a few minutes."),
    )  # fmt: skip
    city_seed = forms.IntegerField(
        label=_("Number of the city"), min_value=0, max_value=2**31 - 1, help_text=_("Another number is another invented city.")
    )
    disease = forms.ChoiceField(label=_("Disease"))
    start = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    days = forms.IntegerField(label=_("Length"), min_value=1, max_value=settings.most_days)
    seeds = forms.IntegerField(
        label=_("Repetitions"), min_value=1, max_value=settings.most_seeds,
        help_text=_("Chance differs in each. The more there are, the surer the range; five are a beginning."),
    )  # fmt: skip
    ward = AmountField(label=_("Hospital beds"), min_value=0, max_value=100_000)
    icu = AmountField(label=_("Intensive care beds"), min_value=0, max_value=100_000)
    begin = forms.BooleanField(
        label=_("Begin from today’s situation"), required=False,
        help_text=_("With the people infected in the last weeks, as this platform knows them, instead of a fresh start."),
    )  # fmt: skip
    under_reporting = AmountField(
        label=_("Infections for each reported case"), min_value=1, max_value=100,
        help_text=_("Not every infection is found. Early in 2020 studies found 5 to 20; with much testing it is 2 to 4."),
    )  # fmt: skip
    immune = PercentField(
        label=_("People who are immune already"),
        help_text=_("Spread evenly over the city. Their protection wanes as after an infection that has just passed."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["disease"].choices = queries.disease_choices()
        units = {
            "days": _("days"), "ward": _("per 100,000 people"), "icu": _("per 100,000 people"),
            "immune": "%", "seeds": _("times"),
        }  # fmt: skip
        for name, field in self.fields.items():
            field.unit = units.get(name, "")
            field.is_many, field.is_choice = False, isinstance(field, forms.ChoiceField)
            field.is_text, field.is_check = name == "description", name == "begin"
            field.widget.attrs.setdefault("type", "date" if name == "start" else "")

    def clean_start(self):
        start = self.cleaned_data["start"]
        if not 1900 <= start.year <= 2200:
            raise forms.ValidationError(_("The first day must lie between 1900 and 2200."))
        return start

    def clean(self):
        given = super().clean()
        if given.get("city") == "procedural" and "people" not in self.errors and not given.get("people"):
            self.add_error("people", _("Say how many people the invented city has."))
        return given

    def _named(self, *names):
        return [self[name] for name in names]

    @property
    def about(self):
        return self._named("name", "description")

    @property
    def where(self):
        return self._named("city", "people", "disease", "start", "days", "seeds")

    @property
    def begins(self):
        return self._named("begin", "under_reporting", "immune")

    @property
    def more(self):
        return self._named("city_seed", "ward", "icu")

    def content(self, former):
        """What the input says, without measures and beginning; the form must be valid."""
        given = self.cleaned_data
        place = {"kind": given["city"], "seed": given["city_seed"]}
        if given["city"] == "procedural":
            place["people"] = given["people"]
        return {
            "city": place,
            "disease": given["disease"],
            "start": given["start"].isoformat(),
            "days": given["days"],
            "seeds": given["seeds"],
            "beds": {"ward": given["ward"], "icu": given["icu"]},
            "measures": [],
            "begin": former.get("begin"),
        }


def initial_of(name, description, content):
    """A stored content as the form's beginning values."""
    begin, place = content.get("begin") or {}, content["city"]
    return {
        "name": name,
        "description": description,
        "city": place["kind"],
        "people": place.get("people", 20_000),
        "city_seed": place["seed"],
        **{part: content[part] for part in ("disease", "start", "days", "seeds")},
        "ward": content["beds"]["ward"],
        "icu": content["beds"]["icu"],
        "begin": bool(content.get("begin")),
        "under_reporting": begin.get("under_reporting", settings.under_reporting),
        "immune": begin.get("immune_share", 0.0),
    }
