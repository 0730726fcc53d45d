import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json } from '../../core/json.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { capital } from './adopt-inputs.ts';
import { baseText } from './base.ts';
import type { BaseNetwork } from './base.ts';
import { listed } from './patterns.ts';

const HINT =
  'Let the preprocess step take over classes and scale of the same model with "from"; or learn a new task with "head": "replace".';

/** A head that is kept goes on answering what it answered. @throws MODEL_INVALID naming what differs */
export function checkSameOutput(base: BaseNetwork, output: OutputSpec): void {
  const { output: own, origin } = base;
  if (own === undefined || canonicalJson(comparable(own)) === canonicalJson(comparable(output))) return;
  throw new PerennialError('MODEL_INVALID', `"head": "keep" needs the task of ${baseText(origin)}. ${difference(own, output)}`, {
    hint: HINT,
  });
}

/** Everything but the name of the label, which nothing depends on. */
function comparable(output: OutputSpec): Json {
  if (output.kind === 'classes') return { kind: output.kind, classes: [...output.classes] };
  if (output.kind === 'number')
    return { kind: output.kind, width: output.width, scale: output.scale === undefined ? null : { ...output.scale } };
  // The threshold is measured anew.
  if (output.kind === 'anomaly' || output.kind === 'none') return { kind: 'none' };
  return output.kind === 'several' ? { kind: output.kind, outputs: output.outputs.map(comparable) } : { kind: output.kind };
}

function difference(own: OutputSpec, given: OutputSpec): string {
  if (own.kind === 'classes' && given.kind === 'classes') {
    const missing = own.classes.filter((name) => !given.classes.includes(name));
    const further = given.classes.filter((name) => !own.classes.includes(name));
    const parts = [
      ...(further.length > 0 ? [`it does not know ${listed(further)}`] : []),
      ...(missing.length > 0 ? [`the examples do not have ${listed(missing)}`] : []),
    ];
    return `Its classes are ${listed(own.classes)}, those of the examples ${listed(given.classes)}: ${parts.length > 0 ? parts.join('; ') : 'the order differs'}.`;
  }
  if (own.kind === 'number' && given.kind === 'number') return `It gives ${numberText(own)}, and the examples hold ${numberText(given)}.`;
  return `${capital(KINDS[own.kind])} was learnt, and the examples hold ${KINDS[given.kind]}.`;
}

function numberText({ width, scale }: Extract<OutputSpec, { kind: 'number' }>): string {
  const what = width === 1 ? 'a number' : `${width} numbers`;
  return scale === undefined
    ? `${what} as it is`
    : `${what} scaled by mean ${Number(scale.mean.toPrecision(6))} and deviation ${Number(scale.std.toPrecision(6))}`;
}

const KINDS: Readonly<Record<OutputSpec['kind'], string>> = {
  classes: 'a class',
  number: 'a number',
  none: 'no label',
  anomaly: 'an anomaly score',
  several: 'several outputs',
  samples: 'samples',
  text: 'the next token',
};
