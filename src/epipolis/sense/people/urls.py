from django.urls import path

from . import views

urlpatterns = [
    path("", views.search, name="search"),
    path("new/", views.register, name="register"),
    path("mine/", views.mine, name="mine"),
    path("mine/download/", views.mine_download, name="mine_download"),
    path("<uuid:person>/", views.person, name="person"),
    path("<uuid:person>/correct/", views.correct, name="correct"),
    path("<uuid:person>/erase/", views.erase, name="erase"),
    path("<uuid:person>/code/", views.issue_code, name="code"),
]
