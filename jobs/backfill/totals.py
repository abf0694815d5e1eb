"""What the steps of a run are together, and how that is told."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.backfill.errors import TooManyErrors
from jobs.plural import plural
from jobs.sinks.records import DeliveryRecord


@dataclass
class Totals:
    """Sums over delivery records; ``left`` are change events that steps looked at and left where they are, by message."""

    steps: int = 0
    files: int = 0
    objects: int = 0
    bytes: int = 0
    partitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def archived(self) -> int:
        """Records in containers."""
        return self.partitions.total()

    @property
    def failed(self) -> int:
        """Change events in archive errors."""
        return self.errors.total()

    def add(self, record: DeliveryRecord, files: int, left: Mapping[str, int]) -> None:
        """Count a step."""
        self.steps += 1
        self.files += files
        self.left.update(left)
        for delivery in record.deliveries:
            self.partitions[delivery.type, delivery.partition_date] += delivery.count
        for error in record.errors:
            self.errors[error.message] += error.count
        sizes = [one.bytes for one in record.deliveries] + [one.bytes for one in record.errors]
        self.objects += len(sizes)
        self.bytes += sum(sizes)

    def check(self, max_error_rate: float | None) -> None:
        """Raise ``TooManyErrors`` where a larger share of the change events failed, or failed again, than is allowed."""
        failed = self.failed + self.left.total()
        read = self.archived + failed
        if max_error_rate is not None and failed > max_error_rate * read:
            raise TooManyErrors(
                f"{failed:,} of {read:,} change events failed ({failed / read:.2%}), more than --max-error-rate "
                f"{max_error_rate:g} allows: see the messages above; a higher rate, or none, lets the run go on"
            )

    def summary(self) -> dict[str, Any]:
        """For the archive: counts alone."""
        return {
            "steps": self.steps,
            "files": self.files,
            "counts": {
                "read": self.archived + self.failed,
                "archived": self.archived,
                "failed": self.failed,
                "left": self.left.total(),
            },
            "objects": self.objects,
            "bytes": self.bytes,
        }

    def lines(self, *, dates: bool) -> Iterator[str]:
        """For people: counts per type, with ``dates`` per partition date too, and every message."""
        yield (
            f"{plural(self.steps, 'step')}, {plural(self.archived + self.failed, 'change event')}: {self.archived:,} archived, "
            f"{self.failed:,} in archive errors; {plural(self.objects, 'object')}, {plural(self.bytes, 'byte')}"
        )
        types: dict[str, dict[str, int]] = {}
        for (type, date), count in sorted(self.partitions.items()):
            types.setdefault(type, {})[date] = count
        for type, of in types.items():
            yield f"  {type}: {plural(sum(of.values()), 'record')}, {plural(len(of), 'partition date')}"
            if dates:
                yield from (f"    {date}: {count:,}" for date, count in of.items())
        yield from _messages("archive errors", self.errors)
        yield from _messages("failed again, left where they are", self.left)


def _messages(title: str, messages: Counter[str]) -> Iterator[str]:
    if messages:
        yield f"{title}:"
        yield from (f"  {count:,}: {message}" for message, count in messages.most_common())
