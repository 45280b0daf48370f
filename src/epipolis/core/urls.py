from django.urls import path

from epipolis.core import views

urlpatterns = [
    path("health/", views.health, name="health"),
]
