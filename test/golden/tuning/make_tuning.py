"""Numbers of Optuna for tuning.test.ts: python make_tuning.py > tuning.json (needs optuna, scipy and torch)

Hypervolumes, ranks of domination, greedy subsets by hypervolume, brackets of Hyperband, logarithms of expected improvement, posteriors and
marginal likelihoods of Gaussian processes, mixtures of Parzen, and at which epoch pruners end the trials of a study, one after the other.
"""
import json
import math
import warnings
import numpy
import optuna
import torch
from optuna._gp.acqf import standard_logei
from optuna._gp.gp import GPRegressor
from optuna._hypervolume import compute_hypervolume
from optuna._hypervolume.hssp import _solve_hssp
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.study._multi_objective import _fast_non_domination_rank

warnings.filterwarnings('ignore')
optuna.logging.set_verbosity(optuna.logging.ERROR)
random = numpy.random.default_rng(1)
out = {}

out['fronts'] = []
for width, count, ties in [(2, 30, False), (2, 40, True), (3, 25, False), (3, 40, True), (4, 12, False)]:
    losses = random.integers(0, 9, (count, width)) / 4 if ties else random.random((count, width)).round(6)
    reference = [2.5] * width if ties else [1.0] * width
    front = losses[numpy.array(_fast_non_domination_rank(losses)) == 0]
    front = numpy.unique(front, axis=0)
    size = max(1, len(front) // 2)
    subset = _solve_hssp(front, numpy.arange(len(front)), size, numpy.array(reference))
    out['fronts'].append({
        'losses': losses.tolist(), 'reference': reference,
        'volume': float(compute_hypervolume(losses, numpy.array(reference))),
        'ranks': [int(rank) for rank in _fast_non_domination_rank(losses)],
        'front': front.tolist(), 'size': size,
        'subsetVolume': float(compute_hypervolume(front[subset], numpy.array(reference))),
    })

out['brackets'] = []
for most, least, factor in [(81, 1, 3), (27, 1, 3), (100, 1, 3), (16, 1, 2), (10, 4, 3), (50, 2, 4), (2, 1, 3)]:
    pruner = optuna.pruners.HyperbandPruner(min_resource=least, max_resource=most, reduction_factor=factor)
    pruner._try_initialization(optuna.create_study())
    out['brackets'].append({'epochs': most, 'minEpochs': least, 'factor': factor, 'shares': pruner._trial_allocation_budgets})

at = [-1e3, -200, -40, -25.5, -24, -8, -3, -1.2, -0.8, 0, 0.3, 2, 9]
out['logImprovement'] = [[z, float(standard_logei(torch.tensor([z], dtype=torch.float64))[0])] for z in at]

out['processes'] = []
for width, choices in [(1, []), (3, []), (3, [1])]:
    points = random.random((12, width)).round(4)
    for choice in choices:
        points[:, choice] = random.integers(0, 3, 12)
    values = random.normal(size=12).round(4)
    sharpness, scale, noise = (0.5 + 4 * random.random(width)).round(4), 1.3, 0.02
    process = GPRegressor(
        torch.tensor([axis in choices for axis in range(width)]), torch.tensor(points), torch.tensor(values),
        torch.tensor(sharpness), torch.tensor(scale, dtype=torch.float64), torch.tensor(noise + 1e-6, dtype=torch.float64),
    )
    likelihood = float(process.marginal_log_likelihood())
    process._cache_matrix()
    asked = random.random((6, width)).round(4)
    for choice in choices:
        asked[:, choice] = random.integers(0, 3, 6)
    mean, variance = process.posterior(torch.tensor(asked))
    out['processes'].append({
        'points': points.tolist(), 'values': values.tolist(), 'choices': choices, 'sharpness': sharpness.tolist(), 'scale': scale, 'noise': noise,
        'likelihood': likelihood, 'asked': asked.tolist(), 'mean': mean.tolist(), 'variance': variance.tolist(),
    })

space = {
    'float': FloatDistribution(-2, 6), 'log': FloatDistribution(1e-4, 1, log=True), 'integer': IntDistribution(1, 20),
    'step': FloatDistribution(0, 1, step=0.0625), 'choice': CategoricalDistribution(['a', 'b', 'c']),
}
parameters = _ParzenEstimatorParameters(1.0, True, False, lambda n: numpy.ones(n), True)
out['mixtures'] = []
for count in [0, 1, 2, 14]:
    def draw(size):
        return {
            'float': (-2 + 8 * random.random(size)).round(5), 'log': (10 ** (-4 * random.random(size))).round(7),
            # No value twice: which of two equal ones is the wider kernel is left open by the sort of numpy.
            'integer': random.permutation(20)[:size] + 1.0, 'step': random.permutation(17)[:size] / 16,
            'choice': random.integers(0, 3, size).astype(float),
        }
    seen, asked = draw(count), draw(8)
    mixture = _ParzenEstimator(seen, space, parameters)
    def rows(of):
        return [{name: ('abc'[int(of[name][at])] if name == 'choice' else float(of[name][at])) for name in space} for at in range(len(of['float']))]
    out['mixtures'].append({'seen': rows(seen), 'asked': rows(asked), 'logDensity': mixture.log_pdf(asked).tolist()})

out['studies'] = []
EPOCHS = 27
for name, config, pruner in [
    ('asha', {'minEpochs': 1}, lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)),
    ('asha', {'minEpochs': 2, 'factor': 4}, lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=4)),
    ('median', {}, lambda: optuna.pruners.MedianPruner(n_startup_trials=5)),
    ('median', {'startup': 3, 'warmup': 4, 'interval': 3}, lambda: optuna.pruners.MedianPruner(3, n_warmup_steps=4, interval_steps=3)),
    ('percentile', {'percent': 25}, lambda: optuna.pruners.PercentilePruner(25)),
]:
    for direction in ['minimize', 'maximize']:
        study = optuna.create_study(direction=direction, pruner=pruner())
        curves, ended = [], []
        for _ in range(40):
            level, speed = random.random(2)
            curve = (level + 2 * numpy.exp(-speed * numpy.arange(1, EPOCHS + 1)) + 0.1 * random.normal(size=EPOCHS)).round(3)
            if direction == 'maximize':
                curve = -curve
            trial = study.ask()
            last = EPOCHS
            for epoch in range(1, EPOCHS):
                trial.report(float(curve[epoch - 1]), epoch)
                if trial.should_prune():
                    last = epoch
                    break
            if last == EPOCHS:
                trial.report(float(curve[-1]), EPOCHS)
                study.tell(trial, float(curve[-1]))
            else:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            curves.append(curve.tolist())
            ended.append(last)
        out['studies'].append({'stopper': name, 'config': config, 'direction': direction, 'epochs': EPOCHS, 'curves': curves, 'ended': ended})

print(json.dumps(out, separators=(',', ':')))
