"""What people fill in: a phone at a door, staff who register a venue, a tracer who writes down a route."""

from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from epipolis.core import clock
from epipolis.sense.city import queries as city

from . import queries, services
from .models import VenueKind

_MOST_COMPANIONS = 20


class PhoneCheckIn(forms.Form):
    """Companions and, if somebody likes, a planned stay."""

    companions = forms.IntegerField(min_value=0, max_value=_MOST_COMPANIONS, required=False)
    stay_minutes = forms.IntegerField(min_value=1, max_value=1440, required=False)


class VenueForm(forms.Form):
    """Let people check in at a place."""

    place = forms.CharField(label=_("Code of the place"), max_length=60, help_text=_("As in the list of places."))
    kind = forms.ChoiceField(label=_("Kind"), choices=VenueKind.choices)
    default_stay = forms.IntegerField(
        label=_("Usual stay in minutes"),
        min_value=1,
        max_value=1440,
        required=False,
        help_text=_("Empty: as usual for its kind."),
    )
    opens = forms.DateTimeField(label=_("Begins"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    closes = forms.DateTimeField(label=_("Ends"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))

    def clean_place(self):
        code = self.cleaned_data["place"].strip()
        place = None if "\0" in code else city.place_coded(code)
        if place is None:
            raise forms.ValidationError(_("There is no place with this code."))
        return place

    def clean(self):
        found = super().clean()
        if found.get("kind") and queries.is_temporary(found["kind"], clock.today()):
            if not (found.get("opens") and found.get("closes")) or found["closes"] <= found["opens"]:
                raise forms.ValidationError(_("An event needs its beginning and, later, its end."))
        elif found.get("opens") or found.get("closes"):
            raise forms.ValidationError(_("Only an event has a beginning and an end."))
        return found


class StopForm(forms.Form):
    """One stop: a place that is known, or a new one; its times, or its day alone."""

    consent = forms.BooleanField(label=_("The person agrees that this is kept for tracing"), required=True)
    place = forms.CharField(label=_("Place"), max_length=60, required=False)
    new_name = forms.CharField(label=_("New place: name"), max_length=200, required=False)
    new_kind = forms.CharField(label=_("New place: kind"), max_length=40, required=False)
    new_address = forms.CharField(label=_("New place: address"), max_length=200, required=False)
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    arrived = forms.TimeField(label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    left = forms.TimeField(label=_("To"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    companions = forms.IntegerField(label=_("Companions"), min_value=0, max_value=_MOST_COMPANIONS, required=False)

    def clean(self):
        found = super().clean()
        code = (found.get("place") or "").strip()
        known = city.place_coded(code) if code and "\0" not in code else None
        if code and known is None:
            self.add_error("place", _("There is no place with this code."))
        if not code and not (found.get("new_name") or "").strip():
            self.add_error("place", _("Choose a place, or name a new one."))
        if found.get("day") and not 1900 <= found["day"].year < 2200:
            self.add_error("day", _("This is not a day between 1900 and 2200."))
        if bool(found.get("arrived")) != bool(found.get("left")):
            self.add_error("left", _("Give both times, or neither: then the stay counts as possible on that day."))
        found["known"] = known
        return found


class LinkForm(forms.Form):
    """The code that a phone shows."""

    visitor = forms.CharField(label=_("Code that the phone shows"), max_length=60)

    def clean_visitor(self) -> UUID:
        try:
            return services.unspell(self.cleaned_data["visitor"])
        except ValueError:
            raise forms.ValidationError(_("This is not a phone's code; read it again.")) from None
