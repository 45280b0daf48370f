"""What staff may write about a person, and what a citizen may type."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.sense.city import queries as city

from . import queries, services
from .models import Sex

_LANGUAGES = [("", _("unknown")), ("en", "English"), ("zh-Hant", "繁體中文"), ("es", "Español")]
_FIELD_OF = {"birth_date": "birth", "phone": "phones", "email": "emails", "identifiers": "number"}
ERASURE_REASONS = [
    ("asked by the person", _("the person asked for it")),
    ("registered by mistake", _("registered by mistake")),
    ("no longer needed", _("no longer needed")),
    ("ordered by a court or authority", _("ordered by a court or authority")),
]


class Search(forms.Form):
    """Somebody by a number, a phone or a whole name."""

    text = forms.CharField(
        label=_("Number, telephone, e-mail or whole name"),
        max_length=200,
        help_text=_("Found only when it is exactly this; case and spaces do not matter. Each search is written down."),
    )


class PersonForm(forms.Form):
    """A person as told. Nothing is required: no name, no number and no date of birth is normal."""

    given_name = forms.CharField(label=_("Given name"), max_length=150, required=False)
    family_name = forms.CharField(label=_("Family name"), max_length=150, required=False)
    birth = forms.CharField(
        label=_("Born"), max_length=10, required=False, help_text=_("As far as it is known: 1980-05-17, 1980-05 or 1980")
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex.choices, required=False)
    phones = forms.CharField(
        label=_("Telephones"),
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One a line"),
    )
    emails = forms.CharField(
        label=_("E-mail"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("One a line")
    )
    number_kind = forms.ChoiceField(label=_("Kind of number"), required=False)
    number = forms.CharField(label=_("Number to add"), max_length=200, required=False)
    address = forms.CharField(label=_("Address"), max_length=300, required=False)
    neighbourhood = forms.ModelChoiceField(city.neighbourhoods(), label=_("Neighbourhood"), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=_LANGUAGES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["number_kind"]
        kinds.choices = [(kind, queries.kind_text(kind)) for kind in queries.KINDS]
        home: Any = self.fields["neighbourhood"]
        home.queryset = city.neighbourhoods().defer("border", "district__border")
        home.label_from_instance = lambda area: f"{area.district.name} · {area.name}"
        spoken, language = self.initial.get("language", ""), self.fields["language"]
        if spoken and spoken not in dict(_LANGUAGES):
            setattr(language, "choices", [*_LANGUAGES, (spoken, spoken)])  # noqa: B010 -- not typed on plain fields
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            if name not in ("sex", "language"):
                field.widget.attrs["autocomplete"] = "off"  # somebody else's data must not stay in the browser

    def clean_birth(self) -> services.Birth:
        try:
            return services.read_birth(self.cleaned_data["birth"])
        except services.PersonError as error:
            raise forms.ValidationError(_("Write 1980-05-17, 1980-05 or 1980.")) from error

    def clean_phones(self) -> list[str]:
        return _lines(self.cleaned_data["phones"])

    def clean_emails(self) -> list[str]:
        return _lines(self.cleaned_data["emails"])

    def values(self) -> dict[str, Any]:
        """The fields of a person, as the services take them."""
        found = {name: self.cleaned_data[name] for name in services.FIELDS if name in self.cleaned_data}
        number = self.cleaned_data["number"]
        return found | {"identifiers": [(self.cleaned_data["number_kind"] or "other", number)] if number else []}

    def refuse(self, error: services.PersonError) -> None:
        """Show a rule that the services found broken beside its field."""
        name = _FIELD_OF.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, error.rule)


class Reason(forms.Form):
    """Why two records are merged or taken apart."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("How it was found out, for who looks later. No names."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )


class Erasure(forms.Form):
    """Why somebody is erased, and that it is meant."""

    reason = forms.ChoiceField(label=_("Reason"), choices=ERASURE_REASONS, widget=forms.Select(attrs={"class": "form-select"}))
    sure = forms.BooleanField(label=_("I know that this cannot be undone"))


class CodeForm(forms.Form):
    """The code on the slip of paper."""

    code = forms.CharField(label=_("Your code"), max_length=100)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
