import numpy as np
import pytest

from ml.calibration import CALIBRATION
from ml.projection import unit_rows
from ml.studies.own_projection import People, most_alike, outcome, with_mixed_pairs
from tests.ml.own_projection.libraries import BASE, make_world


@pytest.fixture
def people(random):
    """Thirty people with twelve faces each, of whom the first two look alike."""
    world = make_world(random, 30, alike=2, likeness=0.4, mood=0.0)
    who = np.repeat(np.arange(30), 12)
    return People(world.faces(who), who, np.arange(len(who)), np.full(len(who), 0.6))


def test_who_is_most_alike_is_found(people):
    assert most_alike(people, BASE, 1).tolist() == [[0, 1]]


def test_new_names_are_counted_where_one_stranger_in_a_hundred_is_named(people):
    is_known, is_gallery = people.people < 20, people.photos % 12 < 6

    found = outcome(people.only(is_known & is_gallery), people.only(~(is_known & is_gallery)), BASE, CALIBRATION)

    assert found.tpir > 0.9
    assert found.wrong < 0.05
    assert found.ece < 0.2


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_pairs_are_as_alike_as_their_share_says(people, share):
    library, strangers = with_mixed_pairs(people, share, 30, 3)

    mixed = [library.rows[library.people == person].mean(axis=0) for person in range(30, 36)]
    similar = unit_rows(np.stack(mixed)) @ unit_rows(np.stack(mixed)).T
    assert len(strangers.people) == 0
    assert len(library.people) == 24 * 12 + 6 * 60
    assert len(np.unique(library.photos)) == len(library.photos)
    within = similar[[0, 2, 4], [1, 3, 5]]
    assert (within > 0.9).all() if share == 0.1 else (within < 0.8).all()
    assert abs(similar[0, 2:]).max() < 0.5
