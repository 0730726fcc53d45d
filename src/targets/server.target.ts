import { defineTarget } from './target.ts';

export default defineTarget({
  name: 'server',
  summary: 'The servers of Perennial: they follow the champion by themselves, and a deployment is done when all answer with it.',
  examples: [],
  reference: 'https://github.com/kserve/open-inference-protocol',
});
