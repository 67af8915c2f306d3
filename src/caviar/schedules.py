"""Schedules of the learning rate: functions of the progress of training."""

NAMES = (
    "inverse_time",
    "exponential",
    "sqrt",
    "step",
    "cosine",
    "one_cycle",
    "warmup",
    "flat_cosine",
    "cos_log4",
)
