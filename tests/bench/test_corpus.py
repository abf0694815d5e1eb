"""The corpus: made once, the same for a seed, and read in parallel."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

import bench.corpus
from bench.corpus import SCHEMA, Corpus, Recipe, corpus
from jobs.demo.generator import BENCHMARK, events

COUNT = 2500


def made(cache: Path, seed: int = 1, count: int = COUNT) -> tuple[Corpus, list[str]]:
    said: list[str] = []
    return corpus(cache, Recipe(seed, count), said.append), said


def test_it_holds_the_generators_events_in_their_order(tmp_path: Path) -> None:
    one, _ = made(tmp_path)
    changes = list(events(1, COUNT, 0.006, BENCHMARK))
    table = pq.read_table(one.directory)
    assert table.schema == SCHEMA
    assert table["data"].to_pylist() == [change.data for change in changes]
    sizes = sum(len(change.data) for change in changes)
    assert (one.events, one.bad, one.bytes) == (COUNT, sum(change.is_bad for change in changes), sizes)


def test_each_key_has_its_shard_and_numbers_rise(tmp_path: Path) -> None:
    table = pq.read_table(made(tmp_path)[0].directory)
    numbers, shards = table["sequenceNumber"].to_pylist(), table["shardId"].to_pylist()
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {56}
    assert set(shards) == {f"shardId-{shard:012d}" for shard in range(4)}
    keys = [change.partition_key for change in events(1, COUNT, 0.006, BENCHMARK)]
    assert len(set(zip(keys, shards, strict=True))) == len(set(keys))


def test_a_second_run_finds_it(tmp_path: Path) -> None:
    first, said = made(tmp_path)
    assert said[-1] == "made 2,500 of 2,500 change events"
    assert made(tmp_path) == (first, [])


def test_another_seed_or_count_has_its_own(tmp_path: Path) -> None:
    directories = {made(tmp_path, *key)[0].directory for key in ((1, 100), (2, 100), (1, 1000))}
    assert set(tmp_path.iterdir()) == directories
    assert len(directories) == 3


def test_another_generator_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = made(tmp_path, 1, 1000)[0].directory
    old = made(tmp_path, 1, 100)[0].directory
    monkeypatch.setattr(bench.corpus, "_LAYOUT", "another")
    new, said = made(tmp_path, 1, 100)
    assert said
    assert set(tmp_path.iterdir()) == {new.directory, other}
    assert new.directory != old


def test_the_version_follows_from_the_events_that_the_generator_makes() -> None:
    recipes = (
        Recipe(1, COUNT),
        Recipe(1, COUNT, bad_share=0.2),
        Recipe(1, COUNT, mix=BENCHMARK._replace(demand=0.6)),
    )
    assert Recipe(1, COUNT).version == recipes[0].version
    assert len({recipe.version for recipe in recipes}) == len(recipes)


def test_its_mix_can_be_chosen(tmp_path: Path) -> None:
    only_sales = BENCHMARK._replace(demand=0, notification=0, event=0, odd=0)
    made = corpus(tmp_path, Recipe(1, 100, 0, only_sales), lambda _: None)
    payloads = pq.read_table(made.directory)["data"].to_pylist()
    assert made.bad == 0
    assert all(b'"type":{"S":"sale"}' in payload for payload in payloads)


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corpus(tmp_path, Recipe(1, 100), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_spark_reads_it_in_more_than_one_partition(spark: SparkSession, tmp_path: Path) -> None:
    df = spark.read.parquet(made(tmp_path)[0].directory.as_uri())
    assert dict(df.dtypes) == {"data": "binary", "shardId": "string", "sequenceNumber": "string"}
    assert df.rdd.getNumPartitions() > 1
    assert df.count() == COUNT
