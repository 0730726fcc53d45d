/** What happens to a question that nobody answers in time. */
export const ON_TIMEOUT = ['reject', 'approve', 'fail'] as const;
export type OnTimeout = (typeof ON_TIMEOUT)[number];

/** What a step asks people once it is done: nothing that depends on it goes on before somebody has answered. */
export interface Question {
  /** One sentence. */
  readonly text: string;
  /** What the answer can be based on, one line each. */
  readonly evidence: readonly string[];
  /** Default: the "timeout" of the step. */
  readonly timeoutMs?: number;
  readonly onTimeout: OnTimeout;
}

/** A question that waits for its answer, as it is shown. */
export interface OpenQuestion extends Question {
  readonly step: string;
  /** ISO 8601 UTC. */
  readonly since: string;
  readonly until: string;
}

/** Argument of the Updates `approve` and `reject` of a run. */
export interface AnswerRequest {
  readonly who: string;
  readonly why: string;
  /** The step that asks; needed only where several do. */
  readonly step?: string;
}

/** How a question was answered. */
export interface Approval {
  readonly step: string;
  readonly question: string;
  readonly decision: 'approved' | 'rejected';
  /** A person as they call themselves; absent: nobody did, and the time was over. */
  readonly who?: string;
  readonly why: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** "approved by ada@laptop: reads well" */
export function approvalText({ decision, who, why }: Approval): string {
  return `${decision} ${who === undefined ? 'by nobody' : `by ${who}`}: ${why}`;
}

/** Longest time that a question may wait: a run, with all of its waiting, ends after 30 days. */
export const APPROVAL_MS_MAX: number = 28 * 24 * 3_600_000;

/** A duration in words: "7 d", "90 min". */
export function waitText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const [unit, length] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / length} ${unit}`;
}
