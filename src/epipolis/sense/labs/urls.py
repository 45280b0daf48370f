from django.urls import path

from . import views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("reject/", views.reject_shown, name="reject_shown"),
    path("messages/<int:message_id>/", views.message, name="message"),
    path("messages/<int:message_id>/open/", views.open_message, name="open"),
    path("messages/<int:message_id>/handle/", views.handle, name="handle"),
    path("steps/<int:handling_id>/undo/", views.undo, name="undo"),
    path("laboratories/", views.laboratories, name="laboratories"),
    path("laboratories/register/", views.register, name="register"),
    path("laboratories/<int:laboratory_id>/", views.change, name="change"),
    path("codes/", views.codes, name="codes"),
    path("codes/<int:meaning_id>/forget/", views.forget, name="forget"),
    path("results/<int:result_id>/", views.result, name="result"),
    path("devices/", views.devices, name="devices"),
    path("devices/register/", views.new_device, name="new_device"),
    path("devices/<int:device_id>/", views.device, name="device"),
    path("devices/<int:device_id>/change/", views.change_device, name="change_device"),
    path("devices/<int:device_id>/state/", views.device_state, name="device_state"),
    path("devices/<int:device_id>/renew/", views.renew_device, name="renew_device"),
    path("lots/", views.lots, name="lots"),
    path("lots/<int:lot_id>/", views.lot, name="lot"),
    path("labels/", views.labels, name="labels"),
    path("labels/print/", views.print_labels, name="print_labels"),
    path("labels/<int:label_id>/print/", views.print_label, name="print_label"),
    path("labels/<int:label_id>/take-back/", views.take_back_label, name="take_back_label"),
    path("counter/", views.counter, name="counter"),
    path("counter/<uuid:person_id>/", views.counter_person, name="counter_person"),
]
