"""Scores, failures, the winner and what is printed, as users of GridSearchCV know them.

The oracle is GridSearchCV, as in test_search_citizens.py.
"""

import re
import warnings

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV

from searches import (
    BY_EPOCHS,
    N_ROWS,
    X,
    Y,
    assert_rows_are_fits_from_scratch,
    by_epochs,
    epochs_of,
    every_search,
    mlp,
    short_trainings,
    small,
)

pytestmark = short_trainings


# -- scoring, refit, return_train_score ------------------------------------------------


def two_scores(estimator, X, y):
    predicted = estimator.predict(X)
    return {
        "accuracy": accuracy_score(y, predicted),
        "f1": f1_score(y, predicted, average="macro"),
    }


def log_loss_of(estimator, X, y):
    return estimator.predict_log_proba(X)[np.arange(len(y)), y].mean()


@pytest.mark.parametrize(
    "scoring, metric, return_train_score",
    [
        (None, None, False),
        ("neg_log_loss", None, True),
        (log_loss_of, None, False),
        (make_scorer(f1_score, average="macro"), None, True),
        (["accuracy", "neg_log_loss"], "neg_log_loss", True),
        (("accuracy",), "accuracy", False),
        ({"acc": "accuracy", "nll": log_loss_of}, "nll", False),
        (two_scores, "f1", True),
    ],
    ids=["none", "str", "callable", "scorer", "list", "tuple", "dict", "returns_dict"],
)
@every_search
def test_every_kind_of_scoring_scores_as_grid_search_does(
    cls, scoring, metric, return_train_score
):
    refit = True if metric is None else metric
    search = small(
        cls, scoring=scoring, refit=refit, return_train_score=return_train_score
    ).fit(X, Y)
    assert_rows_are_fits_from_scratch(search, X, Y)
    assert search.multimetric_ == (metric is not None)

    name = metric or "score"
    assert any("_train_" in key for key in search.cv_results_) == return_train_score
    test = search.cv_results_[f"mean_test_{name}"]
    np.testing.assert_array_equal(
        search.cv_results_[f"rank_test_{name}"], rankdata(-test, method="min")
    )
    assert search.best_score_ == test[search.best_index_]
    grid = GridSearchCV(search.best_estimator_, {}, scoring=scoring, refit=refit)
    assert search.score(X, Y) == grid.fit(X, Y).score(X, Y)


@every_search
def test_best_is_the_best_of_the_rows_trained_longest(cls):
    search = small(cls, scoring="neg_log_loss").fit(X, Y)
    test, epochs = search.cv_results_["mean_test_score"], epochs_of(search)
    assert epochs[search.best_index_] == epochs.max()
    assert search.best_score_ == test[epochs == epochs.max()].max()
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert search.best_params_.keys() == {"learning_rate_init", "alpha"}


@every_search
def test_refit_trains_the_best_on_all_rows_for_its_epochs(cls):
    search = small(cls).fit(X, Y)
    epochs = int(epochs_of(search)[search.best_index_])
    alone = mlp(max_iter=epochs, **search.best_params_).fit(X, Y)
    best = search.best_estimator_
    assert best.n_iter_ == best.max_iter == epochs
    np.testing.assert_array_equal(best.params_, alone.params_)
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))
    np.testing.assert_array_equal(search.classes_, [0, 1, 2])
    assert search.n_features_in_ == 4
    assert search.refit_time_ > 0
    assert search.score(X, Y) == alone.score(X, Y)


@every_search
def test_without_refit_there_are_results_and_no_estimator(cls):
    search = small(cls, refit=False).fit(X, Y)
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        search.predict(X)
    several = small(cls, refit=False, scoring=["accuracy", "f1_macro"]).fit(X, Y)
    assert not hasattr(several, "best_index_")
    np.testing.assert_array_equal(
        several.cv_results_["mean_test_accuracy"], search.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("scoring", [None, ["accuracy", "neg_log_loss"]], ids=str)
@every_search
def test_a_callable_refit_chooses_any_row_and_its_epochs(cls, scoring):
    def second(results):
        assert "epochs" in results or cls not in BY_EPOCHS
        return 1

    search = small(cls, refit=second, scoring=scoring).fit(X, Y)
    assert search.best_index_ == 1
    assert search.best_params_ == search.cv_results_["params"][1]
    assert not hasattr(search, "best_score_")
    epochs = int(epochs_of(search)[1])
    alone = mlp(max_iter=epochs, **search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(search.best_estimator_.params_, alone.params_)


@pytest.mark.parametrize(
    "chosen, error, message",
    [
        (None, TypeError, "best_index_ returned is not an integer"),
        (-1, IndexError, "best_index_ index out of range"),
        (10**6, IndexError, "best_index_ index out of range"),
    ],
)
@every_search
def test_a_callable_refit_must_return_the_number_of_a_row(cls, chosen, error, message):
    with pytest.raises(error, match=message):
        small(cls, refit=lambda results: chosen).fit(X, Y)


@pytest.mark.parametrize("return_train_score", [True, False])
@every_search
def test_scores_that_are_not_finite_are_told_and_rank_last(cls, return_train_score):
    """alpha tells where; the warnings are scikit-learn's, of test and training scores."""

    def scoring(estimator, X, y):
        return np.nan if estimator.alpha > 1e-4 else estimator.score(X, y)

    search = small(cls, scoring=scoring, return_train_score=return_train_score)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        search.fit(X, Y)
    kinds = ("test", "train") if return_train_score else ("test",)
    told = {
        k for k in ("test", "train") for w in caught if f"the {k} sc" in str(w.message)
    }
    assert told == set(kinds)
    bad = search.cv_results_["param_alpha"] > 1e-4
    rank = search.cv_results_["rank_test_score"]
    assert 0 < bad.sum() < len(bad)
    assert set(rank[bad]) == {rank.max()}
    assert rank[~bad].max() < rank.max()
    assert search.best_params_["alpha"] == 1e-5


@every_search
def test_several_metrics_need_the_name_of_one(cls):
    for refit in (True, "recall"):
        search = small(cls, scoring=["accuracy", "f1_macro"], refit=refit)
        with pytest.raises(ValueError, match="refit must be set to a scorer key"):
            search.fit(X, Y)
    search = small(cls, scoring=two_scores, refit="recall")
    with pytest.raises(ValueError, match="refit must be set to a scorer key"):
        search.fit(X, Y)


# -- error_score -----------------------------------------------------------------------

WITH_A_BAD_ONE = {"alpha": [1e-4, -1.0], "learning_rate_init": [0.001, 0.01, 0.1]}


@pytest.mark.parametrize("error_score", [np.nan, 0.0])
@every_search
def test_a_failed_candidate_has_error_score_and_does_not_win(cls, error_score):
    search = small(cls, space=WITH_A_BAD_ONE, error_score=error_score)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    message = str(next(w for w in caught if w.category is FitFailedWarning).message)
    assert "fits failed" in message
    assert "The 'alpha' parameter of MLPClassifier must be" in message
    assert f"will be set to {error_score}" in message

    bad = search.cv_results_["param_alpha"] == -1.0
    assert 0 < bad.sum() < len(bad)
    test = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(test[bad], np.full(bad.sum(), error_score))
    assert np.isfinite(test[~bad]).all()
    assert search.best_params_["alpha"] == 1e-4
    last = search.cv_results_["rank_test_score"][bad]
    assert (last > search.cv_results_["rank_test_score"][~bad].max()).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_rows_are_fits_from_scratch(search, X, Y)


@every_search
def test_error_score_raise_raises_the_error_of_the_fit(cls):
    search = small(cls, space=WITH_A_BAD_ONE, error_score="raise")
    with pytest.raises(ValueError, match=r"'alpha' parameter .* Got -1.0 instead"):
        search.fit(X, Y)
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize("error_score", [np.nan, 0.0])
@every_search
def test_where_all_fits_fail_the_error_says_so_with_the_cause(cls, error_score):
    space = {"alpha": [-1.0, -2.0, -3.0, -4.0]}
    search = small(cls, space=space, error_score=error_score)
    with pytest.raises(ValueError, match=r"(?s)All the \d+ fits failed.*'alpha'"):
        search.fit(X, Y)


class FailsLater(SGDClassifier):
    """Fails at its third epoch where alpha is above 0.5."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.n_epochs_ = getattr(self, "n_epochs_", 0) + 1
        if self.alpha > 0.5 and self.n_epochs_ == 3:
            raise ArithmeticError("the third epoch failed")
        return super().partial_fit(X, y, classes, sample_weight)


@by_epochs
def test_a_candidate_that_fails_in_a_later_round_is_scored_before_and_nan_after(cls):
    """alpha 1 is a guess of one class, 1e-4 learns: but for the failure both survive."""
    estimator = FailsLater(random_state=0, penalty=None)
    search = small(cls, estimator, {"alpha": [1e-4, 1.0]}, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    bad = search.cv_results_["param_alpha"] == 1.0
    test, epochs = search.cv_results_["mean_test_score"], search.cv_results_["epochs"]
    assert np.isfinite(test[bad & (epochs < 3)]).all()
    assert np.isnan(test[bad & (epochs >= 3)]).all()
    assert np.isfinite(test[~bad]).all()
    if (bad & (epochs >= 3)).any():
        assert any("the third epoch failed" in str(w.message) for w in caught)
    assert search.best_params_ == {"alpha": 1e-4}


class FailsTogether(FailsLater):
    """Fails at its third epoch, whatever its parameters."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.alpha_, self.alpha = self.alpha, 1.0
        try:
            return super().partial_fit(X, y, classes, sample_weight)
        finally:
            self.alpha = self.alpha_


@pytest.mark.parametrize("scoring", [None, two_scores])
@by_epochs
def test_a_round_of_failures_does_not_end_a_search_that_has_scores(cls, scoring):
    estimator = FailsTogether(random_state=0)
    search = small(cls, estimator, {"alpha": [1e-4, 1e-3, 1e-2, 0.1]}, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.set_params(scoring=scoring).fit(X, Y)
    message = next(str(w.message) for w in caught if w.category is FitFailedWarning)
    assert message.startswith("In a round of the search")
    assert "the third epoch failed" in message
    name = "mean_test_f1" if scoring else "mean_test_score"
    failed = search.cv_results_["epochs"] >= 3
    np.testing.assert_array_equal(np.isnan(search.cv_results_[name]), failed)


# -- verbose ---------------------------------------------------------------------------


@pytest.mark.parametrize("return_train_score", [True, False])
@every_search
def test_verbose_tells_fits_and_scores_in_grid_searchs_words(
    cls, return_train_score, capsys
):
    search = small(cls, verbose=3, return_train_score=return_train_score, refit=False)
    search.fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    totals = [line for line in lines if line.startswith("Fitting 2 folds for each of")]
    n_candidates = [int(re.search(r"of (\d+) candidates", t)[1]) for t in totals]
    assert sum(n_candidates) == N_ROWS[cls]
    train = r"train=[\d.]+, test=" if return_train_score else ""
    score = rf"\[CV 1/2\] END .*alpha=.*score=\(?{train}[\d.]+\)?"
    assert sum(bool(re.match(score, line)) for line in lines) == N_ROWS[cls]
    small(cls, verbose=0, refit=False).fit(X, Y)
    assert capsys.readouterr().out == ""
