"""One measure on the form, made from the menu.

A file may say more than the form asks: shares by area, by other ages, layers or kinds of place that the menu does not list.
What the form does not show is carried along in one hidden field, and told.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from epipolis.understand.scenarios import queries

from .fields import AmountField, GroupsField, ManyField, PercentField

_LAST_DAY = 3_650
_BY_WHOM = {"compliance_by_age", "compliance_by_area"}
_COSTS = (
    ("cost_per_day", _("Cost for each day in force")),
    ("cost_per_person_day", _("Cost for each person and day")),
)


def _field_for(ask, vaccines):
    shared = {"label": ask.label, "help_text": ask.help, "required": not ask.optional}
    if ask.kind == "percent":
        return PercentField(**shared)
    if ask.kind == "number":
        return AmountField(min_value=ask.low, max_value=ask.high, **shared)
    if ask.kind == "whole":
        return forms.IntegerField(min_value=int(ask.low), max_value=int(ask.high), **shared)
    if ask.kind == "many":
        return ManyField(choices=ask.choices, **shared)
    if ask.kind == "order":
        groups = ", ".join(name for name, _label in ask.choices)
        return GroupsField(max_length=300, **shared | {"help_text": ask.help % {"groups": groups}})
    choices = [(name, name) for name in vaccines] if ask.kind == "vaccine" else ask.choices
    return forms.ChoiceField(choices=choices or [("", _("this disease has none"))], **shared)


class MeasureForm(forms.Form):
    """The fields of one kind, then when it is in force, who follows and what it costs."""

    def __init__(self, kind, *args, vaccines=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.groups: dict[str, list[str]] = {"what": [], "when": [], "who": [], "cost": []}
        for ask in kind.asks:
            if ask.kind == "shares":
                for name, label in ask.choices:
                    self._add("what", f"{ask.name}-{name}", PercentField(label=label), "%", above=ask.label)
            else:
                self._add("what", ask.name, _field_for(ask, vaccines), ask.unit)
        self.fields["kept"] = forms.JSONField(required=False, widget=forms.HiddenInput)
        self._add_when()
        self._add("who", "compliance", PercentField(label=_("People who follow")), "%")
        for group, label in queries.AGES:
            field = PercentField(label=label, required=False, help_text=_("Empty: as many as of all."))
            self._add("who", f"age-{group}", field, "%")
        self._add_cost()

    def _add(self, group, name, field, unit="", above=""):
        field.unit, field.above = unit, above
        field.is_many, field.is_choice = isinstance(field, ManyField), type(field) is forms.ChoiceField
        self.fields[name] = field
        self.groups[group].append(name)

    def _add_when(self):
        self._add(
            "when", "first_day", forms.IntegerField(label=_("From day"), min_value=0, max_value=_LAST_DAY), _("of the run")
        )
        help_text = _("This day included. Empty: to the end.")
        last = forms.IntegerField(label=_("Until day"), min_value=0, max_value=_LAST_DAY, required=False, help_text=help_text)
        self._add("when", "last_day", last, _("of the run"))
        none = [("", _("no trigger: on all these days"))]
        what = forms.ChoiceField(label=_("Only while"), required=False, choices=[*none, *queries.TRIGGERS])
        self._add("when", "trigger_what", what)
        self._offer_what_is_stored()
        bounds = {"min_value": 0, "max_value": 100_000, "required": False}
        self._add("when", "trigger_above", AmountField(label=_("is above"), **bounds), _("per 100,000"))
        until = _("Empty: it ends as soon as it is no longer above.")
        self._add(
            "when", "trigger_below", AmountField(label=_("until it is below"), help_text=until, **bounds), _("per 100,000")
        )
        self._add(
            "when", "trigger_for_days", forms.IntegerField(label=_("for"), min_value=1, max_value=60, required=False), _("days")
        )

    def _offer_what_is_stored(self):
        """A choice that came with a file stays a choice."""
        for name, field in self.fields.items():
            if isinstance(field, forms.ChoiceField) and name != "vaccine":
                stored = self.data.getlist(self.add_prefix(name)) if self.is_bound else self.initial.get(name, ())
                known = {value for value, _label in field.choices}
                more = [stored] if isinstance(stored, str) else stored
                field.choices = [*field.choices, *((value, value) for value in more if value not in known and value)]

    def _add_cost(self):
        title = forms.CharField(
            label=_("What the city calls it"), max_length=80, required=False, validators=[ProhibitNullCharactersValidator()]
        )
        self._add("cost", "title", title)
        costs = (*_COSTS, ("cost_per_unit", _("Cost for each unit"))) if self.kind.unit else _COSTS
        for name, label in costs:
            unit = self.kind.unit if name == "cost_per_unit" else ""
            self._add("cost", name, AmountField(label=label, min_value=0, max_value=1e12, required=False), unit)

    @property
    def what(self):
        return self._bound("what")

    @property
    def when(self):
        return self._bound("when")

    @property
    def who(self):
        return self._bound("who")

    @property
    def cost(self):
        return self._bound("cost")

    def _bound(self, group):
        return [self[name] for name in self.groups[group]]

    def is_open(self, group):
        """Whether a folded part holds something that is not as usual, or an error."""
        initial = {"first_day": 0, "compliance": 1.0, "trigger_for_days": 1, **queries.example_prices(self.kind.name)}
        return any(
            self[name].errors or self._value(name) not in (None, "", initial.get(name, 0)) for name in self.groups[group]
        )

    def _value(self, name):
        return self.cleaned_data.get(name) if self.is_bound and hasattr(self, "cleaned_data") else self.initial.get(name)

    @property
    def kept_lines(self):
        """What the form does not show, in words: one line for each part."""
        return queries.kept_words(self._value("kept") or {}) if not self["kept"].errors else []

    def clean_kept(self):
        kept = self.cleaned_data["kept"] or {}
        names = {"compliance_by_area", "compliance_by_age", *(ask.name for ask in self.kind.asks if ask.kind == "shares")}
        if not isinstance(kept, dict) or not set(kept) <= names or not all(isinstance(one, dict) for one in kept.values()):
            raise forms.ValidationError(_("What came with the file could not be read."))
        return kept

    @property
    def is_example(self):
        """Whether the prices are still those of the example."""
        return queries.has_example_prices({"kind": self.kind.name} | {name: self._value(name) for name in self.groups["cost"]})

    @property
    def shows_who(self):
        return self.is_open("who") or bool(self.kept_lines)

    @property
    def shows_cost(self):
        return self.is_open("cost")

    @property
    def shows_when(self):
        return self.is_open("when")

    def entry(self):
        """The measure as it is stored, from valid input."""
        given = self.cleaned_data
        entry = {"kind": self.kind.name}
        for ask in self.kind.asks:
            if ask.kind == "shares":
                entry[ask.name] = {name: given[f"{ask.name}-{name}"] for name, _label in ask.choices}
            else:
                entry[ask.name] = given[ask.name]
        if given["first_day"]:
            entry["first_day"] = given["first_day"]
        if given["last_day"] is not None:
            entry["last_day"] = given["last_day"]
        if given["trigger_what"]:
            trigger = {"what": given["trigger_what"], "above": given["trigger_above"], "below": given["trigger_below"]}
            entry["trigger"] = {**trigger, "for_days": given["trigger_for_days"] or 1}
        kept = given["kept"]
        for name in set(kept) - _BY_WHOM:
            entry[name] = kept[name] | entry[name]
        ages = {group: given[f"age-{group}"] for group, _label in queries.AGES if given[f"age-{group}"] is not None}
        usual = {"compliance": 1.0, "compliance_by_age": {}, "compliance_by_area": {}, "title": ""}
        rest = {
            "compliance": given["compliance"],
            "compliance_by_age": kept.get("compliance_by_age", {}) | ages,
            "compliance_by_area": kept.get("compliance_by_area", {}),
            "title": given["title"],
        }
        rest |= {name: given[name] or 0.0 for name in given if name.startswith("cost_")}
        return entry | {name: value for name, value in rest.items() if value != usual.get(name, 0.0)}


def initial_of(entry):
    """A stored measure as the form's beginning values."""
    found: dict[str, Any] = {"first_day": 0, "compliance": 1.0, "trigger_for_days": 1}
    found |= {name: value for name, value in entry.items() if name not in ("kind", "trigger", *_BY_WHOM)}
    kept = {"compliance_by_area": entry.get("compliance_by_area") or {}}
    for ask in queries.KINDS[entry["kind"]].asks:
        if ask.kind == "shares":
            shares, shown = found.pop(ask.name, {}), dict(ask.choices)
            found |= {f"{ask.name}-{name}": shares.get(name, 0.0) for name in shown}
            kept[ask.name] = _without(shares, shown)
    ages = entry.get("compliance_by_age") or {}
    found |= {f"age-{group}": share for group, share in ages.items()}
    kept["compliance_by_age"] = _without(ages, dict(queries.AGES))
    found["kept"] = {name: shares for name, shares in kept.items() if shares}
    if trigger := entry.get("trigger"):
        found |= {f"trigger_{name}": value for name, value in trigger.items()}
    return found


def _without(shares: Mapping[str, float], shown: Mapping[str, Any]) -> dict[str, float]:
    return {name: share for name, share in shares.items() if name not in shown}
