"""Names to take away, as CSV and JSON."""

import csv
import io
import json
from datetime import date

import pytest
from django.urls import reverse

from tests.factories import make_face, make_known, make_person, make_photo


@pytest.fixture
def library(alice, bob):
    ann = make_person(alice, "Ann", note="work", birth_date=date(1990, 5, 3))
    make_face(make_photo(alice, name="Ännchen, 1.jpg", sha256="a" * 64), person=ann)
    make_person(alice, "Without faces")
    evil = make_person(alice, '=HYPERLINK("http://x")')
    make_face(make_photo(alice), person=evil)
    make_face(make_photo(alice))  # nobody's
    make_known(bob, "Somebody else's")


def download(client, name: str) -> str:
    response = client.get(reverse(f"people:{name}"))
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_the_table_has_a_row_for_each_named_face(signed_in, library):
    table = list(csv.DictReader(io.StringIO(download(signed_in, "names-csv"))))

    assert [row["person"] for row in table] == ['\'=HYPERLINK("http://x")', "Ann"]
    assert table[1].pop("person_id").isdigit()
    assert table[1] == {
        "person": "Ann",
        "note": "work",
        "birth_date": "1990-05-03",
        "photo": "Ännchen, 1.jpg",
        "photo_sha256": "a" * 64,
        "taken_at": "2024-05-03T14:22:00",
        "left": "0.4",
        "top": "0.3",
        "width": "0.1",
        "height": "0.2",
        "named_by": "user",
    }


def test_json_says_the_same_as_it_is(signed_in, library):
    said = json.loads(download(signed_in, "names-json"))

    assert [person["name"] for person in said["people"]] == ['=HYPERLINK("http://x")', "Ann"]
    assert [face["person"] for face in said["faces"]] == ['=HYPERLINK("http://x")', "Ann"]
    assert said["faces"][1]["left"] == 0.4


def test_a_library_without_names_has_an_empty_table(signed_in):
    assert list(csv.DictReader(io.StringIO(download(signed_in, "names-csv")))) == []
    assert json.loads(download(signed_in, "names-json")) == {"people": [], "faces": []}


def test_many_faces_are_read_in_few_queries(signed_in, alice, django_assert_max_num_queries):
    ann = make_person(alice)
    for _ in range(30):
        make_face(make_photo(alice), person=ann)

    with django_assert_max_num_queries(8):
        download(signed_in, "names-csv")
