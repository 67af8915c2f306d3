"""The beginning of a file: what it is, decompressed and decoded.

Owns the refusals of files that are no text tables.
"""

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
import zlib

from caviar._cli_words import CommandError

SAMPLE_BYTES = 1 << 20

# The first bytes of files that people rename to .csv, and what they are.
_WORKBOOK = "an Excel workbook: save it as CSV there"
_OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": _WORKBOOK,
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image (PNG)",
    b"\xff\xd8\xff": "an image (JPEG)",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"\x93NUMPY": "an array of numpy: write it as CSV",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"Rar!": "an archive (RAR)",
    b"7z\xbc\xaf": "an archive (7z)",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard: decompress it first",
}
_OTHER_TEXTS = {
    r"<(!doctype html|html|table|head|body)\b": "a web page (HTML): export it as CSV",
    r"<\?xml": "XML: export it as CSV",
    r"\{\\rtf": "a document (RTF)",
    r"\{\s*[\"}]|\[\s*[\[{]": "JSON: write it as CSV",
    r"%PDF": "a PDF document",
    r"version https://git-lfs": "a pointer of Git LFS: git lfs pull brings the file",
}
_COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_binary = re.compile("[\x00-\x08\x0e-\x1b]")


def beginning(path):
    """The first bytes, decompressed; the compression; whether that is all of them."""
    with path.open("rb") as file:
        head = file.read(16)
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise CommandError(f"Cannot read '{path}' as CSV: it is {what}.")
    compression = next(
        (name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None
    )
    openers = {None: open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    try:
        if compression == "zip":
            content = _zipped(path)
        else:
            with openers[compression](path, "rb") as file:
                content = file.read(SAMPLE_BYTES + 1)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise damaged(path, compression) from error
    return content[:SAMPLE_BYTES], compression, len(content) <= SAMPLE_BYTES


def damaged(path, compression):
    """The refusal of a compressed file that ends too early or is altered."""
    return CommandError(
        f"Cannot read '{path}': it is compressed ({compression}) and damaged or cut off."
    )


def _zipped(path):
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/")]
        if any(name.startswith(("xl/", "[Content_Types]")) for name in members):
            raise CommandError(f"Cannot read '{path}' as CSV: it is {_WORKBOOK}.")
        if "content.xml" in members:
            what = "a LibreOffice document: save it as CSV there"
            raise CommandError(f"Cannot read '{path}' as CSV: it is {what}.")
        if len(members) != 1:
            raise CommandError(
                f"'{path}' must hold one table, got an archive of {len(members)} files."
            )
        with archive.open(members[0]) as file:
            return file.read(SAMPLE_BYTES + 1)


def decode(content, path, is_whole):
    """The text, the name of its encoding for pandas, and what is to be said."""
    marked = [mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark)]
    encoding = _BYTE_ORDER_MARKS[marked[0]] if marked else "utf-8"
    if not marked:
        # Letters of UTF-16 without its mark: every second byte of a table is 0.
        if content[1::2].count(0) > 0.7 * len(content[1::2]):
            encoding = "utf-16-le"
        elif content[::2].count(0) > 0.7 * len(content[::2]):
            encoding = "utf-16-be"
    notes = []
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content, is_whole)
    except UnicodeDecodeError:
        encoding, notes = western(content)
        text = content.decode(encoding)
    if _binary.search(text):
        what = "NUL bytes" if "\0" in text else "bytes that are no text"
        raise CommandError(f"Cannot read '{path}' as CSV: it holds {what}.")
    return text, encoding, notes


def western(content=b""):
    """The encoding of bytes that are not UTF-8, and how to say so."""
    try:
        content.decode("cp1252")
        encoding = "cp1252"
    except UnicodeDecodeError:
        encoding = "latin-1"
    return encoding, [
        f"the file is not UTF-8; it is read as {encoding} (Western European)"
    ]


def refuse_other_texts(text, path):
    start = text[:2000].lstrip("\ufeff \t\r\n")
    if not start:
        raise CommandError(f"'{path}' is empty: it holds nothing but blank lines.")
    for pattern, what in _OTHER_TEXTS.items():
        if re.match(pattern, start, re.I):
            raise CommandError(f"Cannot read '{path}' as CSV: it is {what}.")
