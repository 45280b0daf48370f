from django.urls import path

from . import views

urlpatterns = [
    path("mine/<str:token>/", views.mine, name="mine"),
]
