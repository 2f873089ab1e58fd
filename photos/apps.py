"""Albums, photos and everything that happens to them before faces are looked for."""

from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "photos"
    default_auto_field = "django.db.models.BigAutoField"
