from django.urls import path

from . import views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("hot-spots/", views.hot_spots, name="hot_spots"),
    path("hot-spots.geojson", views.spot_layer, name="spot_layer"),
    path("record/", views.record, name="record"),
    path("run/", views.run, name="run"),
    path("past/", views.past, name="past"),
    path("judgements/<int:judgement_id>/undo/", views.undo, name="undo"),
    path("<uuid:signal_id>/", views.one_signal, name="signal"),
    path("<uuid:signal_id>/judge/", views.judge, name="judge"),
]
