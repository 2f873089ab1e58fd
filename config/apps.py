"""The app that wires the others: it holds the commands that run the whole product."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Kith"
