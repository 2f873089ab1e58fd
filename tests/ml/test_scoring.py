"""What speaks for a name, feature by feature, beside the plain way of computing it."""

import time

import numpy as np
import pytest

from ml.projection import unit_rows
from ml.scoring import STRANGER_DISTANCE, Evidence, Gallery, Probes, company_of, weigh
from tests.ml.synthetic import make_embeddings

QUALITY = 0.5


@pytest.fixture
def library(random):
    """Thirty people: probes and a gallery with one face to six of each."""
    rows, people = make_embeddings(random, [9] * 30, noise=0.1, dimensions=32)
    known = np.arange(len(rows)) % 9 < 1 + people % 6
    return rows[~known], people[~known], Gallery(rows[known], people[known])


def score(rows, gallery, **more) -> Evidence:
    return weigh(Probes(rows, np.full(len(rows), QUALITY), **more), gallery)


def test_each_feature_is_what_it_says(library):
    rows, _, gallery = library

    found = score(rows, gallery)

    for pair in range(0, len(found.probe), 7):
        probe, person = rows[found.probe[pair]], found.person[pair]
        theirs = np.flatnonzero(gallery.persons == person)
        distances = 1 - gallery.rows[theirs] @ probe
        others = [1 - gallery.rows[gallery.persons == other] @ probe for other in gallery.people if other != person]
        rival = min(STRANGER_DISTANCE, min(map(np.min, others)))
        assert found.face[pair] == theirs[distances.argmin()]
        features = found.features
        assert features.nearest[pair] == pytest.approx(distances.min(), abs=1e-5)
        assert features.centroid[pair] == pytest.approx(
            1 - unit_rows(gallery.rows[theirs].sum(0)[None])[0] @ probe, abs=1e-5
        )
        assert features.margin[pair] == pytest.approx(rival - min(distances.min(), STRANGER_DISTANCE), abs=1e-5)
        assert features.group[pair] == pytest.approx(distances.mean(), abs=1e-5)
        assert features.faces[pair] == pytest.approx(np.log(len(theirs)))
        assert (features.group_faces[pair], features.quality[pair]) == (0, QUALITY)


def test_the_nearest_person_is_always_among_the_candidates(library):
    rows, _, gallery = library

    found = score(rows, gallery)

    nearest = gallery.persons[(rows @ gallery.rows.T).argmax(axis=1)]
    pairs = set(zip(found.probe.tolist(), found.person.tolist(), strict=True))
    assert {(probe, int(person)) for probe, person in enumerate(nearest)} <= pairs


def test_the_order_of_the_gallery_does_not_matter(library, random):
    rows, _, gallery = library
    order = random.permutation(len(gallery.rows))

    one = score(rows, gallery)
    other = score(rows, Gallery(gallery.rows[order], gallery.persons[order]))

    assert np.array_equal(one.person, other.person)
    assert one.features.matrix() == pytest.approx(other.features.matrix(), abs=1e-5)
    assert np.array_equal(one.face, order[other.face])


def test_a_group_speaks_for_each_of_its_faces():
    rows = unit_rows(np.array([[1, 0, 0], [1, 0.5, 0], [0.3, 1, 0.2]]))
    gallery = Gallery(unit_rows(np.array([[1, 0.2, 0], [0, 0.2, 1]])), np.array([7, 8]))

    found = score(rows, gallery, groups=np.array([4, 4, -1]))

    mean = rows[:2].mean(axis=0)
    in_group = (found.probe < 2) & (found.person == 7)
    assert found.features.group[in_group] == pytest.approx(np.full(2, 1 - mean @ gallery.rows[0]), abs=1e-5)
    assert found.features.group_faces.tolist() == pytest.approx([np.log(2)] * 4 + [0] * 2)


def test_a_person_whom_only_the_group_is_like_is_looked_at_for_each_face(random):
    rows, people = make_embeddings(random, [2] * 40, noise=0.05, dimensions=64)
    gallery = Gallery(rows[::2], people[::2])
    stray = unit_rows(rows[[1]] * 0 + random.normal(size=(1, 64)))
    group = np.concatenate([rows[[1]], rows[[1]], rows[[1]], stray])

    found = weigh(Probes(group, np.full(4, QUALITY), np.zeros(4, int)), gallery, candidates=1)

    assert people[1] in found.person[found.probe == 3]


def test_a_probe_that_is_in_the_gallery_is_left_out_for_itself(library):
    _, _, gallery = library
    own = np.arange(len(gallery.rows))

    found = score(gallery.rows, gallery, own=own)

    assert not (found.face == own[found.probe]).any()
    single = np.isin(gallery.persons, np.flatnonzero(np.bincount(gallery.persons) == 1))
    is_own = found.person == gallery.persons[found.probe]
    assert not is_own[single[found.probe]].any()  # nobody else of that person is there
    for pair in np.flatnonzero(is_own)[::5]:
        others = gallery.rows[(gallery.persons == found.person[pair]) & (own != found.probe[pair])]
        probe = gallery.rows[found.probe[pair]]
        assert found.features.nearest[pair] == pytest.approx((1 - others @ probe).min(), abs=1e-5)
        assert found.features.group[pair] == pytest.approx((1 - others @ probe).mean(), abs=1e-5)
        assert found.features.faces[pair] == pytest.approx(np.log(len(others)))


def test_who_is_impossible_is_neither_a_candidate_nor_a_rival():
    rows = unit_rows(np.array([[1.0, 0, 0]]))
    gallery = Gallery(unit_rows(np.array([[1, 0.1, 0], [1, 0.2, 0]])), np.array([1, 2]))

    found = score(rows, gallery, impossible=np.array([[0, 1], [0, 99]]))

    assert found.person.tolist() == [2]
    assert found.features.margin[0] == pytest.approx(STRANGER_DISTANCE - found.features.nearest[0])


def test_nobody_and_nothing_are_normal():
    one = unit_rows(np.ones((1, 4)))
    nobody = Gallery(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))

    assert len(score(one, nobody).probe) == 0
    assert len(score(one[:0], Gallery(one, np.array([1]))).probe) == 0
    assert len(score(one, Gallery(one, np.array([1])), own=np.array([0])).probe) == 0


def test_many_probes_and_people_are_a_matter_of_seconds(random):
    rows = unit_rows(random.normal(size=(20_000, 128)))
    gallery = Gallery(unit_rows(random.normal(size=(20_000, 128))), random.integers(0, 2000, 20_000))

    started = time.process_time()
    found = score(rows, gallery)

    assert len(found.probe) == 8 * len(rows)
    assert time.process_time() - started < 20


def test_who_is_asked_about_is_looked_at_however_unlike():
    rows = np.eye(12, dtype=np.float32)
    gallery = Gallery(rows, np.arange(12))

    found = weigh(Probes(rows[:1], np.ones(1, np.float32), asked=np.array([[0, 11], [0, 99]])), gallery, candidates=1)

    assert found.person.tolist() == [0, 11]


def test_some_faces_of_groups_are_weighed_as_among_all_when_it_is_said_what_the_groups_count_as(library):
    rows, people, gallery = library
    groups = np.where(people % 3, people, -1)  # a third of the faces are in none
    grouped = groups >= 0
    some = np.arange(len(rows)) % 4 == 0

    whole = score(rows, gallery, groups=groups)
    among_all = whole.only(np.isin(whole.probe, np.flatnonzero(some)))
    company = company_of(rows[grouped], groups[grouped])
    alone = score(rows[some], gallery, groups=groups[some], company=company)

    assert np.flatnonzero(some)[alone.probe].tolist() == among_all.probe.tolist()
    assert alone.person.tolist() == among_all.person.tolist()
    np.testing.assert_allclose(alone.features.matrix(), among_all.features.matrix(), atol=1e-5)


def test_groups_may_be_put_together_and_left_out(library):
    rows, people, _ = library
    company = company_of(rows, people)
    first = company.groups < 10

    joined = company.only(first).joined(company.only(~first))

    assert joined.groups.tolist() == company.groups.tolist()
    assert joined.sizes.sum() == len(rows)
    assert np.array_equal(joined.means, company.means)
    assert company_of(rows[:0], people[:0]).joined(company) is company
