import type { JsonObject } from '../../core/json.ts';
import { storeDigest } from '../timeline/store-digest.ts';
import { defineTrigger } from './trigger.ts';

interface DigestSettings {
  readonly of: 'model' | 'store';
  readonly sinceMs: number;
  readonly when: 'always' | 'news';
}

export default defineTrigger<DigestSettings>({
  name: 'digest',
  summary: 'Sends what happened to whoever `notify` names for the event "digest": an e-mail holds it whole.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      of: {
        enum: ['model', 'store'],
        default: 'model',
        description: 'model: that of this pipeline. store: all models of the store, for a team that declares it in one of its documents.',
      },
      since: {
        $ref: '#/definitions/duration',
        default: '7d',
        description: 'Time that it looks back from when it is sent.',
      },
      when: {
        enum: ['always', 'news'],
        default: 'always',
        description: 'news: nothing is sent where nothing happened and nothing waits for anybody.',
      },
    },
  },
  durations: ['since'],
  every: '0 8 * * 1',
  coolDown: '0s',
  tells: true,
  ofChampion: false,
  needsNewRows: false,
  examples: [{}, { cron: '0 7 * * 1-5', timezone: 'Europe/Berlin', since: '1d', of: 'store', when: 'news' }],
  async look({ store, artifacts }, { model, pipeline, nominalTime }, { of, sinceMs, when }) {
    const to = new Date(nominalTime);
    const digest = await storeDigest(store, artifacts, {
      from: new Date(to.getTime() - sinceMs),
      to,
      performance: true,
      ...(of === 'model' ? { only: { model, pipeline } } : {}),
    });
    const entries = digest.models.reduce((sum, one) => sum + one.entries.length, digest.others.length);
    const evidence: JsonObject = { of, models: digest.models.length, entries, toLookAt: digest.toLookAt.length };
    const due = when === 'always' || entries + digest.toLookAt.length > 0;
    return { due, rows: 0, evidence, digest, summary: due ? '' : 'Nothing happened, and nothing waits for anybody.' };
  },
});
