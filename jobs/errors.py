"""The one base class of every error that this project raises on purpose."""


class PipelineError(Exception):
    """What is wrong, where, and what to do about it, on one line; never a record's values.

    A subclass takes the message alone, so that an error that crossed from a worker to the driver as text
    can be raised there again.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
