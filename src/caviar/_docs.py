"""The docstrings of the estimators, whose parameters are the same but for ``loss``.

References have names here, ``[adam]_``; `_numbered` numbers them as they appear.
"""

import re
import textwrap

_LOSS = """loss : {'squared_error', 'poisson', 'absolute_error', 'huber', 'quantile'}, \
            default='squared_error'
        What is minimized; e is prediction less target.

        - 'squared_error': ``e^2 / 2``, for the mean; the one to begin with.
        - 'poisson': half the Poisson deviance, with the exponential as output activation,
          for targets that are counts or rates (``y >= 0``).
        - 'absolute_error': ``|e|``, for the median; outliers pull no more than others.
        - 'huber': ``e^2 / 2`` where ``|e| <= huber_delta``, else
          ``huber_delta (|e| - huber_delta / 2)`` [huber]_. The first to try where some
          targets are outliers.
        - 'quantile': ``max(-quantile e, (1 - quantile) e)``, for a quantile [quantile]_;
          those of 0.05 and 0.95, of two networks, make an interval.

    """

_REGRESSION = """huber_delta : float, default=1.0
        Where ``loss='huber'`` turns from a square into a line, in units of y. With y
        standardized try 1; best is about 1.35 times the standard deviation of the noise.

    quantile : float, default=0.5
        Which quantile ``loss='quantile'`` predicts, in (0, 1): 0.5 is the median, 0.9 a
        value that nine targets of ten stay below.

    """

_CLASSIFICATION = """label_smoothing : float, default=0.0
        Targets become ``(1 - label_smoothing) y + label_smoothing / n_classes``; of two
        classes, and of labels, ``+ label_smoothing / 2`` [smoothing]_. Keeps probabilities
        from running to 0 and 1, where labels may be wrong or log loss counts; try 0.1. Not
        with ``loss='hinge'``.

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, ``{class: weight}``, which multiply the sample weights in
        training; 'balanced' is ``n_samples / (n_classes * n_samples_of_the_class)``, with
        sums of sample weights where there are any. For classes of very different sizes
        where the rare ones matter; try 'balanced'. They count in the validation loss (and
        so with ``scoring='loss'``), not in other scores. A class without an entry has the
        weight 1. For labels a list with one dict for each, of which a row's weight is the
        product.

    loss : {'log_loss', 'focal', 'hinge'}, default='log_loss'
        What is minimized; p are the probabilities, z the outputs before them.

        - 'log_loss': ``-log p`` of the class; the one to begin with.
        - 'focal': ``-(1 - p)^focal_gamma log p`` [focal]_, in which rows that are right
          already hardly count: for many easy rows and few hard ones. Its probabilities
          are less extreme than those of 'log_loss'.
        - 'hinge': ``sum over other classes of max(0, 1 + z_other - z_class)`` [hinge]_,
          ``max(0, 1 - z)`` or ``max(0, 1 + z)`` of two classes and of labels. A margin,
          as in support vector machines, where only the decision counts: there is
          `decision_function` in place of probabilities.

    focal_gamma : float, default=2.0
        Exponent of ``loss='focal'``, with 0 the log loss; try 2, then 1 to 5.

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
        - 'elu': ``x``, below 0 ``exp(x) - 1`` [elu]_; 'selu': the same, scaled such that
          activations normalize themselves [selu]_: for deep networks without batch norm,
          with ``weight_init='lecun_normal'``.
        - 'gelu': ``x Phi(x)`` with the normal distribution function [gelu]_; 'silu':
          ``x / (1 + exp(-x))`` [silu]_; 'mish': ``x tanh(log(1 + exp(x)))`` [mish]_.
          Smooth: the next to try after 'relu'; a step of small layers takes 10 to 20
          percent longer.

    solver : {'adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lbfgs'}, \
            default='adam'
        What minimizes the loss. g is the gradient of a minibatch, lr the learning rate.

        - 'adam': ``m = beta_1 m + (1 - beta_1) g``, ``v = beta_2 v + (1 - beta_2) g^2``,
          ``w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)``
          [adam]_. The one to begin with. `epsilon` is added as in the paper's "epsilon
          hat" form and in scikit-learn; PyTorch adds it to the bias-corrected root.
        - 'adamw': Adam, with every weight first multiplied by
          ``1 - lr * weight_decay`` [adamw]_: Adam for whoever wants `weight_decay`.
        - 'nadam': Adam that looks ahead as Nesterov's momentum does, with a momentum that
          grows from ``beta_1 / 2`` to `beta_1` [nadam]_; worth a try where 'adam' is slow
          to begin.
        - 'sgd': ``v = momentum v - lr g``, ``w += v``; with `nesterovs_momentum`
          ``w += momentum v - lr g``. Wants a tuned and falling learning rate, from 0.1.
        - 'rmsprop': ``s = rho s + (1 - rho) g^2``, ``w -= lr g / (sqrt(s) + epsilon)``
          [rmsprop]_: Adam without momentum.
        - 'adagrad': ``h += g^2``, ``w -= lr g / (sqrt(h) + epsilon)`` [adagrad]_, for
          features that are seldom other than 0. Wants a larger learning rate, such as
          0.01 or 0.1.
        - 'lbfgs': scipy's L-BFGS-B on all rows at once. Often best below some thousand
          rows.

    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(w^2)`` on the weights, which is
        divided by the number (or weight) of the rows when it is added to the loss. The
        first thing to tune against overfitting, from 1e-6 to 10 on a logarithmic scale.

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
          'cosine' first, with a `learning_rate_init` three times as large as a constant
          one, as many epochs as you can afford and ``n_iter_no_change=np.inf``.
        - Any ``f(progress, n_epochs)`` that returns such factors for an array
          ``progress`` of epochs.

    learning_rate_init : float, default=0.001
        The first learning rate, or what a schedule's factors multiply: what to tune
        first, on a logarithmic scale from 1e-4 to 1; with `batch_norm` try 0.01. A new
        value set between two calls of partial_fit is used from then on. Not used by
        'lbfgs'.

    power_t : float, default=0.5
        Exponent of ``learning_rate='invscaling'``; leave it, and try a schedule.

    max_iter : int, default=200
        Greatest number of epochs, or of iterations of 'lbfgs', and the length of a
        schedule. Too few are warned of; with `early_stopping` be generous.

    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch. Leave it on, unless their order means
        something.

    random_state : int, RandomState instance, default=None
        Determines the first weights, the split of early stopping, the shuffles, dropout,
        dropconnect and augmentation. Pass an int for the same result in every call.

    tol : float, default=1e-4
        Training stops when the loss, or the score of early stopping, has not improved by
        `tol` for `n_iter_no_change` epochs. The gradient tolerance of 'lbfgs'. A smaller
        one trains for longer; 0 asks for any improvement at all.

    verbose : bool, default=False
        Whether to print the loss of each epoch, and the validation score; `history_` has
        more.

    warm_start : bool, default=False
        Whether fit goes on from the weights of the call before, with a fresh optimizer:
        for a few epochs more, or for new rows. `partial_fit` keeps the optimizer's state.

    momentum : float, default=0.9
        Of 'sgd', in [0, 1]; averages the steps of about the last ``1 / (1 - momentum)``
        batches. Try 0.9, then 0.95 and 0.99.

    nesterovs_momentum : bool, default=True
        Whether the momentum of 'sgd' is Nesterov's, which is seldom worse.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows, or to take the `X_val` of
        `fit`, score them after each epoch (`scoring`; by default %(score)s), stop when that
        no longer improves, and keep the best weights together with the batch-norm
        statistics they were scored with (`best_epoch_`). For whenever you do not know how
        many epochs to train; with a schedule, rather train to its end. Not used by 'lbfgs'.

    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out, in [0, 1), unless there is an
        `X_val`. 0.1 is enough for some thousand rows; of few, 0.2.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments of 'adam', 'adamw' and 'nadam', in [0, 1). Seldom
        worth tuning; 0.95 or 0.99 for `beta_2` where gradients change quickly.

    epsilon : float, default=1e-8
        Added to the root in 'adam', 'adamw', 'nadam', 'rmsprop' and 'adagrad'. Seldom
        worth tuning; a larger one, up to 1e-3, calms steps where gradients are tiny.

    n_iter_no_change : int, default=10
        Epochs without improvement before training stops; ``np.inf`` for never, which is
        what a schedule wants.

    max_fun : int, default=15000
        Greatest number of loss evaluations of 'lbfgs'; raise it with `max_iter`.

    batch_norm : bool or {'pre', 'post'}, default=False
        Batch normalization [batch_norm]_ of every hidden layer, before the activation (True
        or 'pre') or after it ('post'). Per unit and batch ``y = gamma (z - mu) /
        sqrt(var + bn_epsilon) + beta``; in prediction mu and var are running averages,
        or, where training changes rows or weights are averaged, means over training
        batches without dropout and augmentation. Makes deep networks and logistic or tanh
        units train at larger learning rates; try it first with
        ``learning_rate_init=0.01``.

    bn_momentum : float, default=0.9
        ``running = bn_momentum * running + (1 - bn_momentum) * batch``, with the bias of
        the first batches corrected, as Adam corrects its moments. In [0, 1); 0.9 averages
        about the last ten batches, 0.99 the last hundred: try that with small batches.

    bn_epsilon : float, default=1e-5
        Added to the variance. Leave it; features of a tiny scale want a StandardScaler.

    rho : float, default=0.9
        Decay rate of 'rmsprop', in [0, 1); 0.99 where its steps are too noisy.

    weight_decay : float, default=0.0
        Decoupled decay of the weights by 'adamw', and by it alone: in each step they
        shrink by the share ``lr * weight_decay``. Against overfitting, in the place of
        `alpha`; try 0.01, then up to 1 on a logarithmic scale.

    weight_init : str, default='sklearn'
        The first weights; i and o are a layer's inputs and units. With one or two hidden
        layers, or `batch_norm`, the default is as good as any.

        - 'sklearn': uniform within ``sqrt(6 / (i + o))``, of 'logistic'
          ``sqrt(2 / (i + o))``, intercepts likewise; as scikit-learn draws them. With all
          others intercepts start at zero.
        - 'normal': normal with standard deviation `init_scale`; to show what goes wrong.
        - 'glorot_uniform', 'glorot_normal': variance ``2 / (i + o)`` [glorot]_; for 'tanh'.
        - 'xavier', 'lecun_normal': variance ``1 / i`` [lecun]_; for 'tanh' and for 'selu'.
        - 'he_uniform', 'he_normal': variance ``2 / i`` [he]_; for 'relu' and its like,
          first to try in networks of four layers and more without batch norm.
        - 'orthogonal': a matrix with orthonormal rows or columns [orthogonal]_; for deep
          networks of 'tanh' or 'identity'.

    init_scale : float, default=0.01
        Standard deviation of ``weight_init='normal'``;
        :func:`caviar.diagnostics.activation_statistics` shows what it does.

    dropout : float or list of float, default=0.0
        Probability with which an output of a hidden layer is set to zero in training, for
        all hidden layers or a list for each; what is kept is divided by ``1 - dropout``
        [dropout]_. It comes after activation and batch normalization. Against overfitting
        of wide networks; try 0.2, then 0.5 with twice the units, and with `batch_norm`
        rather 0.1. In [0, 1), in steps of 1 / 65536.

    input_dropout : float, default=0.0
        The same for the features of dense X: where many of them say the same; try 0.1.

    dropconnect : float, default=0.0
        The same for the weights into the hidden layers, one draw for all rows of a batch
        [dropconnect]_. In the place of `dropout`, for narrow layers; try 0.2.

    %(own)saugment : augmentation, list of them or None, default=None
        Random changes of the rows (and targets) of each training batch, of dense X, from
        :mod:`caviar.augmentation`. The fewer the rows, the more it is worth: try
        ``Mixup(0.2)`` for any data, `RandomAffine` for small images.

    average_weights : {None, 'ema', 'swa'}, default=None
        Predict with an average of the weights, not with the last ones; its batch-norm
        statistics are estimated anew from training rows.

        - 'ema': exponentially weighted over steps, with `ema_decay`. Smooths the noise of
          the last steps: to try first with a constant learning rate.
        - 'swa': the mean over the ends of epochs from `swa_start` on [swa]_; with a
          learning rate that stays rather large.

        partial_fit goes on from the last weights, warm_start from the average.

    ema_decay : float, default=0.999
        Of 'ema', in (0, 1): averages about the last ``1 / (1 - ema_decay)`` steps, with
        the bias of the first ones corrected; try a tenth of all steps of the training.

    swa_start : float or int, default=0.75
        Share of `max_iter` in [0, 1), or number of the epoch from 0, from which 'swa'
        averages. Try 0.75, or 0.5 for few epochs.

    clip_norm : float or None, default=None
        Greatest Euclidean norm of the gradient of all parameters (without the L2 term):
        a longer one is scaled down to it [clipping]_. Where the loss jumps up at times;
        try the usual `gradient_norm` of `history_`, or 1.

    scoring : str, callable or None, default=None
        What early stopping watches and `history_` keeps as validation score, greater being
        better: the name of a scikit-learn scorer, a callable ``scorer(estimator, X, y)``
        that also takes `sample_weight` where there are weights, or 'loss' for the negative
        validation loss. None is %(score)s. Used with `early_stopping` or `X_val`. Name what
        you care for; 'loss' is less noisy than accuracy on few rows.

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
        (nats%(unit)s), as training saw it: with L2 penalty, smoothing, dropout and
        augmentation.

    best_loss_ : float or None
        Least loss of any epoch; None with early stopping. Not set by 'lbfgs'.

    loss_curve_ : list of float
        Loss of each epoch. Not set by 'lbfgs'.

    validation_scores_ : list of float or None
        Score of the validation rows after each epoch; None where there are none.

    best_validation_score_ : float or None
        The best of them, with early stopping; else None.

    best_epoch_ : int or None
        The epoch, counted from 1 as in `history_`, whose weights early stopping kept.

    history_ : dict of list
        One entry per epoch of all calls that went on from one another: 'epoch' (from 1);
        'loss' (as `loss_curve_`); 'validation_loss' (of the network that predicts: without
        L2 penalty, smoothing and dropout) and 'validation_score', both NaN without
        validation rows; 'learning_rate' (of the last step); 'gradient_norm' (Euclidean, of
        the last minibatch, before clipping and without the L2 term); 'seconds' (epochs
        that were trained in one go share their time). With 'lbfgs' epoch and loss of each
        iteration, all else NaN.

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
        Statistics of batch normalization for prediction, ``[mean_0 .. | var_0 ..]``;
        empty without it.

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

_REFERENCES = {
    "huber": 'Huber, "Robust estimation of a location parameter", Annals of mathematical '
    "statistics 35, 1964.",
    "quantile": 'Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978.',
    "elu": 'Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by '
    'exponential linear units", ICLR 2016. :arxiv:`1511.07289`',
    "selu": 'Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural '
    'networks", NeurIPS 2017. :arxiv:`1706.02515`',
    "gelu": 'Hendrycks & Gimpel, "Gaussian error linear units", 2016. '
    ":arxiv:`1606.08415`",
    "silu": 'Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units for neural network '
    'function approximation in reinforcement learning", Neural Networks 107, 2018. '
    ":arxiv:`1702.03118`",
    "mish": 'Misra, "Mish: A self regularized non-monotonic activation function", BMVC '
    "2020. :arxiv:`1908.08681`",
    "adam": 'Kingma & Ba, "Adam: A method for stochastic optimization", ICLR 2015, end of '
    "section 2. :arxiv:`1412.6980`",
    "adamw": 'Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, '
    "algorithm 2. :arxiv:`1711.05101`",
    "nadam": 'Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, '
    "algorithm 2.",
    "rmsprop": 'Tieleman & Hinton, "Lecture 6.5: RMSProp", COURSERA: Neural networks for '
    "machine learning, 2012.",
    "adagrad": 'Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning '
    'and stochastic optimization", JMLR 12, 2011.',
    "batch_norm": 'Ioffe & Szegedy, "Batch normalization: Accelerating deep network '
    'training by reducing internal covariate shift", ICML 2015, algorithm 1. '
    ":arxiv:`1502.03167`",
    "glorot": 'Glorot & Bengio, "Understanding the difficulty of training deep feedforward '
    'neural networks", AISTATS 2010.',
    "lecun": 'LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998, section 4.6.',
    "he": 'He, Zhang, Ren & Sun, "Delving deep into rectifiers", ICCV 2015. '
    ":arxiv:`1502.01852`",
    "orthogonal": 'Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics '
    'of learning in deep linear neural networks", ICLR 2014. :arxiv:`1312.6120`',
    "dropout": 'Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: A '
    'simple way to prevent neural networks from overfitting", JMLR 15, 2014.',
    "dropconnect": 'Wan, Zeiler, Zhang, LeCun & Fergus, "Regularization of neural networks '
    'using DropConnect", ICML 2013.',
    "smoothing": 'Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, "Rethinking the Inception '
    'architecture for computer vision", CVPR 2016, section 7. :arxiv:`1512.00567`',
    "focal": 'Lin, Goyal, Girshick, He & Dollár, "Focal loss for dense object detection", '
    "ICCV 2017. :arxiv:`1708.02002`",
    "hinge": 'Weston & Watkins, "Support vector machines for multi-class pattern '
    'recognition", ESANN 1999.',
    "swa": 'Izmailov, Podoprikhin, Garipov, Vetrov & Wilson, "Averaging weights leads to '
    'wider optima and better generalization", UAI 2018. :arxiv:`1803.05407`',
    "clipping": 'Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent '
    'neural networks", ICML 2013, section 3.2. :arxiv:`1211.5063`',
}

_NOTES = """Whatever scikit-learn's estimator of this name does, it does with the same
    parameters, defaults, attributes, warnings and errors, and with the same
    `random_state` in float64 it computes the same numbers. A prediction uses one core,
    and so does a fit without `n_jobs`; searches run them in parallel.

    A fit that fails leaves the estimator as it was. Ctrl-C leaves it fitted with the
    weights trained so far, and KeyboardInterrupt is raised."""


def _numbered(doc):
    """The docstring with numbers for names of references, and the list of them."""
    names = list(dict.fromkeys(re.findall(r"\[([a-z_]+)\]_", doc)))
    entries = []
    for number, name in enumerate(names, start=1):
        doc = doc.replace(f"[{name}]_", f"[{number}]_")
        entry = f".. [{number}] {_REFERENCES[name]}"
        entries += textwrap.wrap(
            entry, 84, subsequent_indent=" " * 3, break_on_hyphens=False
        )
    return doc.replace("[references]", "\n    ".join(entries))


CLASSIFIER = _numbered(f"""Multi-layer perceptron classifier.

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
    [references]

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
    """)

REGRESSOR = _numbered(f"""Multi-layer perceptron regressor.

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
    [references]

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
    """)
