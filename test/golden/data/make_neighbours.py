"""Nearest neighbours of scikit-learn for neighbours.test.ts: python make_neighbours.py > neighbours.json

Rows are numbers of eighths, so that they are the same in single precision and distances are exact; "ties" takes few different values,
so that many rows are equally near and some are equal. scikit-learn does not say which of equally near rows it names: where that
matters the rule is ours (the lower number), and distances are compared.
"""
import json
import numpy
from sklearn.neighbors import NearestNeighbors

cases = []
random = numpy.random.default_rng(1)
for name, rows, width, k, values in [
    ('line', 100, 1, 3, lambda shape: random.integers(-4000, 4000, shape)),
    ('plane', 300, 2, 5, lambda shape: random.integers(-4000, 4000, shape)),
    ('ten columns', 300, 10, 5, lambda shape: numpy.round(random.normal(0, 800, shape))),
    ('thirty columns', 160, 30, 7, lambda shape: numpy.round(random.normal(0, 800, shape))),
    ('all others', 9, 3, 8, lambda shape: random.integers(-4000, 4000, shape)),
    ('ties', 200, 3, 6, lambda shape: 8 * random.integers(0, 3, shape)),
    ('one value', 70, 2, 4, lambda shape: 8 * random.integers(1, 2, shape)),
]:
    table = values((rows, width)).astype('float64') / 8
    # A row is left out of its own neighbours: one more is asked for, and the distance 0 to itself dropped.
    distances, indices = NearestNeighbors(n_neighbors=k + 1, algorithm='brute').fit(table).kneighbors(table)
    ambiguous = bool((numpy.diff(distances, axis=1) == 0).any())
    cases.append({
        'name': name, 'width': width, 'k': k, 'eighths': (table * 8).astype(int).ravel().tolist(),
        'squares': numpy.round((distances[:, 1:] ** 2) * 64).astype(int).ravel().tolist(),
        'neighbours': None if ambiguous else indices[:, 1:].ravel().tolist(),
    })
print(json.dumps(cases, separators=(',', ':')))
