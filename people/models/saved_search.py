"""A search somebody keeps: a title and what the address of the search page says."""

from typing import Self

from django.conf import settings
from django.db import models
from django.urls import reverse

from accounts.models import User


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)


class SavedSearch(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    title = models.CharField(max_length=200)
    query = models.CharField(max_length=2000)  # of people.search.PhotoSearch

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        ordering = ["title", "pk"]
        verbose_name_plural = "saved searches"
        constraints = [
            models.UniqueConstraint(fields=["owner", "query"], name="an_owner_saves_each_search_once"),
            models.CheckConstraint(condition=~models.Q(title=""), name="a_saved_search_has_a_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"{reverse('people:search')}?{self.query}"
