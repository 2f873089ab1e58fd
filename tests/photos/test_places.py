"""Names of the places photos were taken at."""

import pytest

from photos.models import Photo
from photos.places import name_places, photos_to_place, place_names
from tests.factories import make_photo


@pytest.mark.parametrize(
    ("position", "name"),
    [
        ((41.9, 12.5), "Rome, Lazio, Italy"),
        ((-33.87, 151.21), "Sydney, New South Wales, Australia"),
        ((0.0, -30.0), ""),  # in the middle of the Atlantic
        ((90.0, 0.0), ""),
    ],
)
def test_a_position_gets_the_name_of_the_nearest_town(position, name):
    assert place_names([position]) == [name]


def test_photos_get_the_names_of_their_places_once(alice):
    rome = make_photo(alice, latitude=41.9, longitude=12.5)
    sea = make_photo(alice, latitude=0.0, longitude=-30.0)
    nowhere = make_photo(alice)

    assert name_places() == 2

    assert Photo.objects.get(pk=rome.pk).place == "Rome, Lazio, Italy"
    assert Photo.objects.get(pk=sea.pk).place == ""
    assert Photo.objects.get(pk=nowhere.pk).place is None
    assert not photos_to_place().exists()
    assert name_places() == 0
