import { describe, expect, it } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { checkHead, headOf } from '../../../src/training/model/output-head.ts';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { lossRegistry } from '../../../src/training/losses/index.generated.ts';

/** A fix that names an option which does not exist leads from one mistake into the next. */
describe.each(lossRegistry.all())('what is said of a last layer that the loss $name cannot read', (definition) => {
  const outputs: OutputSpec[] = [
    { kind: 'number', name: 'y', width: 1 },
    { kind: 'classes', name: 'y', classes: ['a', 'b'] },
    { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] },
  ];

  it('names only options that the loss has', () => {
    const loss = resolveNamed(lossRegistry, definition.name);
    for (const output of outputs) {
      for (const last of ['linear', 'relu', 'tanh']) {
        try {
          const { units } = headOf(output, loss);
          checkHead({ name: 'last', activation: last, shape: [units] }, output, loss);
        } catch (error) {
          if (!isPerennialError(error)) throw error;
          const named = [...(error.hint ?? '').matchAll(/the loss "(\w+)"/g)].map(([, option]) => option!);
          for (const option of named) expect(Object.keys(definition.configSchema.properties ?? {})).toContain(option);
        }
      }
    }
  });
});
