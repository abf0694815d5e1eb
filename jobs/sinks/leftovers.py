"""Objects of a killed attempt that its batch's replay, by other code or conf, didn't make again."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import structlog

from jobs.batch import Batch
from jobs.sinks.names import PARTITION, container_key, error_key
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import Storage

log = structlog.get_logger()

MAX_ROLLS = 10_000
_LISTERS = 32


def remove_leftovers(storage: Storage, batch: Batch, record: DeliveryRecord | None) -> list[str]:
    """Remove the batch's objects that its delivery record doesn't name, all of them where it will have none; returns their keys.

    Called once nobody else can archive the batch any more, as when its record is in the archive, and for a batch that an
    earlier run began: no other can have any. Removes only what is provably of this very batch: its name follows from
    the batch (BR-013 to BR-015). Whatever other batches, queries or people put there stays, and so does everything
    that the record names (BR-018).

    Asks for the partitions, then in each for the batch's time: so many calls as there are partitions, however many
    objects they hold. Raises ``StorageError``.
    """
    found = [key for key in _of_that_time(storage, batch) if record is None or not record.names(key)]
    leftovers = [key for key in found if _is_of(storage, batch, key)]
    for key in leftovers:
        storage.delete(key)
    if leftovers:
        log.info("leftovers.removed", batchId=batch.batch_id, objects=len(leftovers))
    return leftovers


def _of_that_time(storage: Storage, batch: Batch) -> Iterator[str]:
    """The keys of containers and error objects whose names begin with the batch's time."""
    time = batch.timestamp.replace(":", "-")
    folders = ["errors/"]
    for type_folder in storage.folders("data/"):
        folders += storage.folders(type_folder)
    with ThreadPoolExecutor(_LISTERS, thread_name_prefix="leftovers") as listers:
        for keys in listers.map(lambda folder: list(storage.list(f"{folder}{time}-")), folders):
            yield from keys


def _is_of(storage: Storage, batch: Batch, key: str) -> bool:
    """Whether the batch's own attempts gave the object its name, whatever format its ending tells of."""
    stem = key.rpartition(".")[0]
    partition = re.match(PARTITION, key)
    if partition:
        type, date = partition.groups()
        return any(
            container_key(batch, type, date, roll).rpartition(".")[0] == stem for roll in range(MAX_ROLLS)
        )
    try:
        message = json.loads(storage.get(key))["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return False
    return any(error_key(batch, message, roll).rpartition(".")[0] == stem for roll in range(MAX_ROLLS))
