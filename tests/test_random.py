"""Philox against its published vectors and a numpy version, and dropout against its bits.

The same bits come from every instruction set and for both dtypes: that is the claim.
"""

from itertools import pairwise

import numpy as np
import pytest

from caviar import _kernels

ISAS = _kernels.AVAILABLE_ISAS
DTYPES = [np.float32, np.float64]
every_isa = pytest.mark.parametrize("isa", ISAS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def philox(block, row, step, stream, seed):
    """Philox4x32-10 (Salmon et al. 2011) in numpy: (..., 4) uint32."""
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = [np.asarray(c, dtype=np.uint64) for c in (block, row, step, stream)]
    c0, c1, c2, c3 = np.broadcast_arrays(*counter)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c2 = (p1 >> shift) ^ c1 ^ np.uint64(k0), (p0 >> shift) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & low, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def words_of(n_rows, n_blocks, isa=None, **draw):
    words = np.full((n_rows, n_blocks, 4), 7, np.uint32)
    _kernels.random_bits(words, isa=isa, **draw)
    return words


def halves(n_rows, n_columns, seed, step=0, stream=0):
    """16 bits for each entry of a matrix, from the numpy version."""
    blocks = np.arange(-(-n_columns // 8))
    words = philox(blocks, np.arange(n_rows)[:, None], step, stream, seed)
    pairs = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1)
    return pairs.reshape(n_rows, -1)[:, :n_columns]


# Counter, key and words of the test vectors that come with Random123, philox4x32-10.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((2**32 - 1,) * 4, 2**64 - 1, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),  # of pi
        0x299F31D0A4093822,
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@every_isa
@pytest.mark.parametrize(("counter", "seed", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_published_words(counter, seed, words, isa):
    expected = [int(word, 16) for word in words.split()]
    assert philox(*counter, seed).tolist() == expected  # the version of this file, too
    block, row, step, stream = counter
    got = words_of(1, 1, isa, seed=seed, step=step, stream=stream, block=block, row=row)
    assert got[0, 0].tolist() == expected


@every_isa
@pytest.mark.parametrize("n_blocks", [1, 7, 8, 64, 65, 131])
def test_philox_is_the_numpy_version_for_any_number_of_blocks(n_blocks, isa):
    draw = {"seed": 0x0123456789ABCDEF, "step": 2**32 - 3, "stream": 300}
    expected = philox(np.arange(n_blocks), np.arange(5)[:, None], **draw)
    np.testing.assert_array_equal(words_of(5, n_blocks, isa, **draw), expected)


def test_bits_are_fair_and_independent_of_other_rows_steps_streams_and_seeds():
    def bits(seed, step, stream):
        words = words_of(64, 64, seed=seed, step=step, stream=stream)
        return np.unpackbits(words.view(np.uint8))

    base = bits(1, 2, 3)
    bound = 5 * 0.5 / np.sqrt(base.size)
    assert abs(base.mean() - 0.5) < bound
    row, block = np.roll(base, 128 * 64), np.roll(base, 128)
    for other in [bits(2, 2, 3), bits(1, 3, 3), bits(1, 2, 4), row, block]:
        assert abs((base ^ other).mean() - 0.5) < bound


@every_isa
@every_dtype
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 8), (7, 13), (5, 100), (3, 515), (2, 1100)]
)
@pytest.mark.parametrize("keep", [1, 13107, 32768, 65535, 65536])
def test_dropout_keeps_the_entries_whose_bits_say_so(shape, keep, dtype, isa):
    H = np.random.RandomState(0).standard_normal(shape).astype(dtype)
    out, mask = np.full_like(H, np.nan), np.full(shape, 9, np.uint8)
    _kernels.dropout_forward(out, mask, H, keep, 5, 6, 300, isa=isa)
    kept = halves(*shape, 5, 6, 300) < keep
    np.testing.assert_array_equal(mask, kept)
    expected = np.where(kept, H * (65536 / keep), 0)
    np.testing.assert_allclose(out, expected, rtol=2 * np.finfo(dtype).eps)
    in_place = H.copy()
    _kernels.dropout_forward(in_place, None, in_place, keep, 5, 6, 300, isa=isa)
    np.testing.assert_array_equal(in_place, out)


@every_isa
@every_dtype
def test_dropout_has_the_same_bits_on_every_tile(dtype, isa):
    H = np.random.RandomState(0).standard_normal((9, 619)).astype(dtype)
    whole, mask = np.empty_like(H), np.empty(H.shape, np.uint8)
    _kernels.dropout_forward(whole, mask, H, 40000, 1, 2, 3, isa=isa)
    tiled, tiled_mask = np.full_like(H, np.nan), np.full_like(mask, 9)
    edges = [0, 8, 24, 64, 576, 616, 619]
    for first, end in pairwise(edges):
        tile = (first, end - first)
        _kernels.dropout_forward(tiled, tiled_mask, H, 40000, 1, 2, 3, *tile, isa=isa)
    np.testing.assert_array_equal(tiled, whole)
    np.testing.assert_array_equal(tiled_mask, mask)


@every_isa
@every_dtype
def test_dropout_backward_is_the_same_linear_map_as_forward(dtype, isa):
    H = np.random.RandomState(0).standard_normal((11, 77)).astype(dtype)
    out, mask = np.empty_like(H), np.empty(H.shape, np.uint8)
    _kernels.dropout_forward(out, mask, H, 30000, 1, isa=isa)
    dH = H.copy()
    _kernels.dropout_backward(dH, mask, 30000, isa=isa)
    np.testing.assert_array_equal(dH, out)


@every_dtype
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_entries_independently(rate, dtype):
    H = np.ones((400, 500), dtype)
    out, mask = np.empty_like(H), np.empty(H.shape, np.uint8)
    _kernels.dropout_forward(out, mask, H, round((1 - rate) * 65536), 3)
    variance = rate * (1 - rate)
    bound = 5 * np.sqrt(variance / H.size)
    assert abs(mask.mean() - (1 - rate)) < bound
    assert abs(out.mean(dtype=np.float64) - 1) < bound / (1 - rate)
    centred = mask - (1 - rate)
    for shift in [(0, 1), (1, 0), (1, 1), (0, 2), (0, 4), (0, 8), (0, 128)]:
        covariance = (centred * np.roll(centred, shift, axis=(0, 1))).mean()
        assert abs(covariance) < 5 * variance / np.sqrt(H.size)


@every_dtype
def test_dropout_zeroes_nan_too_where_it_drops(dtype):
    H = np.full((4, 50), np.nan, dtype)
    out, mask = np.empty_like(H), np.empty(H.shape, np.uint8)
    _kernels.dropout_forward(out, mask, H, 32768, 3)
    np.testing.assert_array_equal(np.isnan(out), mask)
    assert (out[mask == 0] == 0).all()
