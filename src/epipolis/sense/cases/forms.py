"""What a person may look for, report and change on the pages of cases."""

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city import queries as city
from epipolis.sense.people.models import Sex

from .models import Case, CaseTest, Circumstance, Classification, ClassifiedBy, Outcome, State, Symptom
from .settings import settings

ORDERS = {
    "-known_at": _("newest first"),
    "known_at": _("oldest first"),
    "-revised_at": _("last changed first"),
    "-day": _("latest report first"),
    "day": _("earliest report first"),
    "source_key": _("by number"),
}


def _day(label, **options):
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options
    )


def _districts():
    return forms.ModelChoiceField(city.districts(), label=_("District"), required=False, empty_label=_("all districts"))


def _dress(form):
    """The look of each field, after its kind."""
    for name, field in form.fields.items():
        look = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
        field.widget.attrs["class"] = f"{look} is-invalid" if form.is_bound and name in form.errors else look


class CaseFilter(forms.Form):
    """Which cases the line list shows, in which order, and as known when."""

    q = forms.CharField(label=_("Number, region, setting or note"), max_length=100, required=False)
    since = _day(_("Reported from"))
    until = _day(_("until"))
    district = _districts()
    classification = forms.ChoiceField(
        label=_("Classification"), required=False, choices=[("", _("all")), *Classification.choices]
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("all")), *((v, t) for v, t in Outcome.choices if v)]
    )
    symptom = forms.ChoiceField(label=_("Symptom"), required=False, choices=[("", _("all")), *Symptom.choices])
    show = forms.ChoiceField(
        label=_("Which"),
        required=False,
        choices=[
            ("", _("all")),
            ("conflict", _("classified against the rules")),
            (ClassifiedBy.AUTOMATIC, _("classified by the rules")),
            (ClassifiedBy.MANUAL, _("classified by a person")),
            (ClassifiedBy.SOURCE, _("classified by the source")),
            ("duplicates", _("same illness as another case")),
        ],
    )
    order = forms.ChoiceField(label=_("Order"), required=False, choices=ORDERS.items())
    known = forms.DateTimeField(
        label=_("As known at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
    )
    cursor = forms.CharField(max_length=400, required=False, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["district"].queryset = city.districts().defer("border")


class FactsForm(forms.ModelForm):
    """Everything that may be believed about a case; the revision says what the editor had read."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    class Meta:
        model = Case
        fields = (
            "classification",
            "outcome",
            "onset",
            "sampled",
            "reported",
            "confirmed",
            "hospitalised",
            "isolated",
            "ended",
            "exposed_from",
            "exposed_until",
            "has_symptoms",
            "age_from",
            "age_to",
            "sex",
            "district",
            "neighbourhood",
            "region",
            "setting",
            "note",
        )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.required = name in ("classification", "revision")
            if isinstance(field, forms.DateField):
                field.widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        for name in ("age_from", "age_to"):
            self.fields[name] = forms.IntegerField(label=self.fields[name].label, required=False, min_value=0, max_value=120)
        self.fields["sex"] = forms.ChoiceField(label=_("Sex"), required=False, choices=Sex.choices)
        self.fields["note"].max_length = 4_000
        self.fields["note"].validators.append(forms.CharField(max_length=4_000).validators[0])
        self.fields["district"].queryset = city.districts().defer("border")
        self.fields["neighbourhood"].queryset = city.matching_neighbourhoods()
        self.fields["note"].widget.attrs["rows"] = 3
        _dress(self)

    def _post_clean(self):
        """The rules for facts are the services', which know the whole case; the form only reads its fields."""


class ReportForm(forms.Form):
    """A new case, as told on the telephone or at a desk; only what is known."""

    family_name = forms.CharField(label=_("Family name"), max_length=150, required=False)
    given_name = forms.CharField(label=_("Given name"), max_length=150, required=False)
    phone = forms.CharField(label=_("Telephone"), max_length=50, required=False)
    national_id = forms.CharField(
        label=_("National number"), max_length=100, required=False, help_text=_("Finds the person when known already.")
    )
    age = forms.IntegerField(label=_("Age"), required=False, min_value=0, max_value=120)
    sex = forms.ChoiceField(label=_("Sex"), required=False, choices=Sex.choices)
    district = forms.ModelChoiceField(city.districts(), label=_("District"), required=False, empty_label=_("unknown"))
    disease = forms.CharField(label=_("Disease"), max_length=40, initial=settings.disease)
    classification = forms.ChoiceField(
        label=_("Classification"), required=False, choices=[("", _("by the rules")), *Classification.choices[:3]]
    )
    onset = _day(_("First symptoms"))
    sampled = _day(_("Sample taken"))
    reported = _day(_("Reported"))
    setting = forms.CharField(
        label=_("Setting of infection"), max_length=200, required=False, help_text=_("For example household, school, bus.")
    )
    note = forms.CharField(label=_("Note"), max_length=4_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    source_key = forms.CharField(
        label=_("Number in your list"), max_length=100, required=False, help_text=_("Empty: the platform gives one.")
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["district"].queryset = city.districts().defer("border")
        _dress(self)


_STATES = [*State.choices, ("", _("not asked"))]


class StatesForm(forms.Form):
    """Every symptom and circumstance with its answer; what is not asked stays open."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    has_symptoms = forms.ChoiceField(
        label=_("Has symptoms at all"),
        required=False,
        widget=forms.RadioSelect,
        choices=[(State.YES, _("yes")), (State.NO, _("no")), ("", _("not known"))],
    )

    def __init__(self, *args, case, **kwargs):
        told = {None: "", True: "yes", False: "no"}[case.has_symptoms]
        initial = {"revision": case.revision, "has_symptoms": told}
        for kind, names in (("symptoms", Symptom), ("circumstances", Circumstance)):
            initial |= {f"{kind}-{name}": getattr(case, kind).get(name, "") for name in names.values}
        super().__init__(*args, initial=initial | kwargs.pop("initial", {}), **kwargs)
        for kind, names in (("symptoms", Symptom), ("circumstances", Circumstance)):
            for name, label in names.choices:
                self.fields[f"{kind}-{name}"] = forms.ChoiceField(
                    label=label, required=False, choices=_STATES, widget=forms.RadioSelect
                )

    def of(self, kind):
        """The fields of one kind, for the page."""
        return [self[name] for name in self.fields if name.startswith(f"{kind}-")]

    def symptoms(self):
        return self.of("symptoms")

    def circumstances(self):
        return self.of("circumstances")

    def answers(self, kind):
        told = {name.partition("-")[2]: state for name, state in self.cleaned_data.items() if name.startswith(f"{kind}-")}
        return {name: state for name, state in told.items() if state}

    def clean(self):
        cleaned = super().clean()
        is_ill = any(state == State.YES for name, state in cleaned.items() if name.startswith("symptoms-"))
        if is_ill and cleaned.get("has_symptoms") == State.NO:
            self.add_error("has_symptoms", _("A symptom is answered with yes."))
        elif is_ill:
            cleaned["has_symptoms"] = str(State.YES)
        return cleaned


class TestForm(forms.Form):
    """A laboratory finding, typed in from paper or the telephone."""

    source = forms.CharField(label=_("Laboratory"), max_length=100)
    source_ref = forms.CharField(
        label=_("Number in the laboratory"), max_length=200, help_text=_("The same number again corrects the finding.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=CaseTest.Kind.choices)
    result = forms.ChoiceField(label=_("Result"), choices=CaseTest.Result.choices)
    status = forms.ChoiceField(label=_("Status"), choices=CaseTest.Status.choices, initial=CaseTest.Status.FINAL)
    disease = forms.CharField(label=_("Disease"), max_length=40)
    specimen = forms.CharField(label=_("Specimen"), max_length=100, required=False)
    sampled_on = _day(_("Sample taken"))
    resulted_on = _day(_("Result known"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _dress(self)


class OverrideForm(forms.Form):
    """A classification against the rules, and why."""

    classification = forms.ChoiceField(label=_("Classification"), choices=Classification.choices)
    reason = forms.CharField(label=_("Reason"), max_length=400)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _dress(self)


class ReplayForm(forms.Form):
    """Which definition is tried, and on the cases of which day."""

    definition = forms.ChoiceField(label=_("Definition"))
    as_of = forms.DateField(
        label=_("Cases as known on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Only what is tried on today's cases can be applied."),
    )

    def __init__(self, *args, definitions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["definition"].choices = [
            (pack.reference, f"{pack.content.get('title', pack.name)} ({pack.jurisdiction} {pack.version})")
            for pack in definitions
        ]
        _dress(self)
