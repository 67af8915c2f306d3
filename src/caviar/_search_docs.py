"""The docstrings of the searches, whose parameters are the same but for a few."""

_FIRST = """estimator : estimator object
        What is tuned: {learner}.

    param_distributions : dict or list of dicts
        What is searched: a distribution for each parameter, by name (of
        `caviar.distributions`, which has `default_space`; one of scipy's frozen
        distributions; or a list, each entry as likely). Of a list of dicts one is drawn
        first.

    """

_COMMON = """scoring : str, callable, list, tuple, dict or None, default=None
        How candidates are scored on the rows left out, as in scikit-learn's searches;
        None for the estimator's own score.{ranking}

    n_jobs : int or None, default=None
        How many fits run at once, in joblib's backend of the moment; None is one, -1 as
        many as there are cores.

    refit : bool, str or callable, default=True
        Whether the winner is fitted on all rows, to be `best_estimator_`. With several
        metrics the name of the one that decides. A callable takes `cv_results_` and
        returns `best_index_`.

    cv : int, splitter, iterable or None, default=None
        The splits, as in scikit-learn's searches; None is 5 folds. They are made once: all
        candidates of all rounds are compared on the same rows.

    verbose : int, default=0
        As in scikit-learn's searches: 1 counts, 2 and more print a line for each fit.

    pre_dispatch : int or str, default='2*n_jobs'
        How many fits joblib hands to workers in advance.

    random_state : int, RandomState instance or None, default=None
        What candidates are drawn with. Give an int for results that can be reproduced;
        the networks have a `random_state` of their own.

    error_score : 'raise' or float, default=nan
        The score of a fit that fails, with a warning; or to raise its error.

    return_train_score : bool, default=False
        Whether candidates are also scored on the rows that they were trained on.

    time_budget : float or None, default=None
        Seconds. After them no fit begins; those that run are finished, and candidates
        that have not been scored on all splits are left out. The winner is fitted after
        that.

    journal : str, path-like or None, default=None
        A file that keeps every result as it comes. After Ctrl-C, a crash or the end of the
        time budget the same call goes on from there, and repeats nothing but the fits that
        were running. A journal of another search is refused; see `read_journal`.

    """

_COMMON_ATTRIBUTES = """cv_results_ : dict of ndarrays
        As of scikit-learn's searches, with further columns: {columns}.

    best_estimator_ : estimator
        The winner, fitted on all rows{best}. Not with ``refit=False``.

    best_score_ : float
        Its mean score.

    best_params_ : dict
        Its parameters, of those searched.

    best_index_ : int
        Its row of `cv_results_`.

    seed_ : int
        What the candidates were drawn with.

    completed_ : bool
        Whether all rounds were run; False where `time_budget` ended them.

    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, \
feature_names_in_
        As of scikit-learn's searches.

    """

_EPOCH_LEARNER = """a classifier or regressor with partial_fit, such as caviar's
        networks, or a Pipeline or TransformedTargetRegressor around one. Of a pipeline the
        steps before the last are fitted once for each split"""

_EPOCH_RANKING = """ With several metrics the one that
        `refit` names decides who goes on, else the first."""

_EPOCH_COLUMNS = """``bracket`` and
        ``round`` (from 0), ``candidate`` (its number in the bracket), ``epochs`` (those it
        had been trained in all when it was scored) and ``epochs_trained`` (in this round,
        summed over the splits). A candidate has one row for each round it was in"""

_EPOCH_ATTRIBUTES = """n_epochs_ : int
        Epochs trained in all, over candidates and splits, without the last fit.

    n_iter_ : int
        Epochs of the best row of `cv_results_`, and of `best_estimator_`. Where there is a
        best, as for `best_index_`.

    brackets_ : list of dict
        For each bracket ``n_candidates`` and ``epochs``, lists over its rounds.

"""

_EPOCHS = """Candidates of caviar's networks get the epochs of the last round as `max_iter`,
    and so as the length of their learning-rate schedules; they go on between rounds with
    the bits of a fit that never stopped: shuffles, optimizer, schedule, dropout and
    averages go on, too. Their own stopping rules hold (`n_iter_no_change`,
    `early_stopping`); one that stopped costs no more epochs. Any other estimator is
    trained by partial_fit on all its rows, one call an epoch.

    Ranks are by the mean over the splits; of equals the first drawn is the better.

"""

_SIGNATURE = """max_iter : int, default=81
        The most epochs that a candidate is trained{max_iter}.

    aggressiveness : float, default=3
        The factor, greater than 1: {aggressiveness}.

    """

_REFERENCES = """References
    ----------
    .. [1] K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and
       Hyperparameter Optimization", AISTATS 2016.
    .. [2] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: A
       Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18, 2018.

"""


def common(ranking=""):
    """The parameters that all searches have after their own."""
    return _COMMON.format(ranking=ranking)


def attributes(columns, best=""):
    """The fitted attributes that all searches have."""
    return _COMMON_ATTRIBUTES.format(columns=columns, best=best)


def first(learner):
    """The two parameters that all searches begin with."""
    return _FIRST.format(learner=learner)


_EPOCH_FIRST = first(_EPOCH_LEARNER)
_EPOCH_LAST = common(_EPOCH_RANKING)
_EPOCH_RESULTS = (
    attributes(_EPOCH_COLUMNS, " for as many epochs as in the search")
    + _EPOCH_ATTRIBUTES
)

HALVING = f"""Many candidates are trained a little; the best go on, and on.

    Successive halving [1]_: in each round all candidates that are left are trained until
    the round's number of epochs and scored by cross-validation; the best ``1 /
    aggressiveness`` of them go on, for `aggressiveness` times as many epochs, from where
    they stopped.

    Parameters
    ----------
    {_EPOCH_FIRST}n_initial_parameters : int, default=27
        How many candidates are drawn.

    n_initial_iter : int or None, default=None
        Epochs after which the first round ends. None for as many as let the last round
        end with `max_iter`. More, with fewer rounds, are for networks that begin slowly:
        a small learning rate may win late.

    {
    _SIGNATURE.format(
        max_iter="",
        aggressiveness="one candidate in so many goes on, for so many times the epochs",
    )
}{_EPOCH_LAST}
    Attributes
    ----------
    {_EPOCH_RESULTS}
    See Also
    --------
    HyperbandSearchCV : Does without a guess at `n_initial_iter`.
    CoarseToFineSearchCV : For estimators without partial_fit, too.

    Notes
    -----
    {_EPOCHS}
    {_REFERENCES}
    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.distributions import LogUniform
    >>> from caviar.model_selection import SuccessiveHalvingSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SuccessiveHalvingSearchCV(
    ...     MLPClassifier(random_state=0),
    ...     {{"learning_rate_init": LogUniform(1e-4, 1e-1), "batch_norm": [False, True]}},
    ...     n_initial_parameters=9,
    ...     max_iter=27,
    ...     cv=3,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> search.brackets_
    [{{'n_candidates': [9, 3, 1], 'epochs': [3, 9, 27]}}]
    >>> search.n_epochs_  # without halving 9 x 27 x 3 = 729
    189
    """

HYPERBAND = f"""Successive halving, from many candidates and few epochs to few and many.

    Hyperband [2]_: how early the worst can be told is not known, so brackets of successive
    halving differ in it: the first begins with the most candidates and one epoch, the
    last trains a few for `max_iter` epochs from the start. Each costs about the same, and
    the best of all wins.

    Parameters
    ----------
    {_EPOCH_FIRST}{
    _SIGNATURE.format(
        max_iter='''. It sets the whole search: there are
        ``s_max + 1`` brackets, ``s_max = floor(log(max_iter) / log(aggressiveness))``, the
        first of ``aggressiveness^s_max`` candidates''',
        aggressiveness='''eta in [2]_. One candidate in so many goes
        on, for so many times the epochs''',
    )
}{_EPOCH_LAST}
    Attributes
    ----------
    {_EPOCH_RESULTS}
    See Also
    --------
    SuccessiveHalvingSearchCV : One bracket.
    CoarseToFineSearchCV : For estimators without partial_fit, too.

    Notes
    -----
    Brackets are those of Algorithm 1 in [2]_: with ``R = max_iter`` and
    ``eta = aggressiveness``, bracket s begins with ``ceil((s_max + 1) / (s + 1) eta^s)``
    candidates and ``R / eta^s`` epochs. With 81 and 3 there are 81, 34, 15, 8 and 5.
    (The paper's Table 1 rounds ``(s_max + 1) / (s + 1)`` down first.)

    {_EPOCHS}
    {_REFERENCES}
    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.distributions import LogUniform
    >>> from caviar.model_selection import HyperbandSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = HyperbandSearchCV(
    ...     MLPClassifier(random_state=0),
    ...     {{"learning_rate_init": LogUniform(1e-4, 1e-1), "batch_norm": [False, True]}},
    ...     max_iter=9,
    ...     cv=3,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> for bracket in search.brackets_:
    ...     print(bracket["n_candidates"], bracket["epochs"])
    [9, 3, 1] [1, 3, 9]
    [5, 1] [3, 9]
    [3] [9]
    """
