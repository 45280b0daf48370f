"""Places where cases gather, as a list and on the map."""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from epipolis.core import audit, clock, exports, rules
from epipolis.core.access import needs
from epipolis.core.modules import modules
from epipolis.sense.city import queries as city
from epipolis.understand.tracing import queries

_COLUMNS = (
    "code",
    "name",
    "kind",
    "district",
    "cases",
    "certain",
    "exposed",
    "infectious",
    "hours",
    "first",
    "last",
    "lon",
    "lat",
)


@needs("tracing.view")
@require_GET
def clusters(request: HttpRequest) -> HttpResponse:
    """Where several cases were within the days of the rules in force."""
    at = clock.now()
    layers = [layer for layer in modules()["tracing"].layers if layer.name == "clusters"]
    layers += [layer for layer in modules()["city"].layers if layer.name == "districts"] if "city" in modules() else []
    context = {
        "clusters": queries.clusters(at),
        "rule": rules.in_force("cluster_definition", clock.local_day(at)),
        "layers": layers,
    }
    return render(request, "tracing/clusters.html", context)


@needs("tracing.view")
@require_GET
def cluster(request: HttpRequest, place_id: int) -> HttpResponse:
    """The cases that were at one place."""
    place = city.places_by_id([place_id]).get(place_id) if place_id < 2**63 else None
    if place is None:
        raise Http404
    at = clock.now()
    rows = queries.cases_at(place_id, at)
    bars = [
        {
            "row": row["case"].source_key,
            "label": row["phase"],
            "group": row["phase"],
            "start": clock.start_of(row["day"]).isoformat(),
            "end": clock.start_of(row["day"] + timedelta(days=1)).isoformat(),
        }
        for row in rows
    ]
    context = {"place": place, "rows": rows, "timeline": {"kind": "timeline", "bars": bars, "zone": str(clock.zone())}}
    return render(request, "tracing/cluster.html", context)


@needs("tracing.view")
@require_GET
def cluster_layer(request: HttpRequest) -> JsonResponse:
    """The clusters as points for maps."""
    features = [
        {
            "type": "Feature",
            "id": found.place.id,
            "properties": {"code": found.place.code, "name": found.place.name, "cases": found.cases},
            "geometry": {"type": "Point", "coordinates": [found.place.lon, found.place.lat]},
        }
        for found in queries.clusters(clock.now())
        if found.place.lon is not None and found.place.lat is not None
    ]
    return JsonResponse({"type": "FeatureCollection", "features": features})


@needs("tracing.export")
@require_GET
def export_clusters(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The clusters as a file."""
    if kind not in exports.FORMATS:
        raise Http404
    at = clock.now()
    audit.record("export", by=request.user, at=at, subject="clusters")
    rows = (
        {
            **{name: getattr(found.place, name) for name in ("code", "name", "kind", "lon", "lat")},
            "district": found.place.district.name if found.place.district else "",
            **{name: getattr(found, name) for name in ("cases", "certain", "exposed", "infectious", "hours", "first", "last")},
        }
        for found in queries.clusters(at, limit=1_000)
    )
    return exports.download("clusters", kind, _COLUMNS, rows)
