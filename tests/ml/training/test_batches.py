"""What a batch is made of: people and faces drawn, varied; the learning rate and the numbers it is computed in."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from ml.training.augmentation import augment
from ml.training.errors import CannotTrain
from ml.training.mixed_precision import MixedPrecision, choose_mixed_precision, mixed_precision_of
from ml.training.sampling import MOST_BATCHES, PkSampler
from ml.training.schedule import cosine_rate

PEOPLE = np.repeat(np.arange(7), [2, 3, 4, 5, 6, 7, 30])


def sampled(people=PEOPLE, p: int = 3, k: int = 4, seed: int = 0) -> list[np.ndarray]:
    sampler = PkSampler(people, people_per_batch=p, faces_per_person=k)
    return list(sampler.epoch(np.random.default_rng(seed)))


def test_a_batch_has_p_people_with_k_faces_each():
    for batch in sampled():
        owners = PEOPLE[batch].reshape(3, 4)

        assert (owners == owners[:, :1]).all()
        assert len(set(owners[:, 0].tolist())) == 3
        for person, faces in zip(owners[:, 0], batch.reshape(3, 4), strict=True):
            assert len(set(faces.tolist())) == min(4, (person == PEOPLE).sum())


def test_nobody_comes_twice_before_all_others_came_once():
    batches = sampled(np.repeat(np.arange(8), 20))
    drawn = [np.repeat(np.arange(8), 20)[batch][::4] for batch in batches]

    times = Counter(person for people in drawn for person in people.tolist())
    assert len(batches) == 14
    assert max(times.values()) - min(times.values()) <= 1


def test_an_epoch_shows_about_as_many_faces_as_there_are_but_ends():
    assert len(sampled()) == np.ceil(len(PEOPLE) / 12)
    assert PkSampler(np.arange(100_000) % 50, people_per_batch=4, faces_per_person=4).batches == MOST_BATCHES


def test_the_same_generator_draws_the_same_batches():
    assert np.array_equal(sampled(seed=3), sampled(seed=3))
    assert not np.array_equal(sampled(seed=3), sampled(seed=4))


def test_fewer_people_than_wanted_are_all_drawn():
    sampler = PkSampler(np.array([0, 0, 1, 1]), people_per_batch=16, faces_per_person=2)

    assert sampler.people_per_batch == 2
    assert sorted(next(sampler.epoch(np.random.default_rng(0))).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("people", [[], [0, 0, 0], [0, 0, 1]])
def test_too_few_people_or_faces_for_a_triplet(people):
    with pytest.raises(CannotTrain, match="at least two people with at least two faces each"):
        PkSampler(np.array(people, dtype=np.int64), people_per_batch=2, faces_per_person=2)


def test_the_rate_rises_then_falls_along_a_cosine():
    rates = [cosine_rate(step, 100, 0.5) for step in range(100)]

    assert rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert all(later < earlier for earlier, later in pairwise(rates[4:]))
    assert rates[52] == pytest.approx(0.25)  # half way down, 48 of 96 steps
    assert 0 < rates[-1] < 0.001
    assert cosine_rate(0, 1, 0.5) == 0.5


@pytest.mark.parametrize(("step", "steps", "rate"), [(5, 5, 0.1), (-1, 5, 0.1), (0, 0, 0.1), (0, 5, 0.0)])
def test_a_rate_beside_the_schedule_is_refused(step, steps, rate):
    with pytest.raises(ValueError, match="must be"):
        cosine_rate(step, steps, rate)


@pytest.mark.parametrize(
    ("device", "has_bfloat16", "expected"),
    [
        ("cuda", True, MixedPrecision(torch.bfloat16, is_scaled=False)),
        ("cuda", False, MixedPrecision(torch.float16, is_scaled=True)),
        ("mps", True, MixedPrecision(None, is_scaled=False)),
        ("cpu", True, MixedPrecision(None, is_scaled=False)),
    ],
)
def test_only_an_nvidia_gpu_mixes_precisions(device, has_bfloat16, expected):
    assert choose_mixed_precision(device, has_bfloat16=has_bfloat16) == expected


def test_this_cpu_trains_in_single_precision():
    assert mixed_precision_of("cpu").dtype is None


def some_pictures(n: int = 4, side: int = 40) -> torch.Tensor:
    random = np.random.default_rng(1)
    return torch.from_numpy(random.integers(0, 256, (n, side, side, 3)).astype(np.uint8))


def test_variations_are_pictures_and_repeat_with_the_generator():
    pictures = some_pictures()

    first, again, other = (augment(pictures, np.random.default_rng(seed)) for seed in (5, 5, 6))

    assert first.shape == pictures.shape and first.dtype == torch.float32
    assert float(first.min()) >= 0 and float(first.max()) <= 255
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_variations_stay_near_the_face_and_some_are_mirrored():
    """A dark half on the left: afterwards it is dark on the left or on the right, and about as dark."""
    picture = np.full((60, 40, 40, 3), 200, dtype=np.uint8)
    picture[:, :, :20] = 50
    varied = augment(torch.from_numpy(picture), np.random.default_rng(2)).numpy()

    left, right = varied[:, :, :10].mean(axis=(1, 2, 3)), varied[:, :, -10:].mean(axis=(1, 2, 3))
    assert 15 < int((left < right).sum()) < 45
    assert (np.abs(left - right) > 80).all()


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"pixels must have the shape \(n, side, side, 3\)"):
        augment(torch.zeros(2, 3, 40, 40), np.random.default_rng(0))
