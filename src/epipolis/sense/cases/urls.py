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
    path("<uuid:case_id>/symptoms/", views.states, name="states"),
    path("<uuid:case_id>/tests/", views.note_test, name="note_test"),
    path("<uuid:case_id>/classification/", views.override, name="override"),
    path("<uuid:case_id>/classification/rules/", views.follow_rules, name="follow_rules"),
    path("<uuid:case_id>/same/", views.mark, name="mark"),
    path("<uuid:case_id>/same/undo/", views.undo_duplicate, name="undo_duplicate"),
    path("same/", views.duplicates, name="duplicates"),
    path("same/<int:question_id>/", views.answer, name="answer"),
    path("definitions/", views.definitions, name="definitions"),
    path("definitions/<int:replay_id>/", views.replay, name="replay"),
    path("definitions/<int:replay_id>/changes.<str:kind>", views.export_changes, name="export_changes"),
    path("definitions/<int:replay_id>/apply/", views.apply, name="apply"),
]
