"""Searches: scikit-learn's cross-validation, trained no longer than it has to be.

Beside scikit-learn's own searches, which all take caviar's networks as they are.
"""

from ._coarse_to_fine import CoarseToFineSearchCV, SearchBoundaryWarning
from ._halving import HyperbandSearchCV, SuccessiveHalvingSearchCV
from ._journal import JournalWarning, read_journal

__all__ = [
    "CoarseToFineSearchCV",
    "HyperbandSearchCV",
    "JournalWarning",
    "SearchBoundaryWarning",
    "SuccessiveHalvingSearchCV",
    "read_journal",
]
