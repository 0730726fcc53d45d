import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';

export default defineLayer<Record<string, never>>({
  type: 'identity',
  keras: { className: 'Identity' },
  summary: 'Gives what it reads.',
  properties: {},
  outputShape: ([input]) => input!,
  call: (_tf, [x]) => x!,
  plain: () => passed,
  examples: [{ inputs: [[4]], config: {} }],
});
