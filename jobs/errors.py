"""The one base class of every error that this project raises on purpose."""


class PipelineError(Exception):
    """What is wrong, where, and what to do about it, on one line; never a record's values.

    A subclass takes the message alone, so that an error that crossed from a worker to the driver as text
    can be raised there again.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def errors_by_name(base: type[PipelineError] = PipelineError) -> dict[str, type[PipelineError]]:
    """The errors that this process knows, by their classes' names."""
    found = {base.__name__: base}
    for derived in base.__subclasses__():
        found |= errors_by_name(derived)
    return found
