"""The fence on a real Spark cluster of one master and one worker tells what it tells here."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epipolis.engines.fence import FenceRule, States, follow
from epipolis.engines.fence.following import TRANSITION
from epipolis.server import spark_fence
from tests.engines.fence.tracks import home, random_positions

PEOPLE = 7
HERE = Path(__file__).parents[2]


def stream():
    """Positions of some people in order of arrival, with all that goes wrong in a stream."""
    whole = random_positions(11, PEOPLE, 3_000)
    arrived = whole.schema.get_field_index("arrived")
    order = pa.array(range(whole.num_rows), pa.int64())
    late = whole.set_column(arrived, "arrived", pa.array([time + 7 for time in whole["time"].to_pylist()], pa.int64()))
    return late.take(order).sort_by(
        [("arrived", "ascending"), ("time", "ascending"), ("lon", "ascending"), ("lat", "ascending")]
    )


def rows(table):
    return sorted(
        tuple(row[name] for name in ("person", "time", "before", "after", "reason", "excursion")) for row in table.to_pylist()
    )


@pytest.mark.parametrize("shards", [1, 3, 16])
def test_shards_tell_what_one_kernel_tells(shards):
    positions, fences = stream(), home(PEOPLE)
    packed, saved, told = spark_fence._packed(fences.to_table()), {}, []
    for first in range(0, positions.num_rows, 700):
        for shard in range(shards):
            batch = positions.slice(first, 700)
            own = batch.filter(pa.array([person >= 0 and person % shards == shard for person in batch["person"].to_pylist()]))
            found, saved[shard] = spark_fence.follow_shard(own, packed, shard, shards, saved.get(shard), FenceRule())
            told.append(found.replace_schema_metadata())

    expected = follow(States.new(PEOPLE), positions, fences)
    assert expected.num_rows > 200
    assert rows(pa.concat_tables(told)) == rows(expected)
    assert told[0].schema.equals(TRANSITION)


@pytest.fixture(scope="module")
def spark():
    """A python that has pyspark: this one, or the one that EPIPOLIS_SPARK_PYTHON names."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine")
    python = os.environ.get("EPIPOLIS_SPARK_PYTHON", sys.executable)
    code = "import pandas, pyarrow, numba, pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("pyspark is not installed (epipolis[spark])")
    return python, Path(found.stdout.strip())


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(spark, tmp_path_factory):
    """A standalone master and a worker on loopback; both are ended by their own process afterwards."""
    python, spark_home = spark
    folder, port = tmp_path_factory.mktemp("cluster"), free_port()
    master = f"spark://127.0.0.1:{port}"
    environment = os.environ | {
        **{"SPARK_HOME": str(spark_home), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": python, "SPARK_NO_DAEMONIZE": "1"},
        **{"PYTHONPATH": f"{HERE / 'src'}{os.pathsep}{HERE}", "SPARK_WORKER_DIR": str(folder), "SPARK_LOG_DIR": str(folder)},
    }
    start = str(spark_home / "bin" / "spark-class")
    of_master = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(free_port())]
    of_worker = [master, "--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", str(free_port())]
    log = (folder / "log.txt").open("w")
    running = [
        subprocess.Popen([start, "org.apache.spark.deploy.master.Master", *of_master], env=environment, stdout=log, stderr=log)
    ]
    try:
        wait_for(folder / "log.txt", "Starting Spark master", running)
        worker = [start, "org.apache.spark.deploy.worker.Worker", *of_worker]
        running.append(subprocess.Popen(worker, env=environment, stdout=log, stderr=log))
        wait_for(folder / "log.txt", "Successfully registered with master", running)
        yield python, master, environment
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)
        log.close()


def wait_for(log, words, running):
    for _ in range(300):
        if words in log.read_text():
            return
        assert all(process.poll() is None for process in running), log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_a_real_cluster_tells_the_same_also_after_a_stop_and_when_sent_again(cluster, tmp_path):
    python, master, environment = cluster
    positions, fences = stream(), home(PEOPLE)
    (tmp_path / "in").mkdir()
    with pa.OSFile(str(tmp_path / "fences.arrow"), "wb") as file, pa.ipc.new_file(file, fences.to_table().schema) as writer:
        writer.write_table(fences.to_table())
    cuts = [(0, 1_100), (1_100, 2_000), (1_500, 2_000), (2_000, 3_000)]  # the third is sent again

    def run(parts):
        for number in parts:
            first, last = cuts[number]
            part = positions.slice(first, last - first)
            source = part.column_names.index("source")
            pq.write_table(part.set_column(source, "source", part["source"].cast(pa.int8())), tmp_path / f"{number}.parquet")
            os.utime(tmp_path / f"{number}.parquet", (10**9 + number, 10**9 + number))
            (tmp_path / f"{number}.parquet").rename(tmp_path / "in" / f"{number}.parquet")
        command = [python, "-W", "ignore", str(Path(__file__).with_name("spark_stream.py")), master, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, done.stderr[-3_000:]
        assert done.stdout.split()[0] == master

    run([0, 1])
    run([2, 3])
    told = pq.read_table(tmp_path / "out")

    expected = follow(States.new(PEOPLE), positions, fences)
    assert rows(told) == rows(expected)
