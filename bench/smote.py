"""SMOTE of imbalanced-learn for bench/smote.ts: rows come as float32 in a file, seconds and megabytes go out as JSON."""
import json
import resource
import sys
import time
import numpy
from imblearn.over_sampling import SMOTE
from sklearn.neighbors import NearestNeighbors

path, rows, width, extra, jobs = sys.argv[1], *map(int, sys.argv[2:6])
minority = numpy.fromfile(path, dtype='float32').reshape(rows, width)
features = numpy.concatenate([minority, numpy.zeros((rows + extra, width), 'float32')])
labels = numpy.repeat([1, 0], [rows, rows + extra])
start, cpu = time.perf_counter(), time.process_time()
made, _ = SMOTE(random_state=1, k_neighbors=NearestNeighbors(n_neighbors=6, n_jobs=jobs)).fit_resample(features, labels)
print(json.dumps({
    'seconds': round(time.perf_counter() - start, 2), 'cpuSeconds': round(time.process_time() - cpu, 2), 'rows': len(made),
    'megabytes': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
}))
