import type { JsonObject } from './json.ts';

/** A place outside of our servers that a model is kept at, as the routing remembers it: paths are whole. */
export interface TargetSetting {
  readonly name: string;
  readonly config: JsonObject;
}

/** How far a target is. */
export interface TargetState {
  readonly target: string;
  /** For people: "s3://bucket/prefix", or a folder. */
  readonly place: string;
  /** The version that it shows; null: none yet. */
  readonly version: number | null;
  /** true: it shows the champion. */
  readonly inStep: boolean;
  /** Why it does not. */
  readonly why?: string;
  /** The same again would come of another try; only another version, or another deployment, helps. */
  readonly refused?: boolean;
}

/** What came of bringing all targets of a model in step with its routing. */
export interface TargetsView {
  readonly model: string;
  readonly champion: number | null;
  /** Of the routing that was followed. */
  readonly revision: number;
  readonly targets: readonly TargetState[];
}

/** The Workflow id under which the targets of a model are brought in step: one at a time does it. */
export function targetsWorkflowId(model: string): string {
  return `targets/${model}`;
}

/** "tensorflow-serving at s3://models/live shows version 3" */
export function targetText({ target, place, version, inStep, why }: TargetState): string {
  const shows = version === null ? 'shows no version yet' : `shows version ${version}`;
  return `${target} at ${place} ${shows}${inStep ? '' : `, behind: ${why ?? 'it was not tried yet'}`}`;
}
