"""The change events that are measured: seeded, made once, kept as Parquet that Spark reads fast and in parallel."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.exported import FOLDER, ExportWriter
from jobs.demo.generator import BENCHMARK, Change, Mix, events

SCHEMA = pa.schema([("data", pa.binary()), ("shardId", pa.string()), ("sequenceNumber", pa.string())])
BAD_SHARE = 0.006
_SHARDS = 4
_FILES, _ROWS_PER_FILE, _ROWS_PER_GROUP = 8, 50_000, 10_000
_LAYOUT = "2"  # another one wherever the files are made in another way
_ABOUT, _EXPORT = "_about.json", "_export"  # Spark passes over names that start so

Say = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """What a corpus is made by: its seed, how many change events, which share of them bad, and the mix of the others."""

    seed: int
    count: int
    bad_share: float = BAD_SHARE
    mix: Mix = BENCHMARK

    @property
    def version(self) -> str:
        """What tells one state of the generator from another: a digest of change events of every kind it knows."""
        digest = hashlib.sha256(_LAYOUT.encode())
        for change in events(0, 2000, bad_share=self.bad_share + 0.3, mix=self.mix._replace(odd=0.3)):
            digest.update(b"%d %b" % (len(change.data), change.data))
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Corpus:
    """Parquet files with the columns of ``SCHEMA``: so many change events, so many of them bad, so many bytes of data."""

    directory: Path
    seed: int
    events: int
    bad: int
    bytes: int

    @property
    def export(self) -> Path:
        """The folder of the same change events as an export."""
        return self.directory / _EXPORT / FOLDER


def corpus(cache: Path, recipe: Recipe, say: Say) -> Corpus:
    """The corpus of a recipe, from below ``cache`` where it was made before.

    It is made anew, and replaces the old one of that seed and size, when the generator makes other events than it did.
    """
    name = f"corpus-{recipe.seed}-{recipe.count}-"
    directory = cache / f"{name}{recipe.version}"
    if not directory.exists():
        cache.mkdir(parents=True, exist_ok=True)
        for outdated in cache.glob(f"{name}*"):
            shutil.rmtree(outdated)
        # Made aside, so that a run that is interrupted leaves no half of it under the name.
        with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as aside:
            _make(Path(aside, "corpus"), recipe, say)
            Path(aside, "corpus").rename(directory)
    about = json.loads((directory / _ABOUT).read_text(encoding="utf-8"))
    return Corpus(directory, **about)


def _make(directory: Path, recipe: Recipe, say: Say) -> None:
    directory.mkdir()
    count = recipe.count
    changes = events(recipe.seed, count, recipe.bad_share, recipe.mix)
    rows_per_file = min(_ROWS_PER_FILE, -(-count // _FILES))
    made = bad = size = 0
    export = ExportWriter(directory / _EXPORT)
    while chunk := list(islice(changes, rows_per_file)):
        table = pa.Table.from_arrays(_columns(chunk, made), schema=SCHEMA)
        pq.write_table(
            table,
            directory / f"{made:09d}.parquet",
            row_group_size=_ROWS_PER_GROUP,
            compression="none",
            use_dictionary=["shardId"],
            write_statistics=False,
        )
        export.add(change.data for change in chunk)
        made += len(chunk)
        bad += sum(change.is_bad for change in chunk)
        size += sum(len(change.data) for change in chunk)
        say(f"made {made:,} of {count:,} change events")
    export.close()
    about = asdict(Corpus(directory, recipe.seed, made, bad, size))
    del about["directory"]
    (directory / _ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _columns(changes: list[Change], first: int) -> list[pa.Array]:
    return [
        pa.array([change.data for change in changes], pa.binary()),
        pa.array([shard(change.partition_key) for change in changes], pa.string()),
        pa.array([sequence_number(first + index) for index in range(len(changes))], pa.string()),
    ]


def shard(partition_key: str) -> str:
    """The shard that Kinesis puts a record in: by the MD5 of its partition key, in ranges of equal size."""
    first_byte = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()[0]
    return f"shardId-{first_byte * _SHARDS // 256:012d}"


def sequence_number(index: int) -> str:
    """Of 56 digits, as Kinesis gives it."""
    return f"49{index:054d}"
