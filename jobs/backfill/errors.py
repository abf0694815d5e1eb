"""What can go wrong with a run, as errors that say what to do."""

from jobs.errors import PipelineError


class BackfillError(PipelineError):
    """A run can't begin or go on; the base of everything below."""


class BadInput(BackfillError):
    """The input isn't there, isn't what ``--from`` says, or isn't what its manifest says."""


class RunUnfinished(BackfillError):
    """A new run of an input was asked for whose last run hasn't finished."""


class TooManyErrors(BackfillError):
    """More of the change events failed than ``--max-error-rate`` allows."""
