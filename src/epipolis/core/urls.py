from django.urls import path

from epipolis.core.views import about, health, shell, tables, work

urlpatterns = [
    path("", shell.home, name="home"),
    path("health/", health.health, name="health"),
    path("tiles/<slug:name>/", shell.tile, name="tile"),
    path("map/", shell.city_map, name="map"),
    path("work/", work.my_work, name="work"),
    path("work/<uuid:run>/", work.one_run, name="run"),
    path("work/<uuid:run>/progress/", work.progress, name="run_progress"),
    path("work/<uuid:run>/import/", tables.import_again, name="import_again"),
    path("work/<uuid:run>/problems.<slug:kind>", work.problems, name="run_problems"),
    path("import/<slug:name>/", tables.import_table, name="import"),
    path("export/<slug:name>/", tables.export_page, name="export_page"),
    path("export/<slug:name>.<slug:kind>", tables.export, name="export"),
    path("language/", shell.choose_language, name="language"),
    path("theme/", shell.choose_theme, name="theme"),
    path("about/rules/", about.rules_in_force, name="rules"),
    path("about/retention/", about.receipts, name="retention"),
]
