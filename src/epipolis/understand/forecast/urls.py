from django.urls import path

from . import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("map/", views.risk_map, name="map"),
    path("areas.geojson", views.risk_layer, name="areas"),
    path("beds/", views.beds, name="beds"),
    path("models/", views.models, name="models"),
    path("rounds/", views.rounds, name="rounds"),
    path("rounds/run/", views.run, name="run"),
    path("rounds/past/", views.past, name="past"),
    path("rounds/<uuid:round_id>/", views.one_round, name="round"),
    path("rounds/<uuid:round_id>/progress/", views.progress, name="progress"),
    path("rounds/<uuid:round_id>/hub.csv", views.hub_file, name="hub"),
    path("rounds/<uuid:round_id>/<slug:table>.<slug:kind>", views.table, name="table"),
]
