"""Evaluates the candidates of a search, round after round, each result kept as it comes.

What strategies call; it knows of journals, states and deadlines so that they need not.
"""

import heapq
import math
import pickle
import time
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import product

import joblib
import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import delayed

from ._by_epochs import find_learner
from ._journal import StateStore
from ._trials import Trial, fit_preparation, run_trial


class TimeIsUp(Exception):
    """The time budget is over; what is complete has been kept."""


@dataclass
class Rung:
    """A round in which candidates are trained by epochs, from where they stand."""

    bracket: int
    round: int
    candidates: list  # of int: their numbers in the bracket
    best_first: list  # the same in the order in which they are trained, time permitting
    n_epochs: int  # done in all, at its end
    max_iter: int
    n_survivors: int  # how many will go on


class Evaluator:
    """One search while it runs: what has been evaluated, and how to evaluate more."""

    def __init__(self, search, data, journal, workers):
        self._search, self._data, self._workers = search, data, workers
        self._journal = journal
        self._states = StateStore() if journal is None else journal.states
        self.deadline = None
        self.candidate_params, self.out, self.results = [], [], None
        self.more_results = defaultdict(list)
        self._n_rounds = 0
        self._standing = {}  # (bracket, candidate, split): key and crc of its state
        self._n_epochs = Counter()  # likewise: epochs done
        self._preparations = {}

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self._journal is None:
            self._states.close()

    def check_any(self):
        """Refuse a search without a single complete candidate."""
        if self.out:
            return
        if self.deadline is None:
            raise ValueError("No fits were performed. Were there no candidates?")
        raise ValueError(
            "`time_budget` must be long enough to score one candidate on all "
            f"{len(self._data.splits)} splits, got {self._search.time_budget!r} seconds."
        )

    def evaluate_candidates(
        self,
        candidate_params,
        cv=None,
        more_results=None,
        callback_ctx=None,
        rung=None,
    ):
        """As scikit-learn's, with a `Rung` if candidates are to be trained by epochs.

        Raises
        ------
        TimeIsUp
            If the deadline is over before all candidates are complete.
        """
        if cv is not None:
            raise ValueError(
                "A search by caviar has the same splits in all its rounds."
            )
        candidate_params = list(candidate_params)
        splits = range(len(self._data.splits))
        if self._search.verbose > 0:
            print(
                f"Fitting {len(splits)} folds for each of {len(candidate_params)} "
                f"candidates, totalling {len(splits) * len(candidate_params)} fits"
            )
        trials = self._make_trials(candidate_params, rung, callback_ctx)
        records = self._evaluate(trials, rung)
        numbers = [
            i
            for i in range(len(candidate_params))
            if all((i, s) in records for s in splits)
        ]
        self._add(numbers, candidate_params, records, more_results or {}, rung)
        self._n_rounds += 1
        if self._journal is not None:
            self._journal.end_round()
        if len(numbers) < len(candidate_params):
            raise TimeIsUp
        return self.results

    def _make_trials(self, candidate_params, rung, callback_ctx):
        shared = {"n_candidates": len(candidate_params), "deadline": self.deadline}
        if rung is not None:
            shared["n_epochs"], shared["max_iter"] = rung.n_epochs, rung.max_iter
            shared["keeps_state"] = rung.n_survivors > 0
        watched = callback_ctx is not None and self._has_callbacks()
        trials = {}
        for (i, params), s in product(
            enumerate(candidate_params), range(len(self._data.splits))
        ):
            trials[i, s] = trial = Trial(i, params=params, split=s, **shared)
            if watched:
                trial.caller = self._search
                trial.context = callback_ctx.subcontext(
                    task_name="candidate-split-evaluation", task_id=len(trials) - 1
                )
        return trials

    def _has_callbacks(self):
        estimator = self._data.estimator
        parts = self._search, estimator, find_learner(estimator)[0]
        return any(getattr(part, "_skl_callbacks", None) for part in parts)

    def _key(self, number, split, rung):
        """Of a trial, in the journal: bracket, round, candidate, split."""
        if rung is None:
            return 0, self._n_rounds, number, split
        return rung.bracket, rung.round, rung.candidates[number], split

    def _evaluate(self, trials, rung):
        """Records of all trials that could be run, by number and split."""
        records, todo = {}, []
        survivors = _Survivors(rung.n_survivors if rung else 0)
        for place, trial in trials.items():
            record = self._from_journal(trial, rung)
            if record is None:
                todo.append(trial)
            else:
                self._keep(place, record, records, survivors, rung)
        if rung is not None:
            turns = {number: turn for turn, number in enumerate(rung.best_first)}
            todo.sort(key=lambda trial: turns[rung.candidates[trial.number]])
        settings = [self._settings_of(trial) for trial in todo]
        self._prepare(todo, settings)
        done = self._workers.run(self._tasks(todo, settings, rung))
        for place, result, state in done:
            if result is not None:
                record = self._record(trials[place], result, state, rung)
                self._keep(place, record, records, survivors, rung)
        return records

    def _from_journal(self, trial, rung):
        if self._journal is None:
            return None
        key = self._key(trial.number, trial.split, rung)
        record = self._journal.get(key, trial.params)
        if record is not None and trial.context is not None:
            trial.context.call_on_fit_task_begin(estimator=self._search)
            trial.context.call_on_fit_task_end(estimator=self._search)
        return record

    def _record(self, trial, result, state, rung):
        """What the journal keeps of a result; writes it there, the state first."""
        key = self._key(trial.number, trial.split, rung)
        record = dict(result)
        if rung is not None:
            before = self._n_epochs[_runner(key)]
            record["epochs"] = rung.n_epochs
            # A fit that fails may have lost what was done before.
            record["epochs_trained"] = max(0, result["n_epochs"] - before)
            record["state"] = None if state is None else self._states.put(key, state)
        if self._journal is not None:
            self._journal.append(key, trial.params, record)
        return record

    def _keep(self, place, record, records, survivors, rung):
        """Note where the trial stands; drop states that nobody will go on from."""
        records[place] = record
        if rung is None:
            return
        key = self._key(*place, rung)
        runner = _runner(key)
        self._drop_state(runner)
        self._n_epochs[runner] = record["n_epochs"]
        if record["state"] is not None:
            self._standing[runner] = key, record["state"]
        number, splits = place[0], range(len(self._data.splits))
        if all((number, s) in records for s in splits):
            scores = [self._score(records[number, s]) for s in splits]
            dead = survivors.add(float(np.mean(scores)), number)
            for number, s in product(dead, splits):
                self._drop_state(_runner(self._key(number, s, rung)))

    def _drop_state(self, runner):
        if runner in self._standing:
            self._states.drop(self._standing.pop(runner)[0])

    def _score(self, record):
        scores = record["test_scores"]
        if not isinstance(scores, dict):
            return scores
        return scores[self._search._metric_among(list(scores))]

    def _tasks(self, todo, settings, rung):
        """Calls for the workers, each made when one of them is free."""
        for trial, key in zip(todo, settings, strict=True):
            if self.deadline is not None and time.time() > self.deadline:
                return
            preparation = self._preparations.get(key)
            if rung is not None:
                runner = _runner(self._key(trial.number, trial.split, rung))
                if runner in self._standing:
                    # A state that was lost costs its epochs again, and nothing else.
                    state = self._states.get(*self._standing[runner])
                    trial = replace(trial, state=state)
            yield delayed(run_trial)(self._data, preparation, trial)

    # Pipelines: what stands before the last step

    def _settings_of(self, trial):
        """What the steps before the last depend on: the split and their parameters."""
        estimator = self._data.estimator
        if trial.n_epochs is None or not isinstance(estimator, Pipeline):
            return None
        last = estimator.steps[-1][0]
        settings = {
            name: value
            for name, value in trial.params.items()
            if name.split("__")[0] != last
        }
        try:
            return trial.split, joblib.hash(settings)
        except (pickle.PicklingError, AttributeError):  # a function of a notebook
            return trial.split, tuple((name, id(v)) for name, v in settings.items())

    def _prepare(self, todo, settings):
        """Fit preprocessing, once for all trials that have its settings in common."""
        trials = defaultdict(list)
        for trial, key in zip(todo, settings, strict=True):
            trials[key].append(trial)
        trials.pop(None, None)
        self._preparations = {
            k: v for k, v in self._preparations.items() if k in trials
        }
        self._hold_shared(trials)
        made = self._workers.run(
            delayed(fit_preparation)(
                self._data,
                key,
                group[0].params,
                group[0].split,
                len(group) > 1,
                self.deadline,
            )
            for key, group in trials.items()
            if key not in self._preparations
        )
        self._preparations.update(made)
        self._hold_shared(trials)

    def _hold_shared(self, trials):
        """Have workers hold what several of the trials, grouped by settings, need."""
        shared = (
            preparation
            for key, preparation in self._preparations.items()
            if preparation is not None
            and (len(trials[key]) > 1 or self._workers.holds(preparation))
        )
        self._workers.hold([self._data, *shared])

    # Results

    def _add(self, numbers, candidate_params, records, more_results, rung):
        """Add complete candidates to the results."""
        splits = range(len(self._data.splits))
        out = [dict(records[i, s]) for i, s in product(numbers, splits)]
        if not out:
            return
        search = self._search
        self._tell_of_failures(out)
        self.candidate_params += [candidate_params[i] for i in numbers]
        self.out += out
        if callable(search.scoring):
            # Only a fit that succeeded, of whatever round, tells the metrics' names.
            _insert_error_scores(self.out, search.error_score)
        for name, values in more_results.items():
            self.more_results[name] += [values[i] for i in numbers]
        if rung is not None:
            trained = [r["epochs_trained"] for r in out]
            self.more_results["epochs_trained"] += [
                sum(trained[i : i + len(splits)])
                for i in range(0, len(trained), len(splits))
            ]
        self.results = search._format_results(
            self.candidate_params, len(splits), self.out, self.more_results
        )

    def _tell_of_failures(self, out):
        """As scikit-learn does; but a round of failures does not end a search that has
        something to show."""
        try:
            _warn_or_raise_about_fit_failures(out, self._search.error_score)
        except ValueError as all_failed:
            if all(result["fit_error"] is not None for result in self.out):
                raise
            warnings.warn(
                f"In a round of the search: {all_failed}",
                FitFailedWarning,
                stacklevel=2,
            )


def _runner(key):
    """Who runs: a key without its round."""
    bracket, _, candidate, split = key
    return bracket, candidate, split


class _Survivors:
    """The best candidates so far, of which some number will go on.

    Of equal scores the first candidate counts as better; what is not finite as worst.
    """

    def __init__(self, n_survivors):
        self._n_survivors = n_survivors
        self._heap = []

    def add(self, score, number):
        """Returns the numbers of those that cannot be among the best any more."""
        entry = (score if math.isfinite(score) else -math.inf, -number)
        if len(self._heap) < self._n_survivors:
            heapq.heappush(self._heap, entry)
            return []
        return [-heapq.heappushpop(self._heap, entry)[1]]
