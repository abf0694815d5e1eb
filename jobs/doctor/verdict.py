"""What a look at a checkpoint has found, and the verdict that follows from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from jobs.errors import PipelineError
from jobs.settings import SourceSettings
from jobs.sources.kinesis.errors import AFTERWARDS

GOING_ON = (
    f"to go on with what is left, start once with --set source.fail_on_data_loss=false, {AFTERWARDS}; "
    "to read anew from an instant, use --rewind"
)


@dataclass
class Diagnosis:
    """Lines that tell how things are, warnings, and problems: with one of these the next start fails.

    ``doubts`` are warnings too: of something that couldn't be seen, and that the next start may fail of.
    """

    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    outlook: str = ""

    def lines(self) -> Iterator[str]:
        """All of it, for people."""
        yield from self.facts
        yield from (f"Warning: {warning}" for warning in self.warnings + self.doubts)
        if not self.problems:
            yield f"Next start: works{', as far as can be told' if self.doubts else ''}; {self.outlook}"
            return
        yield "Next start: fails"
        yield from (f"  {problem}" for problem in self.problems)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Take an error for the problem that it will be for the next start."""
        try:
            yield
        except PipelineError as error:
            self.problems.append(error.message)

    def tell_losses(self, losses: list[str], source: SourceSettings) -> None:
        """Records that expired: a problem or, where the conf lets them be lost, a warning."""
        if losses and source.fail_on_data_loss:
            self.problems += [*losses, f"What to do: {GOING_ON}"]
        else:
            allowed = "source.fail_on_data_loss is false, so the job goes on without them"
            self.warnings += [f"{loss} ({allowed})" for loss in losses]
