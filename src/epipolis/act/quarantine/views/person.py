"""The page of the person under an order."""

from django.http import HttpRequest, HttpResponse

from epipolis.core.access import public


@public
def mine(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(status=404)
