import type { ConfigProblem } from '../core/step.ts';
import { nameAndConfig, withDefaults } from './named.ts';
import { architectureRegistry } from './registries.ts';
import type { LayerConfig } from './model-config.ts';
import type { TrainConfig } from './train-config.ts';

/** Mistakes that the configuration shows by itself, before the data are known. All of them. */
export function checkTrainConfig(config: TrainConfig): ConfigProblem[] {
  return [...checkLayers(config), ...checkArchitecture(config), ...checkCallbacks(config), ...checkValidation(config)];
}

function checkLayers({ model }: TrainConfig): ConfigProblem[] {
  if (!('layers' in model) || !Array.isArray(model.layers)) return [];
  const layers = model.layers as readonly LayerConfig[];
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, layer] of layers.entries()) {
    if (layer.name === undefined) continue;
    if (seen.has(layer.name)) problems.push({ pointer: `/model/layers/${index}/name`, message: `Two layers have the name "${layer.name}".`, fix: 'Give every layer a name of its own.' });
    seen.add(layer.name);
  }
  const [first] = layers;
  const last = layers.at(-1);
  if (first !== undefined && first.inputs === undefined && ['concatenate', 'add', 'multiply', 'average', 'maximum'].includes(first.type)) {
    problems.push({ pointer: '/model/layers/0', message: `The first layer "${first.type}" joins inputs, but does not say which.`, fix: 'Give it "inputs" with the names of the model\'s inputs.' });
  }
  if (last !== undefined && ['dropout', 'spatialDropout1d', 'spatialDropout2d', 'gaussianNoise'].includes(last.type)) {
    problems.push({ pointer: `/model/layers/${layers.length - 1}`, message: `The last layer is "${last.type}", so the output itself would be disturbed while training.`, fix: 'Put a dense layer with the output after it.' });
  }
  return problems;
}

function checkArchitecture({ model }: TrainConfig): ConfigProblem[] {
  if (!('architecture' in model)) return [];
  const { architecture, ...settings } = model;
  const definition = architectureRegistry.get(architecture as string, 'MODEL_INVALID');
  return (definition.check?.(withDefaults(definition.configSchema, settings)) ?? []).map(({ setting, message, fix }) => ({ pointer: `/model/${setting}`, message, fix }));
}

function checkCallbacks({ callbacks, epochs }: TrainConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, named] of callbacks.entries()) {
    const [name, settings] = nameAndConfig('callback', named);
    if (seen.has(name)) problems.push({ pointer: `/callbacks/${index}`, message: `The callback ${name} is given twice.`, fix: 'Leave one of them out.' });
    seen.add(name);
    const { patience, warmupEpochs } = settings;
    if (name === 'earlyStopping' && typeof patience === 'number' && patience >= epochs && settings.restoreBest === false) {
      problems.push({ pointer: `/callbacks/${index}/earlyStopping/patience`, message: `With a patience of ${patience}, training can never stop before its ${epochs} epochs.`, fix: `Give a patience below ${epochs}, or leave the callback out.` });
    }
    if (name === 'learningRateSchedule' && typeof warmupEpochs === 'number' && warmupEpochs >= epochs) {
      problems.push({ pointer: `/callbacks/${index}/learningRateSchedule/warmupEpochs`, message: `The warm-up of ${warmupEpochs} epochs is as long as the training of ${epochs}.`, fix: 'Warm up for fewer epochs.' });
    }
  }
  return problems;
}

function checkValidation({ validation, epochs }: TrainConfig): ConfigProblem[] {
  // A parameter that is itself wrong stands here as text; that is reported where it is wrong.
  if (typeof epochs !== 'number' || validation.everyEpochs <= epochs) return [];
  return [{ pointer: '/validation/everyEpochs', message: `The validation rows are to be looked at every ${validation.everyEpochs} epochs, but there are only ${epochs}.`, fix: `Give at most ${epochs}.` }];
}
