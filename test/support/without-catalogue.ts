import { steps } from '../../activities/steps/index.generated.ts';
import { expectationRegistry } from '../../src/data/expectations/index.generated.ts';
import { readerRegistry } from '../../src/data/readers/index.generated.ts';
import { transformRegistry } from '../../src/data/transforms/index.generated.ts';
import { metricRegistry } from '../../src/evaluation/metrics/index.generated.ts';
import { driftRegistry } from '../../src/monitoring/drift/index.generated.ts';
import { jointRegistry } from '../../src/monitoring/joint/index.generated.ts';
import { architectureRegistry } from '../../src/training/architectures/index.generated.ts';
import { callbackRegistry } from '../../src/training/callbacks/index.generated.ts';
import { exportRegistry } from '../../src/training/exports/index.generated.ts';
import { activations } from '../../src/training/layers/activations.ts';
import { layerRegistry } from '../../src/training/layers/index.generated.ts';
import { lossRegistry } from '../../src/training/losses/index.generated.ts';
import { objectiveRegistry } from '../../src/training/objectives/index.generated.ts';
import { optimizerRegistry } from '../../src/training/optimizers/index.generated.ts';

const KINDS: Readonly<Record<string, readonly string[]>> = {
  metrics: metricRegistry.names(),
  layers: layerRegistry.names(),
  transforms: transformRegistry.names(),
  losses: lossRegistry.names(),
  optimizers: optimizerRegistry.names(),
  callbacks: callbackRegistry.names(),
  architectures: architectureRegistry.names(),
  objectives: objectiveRegistry.names(),
  exports: exportRegistry.names(),
  expectations: expectationRegistry.names(),
  formats: readerRegistry.names(),
  'drift tests': driftRegistry.names(),
  'tests of whole rows': jointRegistry.names(),
  steps: steps.map(({ type }) => type),
  activations: activations.map(({ name }) => name),
};

/**
 * A message in which lists of what there is stand as the name of their kind: a definition that comes turns no reviewed message red, while
 * its words, its place, and what it suggests stay under review.
 */
export function withoutCatalogue(message: string): string {
  const without = (line: string): string =>
    line.replaceAll(/("?)[A-Za-z][A-Za-z0-9]*\1(?:, \1[A-Za-z][A-Za-z0-9]*\1)+(?: and \d+ more)?/g, (list) => {
      const names = list
        .replace(/ and \d+ more$/, '')
        .replaceAll('"', '')
        .split(', ');
      const kind = Object.entries(KINDS).find(([, known]) => names.every((name) => known.includes(name)))?.[0];
      return kind === undefined ? list : `‹${kind}›`;
    });
  // What a document has is told in the first line, what there is in those below it.
  return message
    .split('\n')
    .map((line) => (/^ {2}(allowed|fix) /.test(line) ? without(line) : line))
    .join('\n');
}
