import { defineLayer } from './layer.ts';

export default defineLayer<Record<string, never>>({
  type: 'identity',
  keras: { className: 'Identity' },
  summary: 'Gives what it reads.',
  properties: {},
  outputShape: ([input]) => input!,
  call: (_tf, [x]) => x!,
  examples: [{ inputs: [[4]], config: {} }],
});
