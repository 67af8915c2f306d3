"""The tables of ``python -m caviar``: every spelling is read, or refused in one line."""

import bz2
import datetime
import decimal
import gzip
import io
import lzma
import os
import warnings
import zipfile

import numpy as np
import pytest

from caviar import _cli_columns, _cli_dates, _cli_numbers, _cli_table
from caviar._cli_table import CommandError, load_like, load_problem, load_rows

pandas = pytest.importorskip("pandas")

N_ROWS = 40
LABELS = ["no", "yes"] * (N_ROWS // 2)


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file, and return its path."""

    def write_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def measures():
    """Two measures, a text and a target; the measures have all kinds of decimals."""
    random = np.random.RandomState(0)
    return pandas.DataFrame(
        {
            "length": random.uniform(1, 9999, N_ROWS).round(2),
            "width": random.uniform(0, 1, N_ROWS).round(4),
            "city": random.choice(["Köln", "Łódź", "São Paulo"], N_ROWS),
            "y": LABELS,
        }
    )


def as_csv(frame, **options):
    return frame.to_csv(index=False, **options)


def lines(*rows, header="x,y"):
    """A table of 40 rows, in which the given ones take turns."""
    body = [rows[at % len(rows)] for at in range(N_ROWS)]
    return "\n".join([header, *body]) + "\n"


def numbered(pattern, header="x,y"):
    """A table of 40 rows: a pattern with ``i`` (0 to 39) and ``label``."""
    body = [pattern.format(i=i, label=LABELS[i]) for i in range(N_ROWS)]
    return "\n".join([header, *body]) + "\n"


def assert_reads_measures(problem, measures):
    X = measures.drop(columns="y")
    pandas.testing.assert_frame_equal(problem.X, X.astype({"city": object}))
    assert problem.y.tolist() == LABELS
    assert_code_reads_the_same(problem)


def assert_code_reads_the_same(problem):
    code = _cli_table.table_code(problem)
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(code, names)
    assert "caviar" not in code.replace(problem.source, "")
    pandas.testing.assert_frame_equal(names["X"], problem.X)
    # No pandas.NA, which scikit-learn's imputers do not take.
    for X in (names["X"], problem.X):
        assert {type(cell) for cell in X[problem.categorical].to_numpy().flat} <= {
            str,
            float,
        }
    assert names["y"].dtype == problem.y.dtype
    np.testing.assert_array_equal(names["y"], problem.y)
    assert (names["numeric"], names["categorical"]) == (
        problem.numeric,
        problem.categorical,
    )


# How a file is written


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal_mark", [".", ","])
def test_separators_and_decimal_marks_are_found(
    separator, decimal_mark, measures, write
):
    path = write(as_csv(measures, sep=separator, decimal=decimal_mark))
    problem = load_problem(path, "y")
    assert_reads_measures(problem, measures)
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    assert problem.reading["separator"] == names[separator]
    assert problem.reading["header"] is True
    said = [note for note in problem.notes if "with a decimal comma" in note]
    assert problem.notes == said
    assert len(said) == (decimal_mark == ",")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-16-be", None),
        ("utf-32", None),
        ("cp1252", "read as cp1252"),
        ("latin-1", "read as cp1252"),
    ],
)
def test_encodings_are_found(encoding, said, measures, write):
    measures["city"] = measures["city"].replace("Łódź", "Genève")
    path = write(as_csv(measures).encode(encoding))
    problem = load_problem(path, "y")
    assert_reads_measures(problem, measures)
    assert [said in note for note in problem.notes] == ([True] if said else [])


def test_a_file_that_turns_out_not_to_be_utf8_after_a_megabyte_is_read(write):
    rows = [f"{i},{LABELS[i % 2]}" for i in range(200_000)]
    path = write("\n".join(["x,y", *rows, "1,jä"] * 1).encode("cp1252"))
    problem = load_problem(path, "y")
    assert sorted(set(problem.y)) == ["jä", "no", "yes"]
    assert problem.reading["encoding"] == "cp1252"
    assert "not UTF-8" in problem.notes[0]


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.txt"])
def test_compressed_files_are_read_whatever_they_are_called(name, measures, write):
    text = as_csv(measures).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("table.csv"), text)
    whole = [
        gzip.compress(text),
        bz2.compress(text),
        lzma.compress(text),
        packed.getvalue(),
    ]
    for content in whole:
        assert_reads_measures(load_problem(write(content, name), "y"), measures)


def test_names_with_separators_quotes_and_lines_are_read(measures, write):
    names = ['length, "in" mm; or|so', "wi\ndth", "  city ", "y"]
    measures.columns = names
    problem = load_problem(write(as_csv(measures)), "y")
    measures.columns = [name.strip() for name in names]
    assert list(problem.X.columns) == list(measures.columns[:3])
    assert_code_reads_the_same(problem)


def test_spaces_blank_lines_and_comments_do_not_matter(write):
    text = "# measured by hand\n#\n\n x , city , y \n"
    for i in range(N_ROWS):
        text += f"  {i * i} ,  {'ab'[i % 2]}  , {LABELS[i]} \n" + "\n" * (i % 3 == 0)
    problem = load_problem(write(text), "y")
    assert problem.X["x"].tolist() == [i * i for i in range(N_ROWS)]
    assert set(problem.X["city"]) == {"a", "b"}
    assert problem.y.tolist() == LABELS
    assert_code_reads_the_same(problem)


@pytest.mark.parametrize(
    ("first_line", "columns"),
    [
        ("sep=;\nx;y", ["x"]),
        ("#x;y", ["x"]),
        ("# x;y\n# made in May\nx;y", ["x"]),
    ],
)
def test_lines_before_the_names_are_understood(first_line, columns, write):
    problem = load_problem(write(numbered("{i}.5;{label}", first_line)), "y")
    assert list(problem.X.columns) == columns
    assert_code_reads_the_same(problem)


def test_columns_parted_by_spaces_are_read(write):
    problem = load_problem(write(numbered("{i}.5    {label}", "x  y")), "y")
    assert problem.X["x"].tolist() == [i + 0.5 for i in range(N_ROWS)]
    assert_code_reads_the_same(problem)


def test_a_separator_at_the_end_of_each_line_makes_no_column(write):
    for header in ("x,y", "x,y,"):
        problem = load_problem(write(numbered("{i}.5,{label},", header)), "y")
        assert list(problem.X.columns) == ["x"]
        assert problem.notes == []
        assert_code_reads_the_same(problem)


def test_row_names_as_r_writes_them_do_not_shift_the_columns(write):
    problem = load_problem(write(numbered('"{i}",{i}.5,{label}', '"x","y"')), "y")
    assert list(problem.X.columns) == ["x"]
    assert problem.notes == ["column 'row name' is left out, it numbers the rows"]
    assert_code_reads_the_same(problem)


def test_short_rows_are_filled_with_missing_values_and_said(write):
    text = lines("no,1.5,2", "yes,2.5,3", "no,3.5", header="y,x,z")
    problem = load_problem(write(text), "y")
    assert problem.X["z"].isna().sum() == N_ROWS // 3
    assert "fewer fields" in problem.notes[0]


def test_names_that_are_empty_or_stand_twice_are_made_up_and_said(write):
    text = numbered("{i}.5,{i}.25,{i}.125,{label}", "x,x,,y")
    problem = load_problem(write(text), "y")
    assert list(problem.X.columns) == ["x", "x.1", "column 3"]
    assert problem.notes == ["two columns are called 'x'; the second is read as 'x.1'"]
    assert_code_reads_the_same(problem)


# A header that is not there


@pytest.mark.parametrize("target", ["column 3", "3"])
def test_without_a_header_columns_are_numbered_and_said(target, write):
    rows = numbered("{i}.5,{i},{label}", header="7.5,7,no")
    problem = load_problem(write(rows), target)
    assert problem.reading["header"] is False
    assert len(problem.y) == N_ROWS + 1
    assert list(problem.X.columns) == ["column 1", "column 2"]
    assert problem.target == "column 3"
    assert "the first line looks like data (7.5, 7, no)" in problem.notes[0]
    assert_code_reads_the_same(problem)


@pytest.mark.parametrize(
    ("first_line", "rows", "has_header"),
    [
        ("0,1", ["5.5,a", "6.5,b"], True),
        ("2019,2020,2021", ["5.5,3,1", "6.5,3,2"], True),
        ("name,2019", ["a,3", "b,4"], True),
        ("a,b", ["c,d", "e,f"], True),
        ("colour,size", ["red,big", "blue,big"], True),
        ("red,big", ["red,big", "blue,small"], False),
        ("5.5,7", ["5.5,3", "6.5,3"], False),
        ("3,3", ["5,3", "6,3"], False),
        ("17,red", ["17,red", "18,blue"], False),
        ("2024-01-01,3.5", ["2024-01-02,1.5", "2024-01-03,2.5"], False),
        ("day,3", ["2024-01-02,1.5", "2024-01-03,2.5"], True),
        ("?,x", ["?,1", "3,2"], True),
        ('"1,5";"x y"', ["1,5;x y", "2,5;z"], False),
    ],
)
def test_a_first_line_of_data_is_told_from_names(first_line, rows, has_header, write):
    table = _cli_table.read_table(write(lines(*rows, header=first_line)))
    assert len(table) == N_ROWS + (not has_header)
    assert (table.columns[0] == "column 1") != has_header


def test_a_target_in_the_first_line_is_a_header(write):
    path = write(lines("red,yes", "blue,no", header="red,no"))
    assert load_problem(path, "no").reading["header"] is True
    assert load_problem(path, "2").reading["header"] is False


def test_a_target_that_is_not_there_is_answered_with_the_columns(write):
    path = write(numbered("{i}.5,{label}", "7.5,no"))
    with pytest.raises(
        CommandError, match=r"columns are: column 1, column 2 \(its fir"
    ):
        load_problem(path, "species")
    with pytest.raises(CommandError, match="one of: column 1, column 2 "):
        load_problem(path, None)


# Numbers


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,5", "2.000,25"], [1234.5, 2000.25]),
        (["1,234.5", "2,000.25"], [1234.5, 2000.25]),
        (["1.234.567", "2.000.001"], [1234567, 2000001]),
        (["1'234.5", "2'000.25"], [1234.5, 2000.25]),
        (["1 234,5", "2\u202f000,25"], [1234.5, 2000.25]),
        (["$1,234.50", "$99"], [1234.5, 99]),
        (["99 €", "1.234,50 €"], [99, 1234.5]),
        (["12.5%", "3 %"], [12.5, 3]),
        (["USD 5.25", "USD 1,000"], [5.25, 1000]),
        (["+3", "-4"], [3, -4]),
        (["1e3", "2.5E-1"], [1000, 0.25]),
        ([".5", "-.25"], [0.5, -0.25]),
    ],
)
def test_written_numbers_are_numbers(cells, values, write):
    table = pandas.DataFrame({"x": cells * 20, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.X["x"].tolist() == values * 20
    assert_code_reads_the_same(problem)


def test_a_number_that_can_be_read_twice_follows_the_rest_of_the_file_and_is_said(
    write,
):
    rows = ["1.234;0,5;no", "2.345;1,25;yes"]
    problem = load_problem(write(lines(*rows, header="price;width;y")), "y")
    assert problem.X["price"].tolist() == [1234, 2345] * 20
    assert "a point in its numbers groups thousands" in problem.notes[-1]
    assert_code_reads_the_same(problem)
    rows = ['"1,234";0.5;no', '"2,345";1.25;yes']
    problem = load_problem(write(lines(*rows, header="price;width;y")), "y")
    assert problem.X["price"].tolist() == [1234, 2345] * 20
    assert "a comma in its numbers groups thousands" in problem.notes[0]


def test_decimal_commas_by_custom_alone_are_said(write):
    problem = load_problem(write(lines("1,234;no", "2,345;yes", header="x;y")), "y")
    assert problem.X["x"].tolist() == [1.234, 2.345] * 20
    assert problem.notes == [
        "numbers such as 1,234 are read with a decimal comma, as is usual beside a "
        "semicolon"
    ]


@pytest.mark.parametrize(
    "cells", [["5 7", "6 8"], ["1,2,3", "4,5,6"], ["1.2.3", "4.5.6"], ["3 kg", "4 kg"]]
)
def test_texts_with_digits_are_not_taken_for_numbers(cells, write):
    table = pandas.DataFrame({"x": cells * 20, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.categorical == ["x"]
    assert problem.X["x"].tolist() == cells * 20


def test_a_few_texts_among_numbers_count_as_missing_and_are_said(write):
    cells = [f"{i * i}" for i in range(N_ROWS)]
    cells[7] = "not measured"
    table = pandas.DataFrame({"x": cells, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.numeric == ["x"]
    assert np.flatnonzero(problem.X["x"].isna()).tolist() == [7]
    assert problem.notes == [
        "column 'x': 1 text among its numbers ('not measured') counts as missing"
    ]
    assert_code_reads_the_same(problem)


def test_codes_that_are_mostly_digits_stay_texts(write):
    cells = ["1", "2", "3", "1"] * 9 + ["1", "2", "3", "X"]
    table = pandas.DataFrame({"x": cells, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.X["x"].tolist() == cells


@pytest.mark.parametrize(
    "mark", "? - -- . NA N/A n/a NaN nan null NULL None #N/A #DIV/0!".split()
)
def test_marks_of_missing_values_are_missing(mark, write):
    text = lines(f"1.5, {mark} ,no", f" {mark} ,b,yes", "2.5,c,no", header="x,c,y")
    problem = load_problem(write(text), "y")
    x, c = problem.X["x"], problem.X["c"]
    assert x.isna().tolist() == [i % 3 == 1 for i in range(N_ROWS)]
    assert c.isna().tolist() == [i % 3 == 0 for i in range(N_ROWS)]
    assert_code_reads_the_same(problem)


def test_infinite_values_are_missing_and_said(write):
    text = lines("1.5,no", "inf,yes", "-inf,no", "2.5,yes")
    problem = load_problem(write(text), "y")
    assert problem.X["x"].isna().sum() == 20
    assert problem.notes == ["column 'x': 20 infinite values count as missing"]
    assert_code_reads_the_same(problem)


# Dates


FIRST_DAY = datetime.datetime(2023, 11, 3, 7, 30)
DAYS = [FIRST_DAY + i * datetime.timedelta(9.25) for i in range(N_ROWS)]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d.%m.%y %H:%M",
        "%d/%m/%Y",
        "%m/%d/%Y %I:%M %p",
        "%d-%m-%Y",
        "%d %b %Y",
        "%B %d, %Y",
        "%d-%b-%y",
    ],
)
def test_dates_become_numbers_whatever_their_spelling(form, write):
    table = pandas.DataFrame(
        {"seen": [day.strftime(form) for day in DAYS], "y": LABELS}
    )
    problem = load_problem(write(as_csv(table)), "y")
    days = np.array(DAYS, dtype="datetime64[D]").astype(float)
    X = problem.X
    assert X["seen: year"].tolist() == [day.year for day in DAYS]
    assert X["seen: month"].tolist() == [day.month for day in DAYS]
    assert X["seen: day of week"].tolist() == [day.weekday() for day in DAYS]
    assert X["seen: days since 1970"].tolist() == days.tolist()
    if "%M" in form:
        hours = [day.hour + day.minute / 60 for day in DAYS]
        assert X["seen: hour"].tolist() == hours
    else:
        assert "seen: hour" not in X
    assert problem.columns[0]["kind"] == "date"
    assert problem.notes[0].startswith(
        "column 'seen': read as year, month, day of week"
    )
    assert_code_reads_the_same(problem)


def test_the_parts_of_dates_that_are_constant_are_left_out(write):
    text = "x,y\n" + "".join(
        f"2024-03-{i % 28 + 1:02},{LABELS[i]}\n" for i in range(40)
    )
    problem = load_problem(write(text), "y")
    assert problem.numeric == ["x: day of week", "x: days since 1970"]


def test_an_offset_from_utc_is_left_out_so_that_the_hour_is_the_clock_there(write):
    offsets = ["+01:00", "+02:00", "Z", "-0330"]
    text = "x,y\n" + "".join(
        f"2024-03-{i % 28 + 1:02}T09:00:00{offsets[i % 4]},{LABELS[i]}\n"
        for i in range(40)
    )
    problem = load_problem(write(text), "y")
    assert "x: hour" not in problem.numeric  # it is always nine
    assert_code_reads_the_same(problem)


def test_dates_written_in_two_ways_are_all_read_and_said(write):
    spelt = [
        day.strftime(["%Y-%m-%d", "%d.%m.%Y"][i % 2]) for i, day in enumerate(DAYS)
    ]
    table = pandas.DataFrame({"seen": spelt, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.X["seen: month"].tolist() == [day.month for day in DAYS]
    assert "its dates are written in 2 ways" in problem.notes[0]
    assert_code_reads_the_same(problem)


def test_day_and_month_follow_the_evidence_or_the_custom_of_the_file(write):
    def months(cells, separator=","):
        table = pandas.DataFrame({"x": cells, "y": LABELS})
        problem = load_problem(write(as_csv(table, sep=separator)), "y")
        assert_code_reads_the_same(problem)
        return set(problem.X.get("x: month", [])), problem.notes[0]

    found, note = months([f"{i % 20 + 1:02}/0{i % 2 + 1}/2024" for i in range(40)])
    assert found == {1, 2}
    assert "first" not in note
    found, note = months([f"0{i % 2 + 1}/{i % 20 + 1:02}/2024" for i in range(40)])
    assert found == {1, 2}
    open_dates = [f"0{i % 2 + 1}/{i % 12 + 1:02}/2024" for i in range(40)]
    found, note = months(open_dates)
    assert found == {1, 2}
    assert "01/02/2024 is read with the month first" in note
    found, note = months(open_dates, ";")
    assert found == set(range(1, 13))
    assert "01/02/2024 is read with the day first" in note


def test_one_late_date_decides_the_order_of_a_hundred_thousand():
    texts = [
        f"{i % 12 + 1:02}/{i % 11 + 1:02}/{1900 + i // 132}" for i in range(13_000)
    ]
    texts = [*dict.fromkeys(texts), "31/01/2001"]
    counts = np.ones(len(texts), dtype=int)
    dates, spelling = _cli_dates.read_dates(texts, counts, False)
    assert spelling.formats == ("%d/%m/%Y",)
    assert spelling.is_sure
    assert not np.isnat(dates).any()


def test_texts_that_are_no_dates_among_dates_count_as_missing_and_are_said(write):
    spelt = [day.strftime("%Y-%m-%d") for day in DAYS]
    spelt[5] = "0000-00-00"
    table = pandas.DataFrame({"seen": spelt, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert np.flatnonzero(problem.X["seen: month"].isna()).tolist() == [5]
    assert "1 text among its dates ('0000-00-00') counts as missing" in problem.notes[0]
    assert_code_reads_the_same(problem)


def test_times_of_day_become_hours(write):
    text = "x,y\n" + "".join(f"{i % 24}:{i:02},{LABELS[i]}\n" for i in range(40))
    problem = load_problem(write(text), "y")
    assert problem.X["x: hour"].tolist() == [i % 24 + i / 60 for i in range(40)]
    assert_code_reads_the_same(problem)


@pytest.mark.parametrize("text", ["10.0.0.12", "1.2.10", "12-34", "3/4", "v1", "may"])
def test_what_only_resembles_a_date_is_none(text):
    assert not _cli_dates.looks_like_date(text)


# Columns that are left out


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("unit", ["cm"] * N_ROWS, "it is constant"),
        ("unit", [None, "cm"] * 20, "it is constant"),
        ("remark", [None] * N_ROWS, "it has no value at all"),
        ("n", list(range(5, 5 + N_ROWS)), "it numbers the rows"),
        (
            "customerID",
            [i * 37 % 1009 for i in range(40)],
            "it is an id: whole numbers",
        ),
        ("row_id", [i * 37 % 1009 for i in range(40)], "it is an id: whole numbers"),
        ("", [i * 37 % 1009 for i in range(40)], "it is an id: whole numbers"),
        ("who", [f"cust_{i:05}" for i in range(40)], "it has 40 different texts in 40"),
    ],
)
def test_what_cannot_be_learned_from_is_left_out_with_a_word(
    name, values, reason, write
):
    table = pandas.DataFrame({name: values, "x": np.arange(40) ** 2 / 7, "y": LABELS})
    problem = load_problem(write(as_csv(table)), "y")
    assert list(problem.X.columns) == ["x"]
    shown = name or "column 1"
    assert problem.notes[0].startswith(f"column '{shown}' is left out, {reason}")
    assert problem.columns[0]["kind"] == "left out"
    assert problem.columns[0]["note"].startswith(reason)
    assert_code_reads_the_same(problem)


@pytest.mark.parametrize(
    "name", ["price", "width", "humidity", "Idaho", "paid", "valid"]
)
def test_measures_that_differ_in_every_row_are_kept(name, write):
    table = pandas.DataFrame({name: np.arange(40) ** 2 + 7, "y": LABELS})
    assert load_problem(write(as_csv(table)), "y").numeric == [name]


def test_an_id_with_fractions_or_repetitions_is_kept(write):
    values = np.arange(40) ** 2 / 8
    table = pandas.DataFrame({"a_id": values, "b_id": values // 7 * 7, "y": LABELS})
    assert load_problem(write(as_csv(table)), "y").numeric == ["a_id", "b_id"]


def test_texts_with_more_categories_than_a_model_should_have_are_left_out(write):
    rows = [f"place {i % 1500},{i % 7},{LABELS[i % 2]}" for i in range(4500)]
    problem = load_problem(write("\n".join(["place,x,y", *rows])), "y")
    assert problem.categorical == []
    assert "'place' is left out, it has 1,500 different texts, more" in problem.notes[0]


def test_many_columns_that_are_left_out_are_said_in_few_lines(write):
    table = pandas.DataFrame({f"c{i}": [1] * N_ROWS for i in range(5000)})
    table["x"], table["y"] = np.arange(40) ** 2, LABELS
    notes = load_problem(write(as_csv(table)), "y").notes
    assert notes == [
        "5,000 columns are left out, each because it is constant: 'c0', 'c1', 'c2', 'c3' "
        "and 4,996 more"
    ]


def test_a_table_without_a_column_to_learn_from_is_refused(write):
    with pytest.raises(
        CommandError, match="no column to learn 'y' from: column 'x' is"
    ):
        load_problem(write(lines("1,no", "1,yes")), "y")


def test_the_columns_are_described(measures, write):
    measures.loc[::4, "city"] = None
    problem = load_problem(write(as_csv(measures)), "y")
    assert problem.columns == [
        dict(name="length", kind="numeric", n_missing=0, n_different=40, note=""),
        dict(name="width", kind="numeric", n_missing=0, n_different=40, note=""),
        dict(name="city", kind="categorical", n_missing=10, n_different=3, note=""),
    ]
    summary = problem.data_summary()
    assert (summary["n_rows"], summary["n_columns"]) == (N_ROWS, 3)
    target = problem.target_summary()
    assert (target["classes"], target["counts"]) == (["no", "yes"], [20, 20])


# The target


def test_rows_without_a_target_are_left_out_and_counted(write):
    text = lines("1.5,no", "2.5,", "3.5,yes", "4.5,?")
    problem = load_problem(write(text), "y")
    assert problem.X["x"].tolist() == [1.5, 3.5] * 10
    assert problem.n_dropped_rows == 20
    assert problem.notes == ["20 rows without a value of 'y' are left out"]
    assert_code_reads_the_same(problem)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["1,", "2,"], "'y' must have values, got none at all"),
        (["1,a", "2,a"], "at least two different values, got 'a' in every row"),
        (["1,3", "2,3"], "at least two different values, got 3"),
        (["1,a", "2,", "3,", "4,b"], None),
        (
            ["1,a", "2,", "3,", "4,", "5,b", "6,", "7,", "8,"],
            "must have at least 20 rows with a value of 'y'",
        ),
        (["1,2024-01-05", "2,2024-01-06"], "'y' holds dates, which are no target"),
    ],
)
def test_a_target_is_checked(rows, says, write):
    path = write(lines(*rows))
    if says is None:
        assert len(load_problem(path, "y").y) == 20
    else:
        with pytest.raises(CommandError, match=says):
            load_problem(path, "y")


def test_ten_rows_are_refused_with_their_number(write):
    path = write("\n".join(lines("1,a", "2,b").splitlines()[:11]))
    with pytest.raises(CommandError, match="at least 20 rows, got 10"):
        load_problem(path, "y")


@pytest.mark.parametrize(
    ("cells", "task", "y"),
    [
        (["1.234,50 €", "99,00 €"], "regression", [1234.5, 99]),
        (["12.5%", "99%"], "regression", [12.5, 99]),
        (["TRUE", "false"], "classification", ["True", "False"]),
        ([" yes", "no "], "classification", ["yes", "no"]),
        (["1", "0"], "classification", [1, 0]),
        (["1.0", "0.0"], "classification", [1, 0]),
    ],
)
def test_targets_are_read_as_columns_are(cells, task, y, write):
    table = pandas.DataFrame({"x": np.arange(40) ** 2, "y": cells * 20})
    problem = load_problem(write(as_csv(table)), "y")
    assert problem.task == task
    assert problem.y.tolist() == y * 20
    assert_code_reads_the_same(problem)


def test_fractions_as_classes_have_code_that_reads_them(write):
    table = pandas.DataFrame({"x": np.arange(40) ** 2, "y": [0.5, 1, 2, 3] * 10})
    problem = load_problem(write(as_csv(table)), "y", "classification")
    assert set(problem.y) == {"0.5", "1.0", "2.0", "3.0"}
    assert_code_reads_the_same(problem)


# Files that are no tables


WORKBOOK = io.BytesIO()
with zipfile.ZipFile(WORKBOOK, "w") as archive:
    archive.writestr(zipfile.ZipInfo("[Content_Types].xml"), "")
    archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), "")
TWO_FILES = io.BytesIO()
with zipfile.ZipFile(TWO_FILES, "w") as archive:
    archive.writestr(zipfile.ZipInfo("a.csv"), "x,y\n")
    archive.writestr(zipfile.ZipInfo("b.csv"), "x,y\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "nothing but blank lines"),
        (b"# x\n# y\n", "blank lines or comments"),
        (b"x,y\n", "has a header but no rows"),
        (b"x,y", "has a header but no rows"),
        (WORKBOOK.getvalue(), "it is an Excel workbook: save it as CSV there"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "it is an Excel workbook"),
        (TWO_FILES.getvalue(), "must hold one table, got an archive of 2 files"),
        (b"PK\x03\x04 and nothing else", r"compressed \(zip\) and damaged"),
        (b"<!DOCTYPE html>\n<html><table>", "a web page"),
        (b"\n <table><tr><td>1</td>", "a web page"),
        (b"<?xml version='1.0'?>", "it is XML"),
        (b'[{"x": 1}, {"x": 2}]', "it is JSON"),
        (b'{"x": [1, 2]}', "it is JSON"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe" * 9, "Cannot read .* an image"),
        (b"x,y\n1,a\n\0\0\0\0\n2,b\n", "it holds NUL bytes"),
        (b"x,y\n1,a\n" * 200_000 + b"\0\0\0\n2,b\n", "it holds NUL bytes"),
        (bytes(range(1, 256)) * 9, "it holds bytes that are no text"),
        (gzip.compress(b"x,y\n1,a\n" * 40)[:-9], r"compressed \(gzip\) and damaged"),
        (b"x,y\n" + b"1,2,3\n" * 30, "its rows have more fields than its header"),
        (b"x,y\n" + b"1,a\n" * 30 + b"1,2,3\n", "line 32 has 3 fields, the lines bef"),
        (b"x,y\n" + b"1,a\n" * 30 + b'"1,a\n', "a quotation mark that opens in row 31"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_table_is_refused_in_one_line(content, says, write):
    with pytest.raises(CommandError, match=says) as refused:
        load_problem(write(content), "y")
    assert "\n" not in str(refused.value)


def test_a_cut_off_gzip_file_is_refused_however_long_it_is(write):
    random = np.random.RandomState(0)
    text = "".join(
        f"{x},{'ab'[i % 2]}\n" for i, x in enumerate(random.uniform(size=10**5))
    )
    content = gzip.compress(("x,y\n" + text).encode())
    for kept in (20, 1000, len(content) // 2, len(content) - 1):
        with pytest.raises(CommandError, match="damaged or cut off"):
            load_problem(write(content[:kept]), "y")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("https://example.org/table.csv", "is a URL: download the file first"),
        ("s3://bucket/table.parquet", "is a URL"),
        ("nowhere/table.csv", "There is no file"),
        (".", "is a directory"),
        (os.devnull, "is no regular file"),
    ],
)
def test_a_path_that_leads_to_no_file_is_refused_in_one_line(path, says):
    with pytest.raises(CommandError, match=says) as refused:
        load_problem(path, "y")
    assert "\n" not in str(refused.value)


def test_a_file_that_may_not_be_read_is_refused_in_one_line(write, monkeypatch):
    path = write(lines("1,a", "2,b"))

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(CommandError, match=r"Cannot read '.*': Permission denied\.$"):
        load_problem(path, "y")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_damaged_table_is_read_or_refused_in_one_line(separator, measures, write):
    measures["seen"] = [day.strftime("%Y-%m-%d") for day in DAYS]
    text = as_csv(measures, sep=separator, decimal=",").encode()
    junk = [b",", b";", b'"', b"\n", b"\0", b"\xff", b"\r", b"inf", b"#", b"2024-13-45"]
    random = np.random.RandomState(0)
    n_read = 0
    for _ in range(60):
        content = bytearray(text)
        for _ in range(random.randint(1, 5)):
            at = random.randint(len(content))
            content[at : at + random.randint(20)] = junk[random.randint(len(junk))]
        try:
            problem = load_problem(write(bytes(content)), "y")
        except CommandError as refusal:
            assert "\n" not in str(refusal)
        else:
            n_read += 1
            assert_code_reads_the_same(problem)
    assert 5 < n_read < 55


# Parquet


@pytest.fixture
def typed():
    """A table with every type that Parquet has and pandas writes."""
    pytest.importorskip("pyarrow")
    random = np.random.RandomState(0)
    rows = range(N_ROWS)
    days = pandas.date_range("2023-11-03", periods=N_ROWS, freq="D", tz="Europe/Berlin")
    return pandas.DataFrame(
        {
            "decimal": [decimal.Decimal(i * i) / 8 for i in rows],
            "Int64": pandas.array([None, *(i * i for i in rows[1:])], dtype="Int64"),
            "boolean": pandas.array([None, *(i % 3 == 0 for i in rows[1:])]),
            "bool": [i % 3 == 0 for i in rows],
            "category": pandas.Categorical(random.choice(["red", "blue"], N_ROWS)),
            "text": [["red", None][i % 2] or "blue" for i in rows],
            "spelt": [f"{i * i},5" for i in rows],
            "float32": random.uniform(size=N_ROWS).astype(np.float32),
            "zoned": days,
            "date": [day.date() for day in days],
            "time": [datetime.time(i % 24, i) for i in rows],
            "duration": pandas.to_timedelta([i * i for i in rows], unit="s"),
            "period": pandas.period_range("2020-01", periods=N_ROWS, freq="M"),
            "list": [[i] for i in rows],
            "record": [{"a": i} for i in rows],
            "bytes": [b"\xff"] * N_ROWS,
            "y": LABELS,
        }
    )


def test_every_type_of_parquet_is_read_or_left_out_with_a_word(typed, tmp_path):
    typed.to_parquet(tmp_path / "table.parquet")
    problem = load_problem(tmp_path / "table.parquet", "y")
    kinds = {column["name"]: column["kind"] for column in problem.columns}
    numeric = ["decimal", "Int64", "spelt", "float32", "duration"]
    dates = ["zoned", "date", "time", "period"]
    left_out = ["list", "record", "bytes"]
    assert [name for name, kind in kinds.items() if kind == "numeric"] == numeric
    assert [name for name, kind in kinds.items() if kind == "date"] == dates
    assert [name for name, kind in kinds.items() if kind == "left out"] == left_out
    X = problem.X
    assert X["decimal"].tolist() == [i * i / 8 for i in range(N_ROWS)]
    assert X["spelt"].tolist() == [i * i + 0.5 for i in range(N_ROWS)]
    assert X["duration"].tolist() == [i * i for i in range(N_ROWS)]
    assert X["boolean"][1:].tolist() == [str(i % 3 == 0) for i in range(1, N_ROWS)]
    assert X["time: hour"].tolist() == [i % 24 + i / 60 for i in range(N_ROWS)]
    assert "zoned: hour" not in X  # midnight there, if not in UTC
    assert_code_reads_the_same(problem)
    rows = load_rows(tmp_path / "table.parquet", problem.layout)
    pandas.testing.assert_frame_equal(rows.X, X)


def test_a_csv_file_of_a_parquet_table_is_read_as_the_model_wants_it(typed, tmp_path):
    typed = typed.drop(columns=["duration", "float32"])  # texts, and rounded
    typed.to_parquet(tmp_path / "table.parquet")
    typed.to_csv(tmp_path / "table.csv", index=False)
    problem = load_problem(tmp_path / "table.parquet", "y")
    rows = load_rows(tmp_path / "table.csv", problem.layout)
    pandas.testing.assert_frame_equal(rows.X, problem.X)
    assert rows.notes == []


def test_named_row_labels_of_parquet_are_columns(measures, tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.parquet"
    measures.index = pandas.Index(np.arange(N_ROWS) ** 2, name="age")
    measures.to_parquet(path)
    problem = load_problem(path, "y")
    assert problem.X["age"].tolist() == [i * i for i in range(N_ROWS)]
    assert_code_reads_the_same(problem)
    measures.index = pandas.MultiIndex.from_arrays(
        [np.arange(N_ROWS) ** 2, np.arange(N_ROWS)], names=["age", None]
    )
    measures.to_parquet(path)
    problem = load_problem(path, "y")
    assert list(problem.X.columns) == ["age", "length", "width", "city"]
    assert_code_reads_the_same(problem)


def test_names_in_two_levels_are_joined(measures, tmp_path):
    pytest.importorskip("pyarrow")
    names = [("size", "length"), ("size", "width"), ("city", ""), ("y", "")]
    measures.columns = pandas.MultiIndex.from_tuples(names)
    measures.to_parquet(tmp_path / "table.parquet")
    problem = load_problem(tmp_path / "table.parquet", "y")
    assert list(problem.X.columns) == ["size length", "size width", "city"]
    assert_code_reads_the_same(problem)


def test_parquet_is_known_by_its_content(measures, tmp_path, write):
    pytest.importorskip("pyarrow")
    measures.to_parquet(tmp_path / "table.csv")
    assert_reads_measures(load_problem(tmp_path / "table.csv", "y"), measures)
    with pytest.raises(CommandError, match="as Parquet: it does not begin"):
        load_problem(write(lines("1,a"), "table.parquet"), "y")
    content = (tmp_path / "table.csv").read_bytes()
    for damaged in (content[:100], content[:-50], content.replace(b"y", b"\xff")):
        with pytest.raises(CommandError, match="as Parquet: ") as refused:
            load_problem(write(damaged, "cut.parquet"), "y")
        assert "\n" not in str(refused.value)


# Tables of a model


@pytest.fixture
def trained(measures, write):
    """The problem a model was trained on: numbers, texts, dates, and strays."""
    measures["seen"] = [day.strftime("%Y-%m-%d") for day in DAYS]
    measures["code"] = [f"{i}" for i in range(100, 100 + 3 * N_ROWS, 3)]
    measures.loc[3, "code"] = "unknown"
    return load_problem(write(as_csv(measures), "trained.csv"), "y"), measures


def test_a_table_to_predict_is_read_in_its_own_way(trained, write):
    problem, table = trained
    table["seen"] = [day.strftime("%d.%m.%Y") for day in DAYS]
    table["extra"] = "x"
    table = table.drop(columns="y")[table.columns.drop("y")[::-1]]
    text = as_csv(table, sep=";", decimal=",").replace("\n", "\r\n")
    rows = load_rows(write(text.encode("utf-16")), problem.layout)
    pandas.testing.assert_frame_equal(rows.X, problem.X)
    assert rows.notes == []


def test_few_rows_that_leave_the_decimal_mark_open_follow_the_model(write):
    text = lines('"1.234,5",no', '"2,25",yes')
    problem = load_problem(write(text), "y")
    rows = load_rows(write('x\n"1.234"\n', "new.csv"), problem.layout)
    assert rows.X["x"].tolist() == [1234]
    text = lines('"1,234.5",no', '"2.25",yes')
    problem = load_problem(write(text), "y")
    rows = load_rows(write('x;z\n"1,234";1\n', "new.csv"), problem.layout)
    assert rows.X["x"].tolist() == [1234]


def test_few_dates_that_leave_the_order_open_follow_the_model(write):
    days = [f"{i % 28 + 1}/{i % 3 + 1}/2024" for i in range(40)]
    text = as_csv(pandas.DataFrame({"x": days, "y": LABELS}))
    problem = load_problem(write(text), "y")
    rows = load_rows(write("x\n2/3/2024\n", "new.csv"), problem.layout)
    assert rows.X["x: month"].tolist() == [3]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"length": "long"}, "'length' must hold numbers, got 'long' in row 3"),
        ({"code": "n.k."}, "'code' must hold numbers, got 'n.k.' in row 3"),
        ({"seen": "soon"}, "'seen' must hold dates, got 'soon' in row 3"),
    ],
)
def test_what_is_neither_number_nor_date_is_refused_with_its_row(
    change, says, trained, write
):
    problem, table = trained
    for name, value in change.items():
        table[name] = table[name].astype(object)
        table.loc[2, name] = value
    with pytest.raises(CommandError, match=says):
        load_rows(write(as_csv(table)), problem.layout)


def test_the_row_that_is_named_is_the_one_without_a_date(trained, write):
    problem, table = trained
    table.loc[30:, "seen"] = "soon"  # too many to call it a column of dates
    with pytest.raises(CommandError, match="hold dates, got 'soon' in row 31"):
        load_rows(write(as_csv(table)), problem.layout)


def test_texts_that_counted_as_missing_do_so_again(trained, write):
    problem, table = trained
    table["code"] = "unknown"
    X = load_rows(write(as_csv(table)), problem.layout).X
    assert X["code"].isna().all()


def test_absent_columns_are_named(trained, write):
    problem, table = trained
    path = write(as_csv(table.drop(columns=["seen", "city"])))
    with pytest.raises(CommandError, match="got none named 'seen', 'city'"):
        load_rows(path, problem.layout)


def test_categories_never_seen_are_said(trained, write):
    problem, table = trained
    table.loc[4:6, "city"] = "Oslo"
    rows = load_rows(write(as_csv(table)), problem.layout)
    assert rows.notes == [
        "column 'city': 3 cells with texts the model has not seen, such as 'Oslo'; they "
        "count as none of those it knows"
    ]


def test_texts_of_digits_stay_the_texts_the_model_knows(write):
    problem = load_problem(write(lines("1,no", "2,yes", "a,no", "01,yes")), "y")
    rows = load_rows(write("x\n1\n01\n2\n", "new.csv"), problem.layout)
    assert rows.X["x"].tolist() == ["1", "01", "2"]
    assert rows.notes == []


def test_a_model_of_a_table_without_a_header_knows_columns_by_their_place(write):
    header = "0.5,red,no"
    rows = numbered("{i}.25,red,{label}", header).replace("5.25,red", "5.25,blue")
    problem = load_problem(write(rows), "3")
    new = load_rows(write("3.5,red\n4.25,blue\n5.75,red\n", "new.csv"), problem.layout)
    assert new.X["column 1"].tolist() == [3.5, 4.25, 5.75]
    assert new.notes == []  # it is as expected
    # The target stood first: what is left of the columns has moved.
    problem = load_problem(write(lines("no,1.5", "yes,2.5", header="no,3.5")), "1")
    new = load_rows(write("3.5\n4.25\n5.75\n", "new.csv"), problem.layout)
    assert new.X["column 2"].tolist() == [3.5, 4.25, 5.75]


def test_a_table_without_the_names_that_the_model_knows_is_refused(trained, write):
    problem, table = trained
    text = as_csv(table).partition("\n")[2]
    with pytest.raises(CommandError, match="must begin with the names of its columns"):
        load_rows(write(text), problem.layout)


def test_new_data_with_a_target_have_the_columns_and_classes_of_the_model(
    trained, write
):
    problem, table = trained
    table.loc[:9, "y"] = None
    new = load_like(
        write(as_csv(table, sep="|")), problem.layout, classes=["no", "yes"]
    )
    assert new.task == "classification"
    assert new.n_dropped_rows == 10
    pandas.testing.assert_frame_equal(new.X, problem.X[10:].reset_index(drop=True))
    assert new.y.tolist() == LABELS[10:]
    table.loc[12, "y"] = "perhaps"
    with pytest.raises(
        CommandError, match="the 2 classes the model knows, got 'perhaps'"
    ):
        load_like(write(as_csv(table)), problem.layout, classes=["no", "yes"])


@pytest.mark.parametrize(
    ("cells", "new_cells", "y"),
    [
        (["1", "2", "1", "x"], ["1", "2"], ["1", "2"]),
        (["0", "1", "0", "1"], ["1.0", "0.0"], [1, 0]),
        (["True", "False", "True", "False"], ["true", "FALSE"], ["True", "False"]),
    ],
)
def test_new_classes_are_spelt_as_the_model_spells_them(cells, new_cells, y, write):
    rows = [f"{i}.5,{cell}" for i, cell in enumerate(cells)]
    problem = load_problem(write(lines(*rows)), "y")
    classes = np.unique(problem.y)
    rows = [f"{i}.5,{cell}" for i, cell in enumerate(new_cells)]
    new = load_like(write(lines(*rows), "new.csv"), problem.layout, classes=classes)
    assert new.y.tolist() == y * 20
    assert new.y.dtype == problem.y.dtype


# Large tables


def test_a_column_of_texts_is_factored_and_not_read_cell_by_cell(monkeypatch):
    calls = []
    spell = _cli_columns.different_texts.__globals__["_spell"]
    monkeypatch.setitem(
        _cli_columns.different_texts.__globals__,
        "_spell",
        lambda value: calls.append(value) or spell(value),
    )
    column = pandas.Series(["a", "b", " a", None] * 25_000, name="x")
    found = _cli_columns.examine(column)
    assert (found.kind, found.n_different) == ("categorical", 2)
    assert len(calls) == 3


@pytest.mark.slow
def test_five_thousand_columns_are_read(write):
    random = np.random.RandomState(0)
    table = pandas.DataFrame(random.uniform(size=(N_ROWS, 5000)).round(3))
    table.columns = [f"c{i}" for i in range(5000)]
    problem = load_problem(write(as_csv(table.assign(y=LABELS))), "y")
    pandas.testing.assert_frame_equal(problem.X, table)


@pytest.mark.long
def test_a_million_rows_are_read(tmp_path):
    n_rows = 1_000_000
    random = np.random.default_rng(0)
    x = random.normal(size=n_rows).round(4)
    money = random.uniform(0, 1e5, n_rows).round(2)
    days = pandas.date_range("1990-01-01", periods=n_rows, freq="min")
    table = pandas.DataFrame(
        {
            "x": x,
            "who": [f"cust_{i:07}" for i in range(n_rows)],
            "money": [f"{value:,.2f}" for value in money],
            "when": days.strftime("%d/%m/%Y %H:%M"),
            "level": random.choice([f"level {i}" for i in range(50)], n_rows),
            "y": random.choice(["no", "yes"], n_rows),
        }
    )
    table.to_csv(tmp_path / "table.csv", index=False)
    problem = load_problem(tmp_path / "table.csv", "y")
    np.testing.assert_array_equal(problem.X["x"], x)
    np.testing.assert_array_equal(problem.X["money"], money)
    np.testing.assert_array_equal(problem.X["when: month"], days.month)
    assert problem.categorical == ["level"]
    assert [column["kind"] for column in problem.columns].count("left out") == 1


def test_the_decimal_mark_is_what_only_one_reading_explains():
    assert _cli_numbers.decimal_of(["1,5", "2.345"]) == ","
    assert _cli_numbers.decimal_of(["1.5", "2,345"]) == "."
    assert _cli_numbers.decimal_of(["1,234", "12", "x"]) is None
    assert _cli_numbers.decimal_of(["0,123"]) == ","
