"""What a run is made of: an input gives steps, and each step is archived under one delivery record."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession

from jobs.sinks.records import DeliveryRecord

ROWS = "data binary, shardId string, sequenceNumber string"


@dataclass(frozen=True)
class Step:
    """One bounded piece of the input, archived under one delivery record.

    ``source`` is what the delivery record says of it, the same at every start of the run. ``read`` is how many change
    events ``rows`` has to give, where the input says so, else None. ``rows`` makes the frame, with
    the columns ``ROWS``, and is called only where the step isn't archived yet. ``files`` says how many of
    the input's files end with this step. ``left`` counts, by message, what the step looked at and doesn't archive: it
    is told, never written.
    """

    source: Mapping[str, Any]
    read: int | None
    rows: Callable[[SparkSession], DataFrame]
    files: int = 0
    left: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """What an input may use while it makes its steps.

    ``plan`` is what :meth:`Input.plan` gave when the run first began. ``outcomes`` takes rows through the transforms at
    the run's time (:func:`transforms.outcomes.outcomes`). ``archived`` gives a step's delivery record by the step's
    number, from 0, None where the step isn't archived yet. ``run_id`` is the ``queryId`` of the run's delivery records.
    """

    spark: SparkSession
    run_id: str
    plan: Any
    outcomes: Callable[[DataFrame], DataFrame]
    archived: Callable[[int], DeliveryRecord | None]


class Input(Protocol):
    """A bounded input: whatever one ``--from`` reads."""

    @property
    def kind(self) -> str:
        """The delivery records' kind: "backfill" or "redrive"."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON that the run id follows from: the input, and the arguments that change what is archived of it."""

    def total(self, plan: Any) -> int | None:
        """How many files the steps of that plan have together, for the progress bar; None where that isn't known."""

    @property
    def renews(self) -> bool:
        """Whether a start after a finished run of this identity begins another one, as ``--new-run`` does."""

    @property
    def lease(self) -> str | None:
        """What only one process may be at, where that is more than this very run: other runs could archive the same."""

    def plan(self) -> Any:
        """JSON for the run record, asked for once, when the run first begins: what its steps go by at every start."""

    def steps(self, work: Work) -> Iterator[Step]:
        """The steps in order, numbered from 0: the same ones at every start of the run.

        Raises PipelineError where the input can't be archived as it is, before the first step where that can be known.
        """
