"""The `fit` that caviar's searches share: trials, time budget, journal, the winner.

Each search says in `_run_search`, scikit-learn's extension point, which candidates are
evaluated when. scikit-learn's own ``evaluate_candidates`` fits everything anew, gives no
models back and reports when all fits are done; so `fit` is ours, and hands `_run_search`
one that goes on with what has been trained and keeps each result as it comes.
"""

import os
import time
from abc import abstractmethod
from contextlib import ExitStack
from numbers import Integral, Real

from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_method_params, indexable

from ._arguments import store
from ._callbacks import subtask_of
from ._evaluator import Evaluator, TimeIsUp
from ._fingerprint import fingerprint
from ._html import WithCard, search_html
from ._journal import Journal
from ._trials import SearchData, Workers


class BaseSearch(WithCard, BaseSearchCV):
    """What all three searches share."""

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        "param_distributions": [dict, list],
        "random_state": ["random_state"],
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "journal": [str, os.PathLike, None],
    }

    @abstractmethod
    def __init__(self, arguments):
        """Store a constructor's ``locals()``: its parameters, under their names."""
        store(self, arguments)

    # What differs between searches, beside `_run_search`

    def _check_search(self):
        """Check what parameter constraints cannot say."""

    def _refit(self, estimator, X, y, fit_params):
        """Fit the winner on all rows."""
        arguments = (X,) if y is None else (X, y)
        estimator.fit(*arguments, **fit_params)

    def _metric_to_go_by(self, results):
        """The metric by which candidates of the results are compared."""
        prefix = "mean_test_"
        names = [name[len(prefix) :] for name in results if name.startswith(prefix)]
        if names == ["score"]:
            return "score"
        self._check_refit_for_multimetric(names)
        return self._metric_among(names)

    def _metric_among(self, names):
        """Of several metrics the one that `refit` names, or else the first."""
        return self.refit if self.refit in names else names[0]

    def _card_html(self):
        return search_html(self)

    # Fitting

    @_fit_context(prefer_skip_nested_validation=False)  # `estimator` is not checked yet
    def fit(self, X, y=None, **params):
        """Search, and fit the winner on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.

        **params : dict
            Passed to the estimator's fit, the scorer and the splitter, as by
            scikit-learn's searches: what has one entry for each row, such as
            ``sample_weight``, is cut into folds with X; ``groups`` go to the splitter.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            For parameters that do not fit together; if no fit succeeded; if the time
            budget was over before one candidate was scored on all splits; and if
            `journal` is that of another search.
        OSError
            If `journal` cannot be written, or is in use.
        KeyboardInterrupt
            At once. With a journal, the same call goes on from there.
        """
        begun = time.time()
        self._check_search()
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        hook = {"estimator": self, "X": X, "y": y, "metadata": None}
        if params.get("sample_weight") is not None:
            hook["metadata"] = {"sample_weight": params["sample_weight"]}
        root = self._root_context(hook)
        data = SearchData(
            X,
            y,
            self._split(X, y, routed.splitter.split),
            clone(self.estimator),
            dict(routed.estimator.fit),
            {
                "scorer": scorers,
                "score_params": routed.scorer.score,
                "return_train_score": self.return_train_score,
                "error_score": self.error_score,
                "verbose": self.verbose,
            },
        )
        with ExitStack() as stack:
            journal = self._open_journal(data, params, scorers, stack)
            workers = stack.enter_context(Workers(self.n_jobs, self.pre_dispatch))
            evaluation = stack.enter_context(Evaluator(self, data, journal, workers))
            if self.time_budget is not None:
                evaluation.deadline = begun + self.time_budget
            self._evaluate(evaluation, journal, root)
        self._choose(evaluation, refit_metric)
        if self.refit:
            self._fit_best(data, root, hook)
        multimetric = isinstance(scorers, _MultimetricScorer)
        self.scorer_ = scorers._scorers if multimetric else scorers
        self.cv_results_ = evaluation.results
        if root is not None:
            root.call_on_fit_task_end(**hook)
        return self

    def _evaluate(self, evaluation, journal, root):
        """Run the search until it is complete or time is up."""
        self.completed_ = True
        try:
            self._run_search(evaluation.evaluate_candidates, callback_ctx=root)
        except TimeIsUp:
            self.completed_ = False
        evaluation.check_any()
        if journal is not None and self.completed_:
            journal.complete()

    def _root_context(self, hook):
        if not hasattr(self, "_init_callback_context"):  # scikit-learn before 1.9
            return None
        root = self._init_callback_context(max_subtasks=1 + (self.refit is not False))
        return root.call_on_fit_task_begin(**hook)

    def _split(self, X, y, params):
        """The splits of the whole search: candidates are compared on the same rows."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = cv.get_n_splits(X, y, **params)
        splits = list(cv.split(X, y, **params))
        if not splits:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no "
                "candidates?"
            )
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. Expected "
                f"{self.n_splits_} splits, got {len(splits)}"
            )
        return splits

    def _open_journal(self, data, params, scorers, stack):
        """The journal, if there is to be one; sets `seed_`."""
        if isinstance(self.random_state, Integral):
            self.seed_ = int(self.random_state)
        else:
            draws = check_random_state(self.random_state)
            self.seed_ = int(draws.randint(2**31 - 1))
        if self.journal is None:
            return None
        # All that was passed, as some of it may be for the scorer alone.
        parts = fingerprint(self, data.X, data.y, params, data.splits, scorers)
        journal = stack.enter_context(Journal(self.journal, parts, self.seed_))
        self.seed_ = journal.seed
        return journal

    def _choose(self, evaluation, refit_metric):
        """Set best_*, as scikit-learn does."""
        results, first_scores = evaluation.results, evaluation.out[0]["test_scores"]
        self.multimetric_ = isinstance(first_scores, dict)
        # What a callable `scoring` returns is only known now.
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]
        self._best_row = {
            name: results[name][self.best_index_] for name in evaluation.more_results
        }

    def _fit_best(self, data, root, hook):
        # The parameters may be estimators, and are not to be fitted themselves.
        best = clone(data.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best
        with subtask_of(root, "refit-with-best-params", best, hook):
            start = time.time()
            self._refit(best, data.X, data.y, data.fit_params)
            self.refit_time_ = time.time() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
