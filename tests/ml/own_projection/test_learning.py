import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ml.calibration import CALIBRATION, calibration_error, refit_calibration
from ml.own_projection import DamagedProjection, TooFewFaces, learn_projection, load_own, save_own
from ml.own_projection.answered import UNNAMED
from ml.own_projection.fitting import beginning, fit_projection
from ml.own_projection.naming import names_of
from ml.own_projection.triplets import Miner, foreign_neighbours, loss_and_slope, sure_pairs
from ml.projection import Projection, plain_projection, recentred, unit_rows
from ml.scoring import Gallery, Probes, weigh
from tests.ml.own_projection.libraries import BASE, answers_of, make_answers, make_world

KNOWN = 40


@pytest.fixture(scope="module")
def family():
    """People of whom forty are known and sixteen of these look like another one, whose faces differ much by mood."""
    return make_world(np.random.default_rng(1), 80, alike=16)


@pytest.fixture(scope="module")
def answered(family):
    return make_answers(family, 20, people=KNOWN)


@pytest.fixture(scope="module")
def own(answered):
    return learn_projection(answered, BASE, CALIBRATION)


def likeliest(projection, calibration, answered, rows):
    """Of each face the likeliest person among those who were confirmed, and the probability of that."""
    qualities = np.full(len(rows), 0.6)
    return names_of(
        projection.apply(rows), qualities, projection.apply(answered.embeddings), answered.people, calibration
    )


def fresh(family, faces_each=25):
    """New faces of everybody, and whose they are."""
    people = np.repeat(np.arange(len(family.identities)), faces_each)
    return family.faces(people), people


@threadpool_limits.wrap(limits=1)
def fitted(answered):
    start = beginning(answered.embeddings, BASE, None)
    rows = BASE.apply(answered.embeddings)
    neighbours = foreign_neighbours(rows, answered.people, lambda share: None)
    miner = Miner(answered.people, np.ones(len(rows), dtype=bool), neighbours, sure_pairs(answered))
    random = np.random.default_rng(0)
    return start, miner, fit_projection(answered, start, miner, random, lambda share: None)


def test_the_loss_falls_on_faces_it_was_not_learnt_from(family, answered):
    start, _, projection = fitted(answered)
    rows, people = fresh(family)
    others = answers_of(rows, people)
    inputs = (rows - start.centre) @ start.basis.T
    miner = Miner(
        people, people < KNOWN, foreign_neighbours(BASE.apply(rows), people, lambda share: None), sure_pairs(others)
    )

    before, after = (
        loss_and_slope(
            np.linalg.lstsq(start.basis.T, one.basis.T, rcond=None)[0].T.astype(np.float32),
            inputs,
            miner.mine(one.apply(rows), np.random.default_rng(0)),
        )[0]
        for one in (BASE, projection)
    )

    assert after < 0.8 * before


def test_people_who_look_alike_are_told_apart_better(family, answered, own):
    rows, people = fresh(family)
    known = people < KNOWN

    by_base, by_own = (
        likeliest(projection, CALIBRATION, answered, rows)[0][known] == people[known]
        for projection in (BASE, own.projection)
    )

    assert own.is_better
    assert own.gain_low > 0.01
    assert own.own.tpir - own.base.tpir == pytest.approx(own.gain)
    assert (~by_own).sum() < 0.4 * (~by_base).sum()
    assert (own.faces, own.people) == (len(answered), KNOWN)


def test_strangers_are_not_named_more_often(family, answered, own):
    rows, people = fresh(family)
    strangers = people >= KNOWN

    by_base = likeliest(BASE, CALIBRATION, answered, rows)[1][strangers]
    by_own = likeliest(own.projection, own.calibration, answered, rows)[1][strangers]

    assert (by_own >= 0.3).mean() <= max((by_base >= 0.3).mean(), 0.01)


def test_probabilities_are_honest_about_new_faces(family, answered, own):
    rows, people = fresh(family)

    person, probability = likeliest(own.projection, own.calibration, answered, rows)

    assert own.own.calibration_error < 0.03
    assert calibration_error(probability, person == people) < 0.03


def test_probabilities_stay_honest_where_too_much_is_learnt(family):
    """Faces that were learnt from lie nearer to each other than new ones do; probabilities must not be of those."""
    few = make_answers(family, 6, people=KNOWN)
    own = learn_projection(few, BASE, CALIBRATION, hold=1e-4, divisions=1)
    rows, people = fresh(family)
    faces, everybody = own.projection.apply(few.embeddings), np.arange(len(few))
    itself = weigh(Probes(faces, np.full(len(few), 0.6, np.float32), own=everybody), Gallery(faces, few.people))
    known_faces = refit_calibration(CALIBRATION, itself.features, itself.person == few.people[itself.probe])

    errors = []
    for calibration in (own.calibration, known_faces):
        person, probability = likeliest(own.projection, calibration, few, rows)
        errors.append(calibration_error(probability, person == people))

    assert errors[0] < 0.03
    assert errors[1] > errors[0]


def test_nothing_is_learnt_from_names_given_at_random(random, family):
    faces = make_answers(family, 8, people=KNOWN)
    own = learn_projection(answers_of(faces.embeddings, random.permutation(faces.people)), BASE, CALIBRATION)

    assert not own.is_better


def test_where_the_base_is_perfect_nothing_is_better(random):
    world = make_world(random, 30, mood=0.0)

    own = learn_projection(make_answers(world, 10), BASE, CALIBRATION)

    assert own.base.tpir == 1
    assert not own.is_better


def test_the_order_of_faces_makes_no_difference(random, family):
    small = make_answers(family, 6, people=KNOWN)
    shuffled = small.only(random.permutation(len(small)))

    straight, again = (learn_projection(one, BASE, CALIBRATION, divisions=1) for one in (small, shuffled))

    assert np.array_equal(again.projection.basis, straight.projection.basis)
    assert again.calibration == straight.calibration
    assert (again.base, again.own, again.gain_low) == (straight.base, straight.own, straight.gain_low)


def test_turning_all_embeddings_makes_no_difference(random, family):
    small = make_answers(family, 5, people=KNOWN)
    turn = np.linalg.qr(random.normal(size=(512, 512)))[0].astype(np.float32)
    turned = answers_of(unit_rows(small.embeddings @ turn), small.people)

    straight = learn_projection(small, BASE, CALIBRATION, divisions=1)
    again = learn_projection(turned, Projection(BASE.centre, BASE.basis @ turn), CALIBRATION, divisions=1)

    assert again.own.tpir == pytest.approx(straight.own.tpir, abs=0.01)
    assert again.projection.basis @ turn.T == pytest.approx(straight.projection.basis, abs=0.02)


def test_noes_count_also_about_faces_without_a_name(random):
    """A face that was said not to be somebody ends farther from that one."""
    world = make_world(random, 30, alike=2, likeness=0.45, mood=0.0)
    people = np.append(np.repeat(np.arange(30), 7)[7:], [UNNAMED] * 7)
    rows = np.concatenate([world.faces(people[:-7]), world.faces(np.zeros(7, dtype=int))])
    unnamed = np.flatnonzero(people == UNNAMED)
    with_noes = answers_of(rows, people, noes=[(row, 1) for row in unnamed])

    near, far = (fitted(one)[2].apply(rows) for one in (answers_of(rows, people), with_noes))

    twin = people == 1
    assert (far[unnamed] @ far[twin].T).mean() < (near[unnamed] @ near[twin].T).mean() - 0.02


def test_how_far_it_is_only_grows_and_what_is_raised_ends_it(family, answered):
    shares = []
    learn_projection(make_answers(family, 5, people=KNOWN), BASE, CALIBRATION, report=shares.append, divisions=1)

    class Cancelled(Exception):
        pass

    def cancel(share):
        if share > 0.3:
            raise Cancelled

    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 200
    with pytest.raises(Cancelled):
        learn_projection(answered, BASE, CALIBRATION, report=cancel)


def test_too_few_answers_are_refused(family):
    with pytest.raises(TooFewFaces, match="Confirm at least"):
        learn_projection(make_answers(family, 2, people=10), BASE, CALIBRATION)


def test_the_beginning_stands_where_the_centre_of_the_library_was_taken_away(random, family):
    rows = fresh(family)[0]
    centre = (0.2 * unit_rows(random.normal(size=(1, 128)))[0]).astype(np.float32)

    start = beginning(rows, BASE, centre).apply(rows)

    wanted = recentred(BASE.apply(rows), centre)
    assert (start * wanted).sum(axis=1).min() > 0.999


def test_of_a_model_with_more_dimensions_those_are_kept_in_which_faces_differ(random, family):
    turn = np.linalg.qr(random.normal(size=(512, 512)))[0].astype(np.float32)
    small = make_answers(family, 5, people=KNOWN)
    turned = answers_of(unit_rows(small.embeddings @ turn), small.people)

    start = beginning(turned.embeddings, plain_projection(512), None)

    assert start.basis.shape == (128, 512)
    rows, wanted = start.apply(turned.embeddings), BASE.apply(small.embeddings)
    assert rows @ rows.T == pytest.approx(wanted @ wanted.T, abs=1e-4)
    assert learn_projection(turned, plain_projection(512), CALIBRATION, divisions=1).projection.basis.shape == (
        128,
        512,
    )


def test_what_was_learnt_is_kept_as_it_is(own, answered):
    again = load_own(save_own(own))

    assert np.array_equal(again.projection.apply(answered.embeddings), own.projection.apply(answered.embeddings))
    for name in (
        "calibration",
        "base_calibration",
        "base",
        "own",
        "gain",
        "gain_low",
        "faces",
        "people",
        "seconds",
        "is_better",
    ):
        assert getattr(again, name) == getattr(own, name)


def test_what_is_damaged_is_refused_with_a_sentence(own):
    written = save_own(own)
    places = [0, 9, 100, len(written) // 2, len(written) - 1]
    flipped = [written[:place] + bytes([written[place] ^ 0x55]) + written[place + 1 :] for place in places]

    for damaged in (b"", b"{}", written[:-1], written[: len(written) // 2], written + b"x", *flipped):
        with pytest.raises(DamagedProjection, match="damaged or of another version"):
            load_own(damaged)
