"""Augmentation against numpy and scipy, from the same random words.

The words come from the numpy version of Philox in test_random.py; what is made of them is
written here once more, from the documented formulas.
"""

import numpy as np
import pytest
from scipy import ndimage, sparse, stats
from scipy.special import betaincinv
from sklearn.base import clone

from caviar import _kernels
from caviar._augmentation import compile_augmentations
from caviar.augmentation import (
    ColorJitter,
    CutMix,
    Cutout,
    FeatureDropout,
    GaussianNoise,
    HorizontalFlip,
    LensDistortion,
    Mixup,
    RandomAffine,
    RandomCrop,
    augment,
)
from test_random import halves, philox

SEED, STEP = 0x0123456789ABCDEF, 7
WARP, COLOUR, CUTOUT, CUTMIX, MIXUP, NOISE, FEATURE = range(7)
SHAPES = [(28, 28), (7, 11), (5, 1), (1, 1), (9, 70), (6, 5, 3), (4, 9, 2)]
every_kernel = pytest.mark.parametrize(
    ("isa", "dtype"),
    [(isa, d) for isa in _kernels.AVAILABLE_ISAS for d in (np.float32, np.float64)],
)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def uniforms(n_rows, n, stream):
    words = philox(np.arange(3), np.arange(n_rows)[:, None], STEP, stream, SEED)
    return (words.reshape(n_rows, -1)[:, :n] + 0.5) / 2**32


def run(parts, X, y=None, weights=None, isa=None):
    """X and y augmented by the kernel, in frames that must stay as they are."""
    compiled = compile_augmentations(parts, X.shape[1])
    arrays, frames = [], []
    y = np.zeros((len(X), 0)) if y is None else y
    for array in (X, y, np.full(X.shape, np.nan), np.full(y.shape, np.nan)):
        frame = np.full(array.size + 2, 7, X.dtype)
        frame[1:-1] = array.ravel()
        frames.append(frame)
        arrays.append(frame[1:-1].reshape(array.shape))
    weights = None if weights is None else np.asarray(weights, X.dtype)
    _kernels.augment(
        arrays[0], arrays[1], weights, *arrays[2:], compiled, SEED, STEP, isa=isa
    )
    assert all(frame[0] == frame[-1] == 7 for frame in frames), "wrote outside"
    return arrays[0], arrays[1]


def images(n, shape, dtype=np.float64):
    return np.random.RandomState(0).rand(n, np.prod(shape)).astype(dtype)


def source_places(u, shape, parts):
    """Where each output pixel of one image comes from: (2, height, width)."""
    given = {type(part): part for part in parts}
    height, width = shape[:2]
    centre = np.array([[height - 1], [width - 1]]) / 2
    v = np.mgrid[:height, :width].reshape(2, -1) - centre
    if lens := given.get(LensDistortion):
        k = lens.k * (2 * u[10] - 1)
        corner = (centre**2).sum() or 1.0
        v = v * (1 + k * (v**2).sum(axis=0) / corner)
    if affine := given.get(RandomAffine):
        angle, shear = np.radians([affine.rotation, affine.shear]) * (2 * u[4:6] - 1)
        a, b = np.exp(np.log1p([affine.scale, affine.stretch]) * (2 * u[6:8] - 1))
        shift = affine.translate * (2 * u[8:10, None] - 1) * [[height], [width]]
        # Counterclockwise as seen with the rows running downwards.
        R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        S = np.array([[1, 0], [np.tan(shear), 1]])
        D = np.diag([a * b, a / b])
        v = np.linalg.inv(R @ S @ D) @ (v - shift)
    if crop := given.get(RandomCrop):
        size = np.array([[height], [width]])
        if crop.padding is not None:
            v = v + np.floor(u[2:4, None] * (2 * crop.padding + 1)) - crop.padding
        else:
            low, high = crop.scale or (0.8, 1.0)
            side = np.sqrt(low + u[1] * (high - low))
            v = side * v + (2 * u[2:4, None] - 1) * size * (1 - side) / 2
    if (flip := given.get(HorizontalFlip)) and u[0] < flip.p:
        v = v * [[1], [-1]]
    return (v + centre).reshape(2, height, width)


def warped(X, shape, parts):
    """What scipy samples at those places."""
    out = []
    for row, u in zip(np.float64(X), uniforms(len(X), 11, WARP), strict=True):
        places = source_places(u, shape, parts)
        image = row.reshape(*shape[:2], -1)
        channels = [
            ndimage.map_coordinates(c, places, order=1, mode="grid-constant", cval=0)
            for c in np.moveaxis(image, -1, 0)
        ]
        out.append(np.stack(channels, axis=-1).ravel())
    return np.array(out)


WARPS = {
    "flip": lambda s: [HorizontalFlip(s)],
    "crop by padding": lambda s: [RandomCrop(s, padding=min(3, *s[:2]))],
    "crop by scale": lambda s: [RandomCrop(s, scale=(0.3, 0.9))],
    "affine": lambda s: [RandomAffine(s, 180, 0.4, 1.0, 0.5, 30)],
    "lens": lambda s: [LensDistortion(s, k=0.3)],
    "all": lambda s: [
        LensDistortion(s, k=0.2),
        RandomAffine(s, 30, 0.1, 0.3, 0.2, 20),
        RandomCrop(s),
        HorizontalFlip(s),
    ],
}


@every_kernel
@every_shape
@pytest.mark.parametrize("warp", WARPS)
def test_the_warp_is_scipys_on_the_same_places(warp, shape, isa, dtype):
    X, parts = images(9, shape, dtype), WARPS[warp](shape)
    # Places are rounded to the type: an image's slope is at most 1 per pixel.
    atol = 40 * np.finfo(dtype).eps * max(shape)
    np.testing.assert_allclose(
        run(parts, X, isa=isa)[0], warped(X, shape, parts), rtol=0, atol=atol
    )


@every_kernel
def test_flips_are_exact_and_as_frequent_as_asked_for(isa, dtype):
    X = images(2000, (3, 5, 2), dtype)
    got, _ = run(HorizontalFlip((3, 5, 2), p=0.3), X, isa=isa)
    mirrored = X.reshape(-1, 3, 5, 2)[:, :, ::-1].reshape(X.shape)
    flipped = (got != X).any(axis=1)
    np.testing.assert_array_equal(got, np.where(flipped[:, None], mirrored, X))
    assert abs(flipped.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / len(X))


@every_kernel
def test_crops_by_padding_are_exact_and_reach_every_shift(isa, dtype):
    X = images(500, (6, 7), dtype)
    got, _ = run(RandomCrop((6, 7), padding=2), X, isa=isa)
    seen = set()
    for row, out in zip(X.reshape(-1, 6, 7), got.reshape(-1, 6, 7), strict=True):
        padded = np.pad(row, 2)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (6, 7))
        matches = np.argwhere((windows == out).all(axis=(2, 3)))
        assert len(matches) == 1
        seen.add(tuple(matches[0]))
    assert seen == {(i, j) for i in range(5) for j in range(5)}


@every_kernel
def test_colour_jitter_is_its_formula(isa, dtype):
    shape = (5, 3, 3)
    X, u = images(20, shape, dtype), uniforms(20, 3, COLOUR)
    factors = 1 + (2 * u - 1) * [0.3, 0.4, 0.9]
    x = np.float64(X) * factors[:, :1]
    mean = x.mean(axis=1, keepdims=True)
    x = (mean + factors[:, 1:2] * (x - mean)).reshape(20, -1, 3)
    grey = (x @ [0.299, 0.587, 0.114])[..., None]
    x = grey + factors[:, 2, None, None] * (x - grey)
    got, _ = run(ColorJitter(shape, 0.3, 0.4, 0.9), X, isa=isa)
    np.testing.assert_allclose(
        got, x.reshape(20, -1), rtol=0, atol=30 * np.finfo(dtype).eps
    )


def boxes(u, height, width, shape):
    """Whether each pixel is in a box (height, width) round the drawn one, per row."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    top = np.floor(u[:, 0] * shape[0]) - height // 2
    left = np.floor(u[:, 1] * shape[1]) - width // 2
    y, x = y - top[:, None, None], x - left[:, None, None]
    height, width = (np.broadcast_to(n, len(u))[:, None, None] for n in (height, width))
    return (y >= 0) & (y < height) & (x >= 0) & (x < width)


def over_channels(mask, shape):
    channels = shape[2] if len(shape) == 3 else 1
    return np.repeat(mask.reshape(len(mask), -1), channels, axis=1)


@every_kernel
@every_shape
def test_cutout_zeroes_a_square_of_all_channels(shape, isa, dtype):
    X, u = images(300, shape, dtype), uniforms(300, 3, CUTOUT)
    size = min(3, *shape[:2])
    cut = boxes(u[:, 1:], size, size, shape) & (u[:, 0] < 0.7)[:, None, None]
    got, _ = run(Cutout(shape, size=size, p=0.7), X, isa=isa)
    np.testing.assert_array_equal(got, np.where(over_channels(cut, shape), 0, X))


def partners_of(n_rows, stream):
    words = philox(np.arange(2), 0, STEP, stream, SEED).ravel()
    shift = 1 + int((words[4] + 0.5) / 2**32 * (n_rows - 1))
    return (np.arange(n_rows) + shift) % n_rows


@every_kernel
@every_shape
def test_cutmix_pastes_boxes_and_mixes_targets_by_their_area(shape, isa, dtype):
    n, alpha = 40, 0.8
    X = images(n, shape, dtype)
    y = np.random.RandomState(1).dirichlet(np.ones(3), n).astype(dtype)
    u, partner = uniforms(n, 4, CUTMIX), partners_of(n, CUTMIX)
    sides = np.sqrt(betaincinv(alpha, alpha, u[:, 1]))
    height, width = (np.floor(sides * m + 0.5) for m in shape[:2])
    pasted = boxes(u[:, 2:], height, width, shape) & (u[:, 0] < 0.9)[:, None, None]
    share = pasted.mean(axis=(1, 2))[:, None]
    got, mixed = run(CutMix(shape, alpha=alpha, p=0.9), X, y, isa=isa)
    expected = np.where(over_channels(pasted, shape), X[partner], X)
    np.testing.assert_array_equal(got, expected)
    expected = (1 - share) * y + share * y[partner]
    np.testing.assert_allclose(mixed, expected, atol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=8 * np.finfo(dtype).eps)


@every_kernel
@pytest.mark.parametrize("n", [2, 3, 64])
def test_mixup_blends_rows_and_targets_with_the_same_shares(n, isa, dtype):
    X, y = images(n, 37, dtype), images(n, 3, dtype) - 0.5
    u, partner = uniforms(n, 2, MIXUP), partners_of(n, MIXUP)
    share = betaincinv(0.4, 0.4, u[:, 1:] / 2) * (u[:, :1] < 0.8)
    got, mixed = run(Mixup(alpha=0.4, p=0.8), X, y, isa=isa)
    for out, a in ((got, X), (mixed, y)):
        expected = (1 - share) * a + share * a[partner]
        np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)  # the table's
    one_hot = np.eye(3, dtype=dtype)[np.arange(n) % 3]
    _, mixed = run(Mixup(), X, one_hot, isa=isa)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=8 * np.finfo(dtype).eps)
    assert (mixed >= 0).all()


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 5.0])
def test_shares_of_mixup_have_their_beta_distribution(alpha):
    n = 20000
    y = np.random.RandomState(0).randint(2, size=(n, 1)).astype(float)
    _, mixed = run(Mixup(alpha=alpha), np.zeros((n, 1)), y)
    shares = mixed[(y == 0) & (y[partners_of(n, MIXUP)] == 1)]  # of the other row
    assert shares.size > n / 5
    assert shares.max() <= 0.5
    # The smaller of l and 1 - l has twice the distribution function of l, up to 1/2.
    test = stats.ks_1samp(shares, lambda x: 2 * stats.beta(alpha, alpha).cdf(x))
    assert test.pvalue > 1e-4


def test_a_row_of_weight_zero_is_not_mixed_into_others():
    n = 30
    weights = np.where(np.arange(n) % 3, 1.0, 0.0)
    X, y = images(n, (4, 4)), np.arange(float(n))[:, None]
    for part, stream in ((Mixup(), MIXUP), (CutMix((4, 4), p=1.0), CUTMIX)):
        spared = weights[partners_of(n, stream)] == 0
        assert 0 < spared.sum() < n
        got, mixed = run(part, X, y, weights)
        everything, all_mixed = run(part, X, y)
        np.testing.assert_array_equal(got[spared], X[spared])
        np.testing.assert_array_equal(mixed[spared], y[spared])
        np.testing.assert_array_equal(got[~spared], everything[~spared])
        np.testing.assert_array_equal(mixed[~spared], all_mixed[~spared])


def test_one_row_has_nobody_to_mix_with():
    X, y = images(1, (4, 4)), np.ones((1, 2))
    got, mixed = run([Mixup(), CutMix((4, 4), p=1.0)], X, y)
    np.testing.assert_array_equal(got, X)
    np.testing.assert_array_equal(mixed, y)


@every_kernel
@pytest.mark.parametrize("n_features", [1, 2, 5, 64, 257, 700])
def test_noise_is_box_and_mullers(n_features, isa, dtype):
    words = philox(
        np.arange(-(-n_features // 4)), np.arange(6)[:, None], STEP, NOISE, SEED
    ).reshape(6, -1, 2)
    radius = np.sqrt(-2 * np.log(((words[..., 0] >> np.uint32(1)) + 0.5) / 2**31))
    angle = 2 * np.pi * (words[..., 1] / 2**32)
    normals = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    X = images(6, n_features, dtype)
    got, _ = run(GaussianNoise(std=0.3), X, isa=isa)
    expected = X + 0.3 * normals.reshape(6, -1)[:, :n_features]
    eps = np.finfo(dtype).eps
    # Near a radius of 0 its argument, near 1, is rounded to the type.
    np.testing.assert_allclose(got, expected, rtol=8 * eps, atol=2 * np.sqrt(eps) * 0.3)
    far = np.repeat(radius > 0.1, 2, axis=1)[:, :n_features]
    np.testing.assert_allclose(got[far], expected[far], rtol=0, atol=20 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_is_standard_normal_and_independent(dtype):
    noise, _ = run(GaussianNoise(std=2.0), np.zeros((400, 500), dtype))
    noise = np.float64(noise) / 2
    n = noise.size
    assert abs(noise.mean()) < 5 / np.sqrt(n)
    assert abs(noise.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-4
    for shift in [(0, 1), (0, 2), (1, 0), (1, 1)]:
        assert abs((noise * np.roll(noise, shift, (0, 1))).mean()) < 5 / np.sqrt(n)
        squares = (noise**2 - 1) * (np.roll(noise, shift, (0, 1)) ** 2 - 1)
        assert abs(squares.mean()) < 5 * 2 / np.sqrt(n)


@every_kernel
@pytest.mark.parametrize("p", [0.0, 0.3, 0.9999999])
def test_feature_dropout_zeroes_where_its_bits_say_so(p, isa, dtype):
    X = images(7, 601, dtype)
    kept = halves(7, 601, SEED, STEP, FEATURE) < max(1, round((1 - p) * 65536))
    got, _ = run(FeatureDropout(p=p), X, isa=isa)
    np.testing.assert_array_equal(got, np.where(kept, X, 0))


EVERYTHING = [
    FeatureDropout(),
    Mixup(),
    GaussianNoise(),
    CutMix((8, 6)),
    Cutout((8, 6)),
    ColorJitter((8, 6)),
    HorizontalFlip((8, 6)),
]


@every_kernel
def test_a_list_is_done_in_the_documented_order(isa, dtype):
    X, y = images(50, 48, dtype), images(50, 3, dtype)
    got, mixed = run(EVERYTHING, X, y, isa=isa)
    for part in [EVERYTHING[i] for i in (6, 5, 4, 3, 1, 2, 0)]:
        X, y = run(part, X, y, isa=isa)
    np.testing.assert_array_equal(got, X)
    np.testing.assert_array_equal(mixed, y)


def test_every_instruction_set_and_dtype_draws_the_same():
    parts = [
        *EVERYTHING,
        RandomAffine((8, 6)),
        RandomCrop((8, 6)),
        LensDistortion((8, 6)),
    ]
    X, y = images(100, 48, np.float32), images(100, 3, np.float32)
    expected = run(parts, np.float64(X), np.float64(y), isa="baseline")
    for isa in _kernels.AVAILABLE_ISAS:
        for dtype in (np.float32, np.float64):
            got = run(parts, X.astype(dtype), y.astype(dtype), isa=isa)
            for a, b in zip(got, expected, strict=True):
                atol = 1e-3 if dtype == np.float32 else 1e-7
                np.testing.assert_allclose(a, b, rtol=0, atol=atol)


def test_another_step_or_seed_draws_something_else():
    compiled = compile_augmentations([Mixup(), GaussianNoise()], 5)
    results = []
    for seed, step in ((1, 1), (1, 2), (2, 1)):
        X, y = images(9, 5), np.zeros((9, 1))
        _kernels.augment(X, y, None, X.copy(), y.copy(), compiled, seed, step)
        results.append(X)
    assert not np.isclose(results[0], results[1]).any()
    assert not np.isclose(results[0], results[2]).any()


def test_transform_copies_blends_and_is_repeatable():
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    X_before, y_before = X.copy(), y.copy()
    got, mixed = Mixup(alpha=1.0).transform(X, y, random_state=3)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    assert mixed.shape == (6,)
    np.testing.assert_allclose(mixed, got[:, 0] / 2)  # X is linear in y
    alone = Mixup(alpha=1.0).transform(X, random_state=3)
    np.testing.assert_array_equal(alone, got)
    np.testing.assert_array_equal(augment([], X), X)
    assert augment(Mixup(), np.float32(X)).dtype == np.float32


def test_mixes_targets_says_whether_targets_must_be_dense():
    shape = (2, 2)
    assert compile_augmentations([Mixup(), Cutout(shape, size=1)], 4).mixes_targets
    assert compile_augmentations(CutMix(shape), 4).mixes_targets
    assert not compile_augmentations(GaussianNoise(), 4).mixes_targets
    assert not compile_augmentations(Mixup(p=0.0), 4).mixes_targets
    assert compile_augmentations(None, 4) is None
    assert compile_augmentations([], 4) is None


@pytest.mark.parametrize("part", EVERYTHING + WARPS["all"]((8, 6)), ids=repr)
def test_parameters_are_scikit_learns(part):
    copy = clone(part)
    assert copy.get_params() == part.get_params()
    assert type(part).__name__ in repr(part)
    default = type(part)()
    for name, value in part.get_params().items():
        default.set_params(**{name: value})
    assert default.get_params() == part.get_params()


S = (4, 4)
BAD = [
    (Mixup(alpha=0), "`alpha` of Mixup must be a number > 0, got 0."),
    (Mixup(alpha=np.nan), "`alpha` of Mixup must be a number > 0, got nan."),
    (Mixup(alpha="a"), "`alpha` of Mixup must be a number > 0, got 'a'."),
    (Mixup(p=1.5), "`p` of Mixup must be a number in [0, 1], got 1.5."),
    (Mixup(p=True), "`p` of Mixup must be a number in [0, 1], got True."),
    (GaussianNoise(-1), "`std` of GaussianNoise must be a number >= 0, got -1."),
    (FeatureDropout(1), "`p` of FeatureDropout must be a number in [0, 1), got 1."),
    (HorizontalFlip(S, -0.1), "`p` of HorizontalFlip must be a number in [0, 1]"),
    (
        HorizontalFlip(),
        "`image_shape` of HorizontalFlip must be (height, width) or (height, width, "
        "channels) with a product of n_features=16, got None.",
    ),
    (Cutout((4, 5)), "with a product of n_features=16, got (4, 5)."),
    (Cutout((4.0, 4.0)), "with a product of n_features=16, got (4.0, 4.0)."),
    (Cutout((-4, -4)), "with a product of n_features=16, got (-4, -4)."),
    (Cutout(16), "with a product of n_features=16, got 16."),
    (Cutout(S, size=0), "`size` of Cutout must be an integer in [1, 4], got 0."),
    (Cutout(S, size=5), "`size` of Cutout must be an integer in [1, 4], got 5."),
    (Cutout(S, size=2.0), "`size` of Cutout must be an integer in [1, 4], got 2.0."),
    (RandomCrop(S, padding=-1), "`padding` of RandomCrop must be an integer in [0, 4]"),
    (
        RandomCrop(S, padding=1, scale=0.5),
        "`scale` of RandomCrop must be None with padding=1, got 0.5.",
    ),
    (
        RandomCrop(S, scale=(0.9, 0.8)),
        "`scale` of RandomCrop must be None, a number in (0, 1] or two, ascending, got "
        "(0.9, 0.8).",
    ),
    (RandomCrop(S, scale=0), "`scale` of RandomCrop must be None, a number in (0, 1]"),
    (RandomAffine(S, 181), "`rotation` of RandomAffine must be a number in [0, 180]"),
    (RandomAffine(S, shear=61), "`shear` of RandomAffine must be a number in [0, 60]"),
    (RandomAffine(S, scale=-1), "`scale` of RandomAffine must be a number >= 0"),
    (LensDistortion(S, 0.4), "`k` of LensDistortion must be a number in [0, 0.3]"),
    (ColorJitter(S, 1.1), "`brightness` of ColorJitter must be a number in [0, 1]"),
    (
        ColorJitter(S, saturation=0.1),
        "`saturation` of ColorJitter must be 0 with image_shape=(4, 4): not 3 channels, "
        "got 0.1.",
    ),
    (CutMix(S, alpha=-1), "`alpha` of CutMix must be a number > 0, got -1."),
    (
        [Mixup(), Mixup(alpha=1.0)],
        "`augment` must not have two of a kind, got [Mixup(), Mixup(alpha=1.0)].",
    ),
    (
        [Cutout(S), HorizontalFlip((2, 8))],
        "`image_shape` must be the same for all augmentations, got (4, 4, 1) and "
        "(2, 8, 1).",
    ),
    (
        ["mixup"],
        "`augment` must be None, an augmentation of caviar.augmentation or a list of "
        "them, got ['mixup'].",
    ),
    (
        "mixup",
        "`augment` must be None, an augmentation of caviar.augmentation or a list",
    ),
]


@pytest.mark.parametrize(("parts", "message"), BAD, ids=lambda x: str(x)[:40])
def test_bad_parameters_are_named_with_their_range_and_value(parts, message):
    with pytest.raises(ValueError) as error:
        compile_augmentations(parts, 16)
    assert message in str(error.value)


def test_sparse_rows_and_targets_of_another_length_are_refused():
    with pytest.raises(ValueError, match="must be None with a sparse X"):
        Mixup().transform(sparse.eye_array(3, format="csr"))
    with pytest.raises(ValueError, match="`y` must have n_samples=3 rows"):
        Mixup().transform(np.eye(3), [1.0, 2.0])
