"""Forms and addresses that mix what is one's own with what is another's."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.session_views import number_of
from people.models import Cluster
from photos import trash
from photos.models import Photo
from tests.access.addresses import address, told
from tests.access.library import UNKNOWN, Belongings, make_belongings, rows_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db

Body = Callable[[dict[str, int], dict[str, int]], dict[str, Any]]


def both(name: str) -> Callable[[dict[str, int], dict[str, int]], list[int]]:
    return lambda mine, theirs: [mine[name], theirs[name]]


photos, faces, people, groups = (both(f"{kind}_id") for kind in ("photo", "face", "person", "cluster"))

# Route, and what is sent with both users' ids: whoever sends it owns `mine`, and the address is of theirs own.
FORMS: list[tuple[str, Body]] = [
    ("photos:favourite", lambda m, t: {"photos": photos(m, t), "plain": "1"}),
    ("photos:favourite", lambda m, t: {"all": "yes", "scope": f"album-{t['album_id']}", "plain": "1"}),
    ("photos:favourite", lambda m, t: {"all": "yes", "scope": f"person-{t['person_id']}", "plain": "1"}),
    ("photos:favourite", lambda m, t: {"all": "yes", "scope": f"batch-{t['batch_id']}", "plain": "1"}),
    ("photos:favourite", lambda m, t: {"all": "yes", "scope": f"search-p={t['person_id']}", "plain": "1"}),
    ("photos:add-to-album", lambda m, t: {"photos": photos(m, t), "title": "Album of Annabel"}),
    ("photos:set-date", lambda m, t: {"photos": photos(m, t), "day": "2001-02-03"}),
    ("photos:move-to-trash", lambda m, t: {"photos": photos(m, t)}),
    ("photos:trash-restore", lambda m, t: {"photos": photos(m, t)}),
    ("photos:trash-delete", lambda m, t: {"photos": photos(m, t), "sure": "yes"}),
    ("photos:album-remove", lambda m, t: {"photos": photos(m, t)}),
    ("photos:album-cover", lambda m, t: {"photos": photos(m, t)}),
    ("photos:download", lambda m, t: {"photos": photos(m, t)}),
    ("photos:album-rename", lambda m, t: {"title": "Album of Annabel"}),
    ("photos:batch-album", lambda m, t: {"title": "Album of Annabel"}),
    ("photos:retry-all", lambda m, t: {"photos": photos(m, t)}),
    ("people:in-these", lambda m, t: {"photos": photos(m, t)}),
    ("people:together", lambda m, t: {"people": people(m, t), "groups": groups(m, t), "action": "hide"}),
    ("people:together", lambda m, t: {"groups": groups(m, t), "action": "name", "name": "Zoe"}),
    ("people:together", lambda m, t: {"groups": groups(m, t), "action": "name", "person": t["person_id"]}),
    ("people:together", lambda m, t: {"hide": people(m, t)}),
    ("people:merge", lambda m, t: {"people": people(m, t), "groups": groups(m, t), "keep": m["person_id"]}),
    ("people:merge", lambda m, t: {"people": people(m, t), "groups": groups(m, t), "keep": t["person_id"]}),
    ("people:answer", lambda m, t: {"answer": "name", "name": "Zoe", "faces": faces(m, t), "shown": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "ignore", "faces": faces(m, t), "shown": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "no", "about": m["person_id"], "shown": faces(m, t)}),
    (
        "people:answer",
        lambda m, t: {"answer": "yes", "about": t["person_id"], "faces": faces(m, t), "shown": faces(m, t)},
    ),
    ("people:answer", lambda m, t: {"answer": "name", "name": "Zoe", "cluster": t["cluster_id"], "faces": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "same", "question": t["question_id"]}),
    ("people:change-faces", lambda m, t: {"faces": faces(m, t), "action": "cover"}),
    ("people:change-faces", lambda m, t: {"faces": faces(m, t), "action": "remove"}),
    ("people:change-faces", lambda m, t: {"faces": faces(m, t), "action": "move", "person": t["person_id"]}),
    ("people:split", lambda m, t: {"0-faces": ",".join(map(str, faces(m, t))), "0-name": "Zoe"}),
    ("people:split-group", lambda m, t: {"0-faces": ",".join(map(str, faces(m, t))), "0-name": "Zoe"}),
    ("people:split-off", lambda m, t: {"shown": faces(m, t)}),
    ("people:name-group", lambda m, t: {"name": "Zoe", "shown": faces(m, t), "faces": faces(m, t)}),
    ("people:name-group", lambda m, t: {"person": t["person_id"]}),
    ("people:name-face", lambda m, t: {"person": t["person_id"], "name": "Annabel"}),
    ("people:name-face", lambda m, t: {"name": "Annabel"}),
    ("people:answer-face", lambda m, t: {"about": t["person_id"], "answer": "yes"}),
    ("people:remove-name", lambda m, t: {"about": t["person_id"]}),
    ("people:ignore-others", lambda m, t: {"faces": faces(m, t)}),
    ("people:save-search", lambda m, t: {"query": f"p={m['person_id']}&p={t['person_id']}", "title": "Both"}),
    ("people:drop-search", lambda m, t: {"query": f"p={t['person_id']}"}),
    ("people:edit", lambda m, t: {"name": "Annabel", "keep": "1"}),
]

# Addresses whose query may name something of somebody else's: it must say what it says of what does not exist.
QUERIES = [
    ("photos:timeline", "into={album_id}"),
    ("photos:timeline", "at={photo_id}"),
    ("people:photo", "in=album-{album_id}"),
    ("people:photo", "in=person-{person_id}"),
    ("people:photo", "in=batch-{batch_id}"),
    ("people:photo", "in=search-p%3D{person_id}"),
    ("people:names", "q=&group={cluster_id}"),
    ("people:names", "q=&face={face_id}"),
    ("people:merge", "people={person_id}"),
    ("people:merge", "groups={cluster_id}"),
    ("people:pile", "person={person_id}&face={face_id}"),
    ("people:alike", "faces={face_id}"),
    ("people:search", "p={person_id}"),
    ("people:search", "without={person_id}"),
    ("people:search", "album={album_id}"),
    ("people:search-offers", "p={person_id}&q=a"),
    ("people:review", "person={person_id}"),
    ("people:review", "batch={batch_id}"),
    ("people:review", "photos={photo_id}"),
    ("people:review", "q=g{cluster_id}"),
    ("people:history", "person={person_id}"),
    ("people:history", "at={decision_id}"),
]


@pytest.fixture(scope="module")
def two(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Belongings, Belongings, Client]]:
    """Two libraries, and the browser of the second one's owner."""
    from django.conf import settings

    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), transaction.atomic():
        theirs = make_belongings(make_user(username="alice"))
        mine = make_belongings(make_user(username="bob"), "Bernard")
        for photo in (mine.ids["photo_id"], theirs.ids["photo_id"]):
            assert Photo.objects.filter(pk=photo).exists()
        client = Client()
        client.force_login(mine.owner)
        yield mine, theirs, client
        transaction.set_rollback(True)
    settings.MEDIA_ROOT = kept


@pytest.mark.parametrize(("name", "body"), FORMS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(FORMS)])
def test_a_form_with_both_users_ids_changes_nothing_of_the_others(two, name, body):
    mine, theirs, client = two
    if name.startswith("photos:trash-"):
        for owner in (mine.owner, theirs.owner):
            trash.move_to_trash(owner, Photo.objects.owned_by(owner))
    before = rows_of(theirs.owner)

    response = client.post(address(name, mine.ids), body(mine.ids, theirs.ids), follow=True)

    assert response.status_code in (200, 404, 422)
    assert b"Note of Annabel" not in told(response)[2]
    assert rows_of(theirs.owner) == before


def test_the_forms_do_what_they_say_to_ones_own(two):
    """Else nothing would be proved: they would be forms that change nothing."""
    mine, theirs, client = two
    idle = []
    for number, (name, body) in enumerate(FORMS):
        before = rows_of(mine.owner)
        with transaction.atomic():
            client.post(address(name, mine.ids), body(mine.ids, theirs.ids))
            if {k: v for k, v in rows_of(mine.owner).items() if k != "accounts.BrowserSession"} == {
                k: v for k, v in before.items() if k != "accounts.BrowserSession"
            }:
                idle.append(f"{number} {name}")
            transaction.set_rollback(True)

    print(idle)
    assert len(idle) < len(FORMS) / 2, idle


def test_the_session_of_another_is_not_ended(two):
    _mine, theirs, client = two
    Client().force_login(theirs.owner)
    session = theirs.owner.sessions.first()

    client.post(reverse("accounts:end-session"), {"session": number_of(session)})

    assert theirs.owner.sessions.filter(pk=session.pk).exists()


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[f"{name}?{query}" for name, query in QUERIES])
def test_an_address_that_names_anothers_says_what_it_says_of_nothing(two, name, query):
    mine, theirs, client = two

    def asked(ids: dict[str, int]) -> tuple[int, bytes]:
        with transaction.atomic():
            response = client.get(f"{address(name, mine.ids)}?{query.format(**ids)}")
            transaction.set_rollback(True)
        content = told(response)[2]
        for value in sorted(set(re.findall(r"\{(\w+)\}", query))):
            content = content.replace(str(ids[value]).encode(), b"N")
        return response.status_code, content

    unknown = {key: UNKNOWN + number for number, key in enumerate(theirs.ids)}
    assert asked(theirs.ids) == asked(unknown)


def test_a_group_of_another_is_no_group(two):
    mine, theirs, _client = two

    assert not Cluster.objects.owned_by(mine.owner).filter(pk=theirs.ids["cluster_id"]).exists()
