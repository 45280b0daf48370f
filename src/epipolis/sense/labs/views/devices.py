"""Pages of test devices and of lots of kits."""

from django.contrib import messages as told
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.forms import DeviceForm, LotForm, StateForm
from epipolis.sense.labs.models import Device

_PAGE = 50


@needs("labs.view")
@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """Every device: where it is, when it was last heard, and how many of its readings went wrong."""
    rows = queries.device_rows(clock.now())
    context = {"rows": rows, "stale": sum(row.is_stale for row in rows)}
    return render(request, "labs/devices.html", context)


@needs("labs.view")
@require_safe
def device(request: HttpRequest, device_id: int) -> HttpResponse:
    """One device and its readings; not whose they are."""
    found = _device(device_id)
    page = Paginator(queries.readings_of(found), _PAGE).get_page(request.GET.get("page"))
    rows = [(row, [_(text) % values for text, values in (row.marks or row.message.reason)]) for row in page.object_list]
    context = {
        "device": found,
        "row": queries.device_row(found, clock.now()),
        "operators": queries.operators_of(found),
        "unreadable": queries.unreadable_of(found),
        "page": page,
        "rows": rows,
    }
    return render(request, "labs/device.html", context)


@needs("labs.devices")
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
def new_device(request: HttpRequest) -> HttpResponse:
    """Register a device; its token is shown on the answer and nowhere again."""
    form = DeviceForm(request.POST or None, initial={"serial": request.GET.get("serial", "")[:60]})
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        serial, operators = values.pop("serial"), values.pop("operators")
        try:
            made, secret = services.register_device(serial, values, operators, by=request.user, at=clock.now())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            return _show_token(request, made, secret)
    return render(request, "labs/device_form.html", {"form": form})


@needs("labs.devices")
@require_http_methods(["GET", "HEAD", "POST"])
def change_device(request: HttpRequest, device_id: int) -> HttpResponse:
    """Change where a device stands and who works with it."""
    found = _device(device_id)
    if found.state == Device.State.ANNOUNCED:
        raise Http404
    form = DeviceForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        services.change_device(device_id, values, values.pop("operators"), by=request.user, at=clock.now())
        told.success(request, _("The device is changed."))
        return redirect("labs:device", device_id)
    return render(request, "labs/device_form.html", {"form": form, "device": found})


@needs("labs.devices")
@require_POST
def device_state(request: HttpRequest, device_id: int) -> HttpResponse:
    """Put a device into use, pause it, or say that it is lost."""
    _device(device_id)
    form = StateForm(request.POST)
    if not form.is_valid():
        told.error(request, _("This step is not known."))
        return redirect("labs:device", device_id)
    asked = form.cleaned_data
    try:
        services.set_state(device_id, asked["state"], asked["reason"], by=request.user, at=clock.now())
        told.success(request, _("The device is changed."))
    except ValueError as error:
        told.error(request, str(error))
    except LookupError as error:
        raise Http404 from error
    return redirect("labs:device", device_id)


@needs("labs.devices")
@require_POST
@sensitive_variables("secret")
def renew_device(request: HttpRequest, device_id: int) -> HttpResponse:
    """Give a device another token; the former ends at once."""
    try:
        found, secret = services.renew_token(device_id, by=request.user, at=clock.now())
    except LookupError as error:
        raise Http404 from error
    return _show_token(request, found, secret)


@needs("labs.view")
@require_http_methods(["GET", "HEAD", "POST"])
def lots(request: HttpRequest) -> HttpResponse:
    """Lots of kits, with the day on which each ends; a form for another one."""
    may = request.user.has_perm("labs.devices")
    form = LotForm(
        request.POST if request.method == "POST" and may else None, initial={"number": request.GET.get("number", "")[:60]}
    )
    if form.is_bound and form.is_valid() and _keep_lot(request, form, form.cleaned_data["number"]):
        return redirect("labs:lots")
    context = {"rows": queries.lot_rows(clock.now()), "form": form if may else None, "unknown": queries.unknown_lots()}
    return render(request, "labs/lots.html", context)


@needs("labs.devices")
@require_http_methods(["GET", "HEAD", "POST"])
def lot(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Change a lot, or say that it must not be used."""
    found = queries.lot(lot_id)
    if found is None:
        raise Http404
    number = found.number
    form = LotForm(request.POST or None, instance=found)
    if form.is_bound and form.is_valid() and _keep_lot(request, form, number):
        return redirect("labs:lots")
    return render(request, "labs/lot.html", {"form": form, "number": number})


def _keep_lot(request: HttpRequest, form: LotForm, number: str) -> bool:
    try:
        services.register_lot(number, form.cleaned_data, by=request.user, at=clock.now())
    except ValueError as error:
        form.add_error(None, str(error))
        return False
    told.success(request, _("The lot is registered. Readings that waited for it are processed now."))
    return True


def _show_token(request: HttpRequest, made: Device, secret: str) -> HttpResponse:
    answer = render(request, "labs/device_token.html", {"device": made, "secret": secret})
    answer["Cache-Control"] = "no-store"
    return answer


def _device(device_id: int) -> Device:
    found = queries.device(device_id)
    if found is None:
        raise Http404
    return found
