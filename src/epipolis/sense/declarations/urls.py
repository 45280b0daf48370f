from django.urls import path

from . import views

urlpatterns = [
    path("", views.declare, name="declare"),
    path("mine/", views.mine, name="mine"),
    path("mine/declare/", views.declare_again, name="again"),
    path("mine/member/", views.add_member, name="add_member"),
    path("mine/wishes/", views.change_wishes, name="wishes"),
    path("mine/download/", views.download, name="download"),
    path("mine/erase/", views.erase, name="erase"),
    path("staff/", views.overview, name="overview"),
    path("staff/call/", views.declare_by_phone, name="by_phone"),
    path("staff/<str:purpose>/", views.purpose_list, name="purpose"),
    path("staff/<str:purpose>/list.<str:kind>", views.export_purpose, name="export"),
]
