"""The same training in several libraries: time per step, and time of a search.

One file per library in ``libraries``, the shapes in ``problems``. Nothing heavy is
imported here: ``__main__`` must pin the process to one core and fix the threads
before numpy or any of the libraries is loaded.
"""
