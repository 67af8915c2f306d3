"""Processes that tests start, to interrupt and kill them."""

import multiprocessing
import os
from pathlib import Path
from unittest import mock


def start(target, *arguments):
    """Start a function in a new process, which has its module imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([target.__module__])
    process = context.Process(target=target, args=arguments)
    # The server looks for what to import there, and only there, before it forks.
    here = os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    )
    with mock.patch.dict(os.environ, PYTHONPATH=here):
        process.start()
    return process
