"""The format of a journal's file: JSON, one object to a line, and no pickle.

The first line is the header::

    {"caviar journal": 1, "version": "0.1.0", "begun": "2026-11-21T19:30:00+00:00",
     "seed": 42, "fingerprint": {"X": "(1797, 64) float64, 0f6d3c...", ...}}

then comes one line for each finished fit, in the order in which they finished::

    {"key": [bracket, round, candidate, split], "params": {...}, "record": {...}}

and, once the search has come to its end, ``{"end": "2026-11-21T19:31:00+00:00"}``. Floats
are written as Python's shortest repr and come back as they were; NaN and Infinity stand as
in Python's `json`. This module turns lines into values and back; it opens no file.
"""

import json
import re
from dataclasses import dataclass, field

import numpy as np

FORMAT = 1
MAGIC = b'{"caviar journal": '
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass
class Contents:
    """What the whole lines of a journal say.

    Attributes
    ----------
    header : dict or None
        None where not even the first line is whole.
    fits : dict
        From key, a tuple of four ints, to the bytes of its line: of 100,000 fits 30 MB,
        where dicts are 300 MB, and slow to collect. Of several lines with one key the last
        counts: it is the fit that was repeated because its state was lost.
    completed : bool
    size : int
        Bytes up to the end of the last whole line.
    damage : str or None
        What is wrong with a last line that is more than torn.
    """

    header: dict | None = None
    fits: dict = field(default_factory=dict)
    completed: bool = False
    size: int = 0
    damage: str | None = None


def dump(value):
    """One line, with its end, as bytes. Numpy's scalars are written as Python's."""
    return json.dumps(value, default=_plain).encode("ascii") + b"\n"


def load(line):
    """The value of a line. Decoded here, as `json` guesses an encoding first."""
    return json.loads(line.decode("ascii"))


def parse(data, path):
    """Contents of a journal's bytes.

    What a kill or a power cut leaves at the end, a line without its newline or (as NULs in
    place of what was not written back) a last line that is not JSON, is left out.

    Raises
    ------
    ValueError
        If the bytes are not a journal's, of another format, or damaged before the end.
    """
    if MAGIC.startswith(data) or (data.startswith(MAGIC) and b"\n" not in data):
        return Contents()  # killed before the header was whole
    if not data.startswith(MAGIC):
        raise ValueError(
            f"`journal` must be a new file or the journal of an earlier search: {path!r} "
            "holds something else, and is left as it is."
        )
    *lines, torn = data.split(b"\n")
    contents = Contents(size=len(data) - len(torn))
    for number, line in enumerate(lines, 1):
        try:
            if number == 1:
                contents.header = _read_header(line)
            else:
                _read_line(contents, line)
        except (ValueError, KeyError, TypeError) as error:
            if number == 1 or number < len(lines):
                raise ValueError(
                    f"The journal {path!r} cannot be read in line {number} of "
                    f"{len(lines)}: {error}."
                    + " Cut off from that line on, it can be continued."
                    * (number > 1)
                ) from error
            contents.damage = f"line {number} ({error})"
            contents.size -= len(line) + 1
    return contents


def _read_header(line):
    header = load(line)
    if header["caviar journal"] != FORMAT:
        raise ValueError(
            f"its format must be {FORMAT}, got {header['caviar journal']!r}, which caviar "
            f"{header.get('version')} has written"
        )
    if not isinstance(header["fingerprint"], dict) or not isinstance(
        header["seed"], int
    ):
        raise ValueError("no fingerprint and seed")
    return header


def _read_line(contents, line):
    entry = load(line)
    if "end" in entry:
        contents.completed = True
        return
    bracket, round_, candidate, split = entry["key"]
    if not isinstance(entry["params"], dict) or not isinstance(entry["record"], dict):
        raise ValueError("neither a fit nor an end")
    contents.fits[bracket, round_, candidate, split] = line


def encode(value):
    """A parameter's value as what JSON can hold, such that `decode` gives it back.

    Numbers (numpy's as Python's), strings, None and bools stand for themselves, a list is a
    list; ``{"tuple": [...]}`` and ``{"dict": [[key, value], ...]}`` name their types, and
    ``{"repr": "..."}`` is all that is kept of anything else. A memory address in it, which
    another process has elsewhere, is left out.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return encode(value.item())
    if isinstance(value, list):
        return [encode(entry) for entry in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(entry) for entry in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(value[key])] for key in value]}
    return {"repr": _ADDRESS.sub("", repr(value))}


def decode(value):
    """The value of which `encode` made this; the string alone of a repr."""
    if isinstance(value, list):
        return [decode(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(decode(entry) for entry in value["tuple"])
    if "dict" in value:
        return {decode(key): decode(entry) for key, entry in value["dict"]}
    return value["repr"]


def encode_params(params):
    """Parameters of a candidate, name by name."""
    return {name: encode(value) for name, value in params.items()}


def decode_params(params):
    return {name: decode(value) for name, value in params.items()}


def differences(recorded, asked, shown=json.dumps):
    """What two dicts of encoded values differ in, a clause each; [] for nothing."""
    texts = ({n: shown(v) for n, v in d.items()} for d in (recorded, asked))
    was, now = texts
    return [
        f"`{name}` was {was.get(name, 'not given')}, is {now.get(name, 'not given')}"
        for name in was | now
        if was.get(name) != now.get(name)
    ]


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"A record must hold numbers, strings, None and dicts of these, got {value!r}."
    )
