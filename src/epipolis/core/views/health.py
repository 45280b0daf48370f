from django.db import connection
from django.http import HttpRequest, JsonResponse

from epipolis.core import clock
from epipolis.core.access import public


@public
def health(request: HttpRequest) -> JsonResponse:
    """Whether this process and the database answer; for load balancers and `epipolis doctor`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "time": clock.now().isoformat()})
