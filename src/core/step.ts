import type { Approval, Question } from './approval.ts';
import type { ArtifactKind, ArtifactRef } from './artifact.ts';
import type { Json, JsonObject, JsonSchema } from './json.ts';
import type { ArtifactStore, ObjectStore } from './ports.ts';

/** A port of a step: what kind of artifact goes in or out under which name. */
export interface Port {
  readonly kind: ArtifactKind;
  readonly optional?: boolean;
  /** Connected only where the document names its source. */
  readonly named?: boolean;
  readonly description?: string;
}

export interface RetryPlan {
  readonly maximumAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maximumIntervalMs: number;
}

/** What a running step tells the world, through its heartbeat. Everything is optional but `message`. */
export interface StepProgress {
  readonly message: string;
  /** 0 to 1, of what the message counts: a bar is drawn beside it. */
  readonly fraction?: number;
  readonly epoch?: number;
  readonly epochs?: number;
  readonly loss?: number;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly samplesPerSecond?: number;
  readonly secondsLeft?: number;
}

export interface StepLogger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What a step gets to work with. Built by the activity, handed to `run`. */
export interface StepContext {
  readonly runId: string;
  readonly pipeline: string;
  readonly stepId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The run's nominal time, ISO 8601 UTC: the schedule's tick, or the start of a run started by hand. Never the wall clock. */
  readonly nominalTime: string;
  /** Folder of the document, absolute: relative paths in configurations start here. */
  readonly documentDir: string;
  /** A private folder that exists and survives until the step has succeeded: a retry on the same machine finds it again. */
  readonly workDir: string;
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly log: StepLogger;
  /** Aborted when the run is cancelled or the worker stops: end child processes and throw. */
  readonly signal: AbortSignal;
  progress(update: StepProgress): void;
  /**
   * Of a trial that may be ended early: is told every epoch that is over, in their order, those before a resume once more.
   *
   * @throws where the trial ends here: what trains ends, and throws the same
   */
  epoch?(numbers: Readonly<Record<string, number>>): Promise<void>;
  /** The value of a secret of the worker's environment. @throws SECRET_MISSING */
  secret(name: string): string;
  /** Revision of the plan that runs (SHA-256 of the document with its parameters); recorded with what the run registers. */
  readonly planRevision: string;
  /** What judged the model of the run so far: the evaluations that came out of its steps. Handed to steps that take a version. */
  readonly evaluations?: readonly ArtifactRef[];
  /** What people let through before this step; absent: nobody was asked. */
  readonly approvals?: readonly Approval[];
  /** Who or what started the run: "manual", "schedule", "drift", "newData", "backfill", "reproduce". */
  readonly trigger: string;
}

/** What a fingerprint may look at. */
export interface FingerprintContext extends Pick<StepContext, 'pipeline' | 'stepId' | 'documentDir' | 'nominalTime' | 'secret' | 'store'> {
  /** Left out where no run asks, as for a plan. */
  readonly runId?: string;
}

const UNSEEN: unique symbol = Symbol.for('perennial.unseen');

/** In place of a fingerprint: not all that decides the result can be seen, so the result is not cached. */
export interface Unseen {
  readonly [UNSEEN]: true;
  /** What cannot be seen and what to do, to follow "not cached: ". */
  readonly why: string;
}

export function unseen(why: string): Unseen {
  return { [UNSEEN]: true, why };
}

export function isUnseen(value: unknown): value is Unseen {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[UNSEEN] === true;
}

export interface StepVerdict {
  readonly passed: boolean;
  /** One sentence per gate, e.g. "accuracy 0.91 is below 0.95". */
  readonly reasons: readonly string[];
  /** There was nothing to pass: the step judges, and no gate was set. `passed` is true, so that the run goes on. */
  readonly ungated?: true;
}

/** A verdict in a word. */
export function verdictWord({ passed, ungated }: StepVerdict): 'passed' | 'rejected' | 'ungated' {
  if (!passed) return 'rejected';
  return ungated === true ? 'ungated' : 'passed';
}

/** What a step gives back: references, and a few small values that conditions, the command line and the UI read. */
export interface StepResult {
  readonly outputs: Readonly<Record<string, ArtifactRef>>;
  /** Small facts, e.g. `{ "accuracy": 0.97 }` or `{ "rows": 344 }`. Kept below limits.stepValuesBytesMax. */
  readonly values?: JsonObject;
  /** Given by steps that judge. `passed: false` stops what depends on the step and rejects the run. */
  readonly verdict?: StepVerdict;
  /** Why there is nothing new to learn from: what takes the outputs is skipped (none are needed then), and the run ends as "nothingNew". */
  readonly nothingNew?: string;
  /** Markdown for the Temporal UI. */
  readonly details?: string;
  /** What people have to say yes to before anything that depends on the step goes on; not asked where the verdict is no already. */
  readonly asks?: Question;
}

export interface StepExample<C> {
  readonly title: string;
  readonly config: C;
}

/** What a check finds, before any compute. */
export interface ConfigProblem {
  /** JSON pointer inside the step's configuration, e.g. "/model/layers/2/units". */
  readonly pointer: string;
  readonly message: string;
  readonly fix?: string;
}

/**
 * A step type. One file `activities/steps/<type>.step.ts` with one `defineStep` default export; heavy modules are imported inside
 * `run`, since the command line loads every definition.
 */
export interface StepDefinition<C = any> {
  readonly type: string;
  readonly version: number;
  readonly summary: string;
  /** Closed object schema (draft-07) with a description, default and examples per key. Defaults are filled in by the planner. */
  readonly configSchema: JsonSchema;
  readonly inputs: Readonly<Record<string, Port>>;
  readonly outputs: Readonly<Record<string, Port>>;
  readonly timeouts: { readonly startToCloseMs: number; readonly heartbeatMs: number };
  readonly retry: RetryPlan;
  /** false for steps with effects outside the store's artifacts (register, deploy): those are idempotent instead. */
  readonly cacheable: boolean;
  /** Steps that compute for long share a limited number of slots on a worker. */
  readonly heavy?: boolean;
  readonly examples: readonly StepExample<C>[];
  /** For steps whose configuration names what goes in and out: the ports of this configuration, in place of `inputs` and `outputs`. */
  ports?(config: C): { readonly inputs: Readonly<Record<string, Port>>; readonly outputs: Readonly<Record<string, Port>> };
  /**
   * What the step does with this configuration, in a few words for the Temporal UI, e.g. "data/penguins.csv, split 70/15/15 by hash".
   * Pure. Default: `summary`.
   */
  describe?(config: C): string;
  /** Checks of the configuration alone that a schema cannot say; all problems, not the first. Pure and light. */
  check?(config: C, facts: StepFacts): ConfigProblem[];
  /** What besides configuration and inputs decides the result, e.g. the digest of a source file. Goes into the cache key. */
  fingerprint?(ctx: FingerprintContext, config: C, inputs: Readonly<Record<string, ArtifactRef>>): Promise<Json | Unseen>;
  /** What a fingerprint covers, in words, e.g. "the file day.py". Said of a hit. */
  covers?(fingerprint: Json): readonly string[];
  /**
   * true: what it reads may change while it runs. The fingerprint is taken again at the end, and a result between two of them is not
   * cached.
   */
  watched?: boolean;
  run(ctx: StepContext, config: C, inputs: Readonly<Record<string, ArtifactRef>>): Promise<StepResult>;
}

/** What a check may know of the steps before it: their resolved configurations, in the order of the document. */
export interface StepFacts {
  readonly pipeline: string;
  readonly before: readonly { readonly id: string; readonly type: string; readonly config: JsonObject }[];
  readonly after: readonly { readonly id: string; readonly type: string; readonly config: JsonObject }[];
}

export const DEFAULT_RETRY: RetryPlan = { maximumAttempts: 3, initialIntervalMs: 1_000, backoffCoefficient: 2, maximumIntervalMs: 30_000 };

export function defineStep<C>(definition: StepDefinition<C>): StepDefinition<C> {
  return Object.freeze(definition);
}
