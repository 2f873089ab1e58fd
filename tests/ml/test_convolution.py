import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from ml.convolution import PLACES, convolve, convolve_and_pool, convolve_rows, pack_layer


def a_layer(random, channels_out, channels_in, height, width):
    kernels = random.normal(size=(channels_out, channels_in, height, width)).astype(np.float32)
    return kernels, *random.normal(size=(2, channels_out)).astype(np.float32)


def by_torch(maps, kernels, biases, slopes, *, stride=1):
    planes = torch.from_numpy(maps).permute(0, 3, 1, 2)
    planes = functional.conv2d(planes, torch.from_numpy(kernels), torch.from_numpy(biases), stride=stride)
    return functional.prelu(planes, torch.from_numpy(slopes))


def as_maps(planes):
    return planes.permute(0, 2, 3, 1).numpy()


sizes = st.integers(4, 23)
channels = st.integers(1, 35)


@given(st.integers(1, 3), sizes, sizes, channels, channels, st.integers(1, 3), st.sampled_from([1, 2]))
@settings(max_examples=100, deadline=None)
def test_convolutions_of_any_size_are_those_of_torch(count, height, width, channels_in, channels_out, kernel, stride):
    random = np.random.default_rng(height * 100 + width)
    maps = random.normal(size=(count, height, width, channels_in)).astype(np.float32)
    layer = a_layer(random, channels_out, channels_in, kernel, kernel)

    found = convolve(maps, pack_layer(*layer), stride=stride)

    expected = as_maps(by_torch(maps, *layer, stride=stride))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 3), sizes, sizes, channels, channels, st.sampled_from([2, 3]))
@settings(max_examples=100, deadline=None)
def test_pooling_is_that_of_torch_at_the_edges_too(count, height, width, channels_in, channels_out, square):
    random = np.random.default_rng(height * 100 + width)
    maps = random.normal(size=(count, height, width, channels_in)).astype(np.float32)
    layer = a_layer(random, channels_out, channels_in, 2, 2)

    found = convolve_and_pool(maps, pack_layer(*layer), square)

    expected = as_maps(functional.max_pool2d(by_torch(maps, *layer), square, 2, ceil_mode=True))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_layer_without_prelu_keeps_negative_numbers(random):
    kernels, biases, _ = a_layer(random, 3, 2, 1, 1)
    maps = random.normal(size=(1, 1, PLACES, 2)).astype(np.float32)

    found = convolve(maps, pack_layer(kernels, biases))

    assert found.min() < 0
    np.testing.assert_allclose(found[0, 0], maps[0, 0] @ kernels[:, :, 0, 0].T + biases, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("like", [np.float64, np.uint8, "read-only", "every other"])
def test_numbers_of_any_type_and_order_are_taken(random, like):
    layer = pack_layer(*a_layer(random, 5, 3, 2, 2))
    maps = random.integers(0, 9, size=(2, 8, 8, 3)).astype(np.float32)
    other = maps.astype(like) if not isinstance(like, str) else maps.copy()
    if like == "read-only":
        other.flags.writeable = False
    elif like == "every other":
        other = np.repeat(maps, 2, axis=1)[:, ::2]

    assert np.array_equal(convolve(other, layer), convolve(maps, layer))
    assert np.array_equal(convolve_and_pool(other, layer, 2), convolve_and_pool(maps, layer, 2))
    assert np.array_equal(convolve_rows(other.reshape(32, 12), layer), convolve_rows(maps.reshape(32, 12), layer))


@pytest.mark.parametrize(
    "out",
    [np.zeros((1, 3, 3, 15)), np.zeros((1, 3, 3, 16)), np.zeros((1, 3, 3, 32), np.float32)[..., ::2]],
)
def test_memory_that_does_not_fit_is_refused(random, out):
    layer = pack_layer(*a_layer(random, 16, 3, 2, 2))

    with pytest.raises(ValueError, match="out"):
        convolve(np.zeros((1, 4, 4, 3), dtype=np.float32), layer, out=out)


def test_memory_given_is_used(random):
    layer = pack_layer(*a_layer(random, 10, 3, 2, 2))
    maps = random.normal(size=(1, 9, 9, 3)).astype(np.float32)
    wide, pooled = np.full((1, 8, 8, 16), 7, np.float32), np.full((1, 4, 4, 10), 7, np.float32)

    assert np.shares_memory(convolve(maps, layer, out=wide), wide)
    assert np.array_equal(wide[..., :10], convolve(maps, layer))
    assert convolve_and_pool(maps, layer, 2, out=pooled) is pooled
    assert np.array_equal(pooled, convolve_and_pool(maps, layer, 2))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"height": 0}, "height"), ({"width": 5}, "kernels"), ({"channels": 17}, "kernels"),
        ({"biases": np.zeros(15, np.float32)}, "biases"), ({"slopes": np.full(16, np.nan)}, "slopes"),
    ],
)  # fmt: skip
def test_layers_that_would_be_read_beyond_their_end_are_refused(random, changed, named):
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(pack_layer(*a_layer(random, 16, 3, 2, 2)), **changed)


@pytest.mark.parametrize(
    ("kernels", "biases", "slopes", "named"),
    [((4, 3, 2), (4,), (4,), "kernels"), ((4, 3, 2, 2), (3,), (4,), "biases"), ((4, 3, 2, 2), (4,), (4, 1), "slopes")],
)
def test_weights_of_another_shape_are_refused(kernels, biases, slopes, named):
    with pytest.raises(ValueError, match=named):
        pack_layer(*(np.zeros(shape, dtype=np.float32) for shape in (kernels, biases, slopes)))


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4, 2), (1, 1, 4, 3), (1, 4, 0, 3)])
@pytest.mark.parametrize("apply", [convolve, lambda maps, layer: convolve_and_pool(maps, layer, 2)])
def test_maps_that_a_layer_cannot_take_are_refused(random, shape, apply):
    """Unchecked, the compiled loop would read beyond the end of the array."""
    layer = pack_layer(*a_layer(random, 5, 3, 2, 2))

    with pytest.raises(ValueError, match="maps"):
        apply(np.zeros(shape, dtype=np.float32), layer)


@pytest.mark.parametrize("count", [0, 1, PLACES - 1, PLACES, PLACES + 1, 3 * PLACES + 2])
def test_rows_of_any_number_are_a_matrix_product(random, count):
    kernels, biases, slopes = a_layer(random, 20, 3, 2, 2)
    rows = random.normal(size=(count, 12)).astype(np.float32)

    found = convolve_rows(rows, pack_layer(kernels, biases, slopes))

    sums = rows @ kernels.transpose(2, 3, 1, 0).reshape(12, 20) + biases
    np.testing.assert_allclose(found, np.where(sums > 0, sums, slopes * sums), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 11), (12,), (2, 12, 1)])
def test_rows_of_another_length_are_refused(random, shape):
    with pytest.raises(ValueError, match="rows"):
        convolve_rows(np.zeros(shape, dtype=np.float32), pack_layer(*a_layer(random, 5, 3, 2, 2)))


def test_squares_of_other_sizes_are_refused(random):
    layer = pack_layer(*a_layer(random, 5, 3, 2, 2))

    with pytest.raises(ValueError, match="square"):
        convolve_and_pool(np.zeros((1, 8, 8, 3), dtype=np.float32), layer, 4)
