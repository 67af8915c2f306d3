"""Constructors with dozens of parameters, without dozens of assignments."""


def store(estimator, arguments):
    """Store a constructor's ``locals()``: its parameters, under their names."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
