from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "qqconsole.engine"
    default_auto_field = "django.db.models.BigAutoField"
