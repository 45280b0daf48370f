from django.urls import path

from . import views

urlpatterns = [
    path("", views.cases, name="cases"),
    path("report/", views.report, name="report"),
    path("download.<str:kind>", views.export, name="export"),
    path("<uuid:case_id>/", views.case, name="case"),
    path("<uuid:case_id>/edit/", views.edit, name="edit"),
    path("<uuid:case_id>/confirm/", views.confirm, name="confirm"),
    path("<uuid:case_id>/undo/", views.undo, name="undo"),
]
