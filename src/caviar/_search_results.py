"""What a finished search or cross-validation has to offer: its models, best first.

Reads results only; `ensemble_from_search` does what has to be trained.
"""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ._by_epochs import find_learner


def rank_models(search, metric):
    """Models, best first, as tuples (model, score or None, whether it is fitted)."""
    if isinstance(search, dict):
        return _from_cross_validation(search, metric)
    if hasattr(search, "cv_results_"):
        return _from_search(search, metric)
    if not isinstance(search, list | tuple):
        raise ValueError(
            "`search` must be a fitted search, the result of cross_validate or a list of "
            f"fitted estimators, got {search!r}."
        )
    for model in search:
        check_is_fitted(model)
    return [(model, None, True) for model in search]


def take_best(ranking, k):
    """The first k entries; all of them for None."""
    if k is None and ranking:
        return ranking
    if not isinstance(k, Integral) or not 1 <= k <= len(ranking):
        raise ValueError(
            f"`k` must be an integer in [1, {len(ranking)}], the number of different "
            f"models with a finite score, got {k!r}."
        )
    return ranking[:k]


def score_weights(weights, scores):
    """Scores as weights, for ``weights='score'``."""
    if weights != "score":
        raise ValueError(
            f"`weights` must be None, 'score' or numbers, got {weights!r}."
        )
    if None in scores or min(scores) <= 0:
        raise ValueError(
            f"weights='score' needs positive scores, got {scores}. Pass the numbers to "
            "weight with."
        )
    return scores


def _scores(results, prefix, metric):
    """A column of scores."""
    try:
        return np.asarray(results[prefix + metric], dtype=np.float64)
    except KeyError:
        metrics = [n.removeprefix(prefix) for n in results if n.startswith(prefix)]
        raise ValueError(
            f"`metric` must be one of {metrics}, which the search has scores of, got "
            f"{metric!r}."
        ) from None


def _from_cross_validation(results, metric):
    if "estimator" not in results:
        raise ValueError(
            "cross_validate must be called with return_estimator=True, to keep its "
            f"models; got {sorted(results)}."
        )
    scores = _scores(results, "test_", metric or "score")
    order = [i for i in np.argsort(-scores, kind="stable") if np.isfinite(scores[i])]
    return [(results["estimator"][i], float(scores[i]), True) for i in order]


def _from_search(search, metric):
    best = getattr(search, "best_estimator_", None)
    ranking = []
    for i, setting, score in rank_settings(search, metric):
        if best is not None and i == search.best_index_:
            ranking.append((best, score, True))
            continue
        # clone, as the search itself does: a setting may hold estimators.
        model = clone(search.estimator).set_params(**clone(setting, safe=False))
        ranking.append((model, score, False))
    return ranking


def rank_settings(search, metric=None):
    """Different settings, best first: tuples (row of cv_results_, setting, score).

    A setting is the parameters, and how long they were trained where that was searched.
    """
    results = search.cv_results_
    if metric is None:
        named = search.multimetric_ and isinstance(search.refit, str)
        metric = search.refit if named else "score"
    scores = _scores(results, "mean_test_", metric)
    # Rounds of successive halving: a later one has tried its candidates harder.
    rounds = results.get("iter", results.get("epochs", np.zeros(len(scores))))
    last = _resource_of_the_last_round(search, results)
    ranking, settings = [], []
    for i in np.lexsort((-scores, -rounds)):  # by round, then by score; stable
        setting = results["params"][i] | last
        repeated = any(_same(setting, other) for other in settings)
        if not repeated and np.isfinite(scores[i]):
            settings.append(setting)
            ranking.append((i, setting, float(scores[i])))
    return ranking


def _resource_of_the_last_round(search, results):
    """Parameters that say how long the candidates of the last round were trained."""
    if "epochs" in results:  # by one of caviar's searches
        learner, prefix = find_learner(search.estimator)
        if not hasattr(learner, "_fit_until"):
            return {}
        return {f"{prefix}max_iter": search.brackets_[0]["epochs"][-1]}
    resource = getattr(search, "resource", "n_samples")
    if "iter" not in results or resource == "n_samples":
        return {}
    return {resource: max(search.n_resources_)}


def _same(one, other):
    """Whether two settings are the same, with arrays among their values."""
    return one.keys() == other.keys() and all(
        one[name] is other[name] or np.array_equal(one[name], other[name])
        for name in one
    )
