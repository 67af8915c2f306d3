"""Batch normalization: deep networks of sigmoid units, with and without it.

Four hidden layers of logistic units hardly train from scikit-learn's first weights: the
gradient vanishes on its way down. One keyword, ``batch_norm=True``, makes the same
network learn in a few epochs. Prints the accuracy on held-out digits after each epoch.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier

N_EPOCHS = 20
SHADES = " .:-=+*#%@"


def learning_curve(batch_norm, learning_rate, data):
    """Accuracy on the held-out rows after each epoch, and the network."""
    X_train, X_test, y_train, y_test = data
    network = MLPClassifier(
        hidden_layer_sizes=(64, 64, 64, 64),
        activation="logistic",
        batch_norm=batch_norm,
        learning_rate_init=learning_rate,
        batch_size=64,
        dtype="float32",
        random_state=0,
    )
    scores = []
    for _ in range(N_EPOCHS):
        network.partial_fit(X_train, y_train, classes=range(10))
        scores.append(network.score(X_test, y_test))
    return scores, network


X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)
data = train_test_split(X, y, random_state=0, stratify=y)

print(f"Test accuracy after each of {N_EPOCHS} epochs, from 0 (blank) to 1 (@):\n")
for learning_rate in (0.001, 0.01):
    for batch_norm in (False, True):
        scores, network = learning_curve(batch_norm, learning_rate, data)
        curve = "".join(SHADES[min(int(10 * score), 9)] for score in scores)
        name = "with batch norm" if batch_norm else "without"
        print(f"lr {learning_rate:<6} {name:16} |{curve}| {scores[-1]:.3f}")

# What predicts is a plain perceptron: batch norm is folded into coefs_ and intercepts_.
a = data[1]
for W, b in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
    a = 1 / (1 + np.exp(-(a @ W + b)))
classes = np.argmax(a @ network.coefs_[-1] + network.intercepts_[-1], axis=1)
same = np.mean(classes == network.predict(data[1]))
print(
    f"\nplain numpy over coefs_ and intercepts_ predicts the same in {same:.0%} of rows"
)
