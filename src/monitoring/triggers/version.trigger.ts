import { isPerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { defineTrigger } from './trigger.ts';
import type { TriggerDeps, TriggerLook } from './trigger.ts';
import { readState, writeState } from './trigger-state.ts';

interface VersionSettings {
  readonly model: string;
  readonly when: 'promoted' | 'registered';
}

export default defineTrigger<VersionSettings>({
  name: 'version',
  summary: 'Acts when another model has another champion, or a new version: what is built on a model follows it.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['model'],
    properties: {
      model: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
        description: 'Name of the other model: that of its pipeline, unless its register step says another.',
        examples: ['embeddings'],
      },
      when: {
        enum: ['promoted', 'registered'],
        default: 'promoted',
        description: 'promoted: another version serves, also one that was gone back to. registered: there is a newer version, live or not.',
      },
    },
  },
  durations: [],
  every: '5m',
  coolDown: '0s',
  ofChampion: false,
  needsNewRows: false,
  examples: [{ model: 'embeddings' }, { model: 'embeddings', when: 'registered', do: 'notify' }],
  mistakes: ({ model }, facts) =>
    model === facts.model
      ? [
          {
            pointer: '/model',
            message: `"${String(model)}" is what this pipeline makes itself: each run would start the next.`,
            fix: 'Name the model of another pipeline.',
          },
        ]
      : [],
  async look(deps, look, settings) {
    const { model, when } = settings;
    const version = await newestOf(deps, settings);
    const evidence: JsonObject = { model, when, version };
    if (version === null)
      return {
        due: false,
        blind: true,
        rows: 0,
        evidence,
        summary: `There is no ${when === 'promoted' ? 'champion' : 'version'} of "${model}" that could be followed.`,
      };
    const before = await readState(deps.store, look.pipeline, 'version');
    const seen = seenOf(settings, version);
    if (before === undefined || !before.seen.startsWith(`${model} ${when} `)) {
      await writeState(deps.store, { pipeline: look.pipeline, trigger: 'version', seen, what: 'began to follow', at: look.nominalTime });
      return { due: false, rows: 0, evidence, summary: `${model} version ${version} is where it begins to follow "${model}".` };
    }
    const due = before.seen !== seen;
    const was = before.seen.split(' ').at(-1)!;
    return {
      due,
      rows: 0,
      evidence: { ...evidence, before: Number(was) },
      summary: due
        ? `${model} version ${version} ${when === 'promoted' ? 'serves' : 'is there'}; the last one that was followed was version ${was}.`
        : `${model} version ${version} was followed already (${before.what}).`,
    };
  },
  async settle(deps: TriggerDeps, look: TriggerLook, settings, { evidence }, what) {
    if (typeof evidence['version'] !== 'number') return;
    await writeState(deps.store, {
      pipeline: look.pipeline,
      trigger: 'version',
      seen: seenOf(settings, evidence['version']),
      what,
      at: look.nominalTime,
    });
  },
});

const seenOf = ({ model, when }: VersionSettings, version: number): string => `${model} ${when} ${version}`;

async function newestOf({ store, artifacts }: TriggerDeps, { model, when }: VersionSettings): Promise<number | null> {
  const { createRegistry } = await import('../../registry/registry.ts');
  const registry = createRegistry(store, artifacts);
  if (when === 'promoted') return (await registry.routing(model))?.routing.aliases['champion'] ?? null;
  try {
    return (await registry.versions(model)).at(-1)?.version ?? null;
  } catch (error) {
    if (isPerennialError(error, 'NOT_FOUND')) return null;
    throw error;
  }
}
