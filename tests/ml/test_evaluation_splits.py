"""Names measured on several splits of the people, and a support vector machine per person beside the curve."""

import numpy as np
import pytest

from ml.evaluation.machines import machine_values
from ml.projection import unit_rows
from ml.scoring import Gallery, Probes, weigh


def two_people(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    middle = np.repeat(np.eye(2, 16), count, axis=0)
    return unit_rows((middle + 0.1 * random.normal(size=middle.shape)).astype(np.float32)), np.repeat([0, 1], count)


def test_a_face_lies_on_its_own_persons_side():
    rows, people = two_people(8)
    known = np.tile(np.arange(8) < 6, 2)
    gallery = Gallery(rows[known], people[known])
    evidence = weigh(Probes(rows[~known], np.ones(4, np.float32)), gallery)

    values = machine_values(rows[~known], evidence, gallery, fewest=5)

    is_right = evidence.person == people[~known][evidence.probe]
    assert (values[is_right] > 0).all()
    assert (values[~is_right] < 0).all()


@pytest.mark.parametrize(("people", "fewest"), [(2, 9), (1, 5)])
def test_too_few_faces_or_nobody_else_give_no_machine(people, fewest):
    rows, persons = two_people(8)
    gallery = Gallery(rows[persons < people], persons[persons < people])
    evidence = weigh(Probes(rows, np.ones(16, np.float32)), gallery)

    assert not machine_values(rows, evidence, gallery, fewest=fewest).any()
