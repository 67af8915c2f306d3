"""What each training method adds to a step: dropout, mixup, averages, augmentation."""

from statistics import median

from caviar import MLPClassifier
from caviar.augmentation import Cutout, HorizontalFlip, Mixup, RandomAffine

from .libraries._estimator import prepare
from .problems import PROBLEMS, TINY, Problem
from .tables import markdown, microseconds

IMAGES = Problem("28 x 28", 20000, 784, (256, 256), 256, n_epochs=1)
TINY_IMAGES = Problem("4 x 4", 70, 16, (5, 4), 32, n_epochs=1)
# Greatest part of the plain step that a method may add; None where none was set.
OF_ROWS = {
    "dropout": (dict(dropout=0.2), 0.10),
    "dropout of features": (dict(input_dropout=0.1), 0.10),
    "dropconnect": (dict(dropconnect=0.2), None),
    "label smoothing": (dict(label_smoothing=0.1), 0.05),
    "mixup": (dict(augment=Mixup(0.2)), 0.05),
    "clipping": (dict(clip_norm=1.0), 0.05),
    "EMA": (dict(average_weights="ema"), 0.05),
    "schedule": (dict(learning_rate="cosine"), None),
    "gelu": (dict(activation="gelu"), None),
}


def of_images(side):
    shape = (side, side)
    warp = [RandomAffine(shape, rotation=10, translate=0.1), HorizontalFlip(shape)]
    return {"affine, flip, cutout": (dict(augment=[*warp, Cutout(shape, 2)]), 1.0)}


def measure(options, log):
    """Return one result per problem and method: seconds per step of each round."""
    problem, images = (TINY, TINY_IMAGES) if options.quick else (PROBLEMS["M"], IMAGES)
    side = round(images.n_features**0.5)
    n_rounds = options.rounds or (1 if options.quick else 9)
    results = []
    for shape, methods in ((problem, OF_ROWS), (images, of_images(side))):
        log(str(shape))
        results += measure_methods(shape, {"plain": ({}, None), **methods}, n_rounds)
    return results


def measure_methods(problem, methods, n_rounds):
    X, y = problem.data()
    results = [
        {"problem": str(problem), "method": name, "limit": limit, "seconds": []}
        for name, (_, limit) in methods.items()
    ]
    runs = [
        prepare(MLPClassifier, problem, X, y, batch_norm=True, **settings)
        for settings, _ in methods.values()
    ]
    n_epochs = 2 * problem.n_epochs
    pairs = list(zip(results, runs, strict=True))
    for turn in range(-1, n_rounds):  # a first one, not counted, to warm up
        for result, run in pairs if turn % 2 else pairs[::-1]:
            seconds = max(run(n_epochs), 1e-9) / (n_epochs * problem.n_steps)
            if turn >= 0:
                result["seconds"].append(seconds)
    return results


def report(results):
    rows = [["rows x features, hidden, batch", "method", "step", "more than plain"]]
    for result in results:
        if result["method"] == "plain":
            plain = result["seconds"]
        # Of each round: a slow minute of the machine hits both.
        ratios = [a / b for a, b in zip(result["seconds"], plain, strict=True) if b > 0]
        added, limit = median(ratios) - 1, result["limit"]
        rows.append(
            [
                result["problem"],
                result["method"],
                microseconds(median(result["seconds"])),
                ""
                if result["method"] == "plain"
                else f"{added:+.1%}".replace("%", " %")
                + ("" if limit is None else f" (<= {limit:.0%})".replace("%", " %")),
            ]
        )
    return {"extras": markdown(rows)}
