"""The forms of messages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.act.notices import queries
from epipolis.act.notices.models import Channel, State
from epipolis.sense.city import queries as city

LISTS = [("", _("all")), ("open", _("on their way")), ("sent", _("sent and arrived")), ("failed", _("reached nobody"))]
SEVERITY = {
    "Extreme": _("danger to life"),
    "Severe": _("serious danger"),
    "Moderate": _("possible danger"),
    "Minor": _("little danger"),
    "Unknown": _("unknown"),
}
URGENCY = {
    "Immediate": _("now, at night too"),
    "Expected": _("within the hour"),
    "Future": _("later"),
    "Past": _("it is over"),
    "Unknown": _("unknown"),
}
CERTAINTY = {
    "Observed": _("observed"),
    "Likely": _("likely"),
    "Possible": _("possible"),
    "Unlikely": _("unlikely"),
    "Unknown": _("unknown"),
}
RESPONSE = {
    "": _("nothing in particular"),
    "Shelter": _("stay inside"),
    "Evacuate": _("leave the area"),
    "Prepare": _("prepare"),
    "Execute": _("do as the text says"),
    "Avoid": _("avoid the area"),
    "Monitor": _("watch the news"),
    "Assess": _("judge for yourselves"),
    "AllClear": _("all clear"),
    "None": _("nothing"),
}


class _Dressed(forms.Form):
    """The look of each field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
                is_choice = isinstance(field.widget, forms.Select)
                field.widget.attrs["class"] = "form-select" if is_choice else "form-control"


class NoticeFilter(_Dressed):
    """Which messages."""

    state = forms.ChoiceField(label=_("State"), required=False, choices=[*LISTS, *State.choices])
    channel = forms.ChoiceField(label=_("Channel"), required=False, choices=[("", _("all")), *Channel.choices])
    template = forms.ChoiceField(label=_("Message"), required=False)
    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].choices = [("", _("all")), *((one.name, _(one.about)) for one in queries.kinds())]


class TemplateForm(_Dressed):
    """A new version of a wording."""

    language = forms.ChoiceField(label=_("Language"))
    channel = forms.ChoiceField(label=_("Channel"), required=False, choices=[("", _("every channel")), *Channel.choices])
    subject = forms.CharField(label=_("Subject"), max_length=150, required=False, help_text=_("For e-mails, letters and push."))
    body = forms.CharField(label=_("Text"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 6}))
    provider_name = forms.CharField(
        label=_("Name at WhatsApp"),
        max_length=100,
        required=False,
        help_text=_("Under which it was approved there, if it was."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = list(queries.languages().items())


class WriteForm(_Dressed):
    """A message in somebody's own words to one person."""

    text = forms.CharField(label=_("Text"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 4}))
    urgent = forms.BooleanField(label=_("Urgent: it leaves at night, too"), required=False)


class PreferenceForm(_Dressed):
    """How somebody wants to be told."""

    first = forms.ChoiceField(label=_("First by"), required=False, choices=[("", _("as the rule says")), *Channel.choices])
    second = forms.ChoiceField(label=_("Then by"), required=False, choices=[("", "–"), *Channel.choices])
    third = forms.ChoiceField(label=_("Then by"), required=False, choices=[("", "–"), *Channel.choices])
    language = forms.ChoiceField(label=_("Language"), required=False)
    stopped = forms.MultipleChoiceField(
        label=_("Never by"),
        required=False,
        choices=[one for one in Channel.choices if one[0] != Channel.IN_APP],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("as in the record")), *queries.languages().items()]

    @property
    def channels(self) -> list[str]:
        told = (self.cleaned_data[name] for name in ("first", "second", "third"))
        return list(dict.fromkeys(one for one in told if one))


class BroadcastForm(_Dressed):
    """A warning; its texts in each language are fields of their own."""

    event = forms.CharField(label=_("What is it about, in a few words"), max_length=100)
    severity = forms.ChoiceField(label=_("How bad"), choices=list(SEVERITY.items()), initial="Moderate")
    urgency = forms.ChoiceField(label=_("How soon"), choices=list(URGENCY.items()), initial="Expected")
    certainty = forms.ChoiceField(label=_("How sure"), choices=list(CERTAINTY.items()), initial="Observed")
    response = forms.ChoiceField(label=_("What to do"), required=False, choices=list(RESPONSE.items()))
    hours = forms.IntegerField(label=_("Holds for (hours)"), min_value=1, max_value=720, initial=24)
    replaces = forms.UUIDField(required=False, widget=forms.HiddenInput)
    districts = forms.MultipleChoiceField(label=_("Districts"), required=False, widget=forms.CheckboxSelectMultiple)
    corners = forms.CharField(
        label=_("Or an area of your own"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One corner a line: latitude, longitude, such as 25.0330, 121.5654. A click on the map adds one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["districts"].choices = [(str(one.id), one.name) for one in city.districts().defer("border")]

    def clean_corners(self) -> list[list[float]] | None:
        found = []
        for line in self.cleaned_data["corners"].splitlines():
            if not line.strip():
                continue
            parts = line.replace(";", ",").split(",")
            try:
                lat, lon = (float(part) for part in parts)
            except ValueError as error:
                raise forms.ValidationError(_("A corner looks like 25.0330, 121.5654.")) from error
            found.append([lon, lat])
        return found or None


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300)


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=100)


class AnswerForm(forms.Form):
    """What a simulated phone answers."""

    text = forms.CharField(max_length=500)
    channel = forms.ChoiceField(choices=[("sms", "sms"), ("whatsapp", "whatsapp")])
