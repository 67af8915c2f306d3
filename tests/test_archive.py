"""Files of plain data: the same types and bits back, or one clear error, and never code."""

import hashlib
import io
import json
import os
import pickle
import random
import tracemalloc
import zipfile

import joblib
import numpy as np
import pytest

from caviar._archive import VERSION, read_archive, write_archive
from same_bits import assert_same

KIND = "training session"
NAN, INF = float("nan"), float("inf")
GRID = np.arange(24.0).reshape(2, 3, 4)

VALUES = {
    "none": None,
    "bools": [True, False],
    "ints": [0, -1, 2**63, -(2**200), 1],
    "floats": [0.0, -0.0, 1e-320, 0.1, 1.7976931348623157e308, NAN, INF, -INF],
    "text": ["", "plain", "ünïcode ✓ 🐟", 'quote " \\ \n \0 end', "\udcff"],
    "tuple": (1, (2, [3, ()]), []),
    "list": [1, (2,)],
    "keys": {0: 1.0, "a": 2, (1, "b"): 3, None: 4, 2.5: 5, True: {}, "": {"x": ()}},
    "numpy key": {np.int64(3): "three"},
    "names of types": {"tuple": [1], "dict": [[1, 2]], "array": "array_0"},
    "one name": [{"tuple": [1]}, {"array": "tree"}],
    "numpy scalars": [
        np.float32(0.1),
        np.float64(-0.0),
        np.int8(-3),
        np.uint64(2**64 - 1),
    ],
    "more scalars": [np.bool_(True), np.complex64(1 + 2j), np.float16("nan")],
    "dates": [np.datetime64("2020-02-29"), np.timedelta64(3, "ms")],
    "numpy text": [np.str_("ä"), np.str_(""), np.str_("end\0")],
    "float64": GRID,
    "special floats": np.array([NAN, INF, -INF, -0.0, 5e-324]),
    "payload": np.array([0x7FF8000000000123, 0xFFF0000000000001], "u8").view("f8"),
    "float32": np.array([0.1, NAN], np.float32),
    "other numbers": [np.arange(2, dtype=t) for t in ("?", "i1", "u2", "f2", "c16")],
    "empty": [np.empty((0, 3)), np.array([], "U1"), np.empty((2, 0), np.int32)],
    "no dimensions": [np.array(2.5), np.array("x"), np.array(None)],
    "strided": [GRID[::2, ::-1, 1:3], GRID.T, GRID[:, 1]],
    "broadcast": np.broadcast_to(np.arange(3), (4, 3)),
    "big-endian": np.arange(4, dtype=">f8"),
    "fortran": np.asfortranarray(GRID[0]),
    "fixed text": np.array([["setosa", "ü"], ["", "✓"]]),
    "bytes": np.array([b"yes", b"no"]),
    "date array": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "objects": np.array([["a", None], [1, 2.5]], object),
    "read-only": np.frombuffer(b"12345678", np.int32),
    "twice": [GRID, GRID],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.caviar"


@pytest.fixture
def small(path):
    write_archive(path, {"weights": np.arange(3.0), "n": (1, NAN)}, KIND)
    return path


def refused(path, match, kind=KIND):
    """Check for one clear line that names the file, and no other kind of error."""
    with pytest.raises(ValueError, match=match) as caught:
        read_archive(path, kind)
    message = str(caught.value)
    assert repr(str(path)) in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


# There and back


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_every_type_comes_back_with_its_bits(path, value):
    write_archive(path, value, KIND)
    assert_same(read_archive(path, KIND), value)


def test_all_of_them_in_one_tree_come_back_with_their_bits(path):
    write_archive(path, VALUES, KIND)
    again = read_archive(path, KIND)
    assert_same(again, VALUES)
    write_archive(path, again, KIND)
    assert_same(read_archive(path, KIND), VALUES)


def test_a_memory_map_comes_back_as_the_array_it_is(path, tmp_path):
    np.save(tmp_path / "rows.npy", GRID)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    write_archive(path, rows, KIND)
    assert_same(read_archive(path, KIND), GRID)


def test_arrays_come_back_as_arrays_that_can_be_changed(path):
    write_archive(path, [np.frombuffer(b"12345678", np.int32), np.array(1.0)], KIND)
    for array in read_archive(path, KIND):
        array[...] = 7
        assert (array == 7).all()


def test_equal_trees_are_equal_files(path, tmp_path):
    write_archive(path, VALUES, KIND)
    write_archive(tmp_path / "again", VALUES, KIND)
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_the_format_is_what_its_description_says(path):
    weights = np.arange(3.0)
    write_archive(path, {"weights": weights, "sizes": (4, NAN)}, KIND)
    line, body = path.read_bytes().split(b"\n", 1)
    digest = hashlib.sha256(body).hexdigest()
    assert line.decode() == (
        f"caviar training session {VERSION} sha256={digest} bytes={len(body)}"
    )
    with np.load(io.BytesIO(body), allow_pickle=False) as members:
        assert sorted(members) == ["array_0", "tree"]
        np.testing.assert_array_equal(members["array_0"], weights)
        tree = json.loads(members["tree"].tobytes())
    np.testing.assert_equal(
        tree,
        {"dict": [["weights", {"array": "array_0"}], ["sizes", {"tuple": [4, NAN]}]]},
    )
    assert zipfile.is_zipfile(path)  # as it is, with the line before it


@pytest.mark.parametrize(
    "value, where",
    [
        (len, "tree"),
        ({"params": [1, {2, 3}]}, r"tree\['params'\]\[1\]"),
        ({"f": {"g": print}}, r"tree\['f'\]\['g'\]"),
        ((b"bytes",), r"tree\[0\]"),
        (np.ma.masked_array([1, 2], [0, 1]), "tree"),
        ({print: 1}, "a key of tree"),
        (np.array([1, len], object), r"tree\[1\]"),
        (type("Settings", (dict,), {})(a=1), "tree"),
        (type("Name", (str,), {})("a"), "tree"),
    ],
    ids=str,
)
def test_what_is_not_plain_data_is_refused_by_its_place(small, value, where):
    before = small.read_bytes()
    with pytest.raises(TypeError, match=f"`{where}` must be plain data"):
        write_archive(small, value, KIND)
    assert small.read_bytes() == before
    with pytest.raises(TypeError, match=r"`tree` must be an array of numbers"):
        write_archive(small, np.zeros(2, [("a", "f8"), ("b", "O")]), KIND)


# Damage


def altered_copies(path, values_of):
    """Put every value in place of every byte, one at a time; yields what was done."""
    whole = path.read_bytes()
    with open(path, "r+b", buffering=0) as file:
        for position, byte in enumerate(whole):
            for value in values_of(byte):
                if value != byte:
                    os.pwrite(file.fileno(), bytes([value]), position)
                    yield position, value
            os.pwrite(file.fileno(), bytes([byte]), position)


def assert_every_alteration_is_refused(path, values_of):
    n_altered = 0
    for position, value in altered_copies(path, values_of):
        try:
            read_archive(path, KIND)
        except ValueError as error:
            message = str(error)
            assert repr(str(path)) in message and "\n" not in message, message
        else:
            raise AssertionError(f"byte {position} as {value} went unnoticed")
        n_altered += 1
    return n_altered


def test_every_flip_of_a_bit_is_one_clear_error(small):
    n_altered = assert_every_alteration_is_refused(
        small, lambda byte: [byte ^ 1 << bit for bit in range(8)]
    )
    assert n_altered == 8 * small.stat().st_size
    assert_same(read_archive(small, KIND), {"weights": np.arange(3.0), "n": (1, NAN)})


def test_every_digit_letter_and_end_in_place_of_every_byte_is_one_clear_error(small):
    assert_every_alteration_is_refused(small, lambda byte: b"019afZ \n\r\0\xff=")


@pytest.mark.long
def test_every_alteration_of_a_byte_is_one_clear_error(small):
    n_altered = assert_every_alteration_is_refused(small, lambda byte: range(256))
    assert n_altered == 255 * small.stat().st_size


def test_every_truncation_is_one_clear_error(small):
    whole = small.read_bytes()
    for size in range(len(whole)):
        small.write_bytes(whole[:size])
        n_line = whole.index(b"\n") + 1
        if size >= n_line:
            match = f"is cut off: {size - n_line} of its {len(whole) - n_line} bytes"
        else:
            match = "is cut off in its first line" if size > 6 else "is not a caviar"
        refused(small, match)


def test_what_is_appended_put_before_or_left_out_is_one_clear_error(small):
    whole = small.read_bytes()
    draws = random.Random(0)
    for other in (whole + b"x", whole + whole, b"\n" + whole, b"\xef\xbb\xbf" + whole):
        small.write_bytes(other)
        refused(small, "is damaged|is not a caviar")
    for _ in range(300):
        start, end = sorted(draws.sample(range(len(whole) + 1), 2))
        small.write_bytes(whole[:start] + whole[end:])
        refused(small, "is cut off|is damaged|is not a caviar")
    small.write_bytes(whole.replace(b"\n", b"\r\n"))  # as text mode would
    refused(small, "is damaged|is cut off")


# Other files


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def other_files(folder):
    harm = Harm(str(folder / "harm"))
    npz = io.BytesIO()
    np.savez(npz, tree=np.array([harm], object))
    dumped = io.BytesIO()
    joblib.dump(harm, dumped)
    compressed = io.BytesIO()
    joblib.dump(harm, compressed, compress=3)
    return {
        "empty": b"",
        "pickle": pickle.dumps(harm),
        "old pickle": pickle.dumps(harm, protocol=0),
        "joblib": dumped.getvalue(),
        "compressed joblib": compressed.getvalue(),
        "npz": npz.getvalue(),
        "random bytes": np.random.default_rng(0).bytes(5000),
        "table": b"a,b\n1,2\n",
        "no newline": b"caviar" * 10_000,
        "journal": b'{"caviar journal": 1}\n',
    }


@pytest.mark.parametrize(
    "name", other_files(type("Folder", (), {"__truediv__": str})())
)
def test_a_file_of_something_else_is_one_clear_error_and_runs_nothing(tmp_path, name):
    path = tmp_path / "other"
    path.write_bytes(other_files(tmp_path)[name])
    message = refused(path, "is not a caviar training session")
    assert ("may be a pickle" in message) == (
        name in ("pickle", "compressed joblib", "joblib")
    )
    assert not (tmp_path / "harm").exists()


def test_files_the_system_does_not_give_are_its_own_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "missing", KIND)
    with pytest.raises(IsADirectoryError):
        read_archive(tmp_path, KIND)
    with pytest.raises(TypeError):
        read_archive(None, KIND)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        refused(path, "is not a regular file")


def test_another_kind_is_named(small):
    refused(small, "is not a caviar study, but a caviar training session", "study")


def test_a_newer_version_is_named_whatever_its_first_line_says_more(small):
    whole = small.read_bytes()
    newer = whole.replace(b"session 1 sha256=", b"session 2 blake3=", 1)
    for data in (newer, newer.replace(b" bytes=", b" compressed=zstd bytes=", 1)):
        small.write_bytes(data)
        refused(small, r"newer version of caviar: its format must be 1, got 2\.")


# Files that were made to harm: their checksums are right


def craft(path, body, n_bytes=None):
    digest = hashlib.sha256(body).hexdigest()
    n_bytes = len(body) if n_bytes is None else n_bytes
    line = f"caviar {KIND} 1 sha256={digest} bytes={n_bytes}\n"
    path.write_bytes(line.encode() + body)


def zipped(members, compression=zipfile.ZIP_STORED, copies=1):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.filelist *= copies
    return buffer.getvalue()


def npy(array, **changes):
    """Bytes of an ``.npy`` file, with another header than the array's."""
    buffer = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | changes
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + array.tobytes()


def tree(text):
    return {"tree.npy": npy(np.frombuffer(text.encode(), np.uint8))}


CRAFTED = {
    "no archive": b"PK" + bytes(1000),
    "no tree": zipped({"array_0.npy": npy(np.arange(3.0))}),
    "tree of floats": zipped({"tree.npy": npy(np.arange(3.0))}),
    "no npy": zipped({"tree.npy": b"[]"}),
    "no JSON": zipped(tree("[1, 2")),
    "not ASCII": zipped({"tree.npy": npy(np.full(3, 0xC3, np.uint8))}),
    "huge array": zipped(
        tree('{"array":"a"}') | {"a.npy": npy(np.arange(3.0), shape=(10**13,))}
    ),
    "overflowing shape": zipped(
        tree("[]") | {"a.npy": npy(np.arange(3.0), shape=(2**32, 2**32, 2**32))}
    ),
    "negative shape": zipped(
        tree("[]") | {"a.npy": npy(np.arange(3.0), shape=(-3, -1))}
    ),
    "huge items": zipped(
        tree("[]") | {"a.npy": npy(np.arange(3.0), descr="<U1000000000")}
    ),
    "structured": zipped(
        tree("[]") | {"a.npy": npy(np.arange(3.0), descr=[("a", "<f8")])}
    ),
    "long header": zipped(
        tree("[]") | {"a.npy": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535}
    ),
    "next header": zipped(tree("[]") | {"a.npy": b"\x93NUMPY\x02\x00" + bytes(99)}),
    "bomb": zipped(tree("[]") | {"a.npy": bytes(10**8)}, zipfile.ZIP_DEFLATED),
    "many at one place": zipped(tree("[1]" + " " * 10**5), copies=1000),
    "deep": zipped(tree("[" * 100_000 + "]" * 100_000)),
    "deep objects": zipped(tree('{"tuple":[' * 5000 + "]}" * 5000)),
    "unknown type": zipped(tree('{"pickle":"gASV"}')),
    "two types": zipped(tree('{"tuple":[],"dict":[]}')),
    "no type": zipped(tree("{}")),
    "no such array": zipped(tree('{"array":"b"}')),
    "array of a list": zipped(tree('{"array":["b"]}')),
    "tree as an array": zipped(tree('{"array":"tree"}')),
    "odd pairs": zipped(tree('{"dict":[[1,2,3]]}')),
    "key that cannot be one": zipped(tree('{"dict":[[[],2]]}')),
    "object scalar": zipped(tree('{"scalar":["|O","0000000000000000"]}')),
    "short scalar": zipped(tree('{"scalar":["<f8","00"]}')),
    "two scalars": zipped(tree('{"scalar":["<i1","0000"]}')),
    "wrong shape": zipped(tree('{"objects":[[1000000000],[1]]}')),
    "long number": zipped(tree("9" * 5000)),
}


@pytest.mark.parametrize("body", CRAFTED.values(), ids=CRAFTED)
def test_contents_made_to_harm_are_one_clear_error_in_little_memory(path, body):
    craft(path, body)
    tracemalloc.start()
    try:
        refused(path, "but its contents are something else")
        assert tracemalloc.get_traced_memory()[1] < 20e6 + 10 * len(body)
    finally:
        tracemalloc.stop()


def test_a_pickle_in_an_archive_with_the_right_checksum_is_not_run(path, tmp_path):
    buffer = io.BytesIO()
    harm = np.array([Harm(str(tmp_path / "harm"))], object)
    text = np.frombuffer(b'{"array":"a"}', np.uint8)
    np.savez(buffer, tree=text, a=harm)
    craft(path, buffer.getvalue())
    refused(path, "but its contents are something else")
    assert not (tmp_path / "harm").exists()


def test_no_room_is_made_for_what_a_file_says_but_does_not_hold(path):
    tracemalloc.start()
    try:
        craft(path, bytes(1000), n_bytes=10**17)
        refused(path, "is cut off: 1000 of its 100000000000000000 bytes")
        craft(path, b"", n_bytes=2 * 10**8)
        os.truncate(
            path, path.stat().st_size + 2 * 10**8
        )  # which takes no room, either
        refused(path, "is damaged")
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_equal_arrays_are_kept_once_and_come_back_apart(tmp_path):
    vector = np.arange(1000.0)
    write_archive(tmp_path / "one", [vector], "example")
    write_archive(tmp_path / "three", [vector, vector.copy(), (vector,)], "example")
    sizes = [(tmp_path / name).stat().st_size for name in ("one", "three")]
    assert sizes[1] < sizes[0] + 400
    first, second, (third,) = read_archive(tmp_path / "three", "example")
    first[0] = -1
    assert second[0] == third[0] == 0
    # Equal numbers of another shape, type or order are other arrays.
    grids = [
        np.eye(2),
        np.eye(2).ravel(),
        np.eye(2, dtype="f4"),
        np.asfortranarray([[0, 1.0]]),
    ]
    write_archive(tmp_path / "grids", grids, "example")
    for given, found in zip(
        grids, read_archive(tmp_path / "grids", "example"), strict=True
    ):
        assert (given.dtype, given.shape) == (found.dtype, found.shape)
        np.testing.assert_array_equal(given, found)
