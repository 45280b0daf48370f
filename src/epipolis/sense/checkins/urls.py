from django.urls import path

from .views import phone, routes, venues

urlpatterns = [
    path("", venues.venues, name="venues"),
    path("register/", venues.register, name="register"),
    path("venues/<int:place>/", venues.venue, name="venue"),
    path("venues/<int:place>/poster-<str:size>.pdf", venues.poster, name="poster"),
    path("venues/<int:place>/<str:what>/", venues.change, name="change"),
    path("in/", phone.here, name="phone_here"),
    path("in/leave/", phone.leave, name="phone_leave"),
    path("in/mine/", phone.mine, name="phone_mine"),
    path("in/forget-me/", phone.forget_me, name="phone_forget"),
    path("in/<str:code>/", phone.door, name="phone"),
    path("routes/<uuid:person>/", routes.route, name="route"),
    path("routes/<uuid:person>/forget/", routes.forget, name="route_forget"),
    path("routes/<uuid:person>/link/", routes.link, name="route_link"),
    path("routes/<uuid:person>/unlink/<uuid:visitor>/", routes.unlink, name="route_unlink"),
    path("places/", routes.places, name="route_places"),
]
