import type { ArtifactKind } from './artifact.ts';
import type { Json, JsonObject } from './json.ts';
import type { PlannedSink } from './change.ts';
import type { NotificationTarget } from './notification.ts';
import type { RetryPlan } from './step.ts';
import type { TunePlan } from './tune-plan.ts';

/** Raised when a plan of the format before cannot be run as it is. */
export const PLAN_FORMAT = 1;

export interface PlanInput {
  /** Id of the step that gives the artifact, and the name of its output. */
  readonly step: string;
  readonly output: string;
  readonly kind: ArtifactKind;
}

/**
 * When a step runs, besides its inputs being there. A comparison reads a value that an earlier step gave (`StepResult.values`).
 * Parameters are substituted before, so `value` may come from one.
 */
export type Condition =
  | { readonly step: string; readonly value: string; readonly atLeast: number }
  | { readonly step: string; readonly value: string; readonly atMost: number }
  | { readonly step: string; readonly value: string; readonly equals: Json }
  | { readonly always: boolean }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

export interface PlanStep {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** Complete: parameters substituted, defaults filled in. Secrets stand as `{ "$secret": "NAME" }`. */
  readonly config: JsonObject;
  readonly inputs: Readonly<Record<string, PlanInput>>;
  readonly outputs: Readonly<Record<string, ArtifactKind>>;
  readonly retry: RetryPlan;
  readonly startToCloseMs: number;
  readonly heartbeatMs: number;
  /** Task queue; absent: the worker's default. */
  readonly queue?: string;
  /** Computes for long: shares a worker's few slots for such steps. */
  readonly heavy?: boolean;
  /** false: neither read nor write the cache. */
  readonly cache: boolean;
  readonly if?: Condition;
  /**
   * Of a step that registers or deploys: steps with gates for its model that nothing else would make it wait for. It waits for them, and
   * does not run where one of them fails or rejects. Absent in plans of before, which named no judges.
   */
  readonly judges?: readonly string[];
  /** Of a tune step: what it searches, and the steps of a trial. Its `inputs` are what those take from before it. */
  readonly tune?: TunePlan;
  /** The tune step whose winner decides on the configuration; until then it is an example of what it may become. */
  readonly search?: string;
  /** Of a step that trains: its cross-validation, which comes before it. */
  readonly folds?: FoldPlan;
  /** One line for the Temporal UI. */
  readonly summary: string;
}

/** The cross-validation of a step that trains. */
export interface FoldPlan {
  readonly folds: number;
  /** Steps of all folds, in an order in which each has what it takes. */
  readonly steps: readonly PlanStep[];
  /** The step that measures, without its fold. */
  readonly measures: string;
}

/** Bounds of what starts runs by itself. Monitors that were applied before there were any go by {@link TRIGGER_BOUNDS}. */
export interface TriggerBounds {
  /** At least this long after the last run that a trigger started. */
  readonly coolDownMs?: number;
  /** Runs without a new champion after which no more are started. */
  readonly attempts?: number;
}

/** As the document's schema has them. */
export const TRIGGER_BOUNDS = { coolDownMs: 3_600_000, attempts: 3 } as const;

export interface NewDataTrigger extends TriggerBounds {
  readonly rows: number;
  /** Left out in plans of before there was a choice: retrain. */
  readonly do?: TriggerAction;
  readonly everyMs: number;
}

export type DriftTestChoice = string | Readonly<Record<string, { readonly threshold?: number } | undefined>>;

export type JointTestChoice =
  string | Readonly<Record<string, { readonly threshold?: number; readonly pValue?: number; readonly rows?: number }>>;

export interface DriftTrigger extends TriggerBounds {
  /** Left out in plans that have `action`. */
  readonly do?: TriggerAction;
  /** Of plans of before there was more to choose from; "alert" is to notify. */
  readonly action?: 'retrain' | 'alert';
  /** How often the logged predictions are compared with the champion's reference profile. */
  readonly everyMs: number;
  readonly windowMs: number;
  readonly rowsMin: number;
  /**
   * Tests of every column that they fit, with their thresholds. Monitors applied before tests could be declared have `psi` and `ksPValue`
   * instead.
   */
  readonly tests?: readonly DriftTestChoice[];
  readonly agree?: 'all' | 'any';
  readonly missing?: number;
  readonly columns?: Readonly<
    Record<
      string,
      {
        readonly tests?: readonly DriftTestChoice[];
        readonly agree?: 'all' | 'any';
        readonly missing?: number;
        readonly measures?: readonly (string | Readonly<Record<string, object>>)[];
      }
    >
  >;
  /** Tests of whole rows. */
  readonly joint?: readonly JointTestChoice[];
  readonly psi?: number;
  readonly ksPValue?: number;
  /** Columns that must drift, of the columns compared. */
  readonly columnsMin: number;
  /** Monitors applied before these could be declared judge each window by itself, and do not correct p-values. */
  readonly correction?: 'benjaminiHochberg' | 'none';
  readonly pool?: number;
  readonly windowsMin?: number;
  readonly windowsOf?: number;
  /** Questions of the same time of so many earlier seasons are the reference. Default: the data of the training. */
  readonly season?: { readonly everyMs: number; readonly count: number };
}

/**
 * What a run does where another one of its pipeline is going: wait for its turn, give up, stop the other and go, or go beside it.
 */
export const TURN_POLICIES = ['queue', 'skip', 'replace', 'allow'] as const;
export type TurnPolicy = (typeof TURN_POLICIES)[number];

export interface ScheduleTrigger {
  /** This or `everyMs`. */
  readonly cron?: string;
  readonly timezone: string;
  readonly everyMs?: number;
  readonly jitterMs?: number;
  readonly overlap: 'skip' | 'bufferOne' | 'bufferAll' | 'cancelOther' | 'terminateOther' | 'allowAll';
  readonly catchupMs: number;
  readonly pauseOnFailure: boolean;
}

/** What is done about what a trigger found. */
export type TriggerAction =
  | { readonly kind: 'retrain'; readonly variant?: PlanVariant }
  | {
      readonly kind: 'rollback';
      /** Only a champion that took over so short a while ago goes back; of an older one people are told. */
      readonly withinMs?: number;
    }
  | { readonly kind: 'pause' }
  | { readonly kind: 'notify' };

/** A run that is another one than the document's: parameters, and the steps that differ. */
export interface PlanVariant {
  /** For people: "from the champion, on appended rows". */
  readonly text: string;
  readonly parameters: JsonObject;
  readonly steps: readonly PlanStep[];
}

/** A trigger of the kinds that have a file of their own; schedule, drift and new data came before those. */
export interface PlannedTrigger {
  /** How often it looks: this, or `cron` and `timezone`. */
  readonly everyMs?: number;
  readonly cron?: string;
  readonly timezone?: string;
  readonly coolDownMs: number;
  /** Left out by triggers that are told something only once: each starts one run. */
  readonly attempts?: number;
  readonly do: TriggerAction;
  /** Its own settings, complete; durations in milliseconds. */
  readonly settings: JsonObject;
}

/** What runs: plain data, complete, and independent of the document it came from. */
export interface Plan {
  readonly planFormat: typeof PLAN_FORMAT;
  readonly pipeline: string;
  readonly description: string;
  /** Absolute folder of the document: relative paths start here. */
  readonly documentDir: string;
  /** SHA-256 of the document's canonical JSON with parameters substituted. */
  readonly revision: string;
  readonly parameters: JsonObject;
  readonly steps: readonly PlanStep[];
  readonly on: {
    readonly schedule?: ScheduleTrigger;
    readonly drift?: DriftTrigger;
    readonly newData?: NewDataTrigger;
    /** By name: performance, feedback, version, event and whatever else has a definition. */
    readonly triggers?: Readonly<Record<string, PlannedTrigger>>;
    /** Who is told what came of runs and checks. */
    readonly notify?: readonly NotificationTarget[];
    /** Where changes are told to other programs; in force once the plan is applied or run. */
    readonly publish?: readonly PlannedSink[];
    /** What runs that start by themselves do where they make the very model that is champion already; absent: "stop". */
    readonly unchanged?: 'stop' | 'goOn';
    /** By what started the run; ticks of the schedule go by `schedule.overlap`. */
    readonly overlap?: Readonly<Record<string, TurnPolicy | undefined>>;
  };
}
