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
]
