"""The peers as rows of the benchmark, beside the job's rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.corpus import Corpus
from bench.peers.compare import Contents, check_same, contents
from bench.peers.payloads import payloads
from bench.peers.workers import Workers
from bench.rows import BATCH, JOB, Row, check_read


@dataclass
class Agreement:
    """Holds the first archive of each peer against the job's first one, outside of the measured time."""

    _job: Contents | None = None
    _checked: set[str] = field(default_factory=set)

    def take(self, archive: Path) -> None:
        """Remember what the job archived."""
        if self._job is None:
            self._job = contents(archive)

    def check(self, name: str, archive: Path) -> None:
        """Raise ``ArchivesDiffer`` unless the peer archived the same as the job, which went first."""
        assert self._job is not None, "the job's row stands before the peers'"
        if name not in self._checked:
            check_same(name, contents(archive), self._job)
            self._checked.add(name)


def with_peers(rows: Sequence[Row], corpus: Corpus, peers: Sequence[Workers]) -> list[Row]:
    """The rows, then one for each peer, whose workers are running."""
    agreement, files = Agreement(), payloads(corpus)
    return [
        *(replace(row, check=agreement.take) if row.name == JOB else row for row in rows),
        *(
            Row(peer.name, partial(_run, peer, corpus, files), partial(agreement.check, peer.name))
            for peer in peers
        ),
    ]


def _run(peer: Workers, corpus: Corpus, files: Sequence[Path], directory: Path) -> None:
    check_read(corpus, *peer.run(files, directory, BATCH.timestamp))
