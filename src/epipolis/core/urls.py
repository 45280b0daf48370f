from django.urls import include, path

from epipolis.core.views import about, health, shell, work

urlpatterns = [
    path("accounts/", include("epipolis.core.account_urls")),
    path("", shell.home, name="home"),
    path("health/", health.health, name="health"),
    path("tiles/<slug:name>/", shell.tile, name="tile"),
    path("map/", shell.city_map, name="map"),
    path("work/", work.my_work, name="work"),
    path("work/<uuid:run>/", work.one_run, name="run"),
    path("language/", shell.choose_language, name="language"),
    path("theme/", shell.choose_theme, name="theme"),
    path("about/rules/", about.rules_in_force, name="rules"),
    path("about/retention/", about.receipts, name="retention"),
]
