"""predict and predict_proba: one row, as a service does, and 100,000 rows."""

from caviar import MLPClassifier

from . import sizes


class Predict:
    params = ([1, 100_000], [False, True])
    param_names = ("n_rows", "batch_norm")

    def setup(self, n_rows, batch_norm):
        X, y, params = sizes.problem("M")
        self.mlp = MLPClassifier(**params, batch_norm=batch_norm)
        self.mlp.partial_fit(X, y, classes=range(sizes.N_CLASSES))
        self.X, _ = sizes.classification(max(sizes.size(n_rows), 10), X.shape[1])
        self.X = self.X[: sizes.size(n_rows)]

    def time_predict(self, n_rows, batch_norm):
        self.mlp.predict(self.X)

    def time_predict_proba(self, n_rows, batch_norm):
        self.mlp.predict_proba(self.X)

    def peakmem_predict_proba(self, n_rows, batch_norm):
        self.mlp.predict_proba(self.X)
