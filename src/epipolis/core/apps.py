import gc

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "epipolis.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Lists of thousands of rows are the daily work: searched for garbage at each 700 new objects, they took a third longer.
        gc.set_threshold(20_000, 10, 10)
        from epipolis.core.events import subscribe  # noqa: PLC0415 -- models are ready only now
        from epipolis.core.modules import modules  # noqa: PLC0415 -- models are ready only now
        from epipolis.core.roles import make_roles  # noqa: PLC0415 -- models are ready only now

        for module in modules().values():
            for event, listeners in module.listens.items():
                for listener in listeners:
                    subscribe(event, listener)
        post_migrate.connect(make_roles, sender=self)
