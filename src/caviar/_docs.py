"""The docstrings of the estimators, whose parameters are the same but for ``loss``."""

_LOSS = """loss : {'squared_error', 'poisson'}, default='squared_error'
        What is minimized. 'squared_error' is half the mean squared error; 'poisson' is
        half the Poisson deviance, with the exponential as output activation, for targets
        that are counts or rates (``y >= 0``).

    """

_PARAMETERS = """hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        The ith element is the number of units of the ith hidden layer. Two layers of 64
        to 256 units are a good start on tables.

    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation of the hidden layers: x, 1 / (1 + exp(-x)), tanh(x) or max(0, x).

    solver : {'adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'lbfgs'}, default='adam'
        What minimizes the loss. g is the gradient of a minibatch, lr the learning rate.

        - 'adam': ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``,
          ``w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)`` [1]_.
          `epsilon` is added as in the paper's "epsilon hat" form and in scikit-learn;
          PyTorch adds it to the bias-corrected root.
        - 'adamw': Adam, with every weight first multiplied by
          ``1 - lr * weight_decay`` [2]_.
        - 'sgd': ``v = momentum v - lr g``, ``w += v``; with `nesterovs_momentum`
          ``w += momentum v - lr g``.
        - 'rmsprop': ``s = rho s + (1 - rho) g^2``, ``w -= lr g / (sqrt(s) + epsilon)``
          [3]_.
        - 'adagrad': ``h += g^2``, ``w -= lr g / (sqrt(h) + epsilon)`` [4]_. Wants a
          larger learning rate, such as 0.01 or 0.1.
        - 'lbfgs': scipy's L-BFGS-B on all rows at once. Often best below some thousand
          rows.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(w^2)`` on the weights, which is
        divided by the number (or weight) of the rows when it is added to the loss.

    batch_size : int or {'auto', 'full'}, default='auto'
        Rows of a minibatch; 'auto' is ``min(200, n_samples)``, 'full' all rows. Not used
        by 'lbfgs'. A rule of thumb: all rows up to 2,000 of them, above that a power of
        two from 32 to 512. With `batch_norm` at least 2; a last batch of one row joins
        the batch before it.

    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        How the learning rate of 'sgd' goes on from `learning_rate_init`.

        - 'constant': it stays.
        - 'invscaling': ``learning_rate_init / (t + 1)^power_t`` after t rows.
        - 'adaptive': it is divided by 5 each time training would stop, and training
          stops when it is at most 1e-6.

    learning_rate_init : float, default=0.001
        The first learning rate: what to tune first, on a logarithmic scale from 1e-4 to
        1. A new value set between two calls of partial_fit is used from then on. Not
        used by 'lbfgs'.

    power_t : float, default=0.5
        Exponent of ``learning_rate='invscaling'``.

    max_iter : int, default=200
        Greatest number of epochs, or of iterations of 'lbfgs'.

    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.

    random_state : int, RandomState instance, default=None
        Determines the first weights, the split of early stopping and the shuffles. Pass
        an int for the same result in every call.

    tol : float, default=1e-4
        Training stops when the loss, or the score of early stopping, has not improved by
        `tol` for `n_iter_no_change` epochs. The gradient tolerance of 'lbfgs'.

    verbose : bool, default=False
        Whether to print the loss of each epoch.

    warm_start : bool, default=False
        Whether fit goes on from the weights of the call before.

    momentum : float, default=0.9
        Of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether the momentum of 'sgd' is Nesterov's.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows, score them after each epoch
        (%(score)s), stop when that no longer improves, and keep the best
        weights together with the batch-norm statistics they were scored with.

    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out, in [0, 1).

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments of 'adam' and 'adamw', in [0, 1).

    epsilon : float, default=1e-8
        Added to the root in 'adam', 'adamw', 'rmsprop' and 'adagrad'.

    n_iter_no_change : int, default=10
        Epochs without improvement before training stops; ``np.inf`` for never.

    max_fun : int, default=15000
        Greatest number of loss evaluations of 'lbfgs'.

    batch_norm : bool or {'pre', 'post'}, default=False
        Batch normalization [5]_ of every hidden layer, before the activation (True or
        'pre') or after it ('post'). Per unit and batch ``y = gamma (z - mu) /
        sqrt(var + bn_epsilon) + beta``; in prediction mu and var are running averages.
        Makes deep networks and logistic or tanh units train at larger learning rates;
        try it first with ``learning_rate_init=0.01``.

    bn_momentum : float, default=0.9
        ``running = bn_momentum * running + (1 - bn_momentum) * batch``, with the bias of
        the first batches corrected, as Adam corrects its moments. In [0, 1); 0.9 averages
        about the last ten batches, 0.99 the last hundred.

    bn_epsilon : float, default=1e-5
        Added to the variance.

    rho : float, default=0.9
        Decay rate of 'rmsprop', in [0, 1).

    weight_decay : float, default=0.0
        Decoupled decay of the weights by 'adamw', and by it alone; try 0.01.

    dtype : {None, 'float32', 'float64'}, default=None
        Of the network. None follows X, as in scikit-learn: float32 stays, all else
        becomes float64. 'float32' is about twice as fast, and enough for most data.

    n_jobs : int, default=None
        Threads that one fit may use; -1 for all cores. None means 1, unless a
        :func:`joblib.parallel_config` context says otherwise. Only large layers are
        shared out (products of 0.8 billion operations and more: 512 rows of 1024 x 784),
        smaller networks train as with 1; and a fit takes no more threads than other fits
        of the process leave cores. The result has the same bits for any number.
        Leave it None in searches: their own `n_jobs` uses the cores better."""

_ATTRIBUTES = """loss_ : float
        Loss of the last epoch: its mean over rows, in the units of the loss
        (nats%(unit)s), L2 penalty included.

    best_loss_ : float or None
        Least loss of any epoch; None with early stopping. Not set by 'lbfgs'.

    loss_curve_ : list of float
        Loss of each epoch. Not set by 'lbfgs'.

    validation_scores_ : list of float or None
        Score of the held-out rows after each epoch; None without early stopping.

    best_validation_score_ : float or None
        The best of them.

    learning_rate_ : float
        Learning rate after the last epoch. Not set by 'lbfgs'.

    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights of each layer of the inference network: a plain perceptron that predicts
        what this estimator predicts, batch normalization folded in. Without batch
        normalization they are views of `params_`.

    intercepts_ : list of ndarray of shape (fan_out,)
        Its intercepts.

    params_ : ndarray of shape (n_params,)
        What is trained: ``[W_0 .. W_L | gamma_0 .. | b_0 .. b_L]``, each W row by row,
        with beta in the place of b where batch normalization comes before the
        activation, and ``| beta_0 ..`` at the end where it comes after.

    stats_ : ndarray of shape (n_stats,)
        Running statistics of batch normalization, ``[mean_0 .. | var_0 ..]``; empty
        without it.

    n_iter_ : int
        Epochs, or iterations of 'lbfgs', of the last call.

    t_ : int
        Rows seen in training.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    n_layers_ : int
        Number of layers, input and output included.

    n_outputs_ : int
        Number of outputs.

    out_activation_ : str
        Activation of the output layer."""

_REFERENCES = """.. [1] Kingma & Ba, "Adam: A method for stochastic optimization",
       ICLR 2015, end of section 2. :arxiv:`1412.6980`
    .. [2] Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019,
       algorithm 2. :arxiv:`1711.05101`
    .. [3] Tieleman & Hinton, "Lecture 6.5: RMSProp", COURSERA: Neural networks for
       machine learning, 2012.
    .. [4] Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and
       stochastic optimization", JMLR 12, 2011.
    .. [5] Ioffe & Szegedy, "Batch normalization: Accelerating deep network training by
       reducing internal covariate shift", ICML 2015, algorithm 1. :arxiv:`1502.03167`"""

_NOTES = """Whatever scikit-learn's estimator of this name does, it does with the same
    parameters, defaults, attributes, warnings and errors, and with the same
    `random_state` in float64 it computes the same numbers. A prediction uses one core,
    and so does a fit without `n_jobs`; searches run them in parallel.

    A fit that fails leaves the estimator as it was. Ctrl-C leaves it fitted with the
    weights trained so far, and KeyboardInterrupt is raised."""

CLASSIFIER = f"""Multi-layer perceptron classifier.

    Minimizes the log loss by minibatch gradient descent or L-BFGS, with batch
    normalization if asked to. A drop-in replacement of
    :class:`sklearn.neural_network.MLPClassifier`.

    Parameters
    ----------
    {_PARAMETERS % {"score": "accuracy; the split is stratified by two classes"}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.

    {_ATTRIBUTES % {"unit": ""}}

    See Also
    --------
    MLPRegressor : Multi-layer perceptron regressor.

    Notes
    -----
    {_NOTES}

    References
    ----------
    {_REFERENCES}

    Examples
    --------
    >>> from caviar import MLPClassifier
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> clf = MLPClassifier(
    ...     (64,), batch_norm=True, early_stopping=True, dtype="float32", random_state=0
    ... ).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    >>> clf.predict_proba(X_test[:1]).shape
    (1, 10)
    """

REGRESSOR = f"""Multi-layer perceptron regressor.

    Minimizes the squared error or the Poisson deviance by minibatch gradient descent or
    L-BFGS, with batch normalization if asked to. A drop-in replacement of
    :class:`sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    {_LOSS}{_PARAMETERS % {"score": "R squared"}}

    Attributes
    ----------
    {_ATTRIBUTES % {"unit": " or squared units of y"}}

    See Also
    --------
    MLPClassifier : Multi-layer perceptron classifier.

    Notes
    -----
    {_NOTES}

    With several outputs `loss_` averages the squared error over them while the gradient
    sums it, as in scikit-learn.

    References
    ----------
    {_REFERENCES}

    Examples
    --------
    >>> from caviar import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor(
    ...     hidden_layer_sizes=(32,), batch_norm=True, max_iter=50, tol=0, random_state=0
    ... ).fit(scale(X), scale(y))
    >>> reg.predict(scale(X)[:2]).shape
    (2,)
    >>> reg.score(scale(X), scale(y)) > 0.5
    True
    """
