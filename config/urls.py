"""Every address of Kith."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("photos.urls")),
    path("", include("people.urls")),
]
