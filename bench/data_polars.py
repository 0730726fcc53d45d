"""The work of bench/data.ts as one writes it by hand with polars: data_polars.py TABLE.csv FOLDER. Prints one JSON line."""
import json
import resource
import sys
import time

start = time.perf_counter()
import numpy as np
import polars as pl

source, folder = sys.argv[1:3]
table = pl.read_csv(source)
numbers = [name for name in table.columns if name.startswith("n")]
texts = [name for name in table.columns if name.startswith("c")]

random = np.random.default_rng(1)
label = table["label"].to_numpy()
split = np.zeros(table.height, np.int8)
for value in np.unique(label):
    rows = random.permutation(np.flatnonzero(label == value))
    first, second = int(0.7 * len(rows)), int(0.85 * len(rows))
    split[rows[first:second]] = 1
    split[rows[second:]] = 2
table = table.with_columns(split=pl.Series(split))

train = table.lazy().filter(pl.col("split") == 0)
median = train.select(pl.col(name).median() for name in numbers).collect().row(0, named=True)
filled = {name: pl.col(name).fill_null(median[name]) for name in numbers}
mean = train.select(filled[name].mean().alias(name) for name in numbers).collect().row(0, named=True)
deviation = train.select(filled[name].std(ddof=0).alias(name) for name in numbers).collect().row(0, named=True)
known = {name: sorted(train.select(pl.col(name).unique()).collect()[name].to_list()) for name in texts}

columns = [((filled[name] - mean[name]) / deviation[name]).cast(pl.Float32) for name in numbers]
columns += [(pl.col(name) == value).cast(pl.Float32).alias(f"{name}={value}") for name in texts for value in known[name]]
columns.append(pl.col("label").cast(pl.Float32))
width = 0
for number, name in enumerate(("train", "validation", "test")):
    part = table.lazy().filter(pl.col("split") == number).select(columns).collect()
    part.write_parquet(f"{folder}/{name}.parquet")
    width = part.width

used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": round(time.perf_counter() - start, 2), "cpuSeconds": round(used.ru_utime + used.ru_stime, 2), "peakMb": used.ru_maxrss // 1024, "columns": width}))
