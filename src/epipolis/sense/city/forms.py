"""What a person may look for on the city's pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from . import queries


class AreaFilter(forms.Form):
    """Neighbourhoods by name or code, in one district or all."""

    q = forms.CharField(label=_("Name or code"), max_length=100, required=False)
    district = forms.ModelChoiceField(queries.districts(), label=_("District"), required=False, empty_label=_("all districts"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["district"].queryset = queries.districts().defer("border")


class PlaceFilter(AreaFilter):
    """Places by name, address or code, of one kind or all, in one district or all."""

    kind = forms.ChoiceField(label=_("Kind"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["q"].label = _("Name, address or code")
        self.fields["kind"].choices = [("", _("all kinds")), *((kind, f"{kind} ({count})") for kind, count in queries.kinds())]
