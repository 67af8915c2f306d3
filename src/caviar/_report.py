"""The report of ``python -m caviar tune``: one page of HTML that needs nothing else.

Made of a `_study.Study` alone. The page loads nothing, runs nothing, and says by its
Content-Security-Policy that it must not; the same study gives the same bytes.
"""

from . import _report_headline, _report_score, _report_search, _report_sections
from ._report_html import escape
from ._report_style import STYLE

# Nothing may be loaded or run: styles are inline, pictures within the page.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
# In the order in which a reader asks; each returns '' where the study has nothing.
SECTIONS = [
    ("result", "How good", _report_score.result),
    ("mistakes", "Where it errs", _report_score.mistakes),
    ("columns", "What it depends on", _report_score.importances),
    ("model", "The model", _report_score.winner),
    ("training", "Training", _report_sections.training),
    ("checkup", "Checkup", _report_sections.checkup),
    ("ranking", "Candidates", _report_search.ranking),
    ("search", "Search", _report_search.search),
    ("data", "Data", _report_sections.data),
    ("use", "Use", _report_sections.usage),
    ("code", "Code", _report_sections.code),
    ("versions", "Versions", _report_sections.provenance),
]


def render(study):
    """The report of a study.

    Parameters
    ----------
    study : Study
        Of a search that is finished, or not: what is not there yet has no section, and
        the page says so.

    Returns
    -------
    str
        An HTML document, to be written as UTF-8.
    """
    made = [(name, title, make(study)) for name, title, make in SECTIONS]
    made = [entry for entry in made if entry[2]]
    links = "".join(
        f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in made
    )
    version = study.versions.get("caviar", "")
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f'<meta name="generator" content="{escape(f"caviar {version}".strip())}">\n',
            f"<title>{escape(_report_headline.title(study))}</title>\n",
            f'<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n</head>\n<body>\n',
            f"<header>\n{_report_headline.headline(study)}\n",
            f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n</header>\n<main>\n',
            "\n".join(content for _, _, content in made),
            "\n</main>\n<footer><p class='soft small'>Made by caviar",
            f" {escape(version)}. This page loads nothing and sends nothing.</p></footer>",
            "\n</body>\n</html>\n",
        ]
    )
