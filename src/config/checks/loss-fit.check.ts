import type { JsonObject } from '../../core/json.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { lossRegistry } from '../../training/losses/index.generated.ts';
import type { LossDefinition } from '../../training/losses/loss.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { CheckedStep, DocumentFacts } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'loss-fit',
  summary: 'The loss suits the last activation of explicit layers, and what `preprocess` makes of the label.',
  run(facts) {
    const trains = stepsOf(facts, 'train');
    return trains.flatMap(({ step, config }) => {
      const loss = lossRegistry.find(namedConfig(config['loss'])?.name ?? '');
      if (loss === undefined) return [];
      const fromLogits = namedConfig(config['loss'])?.config['fromLogits'] === true;
      const findings = lastActivation(
        step,
        config,
        loss,
        fromLogits ? ['linear'] : loss.endsLinear === true ? [...loss.activations, 'linear'] : loss.activations,
      );
      // With several train steps, which preprocess belongs to which is a matter of wiring.
      return trains.length > 1 || objectiveNamed(config) !== 'supervised'
        ? findings
        : [...findings, ...label(facts, loss.name, loss.labels)];
    });
  },
});

function lastActivation(step: CheckedStep, config: JsonObject, loss: LossDefinition, allowed: readonly string[]): Finding[] {
  const { model } = config;
  const layers = isObject(model) ? model['layers'] : undefined;
  if (!Array.isArray(layers)) return [];
  const index = layers.length - 1;
  const last = layers[index];
  if (!isObject(last) || (last['type'] !== 'dense' && last['type'] !== 'activation')) return [];
  // One with settings is an object by now, also where the document only names it. Of those, every one gives numbers.
  const activation = namedConfig(last['activation'])?.name;
  if (activation === undefined || allowed.includes(activation) || (isObject(last['activation']) && loss.labels === 'number')) return [];
  const pointer = join(step.pointer, 'with', 'model', 'layers', index, 'activation');
  return [
    {
      pointer,
      given: activation,
      allowed,
      message: `The loss "${loss.name}" cannot read the activation "${activation}" of the last layer.`,
      fix: `Write "${allowed[0]!}" in the last layer, or choose another loss.`,
    },
  ];
}

function label(facts: DocumentFacts, loss: string, labels: 'index' | 'binary' | 'number'): Finding[] {
  const wanted = labels === 'number' ? 'numbers' : 'classes';
  return stepsOf(facts, 'preprocess').flatMap(({ step, config }): Finding[] => {
    const findings: Finding[] = [];
    const scaled = Array.isArray(config['label']) && config['label'].length > 0;
    if (scaled && wanted === 'classes')
      findings.push({
        pointer: join(step.pointer, 'with', 'label'),
        message: `The label is scaled, and the loss "${loss}" learns classes.`,
        fix: 'Remove "label", or choose a loss for numbers, e.g. "meanSquaredError".',
      });
    const task = config['task'];
    const other = task === 'classification' ? 'classes' : task === 'regression' ? 'numbers' : wanted;
    if (other !== wanted)
      findings.push({
        pointer: join(step.pointer, 'with', 'task'),
        given: task!,
        message: `"task" is ${String(task)}, and the loss "${loss}" learns ${wanted}.`,
        fix:
          wanted === 'classes'
            ? 'Write "classification", or choose a loss for numbers, e.g. "meanSquaredError".'
            : 'Write "regression", or choose a loss for classes, e.g. "categoricalCrossentropy".',
      });
    return findings;
  });
}
