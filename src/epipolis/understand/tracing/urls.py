from django.urls import path

from . import views

urlpatterns = [
    path("", views.work_list, name="work_list"),
    path("contacts/<int:contact_id>/work/", views.work, name="work"),
    path("contacts/<int:contact_id>/undo/", views.undo, name="undo"),
    path("contacts/<int:contact_id>/assign/", views.assign, name="assign"),
    path("contacts/<int:contact_id>/onward/", views.onward, name="onward"),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/trace/", views.trace_again, name="trace"),
    path("cases/<uuid:case_id>/contacts.<str:kind>", views.export_contacts, name="case_contacts"),
    path("cases/<uuid:case_id>/sources.<str:kind>", views.export_sources, name="case_sources"),
    path("clusters/", views.clusters, name="clusters"),
    path("clusters/layer.json", views.cluster_layer, name="cluster_layer"),
    path("clusters/list.<str:kind>", views.export_clusters, name="cluster_list"),
    path("clusters/<int:place_id>/", views.cluster, name="cluster"),
    path("network/", views.network, name="network"),
]
