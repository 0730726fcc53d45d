import type { JsonObject } from '../../core/json.ts';
import { settleEvents, waitingEvents } from './event-inbox.ts';
import { defineTrigger } from './trigger.ts';
import { writeState } from './trigger-state.ts';

interface EventSettings {
  readonly types?: readonly string[];
}

/** Ids that a run keeps of the events that it was started by. */
const NAMED_MAX = 20;

export default defineTrigger<EventSettings>({
  name: 'event',
  summary:
    'Acts on what other programs tell: POST /pipelines/NAME/events with {"id": "…"} to the server, by a token of the role operate. The same id counts once; all that came since the last look lead to one run.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      types: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        uniqueItems: true,
        description: 'Only events whose "type" is one of these. Left out: all.',
        examples: [['table.loaded']],
      },
    },
  },
  durations: [],
  every: '1m',
  coolDown: '0s',
  ofChampion: false,
  needsNewRows: false,
  examples: [{}, { types: ['table.loaded'], do: { retrain: { from: 'champion', on: 'append' } } }],
  async look({ store }, { pipeline, nominalTime }, { types }) {
    // From now on the server takes events for it, and says when they were looked for last.
    await writeState(store, { pipeline, trigger: 'event', seen: 'listens', what: '', at: nominalTime });
    const { events, unread } = await waitingEvents(store, pipeline);
    const wanted = events.filter(({ type }) => types === undefined || types.includes(type));
    const others = events.filter((event) => !wanted.includes(event));
    if (others.length > 0)
      await settleEvents(
        store,
        pipeline,
        others.map(({ id }) => id),
        `left alone: "types" is ${(types ?? []).join(', ')}`,
        nominalTime,
      );
    const said = `${unread === 0 ? '' : ` ${unread} cannot be read: perennial doctor --store.`}${others.length === 0 ? '' : ` ${others.length} of other types were left alone.`}`;
    const first = wanted.slice(0, NAMED_MAX).map(({ id, type, why, by, at, data }): JsonObject => ({ id, type, why, by, at, data }));
    return {
      due: wanted.length > 0,
      rows: wanted.length,
      evidence: { events: wanted.length, ids: wanted.map(({ id }) => id), first },
      summary:
        wanted.length === 0
          ? `No event waits.${said}`
          : `${wanted.length === 1 ? 'An event came' : `${wanted.length} events came`}: ${wanted
              .slice(0, 3)
              .map(({ id, type, why, by }) => `${type} "${id}"${why === '' ? '' : ` (${why})`}${by === '' ? '' : ` by ${by}`}`)
              .join(', ')}${wanted.length > 3 ? ', …' : ''}.${said}`,
      details: wanted
        .slice(0, NAMED_MAX)
        .map(({ id, type, at, why }) => `- ${at} \`${type}\` \`${id}\` ${why}`)
        .join('\n'),
    };
  },
  settle: ({ store }, { pipeline, nominalTime }, _settings, { evidence }, what) =>
    settleEvents(store, pipeline, evidence['ids'] as readonly string[], what, nominalTime),
});
