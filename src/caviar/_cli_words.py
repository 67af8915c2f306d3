"""What the command line's modules share: its exception, quotations, readers who leave."""

import os
import sys

import numpy as np

SHOWN_LENGTH = 40


class CommandError(Exception):
    """What the user asked cannot be done; the message is the whole answer."""


def last_line(error):
    """What an exception says, in one line: of a long report, its end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


def quote(value):
    """A value as Python writes it; of a long text, the beginning."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str) and len(value) > SHOWN_LENGTH:
        value = value[:SHOWN_LENGTH].rstrip() + "..."
    return repr(value)


def listing(names, most=8):
    """Quoted names, the first few of them: 'a', 'b' and 3 more."""
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return ", ".join(shown) + f" and {len(names) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def count(number, noun):
    """A number and its noun: 1 row, 2 rows, 12,000 rows."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def leave_stdout():
    """Where whoever reads it has left: what is printed from now on goes nowhere.

    Python flushes stdout once more at exit, and is to find an open file.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
