"""The help of ``python -m caviar``, where it is more than a line."""

DESCRIPTION = """\
Find a good neural network for a table of data, know how good it is, and use it.
"""

EPILOG = """\
first steps:
  python -m caviar tune
      a demonstration on scikit-learn's digits, in a few seconds
  python -m caviar checkup house.csv --target price
      what is right and wrong with your table, before you spend time on it
  python -m caviar tune house.csv --target price
      search; writes a model and a report into the folder caviar-house
  python -m caviar predict caviar-house new.csv --out prices.csv
      predict the rows of another table

COMMAND --help says more of each; docs/command_line.md shows whole sessions.

exit codes:
  0    done
  1    asked for rightly, but it failed: no network could be fitted, a full disk
  2    the request does not fit: an option, a file, a column; one line says what
  130  interrupted by Ctrl-C; the same command goes on (143: by kill)
"""

TUNE_DESCRIPTION = """\
Search for the network that predicts one column of a table from the others, and
say honestly how good it is. Without DATA: a demonstration on scikit-learn's digits.
"""

TUNE_EPILOG = """\
what it does with the table:
  The task follows from the target: texts and few different whole numbers are
  classes, other numbers a regression. Missing numbers are replaced by the
  median and missing texts by the most frequent; texts become one column for
  each category; dates become year, month, day of week, hour and days since 1970;
  numbers are standardized. What cannot be learned from, such as constant columns
  and row numbers, is left out, and named. Without a header, the columns are called
  "column 1", "column 2", ...

searches:
  coarse-to-fine  draws candidates from wide ranges, then closer to the best
  hyperband       trains many candidates a little and few of them long; the
                  choice for large tables and for much time
  halving         one run of that: a third goes on, three times as long
  random          draws all candidates from the wide ranges
  grid            tries 24 fixed candidates

how good it is:
  A quarter of the rows is held out of the search and scored once, at the end.
  --nested scores all rows instead, each by a search that has not seen it: more
  exact, and K + 1 times the work.

what comes out, in DIR:
  report.html     all of it with plots: open it in a browser
  model.joblib    the best network, fitted on all rows, for predict
  search.joblib   the search, for retest
  cv_results.csv  every candidate
  study.json      what report.html is made of, for programs

stopping and going on:
  Ctrl-C and even kill -9 lose nothing but the fits in flight: the same command
  goes on from there. Until then `report DIR` shows the ranking so far.

examples:
  python -m caviar tune
  python -m caviar tune iris.csv --target species
  python -m caviar tune house.csv --target price --time-budget 600
  python -m caviar tune house.parquet --target price --search hyperband --nested
"""

PREDICT_EPILOG = """\
what it needs:
  The table needs the columns the model was trained on, in any order; others,
  such as the target, are ignored. A model file is a joblib file: loading one
  can run code, so use only files that you trust.

what comes out:
  CSV with a header and one line for each row: prediction, and with --proba a
  column for each class, such as probability_setosa.

examples:
  python -m caviar predict caviar-house new.csv
  python -m caviar predict caviar-iris new.csv --proba --out new-iris.csv
"""

REPORT_EPILOG = """\
what comes out:
  DIR/report.html, made again from DIR/study.json. Of a search that is running
  or was interrupted: the ranking so far, here and in DIR/report.html.

examples:
  python -m caviar report caviar-house
"""

CHECKUP_EPILOG = """\
what it does:
  Some short trainings on your table, as a careful practitioner begins: is the
  loss of an untrained network what it should be, can a network learn twenty
  rows by heart, which learning rates work, does it learn more than chance. It
  prints one page: what is in order, what is not, and what to do about it.

examples:
  python -m caviar checkup house.csv --target price
  python -m caviar checkup
"""

RETEST_EPILOG = """\
what it does:
  Data change, and with them which settings are best. The best candidates of the
  search in DIR are scored anew on the rows of DATA, which must have the target,
  and the old ranks are shown beside the new ones: is the winner still one?

examples:
  python -m caviar retest caviar-house house-of-this-year.csv
"""
