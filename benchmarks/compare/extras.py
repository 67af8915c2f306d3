"""What each training method adds to a step: dropout, mixup, averages, augmentation."""

import time
import warnings
from statistics import median

from sklearn.exceptions import ConvergenceWarning

from caviar import MLPClassifier
from caviar.augmentation import Cutout, HorizontalFlip, Mixup, RandomAffine

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
    data = problem.data()
    results = [
        {"problem": str(problem), "method": name, "limit": limit, "seconds": []}
        for name, (_, limit) in methods.items()
    ]
    for turn in range(-1, n_rounds):  # a first one, not counted, to warm up
        for result in results if turn % 2 else results[::-1]:
            seconds = step_seconds(problem, data, methods[result["method"]][0])
            if turn >= 0:
                result["seconds"].append(seconds)
    return results


def step_seconds(problem, data, settings):
    """By difference: a fit checks its input as well."""
    n_epochs = 2 * problem.n_epochs
    longer = fit_seconds(problem, data, 1 + n_epochs, settings)
    seconds = longer - fit_seconds(problem, data, 1, settings)
    return max(seconds, 1e-9) / (n_epochs * problem.n_steps)


def fit_seconds(problem, data, n_epochs, settings):
    mlp = MLPClassifier(
        problem.hidden,
        batch_size=problem.batch_size,
        batch_norm=True,
        max_iter=n_epochs,
        n_iter_no_change=n_epochs + 1,
        random_state=0,
        **settings,
    )
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(*data)
    seconds = time.process_time() - start
    if mlp.n_iter_ != n_epochs:
        raise RuntimeError(f"trained {mlp.n_iter_} epochs of {n_epochs}")
    return seconds


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
