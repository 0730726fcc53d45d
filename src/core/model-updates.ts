/** Who asks, and why: kept with every change of routing. */
export interface Accountable {
  readonly who: string;
  readonly why: string;
}

export interface PromoteRequest extends Accountable {
  /** A number, an alias or "latest". */
  readonly version: number | string;
  /** Default "champion". */
  readonly alias?: string;
}

export interface RollbackRequest extends Accountable {
  /** Absent: the last known good version. */
  readonly to?: number;
  /** A check asks, and no person. */
  readonly automatic?: true;
}

export type UnpinRequest = Accountable;

/** What changed, and what the live servers answered afterwards. */
export interface ModelAnswer {
  readonly model: string;
  readonly action: 'promote' | 'rollback' | 'unpin';
  readonly alias: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly pinned: boolean;
  /** Whether every live server answers with `to`; null where servers do not follow what changed. */
  readonly confirmed: boolean | null;
  readonly servers: readonly { readonly url: string; readonly version: number | null }[];
  /** One sentence. */
  readonly summary: string;
}

/** A change as the model's workflow remembers it. */
export interface ModelChange extends ModelAnswer, Accountable {
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** The Workflow id of a model's long-lived workflow. */
export function modelWorkflowId(model: string): string {
  return `model/${model}`;
}
