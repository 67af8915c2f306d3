"""The docstrings of the estimators, whose parameters are the same but for ``loss``."""

_LOSS = """loss : {'squared_error', 'poisson', 'absolute_error', 'huber', 'quantile'}, \
            default='squared_error'
        What is minimized; e is prediction less target.

        - 'squared_error': half the mean squared error.
        - 'poisson': half the Poisson deviance, with the exponential as output activation,
          for targets that are counts or rates (``y >= 0``).
        - 'absolute_error': ``|e|``, for the median; outliers weigh no more than others.
        - 'huber': ``e^2 / 2`` where ``|e| <= huber_delta``, else
          ``huber_delta (|e| - huber_delta / 2)`` [14]_. The first to try against outliers.
        - 'quantile': ``max(-quantile e, (1 - quantile) e)``, for a quantile [15]_; two
          of them, as 0.05 and 0.95, make an interval.

    """

_REGRESSION = """huber_delta : float, default=1.0
        Where the Huber loss turns from a square into a line, in units of y: with y
        standardized try 1, or 1.35 times the standard deviation of the noise.

    quantile : float, default=0.5
        Of ``loss='quantile'``, in (0, 1); 0.5 is the median.

    """

_CLASSIFICATION = """label_smoothing : float, default=0.0
        Targets become ``(1 - label_smoothing) y + label_smoothing / n_classes`` (two
        classes, and each label of several: half of it) [10]_. Keeps predictions from
        running to 0 and 1, and calibrates them; try 0.1. Not with ``loss='hinge'``.

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, ``{class: weight}``, which multiply the sample weights in
        training; 'balanced' is ``n_samples / (n_classes * n_samples_of_the_class)``. For
        classes of very different sizes where the rare ones matter; try 'balanced'.
        They count in the validation loss (and so with ``scoring='loss'``), not in other
        scores. A class without an entry has weight 1. For labels a list of one dict for
        each.

    loss : {'log_loss', 'focal', 'hinge'}, default='log_loss'
        What is minimized; p are the probabilities, z the outputs before them.

        - 'log_loss': ``-log p`` of the class.
        - 'focal': ``-(1 - p)^focal_gamma log p`` [11]_, in which rows that are right
          already hardly count: for many easy rows and few hard ones.
        - 'hinge': ``sum over other classes of max(0, 1 + z_other - z_class)`` [12]_, of
          two classes and of labels ``max(0, 1 - z)`` with the sign of the class. There
          is `decision_function` in place of probabilities.

    focal_gamma : float, default=2.0
        Exponent of the focal loss, 0 for the log loss; try 1 to 3.

    """

_PARAMETERS = """hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        The ith element is the number of units of the ith hidden layer. Two layers of 64
        to 256 units are a good start on tables.

    activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', \
            'gelu', 'silu', 'mish'} or list of them, default='relu'
        Activation of the hidden layers, or of each in turn.

        - 'identity': ``x``; 'logistic': ``1 / (1 + exp(-x))``; 'tanh'.
        - 'relu': ``max(0, x)``; the one to begin with.
        - 'leaky_relu': ``max(0.01 x, x)``, which cannot die; try it where many units are 0
          for every row.
        - 'elu': ``x`` or ``exp(x) - 1``; 'selu': the same, scaled such that activations
          normalize themselves [6]_: with ``weight_init='lecun_normal'`` and no batch norm.
        - 'gelu': ``x Phi(x)`` with the normal distribution function [7]_; 'silu':
          ``x / (1 + exp(-x))``; 'mish': ``x tanh(log(1 + exp(x)))`` [8]_. Smooth, and
          often a little better than 'relu' at some three times the cost of an activation.

    solver : {'adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lbfgs'}, \
            default='adam'
        What minimizes the loss. g is the gradient of a minibatch, lr the learning rate.

        - 'adam': ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``,
          ``w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)`` [1]_.
          `epsilon` is added as in the paper's "epsilon hat" form and in scikit-learn;
          PyTorch adds it to the bias-corrected root.
        - 'adamw': Adam, with every weight first multiplied by
          ``1 - lr * weight_decay`` [2]_. The one for ``weight_decay``.
        - 'nadam': Adam with Nesterov's momentum, whose schedule is that of [9]_ and of
          PyTorch; worth a try where 'adam' is slow to begin.
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

    learning_rate : str, schedule or callable, default='constant'
        How the learning rate goes on from `learning_rate_init`.

        - 'constant': it stays.
        - 'invscaling', with 'sgd' only: ``learning_rate_init / (t + 1)^power_t`` after t
          rows.
        - 'adaptive', with 'sgd' only: it is divided by 5 each time training would stop,
          and training stops when it is at most 1e-6.
        - 'inverse_time', 'exponential', 'sqrt', 'step', 'cosine', 'one_cycle', 'warmup',
          'flat_cosine', 'cos_log4', or a schedule of :mod:`caviar.schedules` with
          parameters of its own, for every solver but 'lbfgs': a factor of
          `learning_rate_init` for each step. Their ``n_epochs`` is `max_iter`. Try
          'cosine' first, or 'one_cycle', with a `learning_rate_init` two to ten times
          as large as a constant one, ``tol=0`` and the epochs you can afford.
        - Any ``f(progress, n_epochs)`` that returns such factors for an array
          ``progress`` of epochs.

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
        Determines the first weights, the split of early stopping, the shuffles, dropout
        and augmentation. Pass an int for the same result in every call.

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
        Whether to hold out `validation_fraction` of the rows, or to take the `X_val` of
        `fit`, score them after each epoch (`scoring`; by default %(score)s),
        stop when that no longer improves, and keep the best weights together with the
        batch-norm statistics they were scored with (`best_epoch_`). For whenever you do
        not know how many epochs to train; with a schedule, rather train to its end.

    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out, in [0, 1).

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments of 'adam', 'adamw' and 'nadam', in [0, 1). Seldom
        worth tuning; 0.95 or 0.99 for `beta_2` where gradients change quickly.

    epsilon : float, default=1e-8
        Added to the root in 'adam', 'adamw', 'nadam', 'rmsprop' and 'adagrad'.

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

    weight_init : str, default='sklearn'
        The first weights; i and o are a layer's inputs and units.

        - 'sklearn': uniform within ``sqrt(6 / (i + o))``, of 'logistic'
          ``sqrt(2 / (i + o))``, intercepts likewise; as scikit-learn draws them. With all
          others intercepts start at zero.
        - 'normal': normal with standard deviation `init_scale`.
        - 'glorot_uniform', 'glorot_normal': variance ``2 / (i + o)``; for 'tanh'.
        - 'xavier', 'lecun_normal': variance ``1 / i``; for 'tanh' and for 'selu'.
        - 'he_uniform', 'he_normal': variance ``2 / i``; for 'relu' and its like, first to
          try in networks of four layers and more without batch norm.
        - 'orthogonal': a matrix with orthonormal rows or columns; for deep networks.

    init_scale : float, default=0.01
        Standard deviation of ``weight_init='normal'``.

    dropout : float or list of float, default=0.0
        Probability to set a hidden unit to zero in a training step, for all hidden layers
        or for each; what is kept is divided by ``1 - dropout`` [16]_. Against
        overfitting of wide networks; try 0.2, then 0.5 with twice the units. Kept in
        65536ths.

    input_dropout : float, default=0.0
        The same for the features, of dense X; try 0.1.

    dropconnect : float, default=0.0
        The same for the weights into the hidden layers, drawn anew for each step [17]_;
        in the place of dropout, try 0.2. It costs as much as copying the weights.

    %(own)saugment : augmentation, list of them or None, default=None
        Of :mod:`caviar.augmentation`: changes of the rows (and targets) of each training
        batch, of dense X. ``Mixup(0.2)`` for any data, shifts and flips for images.

    average_weights : {None, 'ema', 'swa'}, default=None
        Predict with an average of the weights, not with the last ones; its batch-norm
        statistics are estimated anew from training rows.

        - 'ema': exponentially weighted over steps, with `ema_decay`. Smooths the noise of
          the last steps; for constant learning rates.
        - 'swa': the mean over the ends of epochs from `swa_start` on [18]_; with a
          learning rate that stays rather large.

        partial_fit goes on from the last weights, warm_start from the average.

    ema_decay : float, default=0.999
        Averages about the last ``1 / (1 - ema_decay)`` steps, with the bias of the first
        ones corrected; try a tenth of all steps of the training.

    swa_start : float or int, default=0.75
        Share of `max_iter`, or number of the epoch from 0, from which 'swa' averages.

    clip_norm : float or None, default=None
        Greatest Euclidean norm of the gradient of all parameters (without the L2 term):
        a longer one is scaled down to it [19]_. Where the loss jumps up at times; try the
        usual `gradient_norm` of `history_`, or 1.

    scoring : str, callable or None, default=None
        What early stopping watches and `history_` keeps as validation score: the name of
        a scikit-learn scorer, a callable ``scorer(estimator, X, y)`` that also takes
        `sample_weight` where there are weights, or 'loss' for the (negative) validation
        loss. None is %(score)s. Used with `early_stopping` or `X_val`; 'loss' is
        less noisy than accuracy on few rows.

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
        Score of the validation rows after each epoch; None where there are none.

    best_validation_score_ : float or None
        The best of them, with early stopping.

    best_epoch_ : int or None
        The epoch, counted from 1 as in `history_`, whose weights early stopping kept.

    history_ : dict of list
        One entry per epoch of all calls that went on from one another: 'epoch' (from 1),
        'loss' (as `loss_curve_`), 'validation_loss' (its mean over rows without penalties
        and smoothing) and 'validation_score', NaN without validation rows,
        'learning_rate' (of the last step), 'gradient_norm' (Euclidean, of the last
        minibatch, before clipping and without the L2 term) and 'seconds' (epochs that
        were trained in one go share their time). Of 'lbfgs' epoch and loss of each
        iteration.

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
       reducing internal covariate shift", ICML 2015, algorithm 1. :arxiv:`1502.03167`
    .. [6] Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
       :arxiv:`1706.02515`
    .. [7] Hendrycks & Gimpel, "Gaussian error linear units", 2016. :arxiv:`1606.08415`
    .. [8] Misra, "Mish: A self regularized non-monotonic activation function", BMVC 2020.
       :arxiv:`1908.08681`
    .. [9] Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    .. [16] Srivastava et al., "Dropout: A simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.
    .. [17] Wan et al., "Regularization of neural networks using DropConnect", ICML 2013.
    .. [18] Izmailov et al., "Averaging weights leads to wider optima and better
       generalization", UAI 2018. :arxiv:`1803.05407`
    .. [19] Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural
       networks", ICML 2013, section 3.2. :arxiv:`1211.5063`"""

_CLASSIFIER_REFERENCES = """.. [10] Szegedy et al., "Rethinking the Inception
       architecture for computer vision", CVPR 2016, section 7. :arxiv:`1512.00567`
    .. [11] Lin et al., "Focal loss for dense object detection", ICCV 2017.
       :arxiv:`1708.02002`
    .. [12] Weston & Watkins, "Support vector machines for multi-class pattern
       recognition", ESANN 1999."""

_REGRESSOR_REFERENCES = """.. [14] Huber, "Robust estimation of a location parameter",
       Annals of mathematical statistics 35, 1964.
    .. [15] Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978."""

_NOTES = """Whatever scikit-learn's estimator of this name does, it does with the same
    parameters, defaults, attributes, warnings and errors, and with the same
    `random_state` in float64 it computes the same numbers. A prediction uses one core,
    and so does a fit without `n_jobs`; searches run them in parallel.

    A fit that fails leaves the estimator as it was. Ctrl-C leaves it fitted with the
    weights trained so far, and KeyboardInterrupt is raised."""

CLASSIFIER = f"""Multi-layer perceptron classifier.

    Minimizes a loss by minibatch gradient descent or L-BFGS, with batch normalization,
    dropout, augmentation and more if asked to. A drop-in replacement of
    :class:`sklearn.neural_network.MLPClassifier`.

    Parameters
    ----------
    {_PARAMETERS % {"score": "accuracy", "own": _CLASSIFICATION}}

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
    {_CLASSIFIER_REFERENCES}

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

    Minimizes a loss by minibatch gradient descent or L-BFGS, with batch normalization,
    dropout, augmentation and more if asked to. A drop-in replacement of
    :class:`sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    {_LOSS}{_PARAMETERS % {"score": "R squared", "own": _REGRESSION}}

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
    {_REGRESSOR_REFERENCES}

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
