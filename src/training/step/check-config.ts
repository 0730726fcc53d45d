import type { ConfigProblem } from '../../core/step.ts';
import { nameAndConfig, resolveNamed, withDefaults } from '../model/named.ts';
import { architectureRegistry } from '../architectures/index.generated.ts';
import { optimizerRegistry } from '../optimizers/index.generated.ts';
import type { LayerConfig, ModelConfig } from '../model/model-config.ts';
import { searchOf } from './train-config.ts';
import type { TrainConfig } from './train-config.ts';
import { checkTransfer } from '../transfer/check-transfer.ts';
import { isTransfer } from '../transfer/transfer-config.ts';

/** Optimizer and callbacks against each other. */
function checkMomentum({ callbacks, optimizer }: TrainConfig): ConfigProblem[] {
  return callbacks.flatMap((named, index) => {
    const [name, settings] = nameAndConfig('callback', named);
    const { definition, config } = resolveNamed(optimizerRegistry, optimizer);
    if (name !== 'learningRateSchedule' || settings.momentum === undefined) return [];
    const pointer = `/callbacks/${index}/learningRateSchedule/momentum`;
    if (settings.schedule !== 'oneCycle')
      return [
        {
          pointer,
          message: `"momentum" moves in one cycle, and the schedule is "${String(settings.schedule ?? 'cosine')}".`,
          fix: 'Leave it out, or give "schedule": "oneCycle".',
        },
      ];
    const cycling = optimizerRegistry
      .names()
      .filter((each) => optimizerRegistry.get(each).cycles !== undefined)
      .join(', ');
    if (definition.cycles === undefined)
      return [{ pointer, message: `The momentum of ${definition.name} cannot be moved.`, fix: `Use one of ${cycling}, or leave it out.` }];
    if ((config as unknown as Record<string, number>)[definition.cycles] === 0)
      return [
        {
          pointer,
          message: `The optimizer ${definition.name} has the ${definition.cycles} 0: it keeps no momentum that could be moved.`,
          fix: `Give it a ${definition.cycles}, for example { "${definition.name}": { "${definition.cycles}": 0.9 } }.`,
        },
      ];
    return [];
  });
}

/** Mistakes that the configuration shows by itself, before the data are known. All of them. */
export function checkTrainConfig(config: TrainConfig): ConfigProblem[] {
  const { model } = config;
  const scratch = isTransfer(model) ? model.onMissing : undefined;
  const network = isTransfer(model)
    ? [
        ...checkTransfer(model, config.epochs),
        ...(typeof scratch === 'object' ? checkNetwork(scratch, '/model/onMissing') : []),
        ...(typeof model.head === 'object' ? checkLayers(model.head, '/model/head') : []),
      ]
    : checkNetwork(model, '/model');
  return [
    ...network,
    ...checkLanguage(config),
    ...checkBatches(config),
    ...checkRate(config),
    ...checkCallbacks(config),
    ...checkMomentum(config),
    ...checkValidation(config),
  ];
}

function checkNetwork(model: ModelConfig, pointer: string): ConfigProblem[] {
  return [...checkLayers(model, pointer), ...checkArchitecture(model, pointer)];
}

function checkLayers(model: ModelConfig | { readonly layers: readonly LayerConfig[] }, pointer: string): ConfigProblem[] {
  if (!('layers' in model) || !Array.isArray(model.layers)) return [];
  const layers = model.layers as readonly LayerConfig[];
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, layer] of layers.entries()) {
    if (layer.name === undefined) continue;
    if (seen.has(layer.name))
      problems.push({
        pointer: `${pointer}/layers/${index}/name`,
        message: `Two layers have the name "${layer.name}".`,
        fix: 'Give every layer a name of its own.',
      });
    seen.add(layer.name);
  }
  const [first] = layers;
  const last = layers.at(-1);
  if (
    first !== undefined &&
    first.inputs === undefined &&
    ['concatenate', 'add', 'subtract', 'multiply', 'average', 'maximum', 'minimum', 'dot'].includes(first.type)
  ) {
    problems.push({
      pointer: `${pointer}/layers/0`,
      message: `The first layer "${first.type}" joins inputs, but does not say which.`,
      fix: 'Give it "inputs" with the names of the model\'s inputs.',
    });
  }
  if (
    last !== undefined &&
    ['dropout', 'alphaDropout', 'gaussianDropout', 'spatialDropout1d', 'spatialDropout2d', 'spatialDropout3d', 'gaussianNoise'].includes(
      last.type,
    )
  ) {
    problems.push({
      pointer: `${pointer}/layers/${layers.length - 1}`,
      message: `The last layer is "${last.type}", so the output itself would be disturbed while training.`,
      fix: 'Put a dense layer with the output after it.',
    });
  }
  return problems;
}

function checkArchitecture(model: ModelConfig, pointer: string): ConfigProblem[] {
  if (!('architecture' in model)) return [];
  const { architecture, ...settings } = model;
  const definition = architectureRegistry.find(architecture);
  return (definition?.check?.(withDefaults(definition.configSchema, settings)) ?? []).map(({ setting, message, fix }) => ({
    pointer: `${pointer}/${setting}`,
    message,
    fix,
  }));
}

/** Settings of architectures that say how one answer is made of a whole text. */
const ONE_ANSWER: Readonly<Record<string, string>> = {
  pooling: 'A language model tells the next token at every step, so that none is chosen.',
  bidirectional: 'A language model must not read a text from its end.',
};

function checkLanguage({ objective, model, classWeights }: TrainConfig): ConfigProblem[] {
  if (objective === undefined || nameAndConfig('objective', objective)[0] !== 'nextToken') return [];
  const settings = model as Readonly<Record<string, unknown>>;
  const definition = typeof settings.architecture === 'string' ? architectureRegistry.find(settings.architecture) : undefined;
  // The plan has filled in defaults, which say nothing.
  const problems = Object.entries(ONE_ANSWER)
    .filter(
      ([key]) =>
        settings[key] !== undefined && settings[key] !== withDefaults(definition?.configSchema ?? {}, {})[key] && definition !== undefined,
    )
    .map(([key, message]) => ({ pointer: `/model/${key}`, message, fix: `Leave "${key}" out.` }));
  return classWeights === undefined
    ? problems
    : [
        ...problems,
        {
          pointer: '/classWeights',
          message: 'A language model learns without labels, so that there are no classes to weight.',
          fix: 'Leave "classWeights" out.',
        },
      ];
}

function checkBatches({ batches, shuffle }: TrainConfig): ConfigProblem[] {
  if (batches === undefined || shuffle !== false) return [];
  return [
    {
      pointer: '/batches',
      message: 'Batches by length take the rows in another order, and "shuffle": false asks for the order in which they are.',
      fix: 'Leave "batches" or "shuffle" out.',
    },
  ];
}

function checkRate(config: TrainConfig): ConfigProblem[] {
  const search = searchOf(config);
  if (search === undefined || search.from < search.to) return [];
  return [
    {
      pointer: '/learningRate/find',
      message: `The search would go from ${search.from} to ${search.to}.`,
      fix: 'Give a "from" below "to".',
    },
  ];
}

function checkCallbacks({ callbacks, epochs }: TrainConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, named] of callbacks.entries()) {
    const [name, settings] = nameAndConfig('callback', named);
    if (seen.has(name))
      problems.push({ pointer: `/callbacks/${index}`, message: `The callback ${name} is given twice.`, fix: 'Leave one of them out.' });
    seen.add(name);
    const { patience, warmupEpochs, schedule, boundaries, factors } = settings;
    if (
      name === 'learningRateSchedule' &&
      schedule === 'piecewise' &&
      (!Array.isArray(factors) || factors.length !== (Array.isArray(boundaries) ? boundaries.length : 0) + 1)
    ) {
      problems.push({
        pointer: `/callbacks/${index}/learningRateSchedule`,
        message: 'A piecewise schedule needs one factor more than it has boundaries.',
        fix: 'Give for example "boundaries": [10, 20], "factors": [1, 0.1, 0.01].',
      });
    }
    if (name === 'earlyStopping' && typeof patience === 'number' && patience >= epochs && settings.restoreBest === false) {
      problems.push({
        pointer: `/callbacks/${index}/earlyStopping/patience`,
        message: `With a patience of ${patience}, training can never stop before its ${epochs} epochs.`,
        fix: `Give a patience below ${epochs}, or leave the callback out.`,
      });
    }
    if (name === 'learningRateSchedule' && typeof warmupEpochs === 'number' && warmupEpochs >= epochs) {
      problems.push({
        pointer: `/callbacks/${index}/learningRateSchedule/warmupEpochs`,
        message: `The warm-up of ${warmupEpochs} epochs is as long as the training of ${epochs}.`,
        fix: 'Warm up for fewer epochs.',
      });
    }
  }
  return problems;
}

function checkValidation({ validation, epochs }: TrainConfig): ConfigProblem[] {
  // A parameter that is itself wrong stands here as text; that is reported where it is wrong.
  if (typeof epochs !== 'number' || validation.everyEpochs <= epochs) return [];
  return [
    {
      pointer: '/validation/everyEpochs',
      message: `The validation rows are to be looked at every ${validation.everyEpochs} epochs, but there are only ${epochs}.`,
      fix: `Give at most ${epochs}.`,
    },
  ];
}
