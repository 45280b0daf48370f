from django.urls import path

from . import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("districts/<int:district>/", views.district, name="district"),
    path("neighbourhoods/", views.neighbourhoods, name="neighbourhoods"),
    path("places/", views.places, name="places"),
    path("places/<int:place>/", views.place, name="place"),
]
