from django.urls import path

from . import views

urlpatterns = [
    path("", views.situation, name="situation"),
    path("picture/", views.picture_part, name="picture"),
    path("figures/", views.figures_part, name="figures"),
    path("districts.geojson", views.districts_layer, name="districts_layer"),
    path("tables/<slug:table>.<slug:kind>", views.table_download, name="table"),
    path("public/", views.public_picture, name="public"),
    path("public/districts.csv", views.public_download, name="public_download"),
]
