from django.urls import path

from . import views

urlpatterns = [
    path("", views.work_list, name="work_list"),
    path("print/", views.print_list, name="print"),
    path("list.<str:kind>", views.export, name="list"),
    path("unknown/", views.unknown, name="unknown"),
    path("add/", views.add, name="add"),
    path("contacts/<int:number>/", views.contact, name="contact"),
    path("contacts/<int:number>/check/", views.check, name="check"),
    path("contacts/<int:number>/attempt/", views.attempt, name="attempt"),
    path("contacts/<int:number>/end/", views.end, name="end"),
    path("contacts/<int:number>/quarantine/", views.quarantine, name="quarantine"),
    path("contacts/<int:number>/finish/", views.finish, name="finish"),
    path("contacts/<int:number>/reopen/", views.reopen, name="reopen"),
    path("contacts/<int:number>/assign/", views.assign, name="assign"),
    path("contacts/<int:number>/link/", views.link, name="link"),
    path("contacts/<int:number>/link/close/", views.close_link, name="close_link"),
    path("contacts/<int:number>/changes/<int:change>/undo/", views.undo, name="undo"),
    path("handovers/", views.handovers, name="handovers"),
    path("handovers/give/", views.hand_over, name="hand_over"),
    path("handovers/<int:number>/accept/", views.accept, name="accept"),
    path("teams/", views.teams, name="teams"),
    path("teams/save/", views.team, name="team"),
    path("teams/members/", views.member, name="member"),
    path("teams/assign/", views.assign_waiting, name="assign_waiting"),
    path("me/<str:token>/", views.self_report, name="self_report"),
]
