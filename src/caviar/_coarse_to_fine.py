"""Random search in rounds, each in a smaller region round the best so far.

Owns where a round looks and what it says of edges; how candidates are evaluated is the
base class's affair.
"""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval

from . import _search_docs
from ._callbacks import subtask
from ._regions import Regions
from ._search import BaseSearch
from .distributions import HiddenLayers


class SearchBoundaryWarning(UserWarning):
    """The best value of a parameter lies beside an edge of its range.

    A better one may then lie beyond it.
    """


_DOC = f"""Random search, then again in smaller and smaller regions round the best.

    The first of `n_rounds` rounds draws `n_iter` candidates from the whole space, as
    `RandomizedSearchCV` does. Each later one draws as many from a region round the best
    candidates so far, `shrink` times as wide in each parameter's own scale [1]_ [3]_. For
    any estimator, also in a pipeline.

    Parameters
    ----------
    {
    _search_docs.first("any with `fit`, and with `score` unless `scoring` is given")
}n_iter : int, default=20
        Candidates of a round.

    n_rounds : int, default=3
        Rounds; ``n_iter * n_rounds`` candidates are evaluated in all.

    shrink : float, default=0.5
        In (0, 1]: how wide a round's region is, as a share of the one before. Of a choice,
        the weights of all options but the best are multiplied by it. 1 keeps the width;
        where parameters are many and candidates few, try 0.7.

    widen : bool, default=True
        Whether the region may leave the range given, where the best lies beside its edge.
        Hard limits hold in any case, see the notes.

    {
    _search_docs.common(
        ''' With several metrics the
        one that `refit` names, or else the first, decides where the next round looks.'''
    )
}Attributes
    ----------
    rounds_ : list of dict
        For each round that is finished:

        - ``region``: what it drew from, parameter name -> distribution. For the first
          round with a list of dicts, a list of such dicts.
        - ``best_params``, ``best_score``: the best candidate so far, and its mean test
          score; None where a callable `refit` has chosen among several metrics.
        - ``boundaries``: its parameters that lie at an edge of the range given, or beyond
          it: parameter name -> 'low' or 'high'.

    {_search_docs.attributes("``round``, from 0")}Raises
    ------
    TypeError, ValueError
        For a space that is none, and parameters out of their range.

    Warns
    -----
    SearchBoundaryWarning
        Where the best value of a parameter lies beside an edge of its range and limits
        leave room beyond: when it is found, once for each parameter and edge, and again if
        the last round ends at an edge of what was searched.
    UserWarning
        Where a finite space has fewer candidates than are asked for.

    See Also
    --------
    sklearn.model_selection.RandomizedSearchCV : One round.

    Notes
    -----
    *Why.* Random search wastes no trials on parameters that do not matter [2]_, but neither
    does it look closer where the scores are good. The coarse rounds need not be accurate:
    few epochs and one split are enough to find the decade of the learning rate.

    *Region.* The range of round r is ``shrink ** r`` times as wide as that given, in the
    parameter's own scale: the logarithm for `LogUniform`, that of one minus the value for
    `OneMinusLogUniform`, the quantile for those of scipy that have no class here. Its
    middle is the mean of the three best values so far, since one best score alone is in
    large part luck; but the very best is never beside the region's edge. (A callable
    `refit` names one only, which is the middle then.) Near an end of the range given a
    region is moved, not cut. Of options and layers the very best counts.

    *Edges.* A value within 5 % of the range from one of its ends, in its own scale, lies
    beside this edge [1]_. If the best one does, it is the middle itself, and the region
    goes past the edge.

    *Hard limits.* On each side, whichever is narrower: the distribution's own `limits`, and
    the interval that the estimator declares for the parameter in ``_parameter_constraints``
    (scikit-learn's estimators do). Where there is neither, a range that begins at 0 or
    above never goes below 0.

    *Finite spaces.* No candidate is drawn twice. Where a region has no other left, the rest
    of the round is drawn from the whole space; where that has none, the search ends.

    References
    ----------
    .. [1] Karpathy et al., "CS231n: Convolutional neural networks for visual recognition",
       Stanford University, notes on hyperparameter optimization: search from coarse to
       fine, on a logarithmic scale, and be careful with best values on the border.
    .. [2] Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 13,
       2012.
    .. [3] Ng, "Improving deep neural networks: hyperparameter tuning, regularization and
       optimization", DeepLearning.AI, 2017: tuning process, coarse to fine.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.distributions import IntLogUniform, LogUniform
    >>> from caviar.model_selection import CoarseToFineSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(max_iter=10, tol=0, random_state=0)
    >>> space = {{
    ...     "learning_rate_init": LogUniform(1e-3, 1),
    ...     "hidden_layer_sizes": IntLogUniform(4, 100),
    ... }}
    >>> search = CoarseToFineSearchCV(
    ...     network, space, n_iter=5, n_rounds=2, cv=3, random_state=0
    ... ).fit(X, y)
    >>> search.cv_results_["round"].tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> bool(search.best_score_ > 0.8)
    True
    """


class CoarseToFineSearchCV(BaseSearch):
    __doc__ = _DOC

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "shrink": [Interval(Real, 0, 1, closed="right")],
        "widen": ["boolean"],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=20,
        n_rounds=3,
        shrink=0.5,
        widen=True,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        time_budget=None,
        journal=None,
    ):
        super().__init__(locals())

    def _check_search(self):
        self._regions()

    def _regions(self):
        return Regions(self.param_distributions, self.estimator, self.widen)

    def _run_search(self, evaluate_candidates, *, callback_ctx=None):
        regions = self._regions()
        random_state = np.random.RandomState(self.seed_)
        self.rounds_, said = [], set()
        with subtask(callback_ctx, "search", self.n_rounds, self) as search_ctx:
            for number in range(self.n_rounds):
                candidates = regions.draw(self.n_iter, random_state)
                exhausted = len(candidates) < self.n_iter
                if exhausted:
                    self._warn_of_exhaustion(number, len(candidates))
                if not candidates:
                    break
                n_fits = len(candidates) * self.n_splits_
                with subtask(search_ctx, "round", n_fits, self, False) as round_ctx:
                    results = evaluate_candidates(
                        candidates,
                        more_results={"round": [number] * len(candidates)},
                        callback_ctx=round_ctx,
                    )
                last = exhausted or number == self.n_rounds - 1
                self._finish_round(number, last, regions, results, said)
                if last:
                    break

    def _finish_round(self, number, last, regions, results, said):
        """Record the round, say what lies on an edge, and move on to the next region."""
        ranking, scores = self._rank(results)
        best_index = ranking[0]
        best_params = results["params"][best_index]
        self.rounds_.append(
            {
                "region": regions.shown(),
                "best_params": best_params,
                "best_score": None if scores is None else float(scores[best_index]),
                "boundaries": regions.boundaries(best_index, best_params),
            }
        )
        self._warn_of_boundaries(number, last, regions, best_index, said)
        # Where all have failed so far the next round looks at the same region.
        if not last and (scores is None or not np.isnan(scores[best_index])):
            regions.narrow(ranking, results["params"], self.shrink)

    # The best so far

    def _rank(self, results):
        """Numbers of the best candidates so far, the best first, and all mean scores.

        A callable `refit` chooses one only. The scores are None where it has chosen among
        several metrics.
        """
        metric = self._metric_to_go_by(results)
        scores = results[f"mean_test_{metric}"]
        if callable(self.refit):
            chosen = int(self._select_best_index(self.refit, metric, results))
            return [chosen], scores if metric == "score" else None
        failed = np.isnan(scores)
        ranks = np.where(failed, np.inf, results[f"rank_test_{metric}"])
        best_first = np.argsort(ranks, kind="stable").tolist()
        n_scored = int(np.sum(~failed))
        return best_first[: max(n_scored, 1)], scores

    # What the user should know

    def _warn_of_exhaustion(self, number, n_candidates):
        n_evaluated = number * self.n_iter + n_candidates
        warnings.warn(
            f"The space of parameters has no more candidates than {n_evaluated}: all were "
            f"drawn in {number + 1} of n_rounds={self.n_rounds} rounds of "
            f"n_iter={self.n_iter}.",
            UserWarning,
            stacklevel=2,
        )

    def _warn_of_boundaries(self, number, last, regions, best_index, said):
        """One for each parameter and edge, and one more if the search ends there."""
        best = self.rounds_[-1]
        for name, side in best["boundaries"].items():
            value = best["best_params"][name]
            of_range, of_region = regions.room_beyond(best_index, name, value)
            moves_on = self.widen and not last
            if not (of_range if moves_on else of_region):
                continue
            if (name, side, moves_on) not in said:
                said.add((name, side, moves_on))
                warnings.warn(
                    _boundary_message(
                        name,
                        value,
                        side,
                        regions.given(best_index, name),
                        f"round {number + 1} of {self.n_rounds}",
                        moves_on,
                        self.widen,
                    ),
                    SearchBoundaryWarning,
                    stacklevel=2,
                )


def _boundary_message(name, value, side, given, when, moves_on, widen):
    edge, further = ("lower", "down") if side == "low" else ("upper", "up")
    shown = f"{value:.6g}" if isinstance(value, float) else repr(value)
    shown_range = given if isinstance(given, HiddenLayers) else [given.low, given.high]
    where = "beside" if value in given else "beyond"
    found = (
        f"The best value of `{name}`, {shown}, lies {where} the {edge} edge of its range "
        f"{shown_range} in {when}."
    )
    if moves_on:
        return (
            f"{found} The next round goes on past this edge; begin with a range that goes "
            f"further {further} another time."
        )
    advice = f"search again with a range that goes further {further}"
    if not widen:
        advice += " or with widen=True"
    return f"{found} A better one may lie beyond what was searched: {advice}."
