from django.urls import path

from . import views

urlpatterns = [
    path("", views.search, name="search"),
    path("new/", views.register, name="register"),
    path("mine/", views.mine, name="mine"),
    path("mine/download/", views.mine_download, name="mine_download"),
    path("questions/", views.questions, name="questions"),
    path("questions/look/", views.look_for_doubles, name="look_for_doubles"),
    path("questions/<int:question>/", views.question, name="question"),
    path("questions/<int:question>/answer/", views.answer, name="answer"),
    path("questions/<int:question>/later/", views.put_off, name="put_off"),
    path("merges/<int:merge>/undo/", views.unmerge, name="unmerge"),
    path("<uuid:person>/merge/", views.merge, name="merge"),
    path("<uuid:person>/merge/<uuid:other>/", views.merge_with, name="merge_with"),
    path("<uuid:person>/", views.person, name="person"),
    path("<uuid:person>/correct/", views.correct, name="correct"),
    path("<uuid:person>/erase/", views.erase, name="erase"),
    path("<uuid:person>/code/", views.issue_code, name="code"),
]
