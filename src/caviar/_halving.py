"""Searches that train many candidates a little and few candidates long.

Schedules of rounds only; training, resuming and results are `_evaluator`'s.
"""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import ParameterSampler
from sklearn.utils._param_validation import Interval

from . import _search_docs
from ._by_epochs import ByEpochs, check_learner, find_learner
from ._callbacks import subtask
from ._evaluator import Rung
from ._regions import checked_spaces
from ._search import BaseSearch


class _EpochSearch(BaseSearch):
    """What successive halving and Hyperband share: brackets of rounds."""

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "aggressiveness": [Interval(Real, 1, None, closed="neither")],
    }

    def _check_search(self):
        _, prefix = find_learner(self.estimator)
        spaces = checked_spaces(self.param_distributions)
        check_learner(self.estimator, type(self).__name__, set().union(*spaces))
        for space in spaces:
            if prefix + "max_iter" in space:
                raise ValueError(
                    f"`param_distributions` must not have {prefix + 'max_iter'!r}: epochs "
                    f"are what {type(self).__name__} divides among candidates, at most "
                    f"max_iter={self.max_iter} each."
                )

    def _run_search(self, evaluate_candidates, *, callback_ctx=None):
        brackets = self._plan()
        random_state = np.random.RandomState(self.seed_)
        self.brackets_ = brackets
        with subtask(callback_ctx, "search", len(brackets), self) as search_ctx:
            for b, bracket in enumerate(brackets):
                candidates = list(
                    ParameterSampler(
                        self.param_distributions,
                        bracket["n_candidates"][0],
                        random_state=random_state,
                    )
                )
                self._run_bracket(
                    b, bracket, candidates, evaluate_candidates, search_ctx
                )

    def _run_bracket(self, b, bracket, candidates, evaluate_candidates, search_ctx):
        # A space of lists may have fewer candidates than were to be drawn.
        sizes = [min(n, len(candidates)) for n in bracket["n_candidates"]]
        bracket["n_candidates"] = sizes
        best_first = list(range(len(candidates)))
        with subtask(search_ctx, "bracket", len(sizes), self) as bracket_ctx:
            for r, n_survivors in enumerate([*sizes[1:], 0]):
                rung = Rung(
                    bracket=b,
                    round=r,
                    candidates=sorted(best_first),
                    best_first=best_first,
                    n_epochs=bracket["epochs"][r],
                    max_iter=bracket["epochs"][-1],
                    n_survivors=n_survivors,
                )
                n_fits = len(best_first) * self.n_splits_
                with subtask(bracket_ctx, "round", n_fits, self, False) as round_ctx:
                    best_first = self._run_rung(
                        rung, candidates, evaluate_candidates, round_ctx
                    )

    def _run_rung(self, rung, candidates, evaluate_candidates, round_ctx):
        """Returns the numbers of those who go on, best first."""
        numbers = rung.candidates
        results = evaluate_candidates(
            [candidates[i] for i in numbers],
            more_results={
                "bracket": [rung.bracket] * len(numbers),
                "round": [rung.round] * len(numbers),
                "candidate": numbers,
                "epochs": [rung.n_epochs] * len(numbers),
            },
            callback_ctx=round_ctx,
            rung=rung,
        )
        metric = self._metric_to_go_by(results)
        scores = results[f"mean_test_{metric}"][-len(numbers) :]
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        best_first = np.argsort(-scores, kind="stable")[: rung.n_survivors]
        return [numbers[i] for i in best_first]

    @staticmethod
    def _select_best_index(refit, refit_metric, results):
        """The best of those that were trained longest; of equals the first."""
        if callable(refit):
            return BaseSearch._select_best_index(refit, refit_metric, results)
        scores = results[f"mean_test_{refit_metric}"]
        rows = np.flatnonzero(results["epochs"] == results["epochs"].max())
        scores = np.where(np.isfinite(scores[rows]), scores[rows], -np.inf)
        return rows[np.argmax(scores)]

    def _choose(self, evaluation, refit_metric):
        super()._choose(evaluation, refit_metric)
        self.n_epochs_ = sum(evaluation.more_results["epochs_trained"])
        if self.refit or not self.multimetric_:
            self.n_iter_ = int(self._best_row["epochs"])

    def _refit(self, estimator, X, y, fit_params):
        by_epochs = ByEpochs(self.n_iter_, self.brackets_[0]["epochs"][-1])
        by_epochs.train(estimator, X, y, fit_params)


def halving_rounds(n_candidates, first, last, factor):
    """Sizes and epochs of the rounds of successive halving.

    Parameters
    ----------
    n_candidates : int
        In the first round; each later one has ``1 / factor`` of them, rounded down.
    first : int or None
        Epochs after the first round; None for as many as let the last round end with
        `last`. There are as many rounds as candidates and epochs allow.
    last : int
        The most epochs of a candidate.
    factor : float
    """
    n_rounds = 1 + min(
        _floor_log(n_candidates, factor), _floor_log(last / (first or 1), factor)
    )
    if first is None:
        epochs = [int(last / factor**k + 1e-9) for k in range(n_rounds)][::-1]
    else:
        epochs = [int(first * factor**k + 1e-9) for k in range(n_rounds)]
    sizes = [int(n_candidates / factor**k + 1e-9) for k in range(n_rounds)]
    return {"n_candidates": sizes, "epochs": epochs}


def hyperband_brackets(max_iter, factor):
    """The brackets of Li et al. (2018), Algorithm 1, most candidates first."""
    s_max = _floor_log(max_iter, factor)
    brackets = []
    for s in range(s_max, -1, -1):
        n = math.ceil((s_max + 1) / (s + 1) * factor**s - 1e-9)
        rounds = [
            (
                int(n / factor**i + 1e-9),
                max(1, int(max_iter / factor ** (s - i) + 1e-9)),
            )
            for i in range(s + 1)
        ]
        sizes, epochs = zip(*rounds, strict=True)
        brackets.append({"n_candidates": list(sizes), "epochs": list(epochs)})
    return brackets


def _floor_log(value, base):
    """The greatest k with base^k <= value, whatever logarithms round to."""
    k = 0
    while base ** (k + 1) <= value * (1 + 1e-9):
        k += 1
    return k


class SuccessiveHalvingSearchCV(_EpochSearch):
    __doc__ = _search_docs.HALVING

    _parameter_constraints: dict = {
        **_EpochSearch._parameter_constraints,
        "n_initial_parameters": [Interval(Integral, 1, None, closed="left")],
        "n_initial_iter": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_initial_parameters=27,
        n_initial_iter=None,
        max_iter=81,
        aggressiveness=3,
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
        super()._check_search()
        if self.n_initial_iter is not None and self.n_initial_iter > self.max_iter:
            raise ValueError(
                "`n_initial_iter` must be None or an integer in [1, "
                f"max_iter={self.max_iter}], got {self.n_initial_iter}."
            )

    def _plan(self):
        return [
            halving_rounds(
                self.n_initial_parameters,
                self.n_initial_iter,
                self.max_iter,
                self.aggressiveness,
            )
        ]


class HyperbandSearchCV(_EpochSearch):
    __doc__ = _search_docs.HYPERBAND

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        max_iter=81,
        aggressiveness=3,
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

    def _plan(self):
        return hyperband_brackets(self.max_iter, self.aggressiveness)
