"""Every address of the platform: the core's pages, the API, and each module's pages under its own name."""

from importlib.util import find_spec

from django.urls import include, path

from epipolis.core.api import make_api
from epipolis.core.modules import modules, packages

handler500 = "epipolis.core.views.health.broken"
urlpatterns = [
    path("", include("epipolis.core.urls")),
    path("accounts/", include("epipolis.core.account_urls")),
    path("api/v1/", make_api().urls),
    *(
        path(f"{name}/", include((f"{packages()[name]}.urls", name)))
        for name in modules()
        if find_spec(f"{packages()[name]}.urls")
    ),
]
