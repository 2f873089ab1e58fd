"""People, their faces, and every answer about them."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from people import photo_lists, receivers  # noqa: F401  connects them
