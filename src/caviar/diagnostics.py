"""Diagnostics: what goes on inside a network, and what is wrong where it does not learn.

The seven steps of a careful training, as functions:

1. `check_initial_loss`: is the loss right before training?
2. `overfit_small_sample`: can the network learn fifty rows by heart?
3. `learning_rate_range_test`: which learning rates make the loss fall?
4. and 5. a coarse search, then a finer one: `caviar.model_selection.CoarseToFineSearchCV`.
6. `diagnose`: what do the curves say?
7. Back to 5.

`checkup` runs 1, 2, 3 and 6, looks at the data before, and prints one page; `retest` asks
whether an earlier search's winner still is one. `activation_statistics` looks inside.
Nothing here changes an estimator that it is given.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from . import _checkup, _first_loss, _rate_test, _retest, _small_sample
from ._activations import ActivationStatistics, activation_statistics
from ._checkup import Checkup
from ._diagnosed import find_problem
from ._findings import Finding
from ._first_loss import InitialLoss
from ._rate_test import LearningRateRange
from ._retest import Retest
from ._small_sample import SmallSampleFit
from ._verdicts import Diagnosis, diagnose_curves

__all__ = [
    "ActivationStatistics",
    "Checkup",
    "Diagnosis",
    "Finding",
    "InitialLoss",
    "LearningRateRange",
    "Retest",
    "SmallSampleFit",
    "activation_statistics",
    "check_initial_loss",
    "checkup",
    "diagnose",
    "learning_rate_range_test",
    "overfit_small_sample",
    "retest",
]


def check_initial_loss(estimator, X, y, sample_weight=None, *, random_state=0):
    """Step 1: whether the loss is right before training.

    A network that knows nothing yet should say so. With outputs near zero its softmax gives
    each of K classes the probability 1/K: a loss of log K, log 2 for each label, and for a
    regression the loss of predicting 0. A loss far above means that the network is sure of
    something before it has seen a row: inputs or first weights are too large. Which of
    the two is found by trying. Of a regression the targets' scale is looked at, too.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a pipeline round one
        Or a TransformedTargetRegressor round either.
        It is not changed. Steps before the network are fitted on X and y, by clones.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Of more than 2,000 rows that many are drawn.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
    random_state : int, RandomState instance or None, default=0
        Of the rows drawn, and of first weights after those of the estimator's own
        `random_state`.

    Returns
    -------
    InitialLoss
        Losses are means over the rows, in nats or squared units as in `loss_curve_`, of all
        rows as one batch, without penalties, dropout or augmentation.

    Raises
    ------
    TypeError
        For another kind of estimator.
    ValueError
        For data or parameters that `fit` would refuse.

    References
    ----------
    Karpathy, Stanford CS231n, "Neural networks, part 3: sanity checks".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier
    >>> from caviar.diagnostics import check_initial_loss
    >>> X, y = load_digits(return_X_y=True)
    >>> check_initial_loss(MLPClassifier(random_state=0), X / 16, y)
    [ok]      The first loss is right: 2.37, and log 10 is 2.3.
              Before training the network's outputs are near zero: it believes
              nothing yet. To know only how often each target occurs gives 2.3.
    >>> found = check_initial_loss(MLPClassifier(random_state=0), X, y)
    >>> found.status, found.explanation.split(":")[0]
    ('problem', 'The inputs are too large')
    """
    problem = find_problem(estimator, X, y, sample_weight)
    return _first_loss.check(problem, random_state)


def overfit_small_sample(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    n_samples=50,
    max_epochs=2000,
    random_state=0,
):
    """Step 2: whether the network can learn a few rows by heart.

    Without regularization, any network that is built and fed rightly can. If this one
    cannot, a full training will not go well either, and here it costs a second to find
    out why: scaled inputs, other rates, more units and so on are tried one by one until
    one of them helps.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a pipeline round one
        Or a TransformedTargetRegressor round either.
        It is not changed. Its penalties, dropout, augmentation and class weights are left
        out.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
    n_samples : int, default=50
        Rows to learn; 20 to 100 do. One of each class is among them.
    max_epochs : int, default=2000
        Of a few rows an epoch is one step.
    random_state : int, RandomState instance or None, default=0
        Of the rows drawn.

    Returns
    -------
    SmallSampleFit
        Its score is the accuracy, or R2 (where 0.99 will do).

    Raises
    ------
    TypeError
        For another kind of estimator.
    ValueError
        For data or parameters that `fit` would refuse.

    References
    ----------
    Karpathy, Stanford CS231n, "Neural networks, part 3: sanity checks".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier
    >>> from caviar.diagnostics import overfit_small_sample
    >>> X, y = load_digits(return_X_y=True)
    >>> found = overfit_small_sample(MLPClassifier((1,), random_state=0), X / 16, y)
    >>> found.ok, found.advice[0]
    (False, 'More units: hidden_layer_sizes=(256,), then as few as will do (now (1,))')
    """
    _check_integer("n_samples", n_samples, 2)
    _check_integer("max_epochs", max_epochs, 1)
    problem = find_problem(estimator, X, y, sample_weight)
    return _small_sample.check(problem, n_samples, max_epochs, random_state)


def learning_rate_range_test(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    low=1e-6,
    high=10.0,
    n_points=100,
    n_steps=100,
    random_state=0,
):
    """Step 3: which learning rates make the loss fall.

    A sweep goes through all sizes of rate in one training, a step at each, and ends where
    the loss has risen to four times its start: the curve to plot. Then short trainings
    from the same fresh weights, at 1 and 3 times the powers of ten, tell how far each rate
    gets; the suggestion is made from these.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a pipeline round one
        Or a TransformedTargetRegressor round either.
        With a stochastic solver. It is not changed. Its rate is held constant, whatever
        schedule it has.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        As many rows are used as `n_steps` batches have, and at most 20,000.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
    low, high : float, default=1e-6, 10.0
        Ends of the sweep.
    n_points : int, default=100
        Steps of the sweep.
    n_steps : int, default=100
        Of each short training, rounded up to whole epochs.
    random_state : int, RandomState instance or None, default=0
        Of the rows drawn, and of the weights where the estimator's own is no int.

    Returns
    -------
    LearningRateRange

    Raises
    ------
    TypeError
        For another kind of estimator.
    ValueError
        For solver='lbfgs', and for data or parameters that `fit` would refuse.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.
    :arxiv:`1506.01186`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier
    >>> from caviar.diagnostics import learning_rate_range_test
    >>> X, y = load_digits(return_X_y=True)
    >>> network = MLPClassifier((50,), solver="sgd", random_state=0)
    >>> found = learning_rate_range_test(network, X / 16, y)
    >>> found.falls
    {0.1: True, 0.01: True, 0.001: True, 0.0001: False}
    >>> network.set_params(learning_rate_init=found.suggestion).learning_rate_init
    0.1
    """
    _check_integer("n_points", n_points, 10)
    _check_integer("n_steps", n_steps, 1)
    for name, value in {"low": low, "high": high}.items():
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be a positive number, got {value!r}.")
    if not low < high:
        raise ValueError(f"`low` must be less than high={high!r}, got {low!r}.")
    problem = find_problem(estimator, X, y, sample_weight)
    if problem.network.solver == "lbfgs":
        raise ValueError(
            "`solver` must be a stochastic one, got 'lbfgs': it has no rate."
        )
    return _rate_test.check(problem, low, high, n_points, n_steps, random_state)


def diagnose(history):
    """Step 6: what the curves of a training say.

    Parameters
    ----------
    history : dict, fitted estimator or search, or TrainingSession
        A `history_`, or what has one: its parameters then make the advice concrete, and the
        loss of knowing nothing is known (log K of K classes). Of a dict only 'loss' is
        needed; 'validation_loss', 'validation_score' and 'learning_rate' are read where
        they are, and NaN or None stands for what is not known.

    Returns
    -------
    Diagnosis
        The verdict, the numbers behind it, and what to try. It does not depend on the unit
        of the loss. Numbers: `share_left` is the loss at the end (median of the last tenth
        of the epochs; the lower one of training and validation) over that of knowing
        nothing, `gap` validation less training loss there, `rise` the validation loss
        there less its least, `falls_at_end` what the last fifth lowered the training
        loss by, `roughness` its median step; the last four in shares of the loss of knowing
        nothing.

    Raises
    ------
    TypeError
        For what has no history.
    ValueError
        For a history without epochs.

    Notes
    -----
    The training loss of `history_` is the mean over an epoch, while weights changed, and
    has the penalty of `alpha` in it; the validation loss has neither.

    Examples
    --------
    >>> from caviar.diagnostics import diagnose
    >>> loss = [2.3, 1.1, 0.6, 0.4, 0.25, 0.16, 0.1, 0.06, 0.04, 0.03]
    >>> validation_loss = [1.5, 0.9, 0.7, 0.6, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]
    >>> diagnosis = diagnose({"loss": loss, "validation_loss": validation_loss})
    >>> diagnosis.verdict, diagnosis.numbers["best_epoch"]
    ('overfitting', 4)
    """
    if isinstance(history, dict):
        return diagnose_curves(history)
    if hasattr(history, "history") and hasattr(history, "estimator"):  # a session
        network, params = history.estimator, history.get_params()
        stopped = bool(params["early_stopping"]) and history.stopped is not None
        return diagnose_curves(history.history, _reference(network), params, stopped)
    network = _trained_network(history)
    return diagnose_curves(
        network.history_,
        _reference(network),
        network.get_params(),
        _was_stopped(network),
    )


def _was_stopped(network):
    """Whether early stopping ended the training, or kept weights of before its end."""
    best = getattr(network, "best_epoch_", None)
    if not network.early_stopping or best is None:
        return False
    return network.n_iter_ < network.max_iter or best < network.n_iter_


def _trained_network(estimator):
    """The fitted network inside an estimator or a search."""
    if hasattr(estimator, "best_estimator_"):
        return _trained_network(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        return _trained_network(estimator.steps[-1][1])
    if isinstance(estimator, TransformedTargetRegressor) and hasattr(
        estimator, "regressor_"
    ):
        return _trained_network(estimator.regressor_)
    if not hasattr(estimator, "history_"):
        raise TypeError(
            "`history` must be a `history_`, a fitted caviar estimator or a "
            f"TrainingSession, got {type(estimator).__name__}."
        )
    return estimator


def _reference(network):
    """The loss of outputs of zero, where the network tells it."""
    classes = getattr(network, "classes_", None)
    if classes is None or network.loss != "log_loss":
        return None
    if network.out_activation_ == "softmax":
        return float(np.log(len(classes)))
    return float(network.n_outputs_ * np.log(2))


def checkup(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    X_val=None,
    y_val=None,
    sample_weight_val=None,
    random_state=0,
    verbose=True,
):
    """Steps 1, 2, 3 and 6 in a row, and a look at the data: prints one page.

    The data first: missing values, one class, constant columns, columns out of scale, a
    column that gives the target away, validation rows that are training rows. Then
    the first loss, how the signal gets through the layers, fifty rows by heart, the
    range of learning rates, and a training with the diagnosis of its curves. Steps 4
    and 5, the searches, follow as code.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a pipeline round one
        Or a TransformedTargetRegressor round either.
        It is not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
        Given to the network; steps before it are fitted without.
    X_val, y_val, sample_weight_val : default=None
        Rows to validate with. None: a fifth of the rows is held out, if there are ten.
    random_state : int, RandomState instance or None, default=0
        Of all that is drawn, the network's weights included where its own is None. The
        same int gives the same page.
    verbose : bool, default=True
        Whether to print the page.

    Returns
    -------
    Checkup
        Its findings and `to_dict` are data, its `str` is the page.

    Raises
    ------
    TypeError
        For another kind of estimator.
    ValueError
        For parameters that `fit` would refuse. Data that it would refuse are a finding,
        unless a step of the pipeline refuses them.

    Notes
    -----
    It takes about a second for a table like digits. Much is looked at in a sample: leaks in
    3,000 rows and up to 2,000 columns, the training in 20,000 rows, cut to some seconds.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier
    >>> from caviar.diagnostics import checkup
    >>> X, y = load_digits(return_X_y=True)
    >>> network = MLPClassifier(activation="tanh", max_iter=20)
    >>> found = checkup(network, 100 * X, y, verbose=False)
    >>> for finding in found.findings[:3]:
    ...     print(finding.step, finding.status)
    data problem
    first loss ok
    signal problem
    """
    held_out = (X_val, y_val, sample_weight_val)
    found = _checkup.check(estimator, X, y, sample_weight, held_out, random_state)
    if verbose:
        print(found)
    return found


def retest(
    search, X_new, y_new, *, k=5, cv=None, scoring=None, n_jobs=None, **fit_params
):
    """Score the best candidates of an earlier search again, on new data.

    Old intuitions go stale: what was best for last year's data, or for a tenth of them, may
    not be now. The winner of many candidates is also partly the luckiest. This asks the
    runners-up again, by cross-validation on the new data, all on the same splits.

    Parameters
    ----------
    search : fitted search
        Of scikit-learn or caviar: anything with `cv_results_` and `scorer_`.
    X_new : array-like of shape (n_samples, n_features)
    y_new : array-like of shape (n_samples,) or (n_samples, n_outputs)
    k : int, default=5
        How many candidates, at most.
    cv : int, splitter or iterable of splits, default=None
        None for that of the search; where it was a list of splits, five folds.
    scoring : str, callable or None, default=None
        None for that of the search, of several metrics the one it refits by.
    n_jobs : int or None, default=None
        Fits at once.
    **fit_params : dict
        For the estimators' fit, such as sample_weight; `groups` goes to the splitter.

    Returns
    -------
    Retest
        Printed, a table.

    Raises
    ------
    TypeError
        For what is no fitted search.
    ValueError
        For a `k` below 1, and where no candidate has a finite score.

    References
    ----------
    Nadeau & Bengio, "Inference for the generalization error", Machine Learning 52, 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from caviar import MLPClassifier
    >>> from caviar.diagnostics import retest
    >>> X, y = load_digits(return_X_y=True)
    >>> network = MLPClassifier((30,), solver="lbfgs", max_iter=50, random_state=0)
    >>> search = GridSearchCV(network, {"alpha": [1e-3, 1.0]}, cv=2).fit(X[:500], y[:500])
    >>> found = retest(search, X[500:], y[500:])
    >>> found.verdict in ("holds", "changed", "undecided"), len(found.params)
    (True, 2)
    """
    if not hasattr(search, "cv_results_"):
        raise TypeError(
            f"`search` must be a fitted search, got {type(search).__name__}."
        )
    _check_integer("k", k, 1)
    return _retest.check(search, X_new, y_new, k, cv, scoring, n_jobs, fit_params)


def _check_integer(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be an integer in [{least}, inf), got {value!r}."
        )
