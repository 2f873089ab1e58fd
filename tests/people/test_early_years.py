"""Birth dates: nobody is in a photo of before their birth, and small children need more evidence."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from people.early_years import CAUTION, caution, is_unborn, years_at
from people.models import Suggestion
from people.review import likely_people
from people.suggestions import refresh_suggestions
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, unit

BORN = date(2024, 5, 3)
CAMERA = {"taken_at_source": Photo.DateSource.CAMERA}


@pytest.fixture
def kim(alice):
    person = make_person(alice, "Kim", birth_date=BORN)
    make_face(make_photo(alice), person=person, likeness=unit(1))
    return person


def taken(alice, *day: int, **fields) -> Photo:
    return make_photo(alice, taken_at=datetime(*day, 12, tzinfo=UTC), **CAMERA | fields)


def test_nobody_is_suggested_for_a_photo_of_before_their_birth(alice, kim):
    early = make_face(taken(alice, 2019, 8, 1), likeness=unit(1))
    late = make_face(taken(alice, 2034, 8, 1), likeness=unit(1))

    refresh_suggestions(alice.pk)

    assert set(Suggestion.objects.values_list("face", flat=True)) == {late.pk}
    assert likely_people(alice, [early]) == []
    assert likely_people(alice, [late]) == [kim]


def test_a_photo_whose_date_nobody_knows_rules_nobody_out(alice, kim):
    face = make_face(taken(alice, 2019, 8, 1, taken_at_source=Photo.DateSource.UPLOAD), likeness=unit(1))

    refresh_suggestions(alice.pk)

    assert set(Suggestion.objects.values_list("face", flat=True)) == {face.pk}
    assert likely_people(alice, [face]) == [kim]


def test_the_day_before_birth_may_be_the_day_itself_elsewhere(alice, kim):
    make_face(taken(alice, 2024, 5, 2), likeness=unit(1))
    make_face(taken(alice, 2024, 5, 1), likeness=unit(1))

    refresh_suggestions(alice.pk)

    assert Suggestion.objects.count() == 1


def test_a_small_child_is_less_probable_than_the_same_likeness_later(alice, kim):
    small = make_face(taken(alice, 2024, 8, 1), likeness=unit(1, towards=60, by=1.0))
    grown = make_face(taken(alice, 2044, 8, 1), likeness=unit(1, towards=60, by=1.0))

    refresh_suggestions(alice.pk)

    chances = dict(Suggestion.objects.values_list("face", "probability"))
    assert chances.get(small.pk, 0) < chances[grown.pk]


def test_caution_falls_in_a_line_until_thirteen():
    years = np.array([-1, 0, 6.5, 13, 40, np.nan])

    assert caution(years) == pytest.approx([CAUTION, CAUTION, CAUTION / 2, 0, 0, 0])
    assert is_unborn(years).tolist() == [True, False, False, False, False, False]


def test_ages_need_both_dates():
    ages = years_at({1: BORN}, [1, 1, 2], [date(2034, 5, 3), None, BORN])

    assert ages[0] == pytest.approx(10, abs=0.01)
    assert np.isnan(ages[1:]).all()
