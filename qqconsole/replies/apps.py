from django.apps import AppConfig


class RepliesConfig(AppConfig):
    name = "qqconsole.replies"
    default_auto_field = "django.db.models.BigAutoField"
