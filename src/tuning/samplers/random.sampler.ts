import { Prng } from '../../core/prng.ts';
import { drawn } from './shared/draw.ts';
import { defineSampler } from './sampler.ts';

export default defineSampler<Record<string, never>>({
  name: 'random',
  summary: 'Every point as likely as any other.',
  learns: false,
  configSchema: { type: 'object', additionalProperties: false, properties: {}, description: 'No options.' },
  reference: 'https://jmlr.org/papers/v13/bergstra12a.html',
  suggest: ({ space, seed, number }) => drawn(space, new Prng('random', seed, number)),
});
