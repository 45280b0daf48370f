from django.urls import path

from . import views

urlpatterns = [
    path("", views.orders, name="orders"),
    path("statistics/", views.statistics, name="statistics"),
    path("draft/<uuid:person>/", views.draft, name="draft"),
    path("orders/<int:number>/", views.order, name="order"),
    path("orders/<int:number>/papers/<str:kind>.pdf", views.paper, name="paper"),
    path("orders/<int:number>/issue/", views.issue, name="issue"),
    path("orders/<int:number>/withdraw/", views.withdraw, name="withdraw"),
    path("orders/<int:number>/days/", views.days, name="days"),
    path("orders/<int:number>/accept/", views.accept, name="accept"),
    path("orders/<int:number>/decline/", views.decline, name="decline"),
    path("orders/<int:number>/lift/", views.lift, name="lift"),
    path("orders/<int:number>/move/", views.move, name="move"),
    path("orders/<int:number>/told/", views.told, name="told"),
    path("orders/<int:number>/well/", views.well, name="well"),
    path("orders/<int:number>/watch/", views.watch, name="watch"),
    path("orders/<int:number>/unwatch/", views.unwatch, name="unwatch"),
    path("orders/<int:number>/needs/", views.tell_needs, name="tell_needs"),
    path("orders/<int:number>/needs/<int:need>/met/", views.meet_need, name="meet_need"),
    path("orders/<int:number>/appeals/<int:appeal>/answer/", views.answer, name="answer"),
    path("orders/<int:number>/changes/<int:change>/undo/", views.undo, name="undo"),
    path("orders/<int:number>/link/", views.link, name="link"),
    path("mine/<str:token>/", views.mine, name="mine"),
]
