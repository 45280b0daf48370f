from django.urls import path

from . import views

urlpatterns = [
    path("", views.scenario_list, name="list"),
    path("new/", views.new, name="new"),
    path("first/", views.first, name="first"),
    path("upload/", views.upload, name="upload"),
    path("compare/", views.compare, name="compare"),
    path("compare/areas.json", views.areas_by_day, name="areas_by_day"),
    path("compare/<slug:table>.<slug:kind>", views.compare_table, name="table"),
    path("<uuid:scenario_id>/", views.scenario, name="scenario"),
    path("<uuid:scenario_id>/edit/", views.edit, name="edit"),
    path("<uuid:scenario_id>/file.yaml", views.as_file, name="file"),
    path("<uuid:scenario_id>/run/", views.run, name="run"),
    path("<uuid:scenario_id>/share/", views.share, name="share"),
    path("<uuid:scenario_id>/archive/", views.archive, name="archive"),
    path("<uuid:scenario_id>/copy/", views.copy, name="copy"),
    path("<uuid:scenario_id>/restore/<int:number>/", views.restore, name="restore"),
    path("runs/<uuid:run_id>/progress/", views.progress, name="progress"),
    path("runs/<uuid:run_id>/cancel/", views.cancel, name="cancel"),
]
