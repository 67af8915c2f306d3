"""The time of a whole search: RandomizedSearchCV over a pipeline, two processes.

The same candidates, folds and stopping rule for everyone. scikit-learn is there a second
time with the data as they are loaded, in float64. skorch's classifier has other names for
the same parameters, and is slow: it is asked for by an option.
"""

import time
from statistics import median

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .fits import quiet_fit
from .libraries import attempt, load, title
from .tables import markdown, plus_minus, relative, search_text

RATES, PENALTIES = loguniform(1e-4, 1e-1), loguniform(1e-6, 1e-1)
BATCH_SIZES = [32, 64, 128]


def mlp_search(name, max_iter, **options):
    """A search over caviar's or scikit-learn's MLPClassifier."""
    library = load(name.removesuffix("-64"))
    classifier = library.MLPClassifier((64,), max_iter=max_iter, random_state=0)
    space = {
        "mlpclassifier__learning_rate_init": RATES,
        "mlpclassifier__alpha": PENALTIES,
        "mlpclassifier__batch_size": BATCH_SIZES,
    }
    pipeline = make_pipeline(StandardScaler(), classifier)
    return RandomizedSearchCV(pipeline, space, **options)


def skorch_search(name, max_iter, **options):
    """The same through skorch, its training stopped as scikit-learn stops."""
    adapter = load(name)
    from skorch.callbacks import EarlyStopping

    patience = EarlyStopping(
        "train_loss", patience=10, threshold=1e-4, threshold_mode="abs"
    )
    net = adapter.classifier(
        units=(64, 64, 10),
        batch_norm=False,
        max_epochs=max_iter,
        callbacks=[("patience", patience)],
    )
    space = {
        "neuralnetclassifier__lr": RATES,
        "neuralnetclassifier__optimizer__weight_decay": PENALTIES,
        "neuralnetclassifier__batch_size": BATCH_SIZES,
    }
    return RandomizedSearchCV(make_pipeline(StandardScaler(), net), space, **options)


MAKERS = {
    "caviar": mlp_search,
    "sklearn": mlp_search,
    "sklearn-64": mlp_search,
    "skorch": skorch_search,
}
N_CANDIDATES, TARGET = 60, 15


def measure(options, log):
    """Return one result per library, a dict; ``seconds`` has one entry per round."""
    quick = options.quick
    n_rounds = options.rounds or (1 if quick else 3)
    X, y = load_digits(return_X_y=True)
    if quick:
        X, y = X[:300], y[:300]
    full = {"max_iter": 3 if quick else 60, "n_iter": 2 if quick else N_CANDIDATES}
    full |= {"cv": 2 if quick else 5, "n_jobs": 2, "random_state": 0}
    results = [
        {"library": name, "seconds": [], "best_score": None, "note": None}
        for name in options.libraries or ("caviar", "sklearn", "sklearn-64")
    ]
    for result in results:  # starts the processes, and imports the library in them
        log(f"search: warming up {result['library']}")
        _, result["note"] = attempt(
            lambda name=result["library"]: fit(
                name, X, y, full | {"n_iter": 2, "max_iter": 2}
            )
        )
    for _ in range(n_rounds):
        for result in results:
            if result["note"] is None:
                seconds, result["best_score"] = fit(result["library"], X, y, full)
                result["seconds"].append(seconds)
    return results


def fit(name, X, y, options):
    """Return the seconds of one search and its best score."""
    search = MAKERS[name](name, **options)
    if not name.endswith("-64"):
        X = X.astype("float32")
    start = time.perf_counter()
    quiet_fit(search, X, y)
    return time.perf_counter() - start, float(search.best_score_)


def text(results):
    return search_text(results)


def report(results):
    rows = [[f"{N_CANDIDATES} candidates x 5 folds", "seconds", "+-", "ratio", "score"]]
    for result in results:
        rows.append([title(result["library"]), result["note"] or "-", "-", "-", "-"])
        seconds = result["seconds"]
        if seconds:
            rows[-1][1] = f"{median(seconds):.3g}"
            rows[-1][2] = plus_minus(seconds)
            rows[-1][3] = relative(result, results[0])
            rows[-1][4] = f"{result['best_score']:.4f}"
        if result["library"].startswith("sklearn"):
            rows[-1][3] += f" (>= {TARGET})"
    return {"search": markdown(rows)}
