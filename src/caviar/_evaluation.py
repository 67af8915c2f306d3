"""What training looks at beside its own loss: loss and score of validation rows."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.metrics import r2_score

from ._inference import forward
from ._layout import MULTICLASS_LOSSES
from ._network import activate, output_loss


@dataclass
class ValidationData:
    """Rows that are not trained on: those held out of X, or others."""

    X: object  # ndarray or CSR; all rows of it, as a tenth of a large X is large, too
    rows: np.ndarray | None  # int64: which of them; None for all
    y: np.ndarray  # as it was passed, for scorers
    targets: np.ndarray  # as `_validation.TrainingData` has them
    weights: np.ndarray | None  # of the samples, for scores
    loss_weights: np.ndarray | None  # as in training: times those of the classes
    n_classes: int | None  # None for regression
    scorer: object  # None, "loss" or a callable (estimator, X, y[, sample_weight])

    def evaluate(self, network, loss, loss_parameter, as_fitted):
        """Loss without penalties, in the units of the training loss, and score.

        Parameters
        ----------
        network : tuple
            Coefficients, intercepts, activations of the hidden layers and of the output.
        loss : str
            Of training; smoothing and mixing of targets are left out.
        loss_parameter : float
        as_fitted : callable
            Returns an estimator that predicts with the network.
        """
        *layers, out_activation = network
        outputs = forward(self.X, *layers, "identity", self.rows)
        value = self._loss(outputs.copy(), loss, loss_parameter)
        if self.scorer == "loss":
            return value, -value
        activate(outputs, out_activation)
        if self.scorer is not None:
            # Most scorers refuse what is not finite: of that, as of R2, there is no score.
            finite = np.isfinite(outputs).all()
            return value, self._scored(as_fitted()) if finite else float("nan")
        threshold = 0.5 if out_activation == "logistic" else 0.0
        return value, self._accuracy_or_r2(outputs, threshold)

    def _loss(self, outputs, loss, parameter):
        targets = self.targets
        if loss == "cross_entropy":
            loss = "softmax"
        elif loss in MULTICLASS_LOSSES - {"softmax"}:
            targets = np.eye(outputs.shape[1], dtype=outputs.dtype)[targets]
        weights = self.loss_weights
        total = len(outputs) if weights is None else weights.sum(dtype=np.float64)
        return output_loss(outputs, targets, weights, float(total), loss, parameter)

    def _scored(self, estimator):
        X = self.X if self.rows is None else self.X[self.rows]
        weights = {} if self.weights is None else {"sample_weight": self.weights}
        try:
            score = self.scorer(estimator, X, self.y, **weights)
        except Exception as exc:
            exc.add_note("`scoring` is called with the validation rows each epoch.")
            raise
        value = score.item() if getattr(score, "size", 0) == 1 else score
        if not isinstance(value, Real) or np.isnan(value):
            raise ValueError(
                f"`scoring` must return a number for the validation rows, got {score!r}."
            )
        return float(value)

    def _accuracy_or_r2(self, predictions, threshold):
        """scikit-learn's choice; NaN for predictions that are not finite."""
        weights = self.weights
        if self.n_classes is None:
            if not np.isfinite(predictions).all():
                return float("nan")
            return r2_score(self.targets, predictions, sample_weight=weights)
        if self.targets.ndim == 1:
            correct = predictions.argmax(axis=1) == self.targets
        elif self.n_classes == 1:  # of which predictions are always right
            correct = np.ones(len(predictions), dtype=bool)
        else:
            correct = np.all((predictions > threshold) == (self.targets > 0.5), axis=1)
        return float(np.average(correct, weights=weights))
