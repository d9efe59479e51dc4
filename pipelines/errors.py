"""Errors of the command itself; apart, so that showing them costs no import of the graph."""


class RunFailed(Exception):
    """A run did not succeed; the message names the step and the reason in one line."""
