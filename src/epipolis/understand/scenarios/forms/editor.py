"""The whole form of a scenario: its own part and one part for each measure, in their order."""

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from epipolis.understand.scenarios import queries
from epipolis.understand.scenarios.settings import settings

from . import measures, scenarios

_STEPS = {"up": -1, "down": 1}


class ListFilter(forms.Form):
    """Which scenarios the list shows."""

    q = forms.CharField(required=False, max_length=100, validators=[ProhibitNullCharactersValidator()])
    archived = forms.BooleanField(label=gettext_lazy("put away"), required=False)


class UploadForm(forms.Form):
    """A scenario as a file."""

    file = forms.FileField(label=gettext_lazy("Scenario file (YAML)"))

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > queries.LARGEST_FILE:
            raise forms.ValidationError(_("The file is too large for a scenario."))
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is no text.")) from error


class Editor:
    """The form as it stands: what was typed, which measures it has, and what is wrong."""

    def __init__(self, name, description, content, data=None):
        self.former, self.focus = content, ""
        self.main = scenarios.ScenarioForm(data, initial=scenarios.initial_of(name, description, content))
        self.vaccines = queries.vaccines_of(self._disease(data, content))
        entries = content["measures"] if data is None else []
        self.measures = [self._measure(entry["kind"], n, initial=measures.initial_of(entry)) for n, entry in enumerate(entries)]
        if data is not None:
            self._read(data)

    def _disease(self, data, content):
        asked = data.get("disease") if data is not None else None
        return asked if asked in dict(queries.disease_choices()) else content["disease"]

    def _measure(self, kind, number, **values):
        values["data"] = values.get("data")
        return measures.MeasureForm(queries.KINDS[kind], prefix=f"m{number}", vaccines=self.vaccines, **values)

    def _read(self, data):
        """The measures that were typed, in the order of the page."""
        kinds = [kind for kind in data.getlist("kind") if kind in queries.KINDS][: settings.most_measures]
        self.measures = [self._measure(kind, number, data=data) for number, kind in enumerate(kinds)]

    def step(self, data):
        """Do what a button asked for: add, remove or move a measure. True when there was one."""
        if (kind := data.get("add", "")) in queries.KINDS and len(self.measures) < settings.most_measures:
            self._append(kind, data)
            return True
        for word in ("remove", *_STEPS):
            if (number := self._number(data.get(word))) is not None:
                self._move(word, number)
                return True
        return "add" in data

    def _append(self, kind, data):
        content = self.former | {"disease": self._disease(data, self.former)}
        if data.get("city") == "procedural" and data.get("people", "").isdecimal():
            people = min(int(data["people"][:9]), settings.most_people)
            content = content | {"city": {"kind": "procedural", "people": people, "seed": 1}}
        entry = queries.new_measure(kind, content)
        self.measures.append(self._measure(kind, len(self.measures), initial=measures.initial_of(entry)))
        self.focus = f"m{len(self.measures) - 1}"

    def _move(self, word, number):
        if word == "remove":
            del self.measures[number]
            number = min(number, len(self.measures) - 1)
        else:
            other = number + _STEPS[word]
            if 0 <= other < len(self.measures):
                self.measures[number], self.measures[other] = self.measures[other], self.measures[number]
                number = other
        self.measures = [self._again(form, position) for position, form in enumerate(self.measures)]
        self.focus = f"m{number}" if number >= 0 else ""

    def _again(self, form, number):
        """The same input under another number."""
        before, after = f"{form.prefix}-", f"m{number}-"
        if not form.is_bound:
            return self._measure(form.kind.name, number, initial=form.initial)
        data = form.data.copy()
        for key in [key for key in data if key.startswith(after)]:
            del data[key]
        for key in [key for key in form.data if key.startswith(before)]:
            data.setlist(after + key.removeprefix(before), form.data.getlist(key))
        return self._measure(form.kind.name, number, data=data)

    def _number(self, text):
        found = int(text) if text and text.isdecimal() and len(text) < 4 else -1
        return found if 0 <= found < len(self.measures) else None

    def content(self, at):
        """What was typed as content; None when something is wrong, which then stands beside its field."""
        valid = [form.is_valid() for form in (self.main, *self.measures)]
        if not all(valid):
            return None
        content = self.main.content(self.former) | {"measures": [form.entry() for form in self.measures]}
        content["begin"] = self._begin(content, at)
        for where, sentence in queries.problems_of(content):
            form = self.main if isinstance(where, str) else self.measures[where]
            form.add_error(where if isinstance(where, str) else None, sentence)
        return content if not self.main.errors and not any(form.errors for form in self.measures) else None

    def _begin(self, content, at):
        given = self.main.cleaned_data
        if not given["begin"]:
            return None
        former = self.former.get("begin") or {}
        same = (former.get("under_reporting"), former.get("immune_share")) == (given["under_reporting"], given["immune"])
        if same and self.former["city"] == content["city"] and self.former["disease"] == content["disease"]:
            return former  # what was known then stays, so that a changed measure meets the same people
        return queries.beginning(
            at,
            disease=content["disease"],
            under_reporting=given["under_reporting"],
            immune_share=given["immune"],
            with_areas=content["city"]["kind"] == "ours",
        )
