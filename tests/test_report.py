"""The report: read as HTML, and opened in a browser."""

import copy
import functools
import math
import re
import sys
from collections import Counter

import joblib
import numpy as np
import pytest

import browser
import studies
from caviar import _report_plots
from caviar.__main__ import main
from caviar._report import SECTIONS, render
from caviar._report_html import duration, number, parameter, short_names
from caviar._report_search import ranked
from caviar._study import Study
from pages import CONTRAST, Reader

pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NASTY = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single' \\",
    "</bdi></th></table><img src=x onerror=alert(1)>",
    "\u05e9\u05dc\u05d5\u05dd \u202e rtl",
    "long_" + 80 * "name_without_a_place_to_break_",
    "a\nnew\tline \0 \x1b[31m",
    "{{template}} %s $x_1$ `code`",
    "&lt;b&gt; already escaped",
]


def changed(study, **fields):
    study = copy.deepcopy(study)
    for name, value in fields.items():
        setattr(study, name, value)
    return study


def many_classes(n_classes):
    """A study with as many classes, none of which is always right."""
    random = np.random.RandomState(0)
    labels = [f"class {i:03}" for i in range(n_classes)]
    counts = np.diag(random.randint(5, 30, n_classes))
    wrong = random.randint(n_classes, size=(3 * n_classes, 2))
    np.add.at(counts, tuple(wrong.T), 1)
    study = studies.study()
    target = {**study.target, "classes": labels, "counts": counts.sum(1).tolist()}
    confusion = {"labels": labels, "counts": counts.tolist()}
    return changed(study, target=target, score={**study.score, "confusion": confusion})


def many_columns(n_columns):
    study = studies.study()
    columns = [
        {**study.data["columns"][0], "name": f"column {i}"} for i in range(n_columns)
    ]
    importances = [
        {"column": f"column {i}", "mean": 0.1 / (i + 1), "std": 0.01}
        for i in range(n_columns)
    ]
    data = {**study.data, "columns": columns, "n_columns": n_columns}
    return changed(study, data=data, importances=importances)


def many_candidates(n_candidates):
    random = np.random.RandomState(0)
    study = studies.study()
    rates = 10 ** random.uniform(-4, -1, n_candidates)
    alphas = 10 ** random.uniform(-6, 0, n_candidates)
    results = {
        "params": [
            {"mlp__learning_rate_init": float(r), "mlp__alpha": float(a)}
            for r, a in zip(rates, alphas, strict=True)
        ],
        "mean_test_score": random.uniform(0.5, 1, n_candidates).tolist(),
        "std_test_score": [0.01] * n_candidates,
        "mean_fit_time": [0.5] * n_candidates,
        "round": (np.arange(n_candidates) % 3).tolist(),
    }
    index = int(np.argmax(results["mean_test_score"]))
    return changed(study, results=results, winner={**study.winner, "index": index})


def nasty_name(name):
    """One of the nasty names for each name of the table."""
    return NASTY[sum(map(ord, str(name))) % len(NASTY)] + f" {name}"


CASES = {
    "classification": studies.study,
    "regression": lambda: studies.study("regression"),
    "unfinished": studies.unfinished,
    "empty": Study,
    "nasty": lambda: studies.study(rename=nasty_name),
    "100 classes": lambda: many_classes(100),
    "500 columns": lambda: many_columns(500),
    "10,000 candidates": lambda: many_candidates(10_000),
}


@functools.cache
def page_of(case):
    return render(CASES[case]())


@pytest.fixture
def without_plots(monkeypatch):
    """Pages for the sake of their words, rendered in no time."""
    monkeypatch.setattr(_report_plots, "available", lambda: False)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return request.param


# The page as text


def test_a_page_is_well_formed_with_unique_ids_and_links_that_resolve(case):
    page = Reader(page_of(case))
    assert [i for i, n in Counter(page.ids).items() if n > 1] == []
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inner) <= set(page.ids)
    # What is left would be loaded from elsewhere.
    outer = [link for link in page.links if not link.startswith(("#", "data:"))]
    assert outer == []
    assert "script" not in page.tags


def test_headings_are_in_order_and_every_figure_has_words(case):
    page = Reader(page_of(case))
    headings = page.headings()
    assert headings[0] == 1
    assert headings.count(1) == 1
    steps = np.diff(headings)
    assert len(steps) == 0 or steps.max() <= 1
    for tag, attrs in page.attributes:
        if tag == "svg" or attrs.get("role") == "img":
            assert len(attrs["aria-label"]) > 10
        if tag == "th":
            assert attrs["scope"] in ("col", "row")


def test_a_page_is_small(case):
    assert len(page_of(case).encode()) < 2_000_000


def test_nothing_is_promised_that_is_not_there(case):
    """No section without content: each has words beside its heading."""
    page = page_of(case)
    for section in re.findall(r"<section.*?</section>", page, re.S):
        words = re.sub(r"<h2.*?</h2>", "", section, flags=re.S)
        assert len(Reader(words).text) > 10 or "<svg" in words


@pytest.mark.parametrize("case", ["classification", "10,000 candidates", "empty"])
def test_the_same_study_gives_the_same_bytes(case):
    study = CASES[case]()
    assert page_of(case) == render(Study.from_json(study.to_json()))


def test_the_policy_of_the_page_forbids_whatever_is_not_in_it():
    page = Reader(page_of("classification"))
    policy = next(
        attrs["content"]
        for tag, attrs in page.attributes
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_users_texts_are_escaped_everywhere():
    page = page_of("nasty")
    reader = Reader(page)
    assert {"script", "img"}.isdisjoint(reader.tags)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "already escaped" in reader.text
    assert "&lt;b&gt; already" in reader.text  # not unescaped once too often
    assert page.isprintable() or set(page) - {"\n"} <= set(
        filter(str.isprintable, page)
    )
    page.encode("utf-8")


def test_what_was_found_is_in_the_page():
    study = studies.study()
    page = Reader(page_of("classification"))
    for words in [
        f"{100 * study.score['value']:.1f} %",
        f"{study.score['value']:.4f}",
        "Always answering the commonest class is right on 40.0 %",
        "45 rows that played no part in choosing it",
        "lies beside the upper edge of its range [0.001, 0.03]",
        "The network begins to overfit.",
        "Twenty rows cannot be learned by heart.",
        "LogUniform(0.001, 0.03)",
        "it numbers the rows",
        "model.fit(X, y)",
        "python -m caviar predict caviar-table/model.joblib new.csv",
        "Seed 0.",
    ]:
        assert words in page.text
    for column in study.importances:
        assert column["column"] in page.text


def test_a_score_no_better_than_none_is_said_to_be_so(without_plots):
    study = studies.study("regression")
    score = {**study.score, "value": 0.03, "spread": 0.02}
    page = Reader(render(changed(study, score=score)))
    assert "not shown to be better: do not rely on it" in page.text
    assert "do not rely" not in Reader(page_of("regression")).text
    score = {**study.score, "value": -0.2}
    page = Reader(render(changed(study, score=score)))
    assert "no better than always answering the mean" in page.text


def test_nested_scores_are_shown_with_their_folds(without_plots):
    study = studies.study()
    folds = [0.9, 0.95, 1.0]
    score = {**study.score, "kind": "nested", "folds": folds, "spread": np.std(folds)}
    page = render(changed(study, score=score))
    assert "Nested cross-validation" in page
    assert page.count('class="fold"') == 3


def test_a_search_that_ran_out_of_time_says_so_beside_its_answer(without_plots):
    study = studies.study()
    search = {**study.search, "stopped": "time budget", "n_candidates": 60}
    page = Reader(render(changed(study, search=search)))
    assert (
        "The time was over before all candidates had been tried: 12 of 60." in page.text
    )
    assert "result" in page.ids


def test_candidates_of_a_halving_search_are_counted_once(without_plots):
    study = studies.study()
    n_rows = len(study.results["params"])
    results = {
        **study.results,
        "candidate": [i % 4 for i in range(n_rows)],
        "epochs": [1 + i // 4 for i in range(n_rows)],
    }
    page = Reader(render(changed(study, results=results)))
    assert "candidates tried 4" in page.text


def test_an_importance_that_could_not_be_measured_is_left_out(without_plots):
    study = studies.study()
    unknown = {"column": "unmeasured", "mean": math.nan, "std": math.nan}
    page = render(changed(study, importances=[*study.importances, unknown]))
    assert "unmeasured" not in page
    assert "nan%" not in page


def test_an_unfinished_search_says_so_and_how_to_go_on():
    page = Reader(page_of("unfinished"))
    assert "not finished: 5 of 12 candidates have been evaluated" in page.text
    assert "To go on: python -m caviar tune table.csv --target cultivar" in page.text
    assert "result" not in page.ids
    assert "ranking" in page.ids


def test_an_empty_study_is_a_page_too():
    page = Reader(render(Study()))
    assert "not finished" in page.text
    assert "section" not in page.tags


def test_without_matplotlib_all_but_the_plots_is_there(monkeypatch):
    whole = Reader(page_of("regression"))
    monkeypatch.setattr(_report_plots, "available", lambda: False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = Reader(render(studies.study("regression")))
    assert "pip install 'caviar[plots]'" in page.text
    assert "svg" not in page.tags
    sections = [i for i in whole.ids if i.endswith("-title")]
    assert [i for i in page.ids if i.endswith("-title")] == [
        i for i in sections if not i.startswith(("search-fig", "training-fig"))
    ]


def test_drawing_leaves_matplotlib_as_it_was():
    matplotlib = pytest.importorskip("matplotlib")
    before = dict(matplotlib.rcParams)
    render(studies.study("regression"))
    assert dict(matplotlib.rcParams) == before


def test_the_ranking_puts_those_that_got_further_first():
    results = {
        "params": [
            {"alpha": alpha, "max_iter": n}
            for alpha, n in [(1, 1), (2, 1), (1, 3), (3, 1)]
        ],
        "mean_test_score": [0.9, 0.8, 0.7, math.nan],
        "epochs": [1, 1, 3, 1],
    }
    assert ranked(results) == [2, 1]
    assert ranked({}) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (0.123456, "0.1235"),
        (-1.5, "\u22121.5"),
        (1234567, "1,234,567"),
        (12345.678, "12,346"),
        (1e-9, "1e-09"),
        (True, "True"),
        (math.inf, "\u221e"),
        ("<b>", "&lt;b&gt;"),
        ("a\nb \0\ud800", "a b \ufffd\ufffd"),
    ],
)
def test_numbers_are_shown_as_people_write_them(value, shown):
    assert number(value) == shown


def test_parameters_are_shown_as_on_the_terminal():
    assert parameter((64, 32)) == "64-32"
    assert parameter([64]) == "64"
    assert parameter(0.0273058) == "0.0273"
    assert parameter(True) == "True"
    names = short_names(["a__x", "b__x", "a__y"])
    assert names == {"a__x": "a__x", "b__x": "b__x", "a__y": "y"}
    assert duration(83.4) == "83 s"
    assert duration(754) == "12 min 34 s"
    assert duration(9000) == "2 h 30 min"


# A real run


@pytest.fixture(scope="module", params=["classification", "regression"])
def run(request, tmp_path_factory):
    """A folder that `tune` has written, of a table with texts, dates and gaps."""
    random = np.random.RandomState(0)
    frame, target = studies.load(request.param)
    if request.param == "regression":
        frame[target] = frame["bmi"] + frame["bp"]  # learned, and checked, in no time
    frame["colour"] = random.choice(["red", "it's", '"blue"'], len(frame))
    frame.loc[::7, ["colour", frame.columns[0]]] = np.nan
    frame["day"] = [f"2026-01-{1 + i % 28:02}" for i in range(len(frame))]
    frame["same"] = "<b>"
    folder = tmp_path_factory.mktemp("run")
    frame.to_csv(folder / "table.csv", index=False)
    options = "--search random --n-iter 3 --cv 2 --epochs 20 --n-jobs 1 --out".split()
    table, out = str(folder / "table.csv"), str(folder / "out")
    assert main(["tune", table, "--target", target, *options, out]) == 0
    return folder / "out"


def test_tune_writes_a_report_with_every_part(run):
    study = Study.from_json((run / "study.json").read_text())
    page = Reader((run / "report.html").read_text(encoding="utf-8"))
    sections = [i for i in page.ids if f"{i}-title" in page.ids]
    assert sections == [name for name, _, _ in SECTIONS]
    assert "column 'same' is left out, it is constant" in page.text
    assert study.diagnosis["title"] in page.text
    n_plots = 2 if study.target["task"] == "classification" else 3
    if _report_plots.available():
        assert page.tags.count("svg") == n_plots


def test_the_code_in_the_report_rebuilds_the_model_to_the_last_bit(run):
    study = Study.from_json((run / "study.json").read_text())
    page = Reader((run / "report.html").read_text(encoding="utf-8"))
    assert " ".join(study.code.split()) in page.text
    names = {}
    exec(compile(study.code, "code", "exec"), names)
    model = joblib.load(run / "model.joblib")
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    expected = getattr(model, method)(names["X"])
    np.testing.assert_array_equal(getattr(names["model"], method)(names["X"]), expected)


# The page in a browser


@pytest.fixture(scope="module")
def chromium():
    if browser.EXECUTABLE is None:
        pytest.skip("needs Chromium")
    with browser.Browser() as process:
        yield process


@pytest.fixture
def opened(chromium, case, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page_of(case), encoding="utf-8")
    page = chromium.open(path)
    yield page, path
    page.close()


BLANK = """[...document.querySelectorAll('section, figure, table, .plot svg')]
    .filter(e => { const box = e.getBoundingClientRect();
                   return !e.closest('details:not([open])')
                          && (box.width < 40 || box.height < 12) })
    .map(e => e.outerHTML.slice(0, 80))"""
# Parts that stick out of the page, but for those that scroll within a part.
OVERFLOW = """[...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5
                 && !e.closest('.scroll, .plot'))
    .map(e => e.outerHTML.slice(0, 80))"""


def test_a_browser_shows_it_without_errors_requests_or_blanks(opened):
    page, path = opened
    loaded = [url for url in page.requests if not url.startswith("data:")]
    assert loaded == [path.as_uri()]
    assert page.errors == []
    assert page.evaluate(BLANK) == []
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(BLANK) == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_leaves_the_page_at_its_side(opened, width):
    page, _ = opened
    page.resize(width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("innerWidth") == width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOW) == []


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_a_contrast_of_four_and_a_half(chromium, tmp_path, dark):
    path = tmp_path / "report.html"
    path.write_text(page_of("classification"), encoding="utf-8")
    page = chromium.open(path, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CONTRAST) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 200) == dark
    page.close()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_figures_have_ink_on_white_in_light_and_dark(chromium, tmp_path, task):
    pytest.importorskip("matplotlib")
    path = tmp_path / "report.html"
    path.write_text(page_of(task), encoding="utf-8")
    for dark in (False, True):
        page = chromium.open(path, dark=dark)
        boxes = page.evaluate(
            "[...document.querySelectorAll('.plot')].map(e => { const b = "
            "e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] })"
        )
        assert len(boxes) == (2 if task == "classification" else 3)
        picture = page.image()
        for left, top, right, bottom in np.rint(boxes).astype(int):
            inside = picture[top + 4 : bottom - 4, left + 4 : right - 4]
            assert np.mean(np.all(inside > 0.98, axis=-1)) > 0.5
            is_ink = np.any(inside < 0.6, axis=-1)
            assert 0.002 < np.mean(is_ink) < 0.3
            # All over: each quarter of the figure has some.
            rows, columns = (np.flatnonzero(is_ink.any(axis=i)) for i in (1, 0))
            assert rows[0] < 0.25 * len(is_ink) < 0.75 * len(is_ink) < rows[-1]
            assert columns[0] < 0.25 * is_ink.shape[1]
            assert columns[-1] > 0.75 * is_ink.shape[1]
        page.close()


def test_it_can_be_printed(chromium, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page_of("classification"), encoding="utf-8")
    page = chromium.open(path)
    printed = page.pdf()
    page.resize(700)
    page.ask("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    page.close()
    assert printed.startswith(b"%PDF")
    n_pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 3 <= n_pages <= 20
