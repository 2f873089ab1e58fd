"""Every address of Kith."""

from django.urls import include, path

from config import operations, words

handler500 = "config.errors.server_error"

urlpatterns = [
    path("healthz/ready", operations.ready, name="ready"),
    path("metrics", operations.metrics, name="metrics"),
    path("jsi18n/<slug:language>.js", words.catalogue, name="words"),
    path("", include("accounts.urls")),
    path("", include("photos.urls")),
    path("", include("people.urls")),
]
