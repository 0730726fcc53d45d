export const MODELS_PREFIX = 'models/';

/** One small object per model, so that models can be listed without listing all their versions. */
export const INDEX_PREFIX = 'registry/models/';

export const indexKey = (name: string): string => `${INDEX_PREFIX}${name}.json`;
export const versionsPrefix = (name: string): string => `models/${name}/versions/`;
export const versionKey = (name: string, version: number): string => `${versionsPrefix(name)}${version}.json`;
export const claimKey = (name: string, digest: string): string => `models/${name}/by-digest/${digest}.json`;
export const routingKey = (name: string): string => `models/${name}/routing.json`;
export const exportsPrefix = (name: string, version: number): string => `models/${name}/exports/${version}/`;
export const exportKey = (name: string, version: number, id: string): string => `${exportsPrefix(name, version)}${id}.json`;
/** What a target gets of a version. */
export const preparedKey = (name: string, version: number, id: string): string => `models/${name}/prepared/${version}/${id}.json`;
export const targetsPrefix = (name: string): string => `models/${name}/targets/`;
/** How far a target is. */
export const targetKey = (name: string, id: string): string => `${targetsPrefix(name)}${id}.json`;
export const modelApprovalsPrefix = (name: string): string => `models/${name}/approvals/`;
export const approvalsPrefix = (name: string, version: number): string => `${modelApprovalsPrefix(name)}${version}/`;
export const approvalKey = (name: string, version: number, id: string): string => `${approvalsPrefix(name, version)}${id}.json`;
export const cardKey = (name: string, version: number): string => `models/${name}/cards/${version}.json`;
export const rolloutsPrefix = (name: string): string => `models/${name}/rollouts/`;
export const rolloutKey = (name: string, id: string): string => `${rolloutsPrefix(name)}${id}.json`;
/** What each server counted of a rollout. */
export const countsPrefix = (name: string, id: string): string => `models/${name}/rollout-counts/${id}/`;
export const countsKey = (name: string, id: string, server: string): string => `${countsPrefix(name, id)}${server}.json`;
export const transitionsPrefix = (name: string): string => `models/${name}/transitions/`;

/** Which version an alias meant when a run first asked. */
export const baseKey = (pipeline: string, runId: string, model: string, reference: string): string =>
  `bases/${pipeline}/${encodeURIComponent(runId)}/${model}@${encodeURIComponent(reference)}.json`;

/** Sorts by time, then by revision. */
export function transitionKey(transition: {
  readonly name: string;
  readonly at: string;
  readonly revision: number;
  readonly id: string;
}): string {
  const time = transition.at.replaceAll(/[-:]/g, '');
  return `${transitionsPrefix(transition.name)}${time}-${String(transition.revision).padStart(6, '0')}-${transition.id}.json`;
}
