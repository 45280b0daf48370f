"""Pages of the other offices: their keys, and what may be sent to them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.forms import ChangeForm, CompareForm, PartnerForm
from epipolis.act.transfers.models import Partner
from epipolis.core import clock
from epipolis.core.access import needs


@needs("transfers.view")
@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    """Every office, and this one's own key to give to others."""
    own = queries.own_public_key()
    context = {
        "rows": list(queries.partners()),
        "own": {"name": queries.own_name(), "address": queries.own_address(), "key": own, "digits": queries.spoken(own)},
    }
    return render(request, "transfers/partners.html", context)


@needs("transfers.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def add_partner(request: HttpRequest) -> HttpResponse:
    """Add an office; its key is compared next."""
    form = PartnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        names = (told.pop("name"), told.pop("address"), told.pop("public_key"))
        try:
            made = services.add_partner(*names, may=told, by=request.user, at=clock.now())
            messages.success(request, _("The office is added. Now compare its key by telephone."))
            return redirect("transfers:partner", partner_id=made.id)
        except services.TransferError as error:
            form.add_error(None, _(error.text) % error.values)
    return render(request, "transfers/add_partner.html", {"form": form})


@needs("transfers.view")
@require_safe
def partner(request: HttpRequest, partner_id: int) -> HttpResponse:
    """One office: its key as digits, and what may be sent to it."""
    found = _partner(partner_id)
    first = {name: getattr(found, name) for name in ChangeForm.base_fields}
    return render(request, "transfers/partner.html", _context(found, ChangeForm(initial=first)))


@needs("transfers.manage")
@require_POST
def change(request: HttpRequest, partner_id: int) -> HttpResponse:
    """Change where an office is and what may be sent to it."""
    found, form = _partner(partner_id), ChangeForm(request.POST)
    if form.is_valid():
        try:
            services.change_partner(partner_id, **form.cleaned_data, by=request.user, at=clock.now())
            messages.success(request, _("The office is changed."))
            return redirect("transfers:partner", partner_id=partner_id)
        except services.TransferError as error:
            form.add_error(None, _(error.text) % error.values)
    return render(request, "transfers/partner.html", _context(found, form), status=422)


@needs("transfers.manage")
@require_POST
def compare(request: HttpRequest, partner_id: int) -> HttpResponse:
    """Type the digits that the other side read out; only the right ones open the office."""
    _partner(partner_id)
    form = CompareForm(request.POST)
    if form.is_valid():
        try:
            services.compare_key(partner_id, form.cleaned_data["digits"], by=request.user, at=clock.now())
            messages.success(request, _("The digits are the same. Cases can go to this office and come from it now."))
        except services.TransferError as error:
            messages.error(request, _(error.text) % error.values)
    return redirect("transfers:partner", partner_id=partner_id)


@needs("transfers.manage")
@require_POST
def close(request: HttpRequest, partner_id: int) -> HttpResponse:
    """Close an office, or open it again."""
    _partner(partner_id)
    services.close_partner(partner_id, closed=request.POST.get("open") != "1", by=request.user, at=clock.now())
    return redirect("transfers:partner", partner_id=partner_id)


def _context(found: Partner, form: ChangeForm) -> dict[str, Any]:
    return {
        "partner": found,
        "form": form,
        "compare_form": CompareForm(),
        "digits": queries.spoken(found.public_key),
        "own_digits": queries.spoken(queries.own_public_key()),
        "rows": queries.transfers(partner_id=found.id).order_by("-drafted", "-id")[:20],
    }


def _partner(partner_id: int) -> Partner:
    found = queries.partner(partner_id)
    if found is None:
        raise Http404
    return found
