"""Optuna's samplers for bench/tuning.ts: the question comes as JSON, best values and milliseconds a suggestion go out as JSON."""
import json
import math
import sys
import time
import warnings
import optuna

warnings.filterwarnings('ignore')
optuna.logging.set_verbosity(optuna.logging.ERROR)
question = json.loads(sys.argv[1])
SAMPLERS = {
    'tpe': lambda seed: optuna.samplers.TPESampler(seed=seed),
    'gp': lambda seed: optuna.samplers.GPSampler(seed=seed),
    'random': lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
WEIGHTS = [1, 1.2, 3, 3.2]
SHARPNESS = [[10, 3, 17, 3.5, 1.7, 8], [.05, 10, 17, .1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, .05, 10, .1, 14]]
CENTRES = [
    [.1312, .1696, .5569, .0124, .8283, .5886], [.2329, .4135, .8307, .3736, .1004, .9991],
    [.2348, .1451, .3522, .2883, .3047, .665], [.4047, .8828, .8732, .5743, .1091, .0381],
]


def branin(at):
    x, y = at
    return (y - 5.1 / (4 * math.pi ** 2) * x ** 2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(at):
    far = [sum(a * (x - c) ** 2 for a, x, c in zip(sharpness, at, centre)) for sharpness, centre in zip(SHARPNESS, CENTRES)]
    return -sum(weight * math.exp(-distance) for weight, distance in zip(WEIGHTS, far))


def rosenbrock5(at):
    return sum(100 * (after - before ** 2) ** 2 + (1 - before) ** 2 for before, after in zip(at, at[1:]))


def ackley5(at):
    square, wave = sum(x * x for x in at) / len(at), sum(math.cos(2 * math.pi * x) for x in at) / len(at)
    return 20 + math.e - 20 * math.exp(-.2 * math.sqrt(square)) - math.exp(wave)


def styblinskiTang4(at):
    return sum(x ** 4 - 16 * x ** 2 + 5 * x for x in at) / 2


def levy4(at):
    w = [1 + (x - 1) / 4 for x in at]
    middle = sum((v - 1) ** 2 * (1 + 10 * math.sin(math.pi * v + 1) ** 2) for v in w[:-1])
    return math.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)


found = {}
for name, *bounds in question['bounds']:
    found[name] = {}
    for sampler in question['samplers']:
        best, ms, last, cpu = [], [], [], 0
        for seed in question['seeds']:
            study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
            for _ in range(question['trials']):
                start, before = time.perf_counter(), time.process_time()
                trial = study.ask()
                at = [trial.suggest_float(f'x{axis}', low, high) for axis, (low, high) in enumerate(bounds)]
                ms.append((time.perf_counter() - start) * 1e3)
                cpu += (time.process_time() - before) * 1e3
                study.tell(trial, globals()[name](at))
            last.append(ms[-1])
            best.append(study.best_value)
        found[name][sampler] = {'best': best, 'ms': ms, 'lastMs': last, 'meanCpuMs': cpu / len(ms)}
print(json.dumps(found))
