import sys

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from epipolis.core import clock
from epipolis.core.access import public


@public
def health(request: HttpRequest) -> JsonResponse:
    """Whether this process and the database answer; for load balancers and `epipolis doctor`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "time": clock.now().isoformat()})


def broken(request: HttpRequest) -> HttpResponse:
    """The page for what no view caught: 503 while the database is away, so that proxies and browsers try again; else 500."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "5"})
    return HttpResponse(render_to_string("500.html"), status=500)
