"""Windows of several series by pandas for series.test.ts: python make_series.py > series.json

Days are numbered; a series has a row on most days, and breaks of some days. Windows of `size` rows with the label `horizon` rows later
are made within each group of rows of one shop between two breaks longer than `gap` days.
"""
import json
import numpy
import pandas

random = numpy.random.default_rng(3)
cases = []
for size, horizon, gap in [(3, 1, 1), (5, 2, 1), (4, 1, 3)]:
    parts = []
    for shop, days in [('north', 90), ('south', 70), ('east', 40), ('west', 3)]:
        kept = numpy.flatnonzero(random.random(days) > 0.06)
        parts.append(pandas.DataFrame({'day': kept, 'shop': shop, 'y': random.integers(0, 1000, len(kept))}))
    table = pandas.concat(parts).sample(frac=1, random_state=1).reset_index(drop=True)
    ordered = table.sort_values(['shop', 'day'])
    piece = (ordered.groupby('shop')['day'].diff() > gap).groupby(ordered['shop']).cumsum()
    groups = ordered.groupby([ordered['shop'], piece])['y']
    columns = [groups.shift(horizon + size - 1 - at) for at in range(size)] + [ordered['y']]
    windows = pandas.concat(columns, axis=1, keys=range(size + 1)).dropna().astype(int)
    cases.append({'size': size, 'horizon': horizon, 'gap': gap, 'rows': table.values.tolist(), 'windows': sorted(windows.values.tolist())})
print(json.dumps(cases, separators=(',', ':')))
