"""Trees of plain data in one file that proves itself whole, and that runs no code.

The file is one line of ASCII, then an ``.npz``::

    caviar training session 1 sha256=<64 hexadecimal digits> bytes=<n>
    PK...

The line has the kind of the contents, the version of the format, and hash and length of all
that follows. The member ``tree`` of the archive is JSON, as bytes; every array of the tree
is a member, not compressed, and equal ones are the same. In the JSON, what JSON has no word
for is an object with one key, which names the type::

    {"tuple": [...]}  {"dict": [[key, value], ...]}  {"array": "<member>"}
    {"scalar": ["<dtype>", "<hexadecimal>"]}  {"text": "<of a numpy scalar>"}
    {"objects": [[shape], [...]]}

``zipfile.ZipFile`` opens the file as it is: what is before an archive does not trouble it.
"""

import hashlib
import io
import json
import os
import re
import stat
import zipfile

import numpy as np

from ._atomic import write_whole

VERSION = 1
_KINDS = "biufcmMSU"  # of dtypes of arrays that a file may hold
_SCALAR_KINDS = "biufcmM"
_FIRST_LINE = re.compile(
    rb"caviar ([a-z]+(?: [a-z]+)*) (\d{1,9}) sha256=([0-9a-f]{64}) bytes=(\d{1,18})\n"
)
_BEGINNING = re.compile(rb"caviar ([a-z]+(?: [a-z]+)*) (\d{1,9}) ")
_LONGEST_LINE = 200


def write_archive(path, tree, kind):
    """Write a tree of plain data to a file, as a whole or not at all.

    Parameters
    ----------
    path : str or path-like
        Of a new file or one to replace; see `_atomic.write_whole`.
    tree : object
        None, bool, int, float, str, numpy scalars, arrays of numbers, bools, dates or text
        of fixed width, arrays of objects that are such plain data themselves, and dicts,
        lists and tuples of all these. No subclasses of them.
    kind : str
        What it is, in lower case: ``"training session"``.

    Raises
    ------
    TypeError
        If there is something else in the tree; the message names where.
    ValueError
        If the path is none.
    OSError
        If the file cannot be written. What was there before is there still.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.caviar")
    >>> write_archive(path, {"sizes": (3, 2), "rate": float("inf")}, "example")
    >>> read_archive(path, "example")
    {'sizes': (3, 2), 'rate': inf}
    """
    body = _to_npz(tree)
    digest = hashlib.sha256(body).hexdigest()
    line = f"caviar {kind} {VERSION} sha256={digest} bytes={len(body)}\n"
    write_whole(path, line.encode("ascii"), body)


def read_archive(path, kind):
    """The tree that `write_archive` wrote: the same types, the same bits.

    Nothing of the file is unpickled or run. Room is made for what the file really holds,
    and only when its hash has been checked: not for what it says that it holds.

    Raises
    ------
    ValueError
        If the file is something else, of another kind or a newer version, cut off or
        altered; in one line.
    OSError
        As the system gives it, for a missing or unreadable file.
    """
    path = os.fspath(path)
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        raise ValueError(f"{_shown(path)} is not a regular file.")
    with open(path, "rb") as file:  # which refuses a folder
        body = _checked_body(file, _shown(path), kind)
    try:
        return _from_npz(body)
    except Exception as error:  # anything a parser raises on a file made to harm
        raise ValueError(
            f"{_shown(path)} has the checksum of a caviar {kind}, but its contents are "
            f"something else ({_one_line(error)})."
        ) from error


def _checked_body(file, name, kind):
    line = file.readline(_LONGEST_LINE)
    beginning = _BEGINNING.match(line)
    if line.startswith(b"caviar ") and len(line) < _LONGEST_LINE and line[-1:] != b"\n":
        raise ValueError(f"{name} is cut off in its first line.")
    if beginning is None:
        raise ValueError(f"{name} is not a caviar {kind}.{_guess(line)}")
    found = beginning[1].decode("ascii")
    if found != kind:
        raise ValueError(f"{name} is not a caviar {kind}, but a caviar {found}.")
    version = int(beginning[2])
    if version > VERSION:
        raise ValueError(
            f"{name} was written by a newer version of caviar: its format must be "
            f"{VERSION}, got {version}."
        )
    whole = _FIRST_LINE.fullmatch(line)
    if whole is None or version < 1:
        raise ValueError(f"{name} is damaged: its first line cannot be read.")
    expected = int(whole[4])
    there = os.fstat(file.fileno()).st_size - len(line)
    if there < expected:
        raise ValueError(
            f"{name} is cut off: {there} of its {expected} bytes of contents are there."
        )
    # Hashed before it is read: what a first line promises is no reason to make room.
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    if there > expected or digest != whole[3].decode("ascii"):
        raise ValueError(
            f"{name} is damaged: its contents do not have the checksum they were written "
            "with."
        )
    file.seek(len(line))
    return file.read(expected)


def _guess(line):
    """A hint at what a foreign file is, where that helps."""
    if not line:
        return " It is empty."
    if line.startswith((b"\x80", b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda")):
        return " It may be a pickle or a joblib file, which is not opened here."
    if line.startswith((b"PK", b"\x93NUMPY")):
        return " It is an archive or an array of something else."
    return ""


def _shown(path):
    return f"The file {os.fsdecode(path)!r}"


def _one_line(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else f"{text[:100]}..."


# Writing


def _to_npz(tree):
    arrays = {}
    text = json.dumps(_encode(tree, "tree", arrays), separators=(",", ":"))
    buffer = io.BytesIO()
    members = {name: np.asarray(value) for name, value in arrays.values()}
    np.savez(buffer, tree=np.frombuffer(text.encode("ascii"), np.uint8), **members)
    return buffer.getbuffer()


def _encode(value, where, arrays):
    """A value as what JSON can hold; arrays are set aside under names of their own."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return _encode_all(value, where, arrays)
    if kind is tuple:
        return {"tuple": _encode_all(value, where, arrays)}
    if kind is dict:
        pairs = [
            [
                _encode(key, f"a key of {where}", arrays),
                _encode(entry, f"{where}[{key!r}]", arrays),
            ]
            for key, entry in value.items()
        ]
        return {"dict": pairs}
    if kind is np.str_:
        return {"text": str(value)}
    if isinstance(value, np.generic) and value.dtype.kind in _SCALAR_KINDS:
        return {"scalar": [value.dtype.str, value.tobytes().hex()]}
    if kind in (np.ndarray, np.memmap):
        return _encode_array(value, where, arrays)
    raise TypeError(f"`{where}` must be plain data to be written, got {value!r}.")


def _encode_all(values, where, arrays):
    return [_encode(v, f"{where}[{i}]", arrays) for i, v in enumerate(values)]


def _encode_array(value, where, arrays):
    if value.dtype == object:
        return {"objects": [list(value.shape), _encode_all(value.flat, where, arrays)]}
    if value.dtype.kind not in _KINDS:
        raise TypeError(
            f"`{where}` must be an array of numbers, bools, dates or text of fixed width "
            f"to be written, got one of {value.dtype}."
        )
    name, _ = arrays.setdefault(_contents(value), (f"array_{len(arrays)}", value))
    return {"array": name}


def _contents(array):
    """What equal arrays share, as those of two snapshots of one epoch: written once."""
    layout = (array.dtype.str, array.shape, array.flags.c_contiguous)
    return *layout, hashlib.sha256(array.tobytes()).digest()


# Reading


def _from_npz(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = archive.infolist()
        # A few bytes could stand for very many, and many members for the same bytes.
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("a compressed member")
        if sum(member.file_size for member in members) > len(body):
            raise ValueError("members that are larger than the file")
        arrays = {
            member.filename.removesuffix(".npy"): _read_array(archive.read(member))
            for member in members
        }
    text = arrays.pop("tree")
    if text.dtype != np.uint8:
        raise ValueError(f"a tree of {text.dtype}")
    return _decode(json.loads(text.tobytes().decode("ascii")), arrays)


def _read_array(data):
    """An array of an ``.npy`` file's bytes, which must be as many as its header says."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array of the format {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    n_items = 1
    for length in shape:
        n_items *= length
    if dtype.kind not in _KINDS or min(shape, default=0) < 0:
        raise ValueError(f"an array of {dtype} of shape {shape}")
    if n_items * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"too few or too many bytes for {dtype} of shape {shape}")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _decode(value, arrays):
    if isinstance(value, list):
        return [_decode(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(_decode(entry, arrays) for entry in content)
    if kind == "dict":
        return {_decode(key, arrays): _decode(v, arrays) for key, v in content}
    if kind == "array":
        return arrays[content].copy(
            order="K"
        )  # others may be read from the same member
    if kind == "scalar":
        return _decode_scalar(*content)
    if kind == "text":
        return np.str_(content)
    if kind == "objects":
        return _decode_objects(*content, arrays)
    raise ValueError(f"a value of the unknown type {kind!r}")


def _decode_scalar(dtype, digits):
    dtype = np.dtype(dtype)
    if dtype.kind not in _SCALAR_KINDS:
        raise ValueError(f"a scalar of {dtype}")
    (value,) = np.frombuffer(bytes.fromhex(digits), dtype)
    return value


def _decode_objects(shape, items, arrays):
    flat = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        flat[position] = _decode(item, arrays)
    return flat.reshape(shape)
