"""Follow the positions of a folder on a Spark cluster until none are left; run as a program of its own by the test.

spark_stream.py MASTER FOLDER: reads FOLDER/in (Parquet) and FOLDER/fences.arrow, writes FOLDER/out, keeps FOLDER/kept.
"""

import os
import sys
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession

from epipolis.engines.fence import Fences
from epipolis.server.spark_fence import SCHEMA, follow_stream


def main(master: str, folder: Path) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master(master)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", "700m")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    with pa.OSFile(str(folder / "fences.arrow")) as file:
        fences = Fences.from_table(pa.ipc.open_file(file).read_all())
    stream = session.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).parquet(str(folder / "in"))
    query = (
        follow_stream(stream, fences, shards=3)
        .writeStream.format("parquet")
        .option("checkpointLocation", str(folder / "kept"))
        .trigger(availableNow=True)
        .start(str(folder / "out"))
    )
    query.awaitTermination()
    sys.stdout.write(f"{session.sparkContext.master} {session.sparkContext.defaultParallelism}\n")
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
