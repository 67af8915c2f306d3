"""The code that rebuilds a winner: it is run, and must give the same model."""

import ast
import subprocess
import sys

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RepeatedKFold, StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from caviar import MLPClassifier, MLPRegressor, _cli_search, _cli_table
from caviar._rebuild import WIDTH, script, source_of
from caviar.augmentation import FeatureDropout, GaussianNoise, Mixup, RandomAffine
from caviar.distributions import HiddenLayers, LogUniform
from caviar.ensemble import AveragingRegressor, SeedEnsembleClassifier
from caviar.model_selection import CoarseToFineSearchCV
from caviar.schedules import CosineDecay, PiecewiseConstant, Warmup

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OBJECTS = [
    MLPClassifier(),
    MLPClassifier((64, 32), alpha=np.float64(0.1), batch_norm=True, dropout=[0.1, 0.2]),
    MLPRegressor(learning_rate=Warmup(then=CosineDecay(), n_epochs=2), dtype="float32"),
    MLPRegressor(learning_rate=PiecewiseConstant([5, 9], np.array([1, 0.1, 0.01]))),
    MLPClassifier(augment=[Mixup(0.4), RandomAffine((8, 8), rotation=np.float32(5))]),
    MLPClassifier(class_weight={"it's": 1.5, 'a "b"': 2, "\n": np.int64(3)}),
    SeedEnsembleClassifier(MLPClassifier(max_iter=3), n_estimators=2, random_state=0),
    AveragingRegressor([Ridge(), MLPRegressor()], weights=(1, 2.5)),
    CoarseToFineSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier()),
        {
            "mlpclassifier__alpha": LogUniform(1e-4, 1, limits=(None, 10)),
            "mlpclassifier__hidden_layer_sizes": HiddenLayers((1, 2), (4, 99)),
        },
        cv=StratifiedKFold(3, shuffle=True, random_state=np.int64(1)),
        error_score="raise",
    ),
    ColumnTransformer(
        [
            ("n", "passthrough", [f"column {i}" for i in range(99)]),
            ("s", StandardScaler(), slice(0, 3)),
            ("t", OneHotEncoder(dtype=np.float32), ["<script>", "'\"", "\u202eא"]),
        ],
        remainder="drop",
        transformer_weights={"n": 0.5},
    ),
    TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler()),
    TransformedTargetRegressor(func=np.log1p, inverse_func=np.expm1),
    FeatureUnion([("k", SelectKBest(f_classif, k="all")), ("same", "passthrough")]),
    SimpleImputer(missing_values=float("inf"), fill_value=-0.0),
    SimpleImputer(missing_values=None),
    FunctionTransformer(np.abs, kw_args={"dtype": float, "where": True}),
    LogisticRegression(C=1, tol=np.float64("1e-300")),
    OneHotEncoder(categories=[np.array(["a", "b"], dtype=object), np.array([1.5, 2])]),
    (1, (2.5,), (), [], {}, {1, 2}, set(), frozenset({3}), b"b", ..., None, True),
    np.dtype("float32"),
]


def rebuilt(value):
    expression, imports = source_of(value)
    names = {}
    exec("\n".join([*imports, f"result = {expression}"]), names)
    return names["result"]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_the_code_builds_the_same_object_again(value):
    again = rebuilt(value)
    assert type(again) is type(value)
    # The text has every parameter that is not a default, to the last digit.
    assert source_of(again) == source_of(value)
    if hasattr(value, "get_params"):
        theirs = {k: v for k, v in again.get_params().items() if not callable(v)}
        for name, theirs_value in theirs.items():
            ours = value.get_params()[name]
            if isinstance(ours, (int, float, str, np.generic, np.ndarray)):
                np.testing.assert_array_equal(theirs_value, ours)
    elif not isinstance(value, np.dtype):
        assert again == value


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_lines_are_no_longer_than_a_formatter_makes_them(value):
    expression, imports = source_of(value)
    assert max(map(len, [*imports, *expression.splitlines()])) <= WIDTH


def test_defaults_are_not_written_and_names_come_from_public_modules():
    model = make_pipeline(
        StandardScaler(), MLPClassifier((16,), alpha=1e-4, solver="adam")
    )
    expression, imports = source_of(model)
    assert expression == (
        "Pipeline([\n"
        '    ("standardscaler", StandardScaler()),\n'
        '    ("mlpclassifier", MLPClassifier(hidden_layer_sizes=(16,))),\n'
        "])"
    )
    assert imports == [
        "from caviar import MLPClassifier",
        "from sklearn.pipeline import Pipeline",
        "from sklearn.preprocessing import StandardScaler",
    ]
    assert source_of(AveragingRegressor([]))[1] == [
        "from caviar.ensemble import AveragingRegressor"
    ]


def test_a_boolean_is_not_mistaken_for_the_number_that_equals_it():
    assert source_of(MLPClassifier(verbose=0))[0] == "MLPClassifier(verbose=0)"
    assert source_of(MLPClassifier(verbose=False))[0] == "MLPClassifier()"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (MLPClassifier(learning_rate=lambda progress, n: 1), "learning_rate"),
        (make_pipeline(MLPClassifier(random_state=np.random.RandomState(0))), "steps"),
        (MLPClassifier(alpha=loguniform(1, 2)), "MLPClassifier.alpha"),
        (GridSearchCV(Ridge(), {}, cv=RepeatedKFold()), "GridSearchCV.cv"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(value, named):
    with pytest.raises(TypeError, match=f"{named}.* must be a value that can be writ"):
        source_of(value)


def digits_code():
    return (
        "from sklearn.datasets import load_digits\n\n"
        "X, y = load_digits(return_X_y=True)\n"
    )


def run_script(text):
    names = {"__name__": "rebuilt"}
    exec(compile(text, "rebuilt.py", "exec"), names)
    return names


def test_the_winner_on_the_digits_is_rebuilt_to_the_last_bit(tmp_path):
    X, y = load_digits(return_X_y=True)
    problem = _cli_table.Problem(X, y, "classification", "", "")
    model = _cli_search.build_model(problem, _cli_search.Settings())
    model.set_params(
        mlp__max_iter=4,
        mlp__learning_rate_init=np.float64(0.1) / 3,
        mlp__hidden_layer_sizes=(32, 16),
        mlp__batch_norm=True,
    ).fit(X, y)
    path = tmp_path / "rebuilt.py"
    ending = "import joblib, sys\njoblib.dump(model, sys.argv[1])\n"
    path.write_text(script(digits_code(), model, {"caviar": "0.1.0"}) + ending)
    # In a process of its own, so that nothing of this one can help.
    subprocess.run([sys.executable, path, tmp_path / "model.joblib"], check=True)
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_winner_on_a_table_is_rebuilt_to_the_last_bit(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = load_iris(as_frame=True).frame
    names = ['a "quoted" one', "<script>alert('x')</script>", "c\nd", "class"]
    frame.columns = [*names, "target"]
    frame["colour"] = np.random.RandomState(0).choice(["red", "it's"], size=150)
    frame.loc[::7, ["colour", "class"]] = np.nan
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame = pandas.read_csv(tmp_path / "table.csv")
    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    problem = _cli_table.Problem(X, y, "classification", "", "", names, ["colour"])
    model = _cli_search.build_model(problem, _cli_search.Settings())
    model.set_params(mlp__max_iter=5).fit(X, y)
    data_code = (
        "import pandas as pd\n"
        f"frame = pd.read_csv({str(tmp_path / 'table.csv')!r})\n"
        'X, y = frame.drop(columns="target"), frame["target"].to_numpy()\n'
    )
    text = script(data_code, model)
    again = run_script(text)["model"]
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert text.count("import pandas as pd") == 1
    assert text.index("import pandas as pd") < text.index("from sklearn")


def test_a_regression_winner_is_rebuilt_to_the_last_bit():
    X, y = load_diabetes(return_X_y=True)
    problem = _cli_table.Problem(X, y, "regression", "", "")
    model = _cli_search.build_model(problem, _cli_search.Settings())
    model.set_params(mlp__regressor__max_iter=3, mlp__regressor__alpha=0.7).fit(X, y)
    code = digits_code().replace("digits", "diabetes")
    again = run_script(script(code, model))["model"]
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_a_list_that_the_data_code_has_is_not_written_again():
    names = [f"column {i}" for i in range(30)]
    columns = ColumnTransformer([("numeric", SimpleImputer(), names)])
    data_code = f"numeric = {names!r}\nother = []\nX, y = None, None\n"
    text = script(data_code, columns)
    assert 'ColumnTransformer([("numeric", SimpleImputer(), numeric)])' in text
    # But not one that may have changed since.
    text = script(data_code + "numeric = numeric[1:]\n", columns)
    assert "SimpleImputer(), numeric)" not in text
    names = run_script(text.replace("model.fit(X, y)\n", ""))
    assert source_of(names["model"]) == source_of(columns)


def test_long_steps_become_variables_that_take_no_name_twice():
    steps = Pipeline(
        [
            (
                "X",
                make_pipeline(
                    SimpleImputer(strategy="median", keep_empty_features=True),
                    StandardScaler(with_mean=False, with_std=False),
                ),
            ),
            (
                "class",
                FunctionTransformer(np.abs, validate=True, check_inverse=False),
            ),
            (
                "é 1",
                MLPClassifier(
                    (50, 50),
                    augment=[GaussianNoise(0.5), FeatureDropout(0.5)],
                    random_state=123456,
                    learning_rate_init=0.0123456,
                ),
            ),
        ]
    )
    text = script(digits_code(), steps)
    names = [
        target.id
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(names) == len(set(names))
    assert names[-1] == "model"
    namespace = run_script(text.replace("model.fit(X, y)\n", ""))
    assert source_of(namespace["model"]) == source_of(steps)
    assert namespace["X"].shape == (1797, 64)
