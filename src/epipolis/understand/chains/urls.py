from django.urls import path

from . import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("links.<str:kind>", views.export_links, name="links"),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/judge/", views.judge, name="judge"),
    path("cases/<uuid:case_id>/tree.svg", views.picture, name="picture"),
    path("judgements/<int:number>/undo/", views.undo, name="undo"),
]
