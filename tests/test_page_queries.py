"""Every page asks as many queries in a library ten times as large, and no more than tools/pages.py says."""

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from people.invented_library import make_library
from photos import media_folder
from tests.access.addresses import ROUTES, address
from tests.access.library import make_belongings
from tests.factories import make_user
from tools.pages import NOT_PAGES, PAGES, SIGNED_OUT, First, Sample, queries_counted

SMALL, LARGE = (400, 1200), (4000, 12_000)  # photos and faces


@pytest.fixture(scope="module")
def counts(models_dir, tmp_path_factory, django_db_setup, django_db_blocker) -> tuple[dict[str, int], dict[str, int]]:
    """Queries of each page by its label, in a small and in a large library."""
    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path_factory.mktemp("media")
    media_folder.set_mark("tests")
    with django_db_blocker.unblock():
        found = counts_in_library(*SMALL), counts_in_library(*LARGE)
    settings.MEDIA_ROOT = kept
    return found


def counts_in_library(photos: int, faces: int) -> dict[str, int]:
    with transaction.atomic():
        owner = make_user(username="owner")
        make_library(owner, photos=photos, faces=faces, seed=1, report=lambda text: None, has_pictures=False)
        sample, signed_in = Sample(owner, First()), signed_in_as(owner)
        found = {
            page.label: queries_of(
                Client() if page.route in SIGNED_OUT else signed_in, page.address(sample), page.is_fragment
            )
            for page in PAGES
        }
        transaction.set_rollback(True)
    return found


def signed_in_as(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def queries_of(client: Client, url: str, is_fragment: bool) -> int:
    with queries_counted() as count:
        response = client.get(url, headers={"HX-Request": "true"} if is_fragment else {}, follow=True)
    assert response.status_code == 200, url
    return count()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.label)
def test_a_page_asks_no_more_in_a_larger_library(counts, page):
    small, large = (each[page.label] for each in counts)

    assert small == large, f"{small} queries with {SMALL[0]} photos, {large} with {LARGE[0]}"
    assert large <= page.queries


def test_labels_differ():
    labels = [page.label for page in PAGES]

    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_no_page_is_forgotten(client, alice, name):
    measured = {page.route for page in PAGES}
    assert not measured & NOT_PAGES.keys()
    if name in measured or name in NOT_PAGES:
        return
    client.force_login(alice)
    ids = make_belongings(alice).ids

    assert client.get(address(name, ids)).status_code == 405, f"{name} is a page: add it to tools/pages.py"


def test_the_list_of_pages_names_only_routes():
    for name in {page.route for page in PAGES} | NOT_PAGES.keys():
        assert name in ROUTES
    assert reverse("photos:timeline") == "/"
