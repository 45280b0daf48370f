"""The telephone's own page: it says where it is while the page is open, shows what was sent, and needs no account."""

from datetime import datetime
from typing import Any

from django.conf import settings as platform
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock
from epipolis.core.access import public


@public
@never_cache
@require_safe
def phone(request: HttpRequest, token: str) -> HttpResponse:
    """For whom this telephone speaks, until when, and its switch. Names nobody."""
    orders = services.orders_of_phone(token) if 10 <= len(token) <= 80 else []
    if not orders:
        return render(request, "quarantine/mine_gone.html", {"hotline": settings.hotline}, status=404)
    at = clock.now()
    spoken = dict(platform.LANGUAGES)
    own = orders[0].language.casefold()[:2]
    language = next((code for code in spoken if own and code.startswith(own)), translation.get_language())
    with translation.override(language):
        shown = [_shown(one, at) for one in orders]
        answer = render(request, "quarantine/phone.html", {"orders": shown, "token": token, "hotline": settings.hotline})
    answer["Referrer-Policy"] = "no-referrer"  # the secret stands in the address
    return answer


def _shown(row: Order, at: datetime) -> dict[str, Any]:
    watch = queries.watch_of(row)
    clock_text = queries.clock_text(watch.clock_ahead or 0) if watch else ""
    return {"row": row, "day": queries.day_text(row, at), "place": queries.place_text(row), "clock": clock_text}
