import type { Change, ChangeType } from '../core/change.ts';
import type { JsonObject } from '../core/json.ts';
import type { Transition, VersionManifest } from './types.ts';

const TYPES: Readonly<Record<Transition['action'], ChangeType>> = {
  promote: 'model.promoted',
  alias: 'model.aliasMoved',
  rollback: 'model.rolledBack',
  unpin: 'model.unpinned',
  delete: 'version.deleted',
  restore: 'version.restored',
  rollout: 'rollout.began',
  rolloutStep: 'rollout.moved',
  rolloutNote: 'rollout.noted',
  rolloutEnd: 'rollout.ended',
};

/** What a change of the routing tells other programs: itself, and the rollout that it puts an end to. */
export function changesOf(transition: Transition): Change[] {
  const { name: model, id, revision, at, who, why, action, alias, from, to, automatic, pin, rollout, ended } = transition;
  const type = action === 'promote' && alias !== 'champion' ? 'model.aliasMoved' : TYPES[action];
  const base = { at, subject: `models/${model}`, pipeline: null, model };
  const facts = { model, who, why, automatic };
  const own: Change = {
    ...base,
    key: `routing/${model}/${id}`,
    type,
    order: 2 * revision,
    data: {
      ...facts,
      ...(alias === null ? {} : { alias }),
      from,
      to,
      pin: pin as unknown as JsonObject | null,
      revision,
      ...(rollout === undefined ? {} : { rollout: rollout as unknown as JsonObject }),
      ...(type === 'rollout.ended' && ended !== undefined ? endOf(ended, false) : {}),
    },
  };
  return ended === undefined || type === 'rollout.ended'
    ? [own]
    : [
        own,
        {
          ...base,
          key: `routing/${model}/${id}/rolloutEnded`,
          type: 'rollout.ended',
          order: 2 * revision + 1,
          data: { ...facts, revision, ...endOf(ended, action === 'promote' && to === ended.candidate) },
        },
      ];
}

const endOf = (rollout: NonNullable<Transition['ended']>, promoted: boolean): JsonObject => ({
  rollout: rollout as unknown as JsonObject,
  promoted,
});

/** What a new version tells. */
export function changeOfVersion(manifest: VersionManifest): Change {
  const { name: model, version, createdAt: at, createdBy, description, tags, pipeline, runId, stepId, metrics, verdict, parent } = manifest;
  return {
    key: `version/${model}/${version}`,
    type: 'version.registered',
    at,
    subject: `models/${model}`,
    order: 0,
    pipeline: pipeline === '' ? null : pipeline,
    model,
    data: {
      model,
      version,
      who: createdBy,
      description,
      tags: { ...tags },
      run: runId === '' ? null : `${pipeline}/${runId}`,
      step: stepId,
      artifact: manifest.model.digest,
      dataset: manifest.dataset,
      metrics: { ...metrics },
      verdict: verdict as unknown as JsonObject | null,
      parent,
      ...(manifest.nominalTime === undefined ? {} : { nominalTime: manifest.nominalTime }),
    },
  };
}
