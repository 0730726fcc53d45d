import type { ArtifactRef } from '../../core/artifact.ts';
import type { JsonObject } from '../../core/json.ts';
import type { StepProgress, StepResult } from '../../core/step.ts';

/** What the child process of a local step is told first. */
export interface ScriptTask {
  readonly kind: 'task';
  readonly run: {
    readonly runId: string;
    readonly pipeline: string;
    readonly stepId: string;
    readonly attempt: number;
    readonly nominalTime: string;
    readonly documentDir: string;
    readonly planRevision: string;
    readonly workDir: string;
    readonly trigger: string;
  };
  /** What opens the store. It comes this way and not by the environment, which a step may print. */
  readonly store: { readonly uri: string; readonly environment: Readonly<Record<string, string>> };
  readonly config: JsonObject;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  /** Output name → kind, as the document declares them. */
  readonly gives: Readonly<Record<string, string>>;
}

/** What the child process says. */
export type ScriptMessage =
  | { readonly kind: 'hello' }
  | { readonly kind: 'progress'; readonly update: StepProgress }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string; readonly fields?: Record<string, unknown> }
  | { readonly kind: 'done'; readonly result: StepResult }
  | { readonly kind: 'failed'; readonly code?: string; readonly message: string; readonly hint?: string; readonly stack?: string };

/** How the child asks for a secret, and is told: on a channel of its own, which it waits for. */
export interface SecretQuestion {
  readonly secret: string;
}

export type SecretAnswer = { readonly value: string } | { readonly code: string; readonly message: string; readonly hint: string };
