from django.urls import path

from . import views

urlpatterns = [
    path("", views.transfers, name="transfers"),
    path("<uuid:transfer_id>/", views.transfer, name="transfer"),
    path("<uuid:transfer_id>/open/", views.open_document, name="open"),
    *(path(f"<uuid:transfer_id>/{name}/", view, name=name) for name, view in views.STEPS.items()),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/draft/", views.draft, name="draft"),
    path("cases/<uuid:case_id>/case.<str:kind>", views.export_case, name="export_case"),
    path("files/", views.files, name="files"),
    path("files/cases.<str:kind>", views.export_selection, name="export_selection"),
    path("files/import/", views.import_file, name="import_file"),
    path("offices/", views.partners, name="partners"),
    path("offices/add/", views.add_partner, name="add_partner"),
    path("offices/<int:partner_id>/", views.partner, name="partner"),
    path("offices/<int:partner_id>/change/", views.change, name="change_partner"),
    path("offices/<int:partner_id>/compare/", views.compare, name="compare"),
    path("offices/<int:partner_id>/close/", views.close, name="close"),
]
