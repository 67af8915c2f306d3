"""What notebooks show: networks, searches, ensembles, sessions, results."""

import re

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import browser
from caviar import MLPClassifier, MLPRegressor, TrainingSession, diagnostics
from caviar._html_curves import curves_svg
from caviar.augmentation import GaussianNoise, RandomAffine
from caviar.distributions import Choice, HiddenLayers, LogUniform
from caviar.ensemble import AveragingClassifier, SeedEnsembleClassifier
from caviar.model_selection import CoarseToFineSearchCV, HyperbandSearchCV
from caviar.schedules import CosineDecay, PiecewiseConstant, StepDecay, Warmup
from pages import CONTRAST, Reader

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

X, y = load_iris(return_X_y=True)
NAME = "<script>alert('x')</script> & \"more\""


def fitted_network():
    return MLPClassifier(
        (8,), max_iter=12, early_stopping=True, tol=0, random_state=0
    ).fit(X, y)


def fitted_search():
    return CoarseToFineSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(max_iter=4, random_state=0)),
        {"mlpclassifier__alpha": LogUniform(1e-4, 1)},
        n_iter=3,
        n_rounds=2,
        cv=2,
        random_state=0,
    ).fit(X, y)


def session():
    network = MLPClassifier((8,), random_state=0, learning_rate_init=0.1)
    watched = TrainingSession(network, X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    watched.run(5).snapshot(NAME)
    watched.set_params(learning_rate_init=1.0).run(4)
    return watched.revert(NAME).set_params(dropout=0.2, momentum=0.8).run(3)


def retest():
    return diagnostics.retest(fitted_search(), X, y, k=2, cv=2)


SHOWN = {
    "unfitted network": MLPClassifier,
    "network": fitted_network,
    "lbfgs": lambda: MLPRegressor(
        hidden_layer_sizes=(4,), solver="lbfgs", max_iter=5
    ).fit(X, y),
    "one epoch": lambda: MLPClassifier((4,)).partial_fit(X, y, classes=[0, 1, 2]),
    "search": fitted_search,
    "unfitted search": lambda: HyperbandSearchCV(MLPClassifier(), {"alpha": [1, 2]}),
    "ensemble": lambda: SeedEnsembleClassifier(
        MLPClassifier((4,), max_iter=3), n_estimators=2, random_state=0
    ).fit(X, y),
    "weighted": lambda: AveragingClassifier(
        2 * [fitted_network()], weights=[1, 3]
    ).fit(),
    "session": session,
    "session not begun": lambda: TrainingSession(MLPClassifier(), X, y),
    "schedule": lambda: Warmup(then=CosineDecay(), n_epochs=5),
    "wrong schedule": lambda: StepDecay(factor=-1),
    "steps": lambda: PiecewiseConstant([5], [1, 0.1]),
    "augmentation": lambda: RandomAffine((8, 8)),
    "range": lambda: LogUniform(1e-4, 1),
    "choice": lambda: Choice([NAME, "b"]),
    "layers": HiddenLayers,
    "diagnosis": lambda: diagnostics.diagnose(fitted_network()),
    "checkup": lambda: diagnostics.checkup(MLPClassifier((8,), random_state=0), X, y),
    "rates": lambda: diagnostics.learning_rate_range_test(
        MLPClassifier((8,), random_state=0), X, y
    ),
    "retest": retest,
    "activations": lambda: diagnostics.activation_statistics(fitted_network(), X),
}


@pytest.fixture(scope="module", params=SHOWN)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def shown(name):
    return SHOWN[name]()


def html_of(shown):
    return shown._repr_html_()


def card_of(shown):
    """The part of the HTML that is caviar's."""
    html = html_of(shown)
    at = html.find("<style>\n.caviar-card")
    return html[at:] if at >= 0 else ""


def test_a_card_is_well_formed_and_has_nothing_that_could_clash(shown):
    card = card_of(shown)
    reader = Reader(card)
    assert reader.ids == []
    assert reader.links == []
    assert "script" not in reader.tags
    assert "nan" not in re.findall(r"\w+", reader.text)
    for tag, attrs in reader.attributes:
        if tag == "svg":
            assert len(attrs["aria-label"]) > 10
        if tag == "th":
            assert attrs["scope"] == "col"


def test_ours_are_shown_where_there_is_something_to_say(name, shown):
    says_nothing = name in ("unfitted network", "unfitted search")
    assert (card_of(shown) == "") == says_nothing
    is_ours_alone = not hasattr(shown, "fit")
    assert ("sk-top-container" in html_of(shown)) != is_ours_alone
    # Schedules, augmentations and distributions are nothing that could be fitted.
    assert not is_ours_alone or "Not fitted" not in html_of(shown)


def test_the_rich_representation_follows_scikit_learns_option(shown):
    if not hasattr(shown, "get_params") or isinstance(shown, TrainingSession):
        pytest.skip("not an estimator of scikit-learn's kind")
    bundle = shown._repr_mimebundle_()
    if card_of(shown):
        assert ".caviar-card" in bundle["text/html"]
    assert bundle["text/plain"] == repr(shown)
    with sklearn.config_context(display="text"):
        assert not hasattr(shown, "_repr_html_")
        assert list(shown._repr_mimebundle_()) == ["text/plain"]


def test_links_lead_to_no_page_of_scikit_learns_about_what_is_ours(shown):
    if hasattr(shown, "_get_doc_link"):
        assert shown._get_doc_link() == ""
    links = re.findall(r'href="(http[^"]*)"', html_of(shown))
    assert all("scikit-learn.org" in link for link in links)
    assert not any(re.search("MLP|caviar|Search|Ensemble", link) for link in links)


def test_a_network_shows_how_it_was_trained():
    network = fitted_network()
    text = Reader(card_of(network)).text
    assert "4 \u2192 8 \u2192 3" in text
    assert f"weights and biases {network.params_.size}" in text
    assert f"best epoch {network.best_epoch_}" in text
    assert f"training loss {network.loss_curve_[-1]:.4g}" in text


def test_a_search_shows_its_winner_and_the_candidates_behind_it():
    search = fitted_search()
    text = Reader(card_of(search)).text
    best = search.best_score_
    assert f"best mean test score {best:.4g}" in text
    assert (
        f"mlpclassifier__alpha {search.best_params_['mlpclassifier__alpha']:.4g}"
        in text
    )
    assert "candidates 6" in text


def test_a_session_shows_what_was_done():
    watched = session()
    card = card_of(watched)
    text = Reader(card).text
    assert "TrainingSession of MLPClassifier 8 of 200 epochs" in text
    assert "learning_rate_init: 0.1 \u2192 1" in text
    assert NAME in text
    assert "<script>" not in card
    # The change that was gone back on is not on the way here; the other one is.
    marks = re.findall(r"<title>after epoch (\d+): (.*?)</title>", card)
    assert marks == [("5", "dropout: 0 \u2192 0.2, momentum: 0.9 \u2192 0.8")]


def test_curves_have_gaps_where_there_is_no_value():
    losses = [1.0, 0.5, float("nan"), 0.25, None, 0.2]
    svg = curves_svg({"loss": losses, "validation_loss": 6 * [float("nan")]})
    path = re.search(r'<path d="(M[^"]*)" fill="none"', svg).group(1)
    assert path.count("M") == 3
    assert path.count("L") == 1
    assert svg.count("<circle") == 2
    assert "validation" not in svg
    assert curves_svg({"loss": []}) == ""


def test_losses_over_decades_are_on_a_logarithmic_axis():
    steep = np.geomspace(1, 1e-3, 20).tolist()
    assert "log scale" in curves_svg({"loss": steep})
    assert "log scale" not in curves_svg({"loss": [1.0, 0.5]})
    assert "log scale" not in curves_svg({"loss": [1.0, -0.5]})


# In a browser

PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    "<body style='font-family:sans-serif;margin:8px'>{}"
)


@pytest.fixture(scope="module")
def chromium():
    if browser.EXECUTABLE is None:
        pytest.skip("needs Chromium")
    with browser.Browser() as process:
        yield process


@pytest.mark.parametrize("dark", [False, True])
def test_cards_fit_and_are_legible_in_a_browser(chromium, name, shown, dark, tmp_path):
    card = card_of(shown)
    if not card:
        pytest.skip("scikit-learn's diagram alone")
    path = tmp_path / "notebook.html"
    background = "#111" if dark else "#fff"
    path.write_text(
        PAGE.format(f"<div style='background:{background}'>{card}</div>"), "utf-8"
    )
    page = chromium.open(path, width=400, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.errors == []
    assert page.requests == [path.as_uri()]
    assert page.evaluate(CONTRAST) == []
    boxes = page.evaluate(
        "[...document.querySelectorAll('.caviar-card, svg, table')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(boxes) > 20
    page.close()


def test_networks_and_searches_are_shown_below_scikit_learns_diagram(
    chromium, tmp_path
):
    path = tmp_path / "notebook.html"
    path.write_text(
        PAGE.format(html_of(fitted_network()) + html_of(fitted_search())), "utf-8"
    )
    page = chromium.open(path)
    tops = page.evaluate(
        "[...document.querySelectorAll('.sk-container, .caviar-card')]"
        ".map(e => [e.className, e.getBoundingClientRect().top])"
    )
    assert [kind for kind, _ in tops] == 2 * ["sk-container", "caviar-card"]
    assert [top for _, top in tops] == sorted(top for _, top in tops)
    assert [url for url in page.requests[1:] if not url.startswith("data:")] == []
    page.close()


def test_noise_of_an_augmentation_is_one_card():
    assert Reader(card_of(GaussianNoise(0.25))).text == "GaussianNoise std 0.25"
