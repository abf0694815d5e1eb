"""Every request that is rendered is one that EMR Serverless's own model takes."""

from pathlib import Path

import pytest

from emr.job_run import FAILED_ATTEMPTS_PER_HOUR, JOBS, start_job_run
from emr.release import Release
from emr.settings import EmrSettings, load
from emr.spark import spark_submit_parameters
from emr.stack import Stack, expected_stack
from jobs.settings import Settings
from tests.emr.service_model import problems
from tests.jobs.job import ROOT

CONFS = ("prod.toml", "dev.toml")
PROMETHEUS = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
RELEASE = Release(
    dict.fromkeys(
        ("spark-avro_2.13-4.1.1.jar", "dependencies-x86_64.tar.gz", "dependencies-arm64.tar.gz"), ""
    ),
    "3.11",
    b"{}",
)


def stack_and_settings(conf: str = "prod.toml", **changes: object) -> tuple[Stack, Settings, EmrSettings]:
    settings, emr = load(ROOT / "conf" / conf)
    changed = EmrSettings.model_validate(emr.model_dump() | changes)
    return expected_stack(settings, changed), settings, changed


@pytest.mark.parametrize("conf", CONFS)
@pytest.mark.parametrize("job", JOBS)
def test_a_request_is_valid(job: str, conf: str) -> None:
    stack, settings, emr = stack_and_settings(conf, prometheus_url=PROMETHEUS)
    request = start_job_run(job, RELEASE, conf, stack, settings, emr, ["--since", "2026-03-01"])
    assert problems("emr-serverless", "StartJobRun", {**request, "clientToken": "t"}) == []


def test_the_check_sees_what_botocore_passes_over() -> None:
    stack, settings, emr = stack_and_settings()
    request = start_job_run("verify", RELEASE, "prod.toml", stack, settings, emr)
    wrong = {
        **request,
        "clientToken": "no token",
        "mode": "FOREVER",
        "executionRoleArn": "arn:aws:iam::1:user/x/////",
    }
    assert len(problems("emr-serverless", "StartJobRun", wrong)) == 3


def test_the_stream_is_tried_again_until_it_fails_too_often() -> None:
    request = start_job_run("archive", RELEASE, "prod.toml", *stack_and_settings())
    assert (request["mode"], request["executionTimeoutMinutes"]) == ("STREAMING", 0)
    assert request["retryPolicy"] == {"maxFailedAttemptsPerHour": FAILED_ATTEMPTS_PER_HOUR}
    assert "--until-caught-up" not in request["jobDriver"]["sparkSubmit"]["entryPointArguments"]


def test_where_the_stack_is_scheduled_the_archive_ends_when_it_has_caught_up() -> None:
    request = start_job_run("archive", RELEASE, "dev.toml", *stack_and_settings("dev.toml"))
    assert (request["mode"], request["retryPolicy"]) == ("BATCH", {"maxAttempts": 3})
    assert request["jobDriver"]["sparkSubmit"]["entryPointArguments"][2:] == ["--until-caught-up"]


@pytest.mark.parametrize("job", JOBS)
def test_every_file_comes_from_the_release_by_its_name(job: str) -> None:
    spark = start_job_run(job, RELEASE, "prod.toml", *stack_and_settings())["jobDriver"]["sparkSubmit"]
    folder = f"s3://dmd-prod-archive/artifacts/{RELEASE.name}"
    words = spark["sparkSubmitParameters"].split()
    assert spark["entryPoint"] == f"{folder}/{job}.py"
    assert spark["entryPointArguments"][:2] == ["--conf", f"{folder}/prod.toml"]
    assert words[:2] == ["--py-files", f"{folder}/packages.zip"]
    assert words[2:4] == [
        "--jars",
        f"{folder}/spark-avro_2.13-4.1.1.jar"
        + (
            ",/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
            if job == "latest"
            else ""
        ),
    ]
    assert words[4:6] == ["--archives", f"{folder}/dependencies-x86_64.tar.gz#environment"]


def test_the_settings_that_the_guarantees_rest_on_are_there() -> None:
    stack, conf, emr = stack_and_settings()
    parameters = start_job_run("archive", RELEASE, "prod.toml", stack, conf, emr)["jobDriver"]["sparkSubmit"]
    settings = dict(word.split("=") for word in parameters["sparkSubmitParameters"].split() if "=" in word)
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings["spark.speculation"] == settings["spark.dynamicAllocation.enabled"] == "false"
    assert settings["spark.sql.catalogImplementation"] == "in-memory"
    assert settings["spark.executorEnv.PYSPARK_PYTHON"] == "./environment/bin/python"
    assert (settings["spark.driver.memory"], settings["spark.driver.memoryOverhead"]) == ("4g", "4g")
    assert settings["spark.executor.instances"] == str(emr.executors)
    assert settings["spark.eventLog.rolling.enabled"] == "true"
    assert settings["spark.eventLog.rolling.maxFileSize"] == "128m"


@pytest.mark.parametrize("url", [PROMETHEUS, None])
def test_spark_tells_prometheus_only_where_that_is_asked_for(url: str | None) -> None:
    request = start_job_run(
        "archive", RELEASE, "prod.toml", *stack_and_settings(**({"prometheus_url": url} if url else {}))
    )
    told = request["configurationOverrides"]["monitoringConfiguration"].get(
        "prometheusMonitoringConfiguration"
    )
    assert told == ({"remoteWriteUrl": url} if url else None)


@pytest.mark.parametrize(
    ("line", "expected"), [('region = "eu-west-2"', ["eu-west-2", "eu-west-2"]), ("", [])]
)
def test_driver_and_executors_work_in_the_region_of_the_conf(
    line: str, expected: list[str], tmp_path: Path
) -> None:
    conf = tmp_path / "there.toml"
    conf.write_text((ROOT / "conf" / "prod.toml").read_text().replace('region = "us-east-1"', line))
    settings, emr = load(conf)
    words = spark_submit_parameters("verify", RELEASE, "s3://b/artifacts/1", settings, emr).split()
    told = dict(word.rsplit("=", 1) for word in words if "AWS_REGION" in word)
    assert list(told.values()) == expected
    assert not told or set(told) == {
        "spark.emr-serverless.driverEnv.AWS_REGION",
        "spark.executorEnv.AWS_REGION",
    }


@pytest.mark.parametrize("job", JOBS)
def test_the_parameters_fit_into_json_and_into_a_parameter_of_a_stack(job: str) -> None:
    parameters = start_job_run(job, RELEASE, "prod.toml", *stack_and_settings())["jobDriver"]["sparkSubmit"]
    text = parameters["sparkSubmitParameters"]
    assert len(text) <= 4096
    assert not set(text) & set('"\\')


def test_the_archive_for_the_workers_architecture_is_taken() -> None:
    request = start_job_run("verify", RELEASE, "prod.toml", *stack_and_settings(architecture="ARM64"))
    assert (
        "dependencies-arm64.tar.gz#environment"
        in request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
    )


def test_a_worker_that_emr_serverless_doesnt_sell_is_refused(tmp_path: Path) -> None:
    conf = tmp_path / "odd.toml"
    text = (ROOT / "conf" / "prod.toml").read_text()
    conf.write_text(
        text.replace('stack = "dmd-prod"', 'stack = "dmd-prod"\ndriver_cores = 1\ndriver_memory_gb = 16')
    )
    with pytest.raises(Exception, match=r"odd.toml: emr: driver_memory_gb must be 2 to 8 for 1 vCPU"):
        load(conf)
