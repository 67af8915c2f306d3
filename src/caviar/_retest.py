"""Old intuitions go stale: the best of an earlier search, scored again on new data."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import indexable

from ._findings import WIDTH, Finding, number, wrapped
from ._html_findings import retest_html
from ._search_results import rank_settings

SURE = 0.05  # of a paired t-test, one-sided


@dataclass(frozen=True, repr=False)
class Retest(Finding):
    """What `retest` found: a `Finding`, and

    Attributes
    ----------
    verdict : {'holds', 'changed', 'undecided'}
        Whether the earlier winner is still the best, or another is clearly better; if
        another is ahead, but by no more than chance might do, it is 'undecided'.
    params : list of dict
        Of the candidates, the best of the earlier search first.
    old_scores, old_stds, new_scores, new_stds : ndarray of shape (n_candidates,)
        Means and standard deviations over the splits.
    old_ranks, new_ranks : ndarray of shape (n_candidates,), int
        From 1; ties share the better one.
    correlation : float
        Spearman's, of the old and the new scores; NaN for fewer than three candidates.
    p_value : float
        Of the hypothesis that the candidate that is now first is no better than the
        earlier winner: of the paired t-test over the splits, corrected for their overlap
        (Nadeau & Bengio 2003). NaN where they are the same.
    metric : str
        What the scores are.
    """

    verdict: str
    params: list
    old_scores: np.ndarray
    old_stds: np.ndarray
    new_scores: np.ndarray
    new_stds: np.ndarray
    old_ranks: np.ndarray
    new_ranks: np.ndarray
    correlation: float
    p_value: float
    metric: str

    def _repr_html_(self):
        return retest_html(self)

    def _named(self, index):
        """Parameters of a candidate, without the prefix that all of them share."""
        prefixes = {name.rpartition("__")[0] for one in self.params for name in one}
        if len(prefixes) != 1:
            return self.params[index]
        return {k.rpartition("__")[2]: v for k, v in self.params[index].items()}

    def __repr__(self):
        lines = [f"{'old':>5}{'new':>6}   {'old score':20}new score"]
        for i in np.argsort(self.new_ranks, kind="stable"):
            old = f"{self.old_scores[i]:.4f} +- {self.old_stds[i]:.4f}"
            new = f"{self.new_scores[i]:.4f} +- {self.new_stds[i]:.4f}"
            row = f"{self.old_ranks[i]:5}{self.new_ranks[i]:6}   {old:20}{new}"
            shown = ", ".join(f"{k}={_short(v)}" for k, v in self._named(i).items())
            if len(row) + 3 + len(shown) <= WIDTH:
                lines.append(f"{row}   {shown}")
            else:
                lines += [row, *wrapped(shown, " " * 14)]
        return "\n".join([super().__repr__(), "", *lines])


def _short(value):
    return number(value) if isinstance(value, float) else repr(value)


def check(search, X, y, k, cv, scoring, n_jobs, params):
    """The `Retest` of a search."""
    ranking = rank_settings(search)[:k]
    if not ranking:
        raise ValueError(
            "`search` must have a candidate with a finite score, got none."
        )
    X, y = indexable(X, y)
    scorer, metric = _scorer(search, scoring)
    splits = _splits(search, X, y, cv, params)
    results = search.cv_results_
    column = _metric_of(search)
    stds = results[f"std_test_{column}"]
    scores = []
    for _, setting, _ in ranking:
        model = clone(search.estimator).set_params(**clone(setting, safe=False))
        found = cross_validate(
            model, X, y, cv=splits, scoring=scorer, n_jobs=n_jobs, params=params
        )
        scores.append(found["test_score"])
    scores = np.array(scores)
    old = np.array([score for _, _, score in ranking])
    sizes = [(len(train), len(test)) for train, test in splits]
    return _compare(
        [results["params"][index] for index, _, _ in ranking],
        old,
        np.array([stds[index] for index, _, _ in ranking], dtype=np.float64),
        scores,
        sizes,
        metric,
    )


def _metric_of(search):
    named = search.multimetric_ and isinstance(search.refit, str)
    return search.refit if named else "score"


def _scorer(search, scoring):
    """The scorer, and its name."""
    if scoring is None:
        scorer = search.scorer_
        if isinstance(scorer, dict):
            scorer = scorer[_metric_of(search)]
        if search.multimetric_:
            return scorer, _metric_of(search)
        scoring = search.scoring
        return scorer, scoring if isinstance(scoring, str) else "score"
    if isinstance(scoring, str):
        return get_scorer(scoring), scoring
    return scoring, getattr(scoring, "__name__", "score")


def _splits(search, X, y, cv, params):
    """The same for all candidates; a search's own list of splits is of its own rows."""
    if cv is None:
        cv = search.cv
        if not (cv is None or isinstance(cv, int) or hasattr(cv, "split")):
            cv = None
    checked = check_cv(cv, y, classifier=is_classifier(search.estimator))
    return list(checked.split(X, y, groups=params.pop("groups", None)))


def _compare(params, old, old_stds, scores, sizes, metric):
    new, new_stds = scores.mean(axis=1), scores.std(axis=1)
    old_ranks = stats.rankdata(-old, method="min").astype(int)
    new_ranks = stats.rankdata(-new, method="min").astype(int)
    correlation = float("nan")
    if len(old) > 2 and np.ptp(old) > 0 and np.ptp(new) > 0:
        correlation = float(stats.spearmanr(old, new).statistic)
    best = int(np.nanargmax(new))
    p_value = _p_value(scores[best] - scores[0], sizes) if best else float("nan")
    if new_ranks[0] == 1:
        verdict, status = "holds", "ok"
        title = "The earlier winner is still the best."
    elif p_value < SURE:
        verdict, status = "changed", "warning"
        title = f"Stale: the earlier number {old_ranks[best]} is now clearly better."
    else:
        verdict, status = "undecided", "ok"
        title = f"The earlier number {old_ranks[best]} is ahead, perhaps by chance."
    explanation = (
        f"Of the {len(old)} best candidates of the search the winner had {metric} "
        f"{number(old[0])} and has {number(new[0])} on the new data; the best there has "
        f"{number(new[best])}"
    )
    explanation += "." if not best else f" (p = {number(p_value)})."
    if np.isfinite(correlation):
        explanation += f" Old and new scores correlate by {correlation:.2f} (Spearman)."
    advice = []
    if verdict == "changed":
        advice = ["Search again on the new data, round these parameters."]
    elif new[0] < old[0] - 3 * max(old_stds[0], new_stds[0]):
        status = "warning"
        advice = [
            "All score lower than they did: the new data differ, or the old score was "
            "the best of many tries. Search again."
        ]
    numbers = {
        "old_score": float(old[0]),
        "new_score": float(new[0]),
        "best_new_score": float(new[best]),
        "correlation": correlation,
        "p_value": p_value,
        "n_candidates": len(old),
    }
    fields = (old, old_stds, new, new_stds, old_ranks, new_ranks)
    return Retest(
        "retest",
        status,
        title,
        explanation,
        advice,
        numbers,
        verdict,
        params,
        *fields,
        correlation,
        p_value,
        metric,
    )


def _p_value(differences, sizes):
    """One-sided, of the corrected resampled t-test: Nadeau & Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003, section 3.1."""
    n = len(differences)
    if n < 2:
        return float("nan")
    shares = np.mean([n_test / n_train for n_train, n_test in sizes])
    variance = (1 / n + shares) * np.var(differences, ddof=1)
    mean = np.mean(differences)
    if variance == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stats.t.sf(mean / np.sqrt(variance), n - 1))
