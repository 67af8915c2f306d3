"""Validation rows of one's own, through pipelines and searches by metadata routing."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X_TRAIN, X_VAL, Y_TRAIN, Y_VAL = train_test_split(X, Y, random_state=0)
W_VAL = 1.0 + np.arange(len(Y_VAL)) % 3
HELD_OUT = dict(X_val=X_VAL, y_val=Y_VAL, sample_weight_val=W_VAL)


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def network(**params):
    mlp = MLPClassifier((16,), max_iter=4, early_stopping=True, random_state=0)
    return mlp.set_params(**params).set_fit_request(
        X_val=True, y_val=True, sample_weight_val=True
    )


def pipeline():
    steps = [("scale", StandardScaler()), ("mlp", network())]
    return Pipeline(steps, transform_input=["X_val"])


def by_hand(X_train, y_train):
    scale = StandardScaler().fit(X_train)
    return network().fit(
        scale.transform(X_train),
        y_train,
        **{**HELD_OUT, "X_val": scale.transform(X_VAL)},
    )


def test_a_pipeline_transforms_the_validation_rows_as_well():
    fitted = pipeline().fit(X_TRAIN, Y_TRAIN, **HELD_OUT)["mlp"]
    expected = by_hand(X_TRAIN, Y_TRAIN)
    assert fitted.history_["validation_loss"] == expected.history_["validation_loss"]
    np.testing.assert_array_equal(fitted.params_, expected.params_)


def test_a_search_hands_them_to_every_fit_as_they_are():
    search = GridSearchCV(pipeline(), {"mlp__alpha": [1e-4, 1e-2]}, cv=3)
    search.fit(X_TRAIN, Y_TRAIN, **HELD_OUT)
    alpha = search.best_params_["mlp__alpha"]
    scale = StandardScaler().fit(X_TRAIN)
    expected = network(alpha=alpha).fit(
        scale.transform(X_TRAIN),
        Y_TRAIN,
        **{**HELD_OUT, "X_val": scale.transform(X_VAL)},
    )
    refitted = search.best_estimator_["mlp"]
    assert refitted.history_["validation_score"] == expected.validation_scores_


def test_cross_validation_hands_them_on():
    result = cross_validate(
        pipeline(), X_TRAIN, Y_TRAIN, params=HELD_OUT, return_estimator=True, cv=3
    )
    for fitted in result["estimator"]:
        assert len(fitted["mlp"].validation_scores_) == fitted["mlp"].n_iter_
