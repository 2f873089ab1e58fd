"""The triplet loss and its mining, against hand-computed cases and a slow, obvious reference."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from ml.training.triplets import FARTHEST, MININGS, squared_distances, triplet_loss

MARGIN = 0.2
# Places on a circle, in degrees: two people with two faces each, and one with a single face.
DEGREES = (0, 20, 25, 60, 100)
PEOPLE = (0, 0, 1, 1, 2)


def on_a_circle(degrees=DEGREES) -> torch.Tensor:
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angles.cos(), angles.sin()], dim=1).float()


def some_rows(seed: int, n: int = 24, people: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    owners = torch.randint(0, people, (n,), generator=random)
    middles = torch.randn(people, 5, generator=random)
    return functional.normalize(middles[owners] + 0.9 * torch.randn(n, 5, generator=random), dim=1), owners


def obvious_triplets(distances: np.ndarray, people: np.ndarray, margin: float, mining: str) -> set[tuple[int, ...]]:
    """As the papers say it, one triplet after the other."""
    n = len(people)
    chosen = set()
    for anchor in range(n):
        positives = [row for row in range(n) if people[row] == people[anchor] and row != anchor]
        negatives = [row for row in range(n) if people[row] != people[anchor]]
        if mining == "batch-hard" and positives and negatives:
            hardest = max(positives, key=lambda row: distances[anchor, row])
            chosen.add((anchor, hardest, min(negatives, key=lambda row: distances[anchor, row])))
        for positive in positives:
            near = distances[anchor, positive]
            if mining == "semi-hard":
                inside = [row for row in negatives if near < distances[anchor, row] < near + margin]
                if inside:
                    chosen.add((anchor, positive, min(inside, key=lambda row: distances[anchor, row])))
            if mining == "batch-all":
                inside = [row for row in negatives if distances[anchor, row] < near + margin]
                chosen |= {(anchor, positive, negative) for negative in inside}
    return chosen


def as_set(triplets) -> set[tuple[int, ...]]:
    return set(zip(triplets.anchors.tolist(), triplets.positives.tolist(), triplets.negatives.tolist(), strict=True))


def test_distances_of_a_right_angle_an_opposite_and_itself():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])

    assert squared_distances(rows).tolist() == [[0, 2, 4], [2, 0, 2], [4, 2, 0]]


def test_distances_are_those_that_a_loop_finds():
    rows, _ = some_rows(1)
    expected = [[float(((a - b) ** 2).sum()) for b in rows.double()] for a in rows.double()]

    found = squared_distances(rows)

    assert np.abs(found.numpy() - np.array(expected)).max() < 1e-6
    assert float(found.min()) >= 0
    assert float(found.max()) <= FARTHEST + 1e-6


def test_distances_of_half_precision_are_taken_in_single():
    rows, _ = some_rows(2)

    assert squared_distances(rows.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("mining", MININGS)
def test_equal_faces_have_a_gradient_that_is_a_number(mining):
    rows = torch.zeros(6, 4, requires_grad=True)  # as bad as it gets: not even a direction
    equal = torch.ones(6, 4, requires_grad=True)
    people = torch.tensor([0, 0, 1, 1, 2, 2])

    for raw in (rows, equal):
        loss = triplet_loss(functional.normalize(raw, dim=1), people, margin=MARGIN, mining=mining).loss
        loss.backward()

        assert torch.isfinite(loss)
        assert torch.isfinite(raw.grad).all()


def test_the_gradient_of_a_distance_of_zero_is_zero():
    rows = torch.tensor([[0.6, 0.8], [0.6, 0.8]], requires_grad=True)

    squared_distances(rows)[0, 1].backward()

    assert rows.grad.abs().max() < 1e-6


def test_semi_hard_by_hand():
    """Squared distance is 2 - 2 cos; of 20 degrees 0.1206, 25: 0.1874, 5: 0.0076, 40: 0.4679, 35: 0.3617, 60: 1."""
    chosen = MININGS["semi-hard"](squared_distances(on_a_circle()), torch.tensor(PEOPLE), MARGIN)

    # 0-20: the next stranger beyond 0.1206 is at 25 degrees (0.1874). 20-0: 25 is nearer than that, 60 (0.4679) is
    # outside. 25-60: the strangers are nearer (20: 0.0076, 0: 0.1874) or outside (100: 1.4824). 60-25: 20 (0.4679), and
    # 100 at as much, are beyond 0.3617 and inside.
    assert {triplet[:2] for triplet in as_set(chosen)} == {(0, 1), (3, 2)}
    assert (0, 1, 2) in as_set(chosen)


def test_batch_hard_by_hand():
    chosen = MININGS["batch-hard"](squared_distances(on_a_circle()), torch.tensor(PEOPLE), MARGIN)

    assert {triplet for triplet in as_set(chosen) if triplet[0] != 3} == {(0, 1, 2), (1, 0, 2), (2, 3, 1)}
    assert len(chosen) == 4  # who has a single face is nobody's positive


def test_the_loss_of_one_triplet_by_hand():
    rows = on_a_circle((0, 60, 90))
    found = triplet_loss(rows, torch.tensor([0, 0, 1]), margin=1.5, mining="batch-all")

    # Anchor 0: 1 - 2 + 1.5 = 0.5. Anchor 60: 1 - (2 - 2 cos 30) + 1.5 = 2.2321.
    assert found.loss.item() == pytest.approx((0.5 + 2.5 - 2 + 3**0.5) / 2, abs=1e-5)
    assert (found.triplets, found.active) == (2, 2)
    assert found.positive == pytest.approx(1, abs=1e-6)
    assert found.negative == pytest.approx((2 + 2 - 3**0.5) / 2, abs=1e-6)


@pytest.mark.parametrize("mining", MININGS)
@pytest.mark.parametrize("seed", range(8))
def test_mining_and_loss_are_those_of_the_reference(mining, seed):
    rows, people = some_rows(seed)
    distances = squared_distances(rows).numpy()
    expected = obvious_triplets(distances, people.numpy(), MARGIN, mining)

    found = triplet_loss(rows, people, margin=MARGIN, mining=mining)

    assert expected
    assert as_set(MININGS[mining](torch.from_numpy(distances), people, MARGIN)) == expected
    hinges = [max(0.0, float(distances[a, p] - distances[a, n]) + MARGIN) for a, p, n in expected]
    assert found.loss.item() == pytest.approx(np.mean(hinges), abs=1e-5)
    everything = obvious_triplets(distances, people.numpy(), 9, "batch-all")
    of_all = [max(0.0, float(distances[a, p] - distances[a, n]) + MARGIN) for a, p, n in everything]
    assert found.of_all == pytest.approx(np.mean(of_all), abs=1e-5)
    assert found.triplets == len(expected)
    assert found.active == sum(hinge > 0 for hinge in hinges)


@pytest.mark.parametrize("mining", MININGS)
def test_the_gradient_is_that_of_the_written_out_loss(mining):
    rows, people = some_rows(3)
    raw = rows.clone().requires_grad_()
    triplet_loss(raw, people, margin=MARGIN, mining=mining).loss.backward()
    plain = rows.clone().double().requires_grad_()
    distances = squared_distances(rows)
    terms = [
        ((plain[a] - plain[p]) ** 2).sum() - ((plain[a] - plain[n]) ** 2).sum() + MARGIN
        for a, p, n in obvious_triplets(distances.numpy(), people.numpy(), MARGIN, mining)
    ]
    torch.stack(terms).clamp(min=0).mean().backward()

    assert (raw.grad - plain.grad).abs().max() < 1e-5


@pytest.mark.parametrize("mining", MININGS)
@pytest.mark.parametrize("people", [[0, 0, 0, 0], [0, 1, 2, 3], [0]])
def test_a_batch_without_triplets_teaches_nothing(mining, people):
    rows = on_a_circle(DEGREES[: len(people)]).requires_grad_()

    found = triplet_loss(rows, torch.tensor(people), margin=MARGIN, mining=mining)
    found.loss.backward()

    assert (found.loss.item(), found.triplets, found.active) == (0, 0, 0)
    assert rows.grad.abs().max() == 0


def test_faces_outside_the_margin_teach_nothing():
    rows = on_a_circle((0, 1, 180, 181))
    people = torch.tensor([0, 0, 1, 1])

    assert triplet_loss(rows, people, margin=MARGIN, mining="batch-all").triplets == 0
    assert triplet_loss(rows, people, margin=MARGIN, mining="batch-hard").active == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margin": 0.0}, "margin must be a finite number"),
        ({"margin": float("nan")}, "margin must be a finite number"),
        ({"mining": "hardest"}, "mining must be one of semi-hard, batch-hard, batch-all"),
    ],
)
def test_wrong_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        triplet_loss(on_a_circle(), torch.tensor(PEOPLE), **{"margin": MARGIN, "mining": "semi-hard", **options})


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"embeddings must have the shape \(n, d\)"):
        squared_distances(torch.zeros(3))
    with pytest.raises(ValueError, match="distances and people must have the shapes"):
        triplet_loss(on_a_circle(), torch.tensor([0, 1]), margin=MARGIN, mining="semi-hard")


def test_all_pairs_of_the_reference_are_looked_at():
    """The reference itself: in batch-all with a wide margin every triplet counts."""
    expected = {
        (a, p, n)
        for a, p, n in itertools.permutations(range(5), 3)
        if PEOPLE[a] == PEOPLE[p] and PEOPLE[a] != PEOPLE[n]
    }

    assert obvious_triplets(squared_distances(on_a_circle()).numpy(), np.array(PEOPLE), 4.0, "batch-all") == expected
