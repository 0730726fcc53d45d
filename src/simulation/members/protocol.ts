import type { ProcessIdentity } from '../../platform/process-info.ts';
import type { Jump } from './simulated-clock.ts';

/** What a simulated process is. */
export type MemberKind = 'worker' | 'server';

/** What it is told at first: JSON in the file that its one argument names. */
export interface MemberTask {
  readonly kind: MemberKind;
  readonly jumps: readonly Jump[];
  /** Of the server: 0 for a free one. */
  readonly port: number;
  /** What goes with the simulation, should nobody be left to take it down. */
  readonly temporal: ProcessIdentity;
  readonly folder: string;
}

/** Told to it; each is answered with its number. */
export type MemberOrder =
  | { readonly id: number; readonly kind: 'jump'; readonly jump: Jump }
  /** Write what was logged until now. */
  | { readonly id: number; readonly kind: 'flush' };

/** Told by it. */
export type MemberMessage =
  | { readonly kind: 'ready'; readonly url: string | null; readonly port: number }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly message: string };

/** What a member does besides following the clock. */
export interface MemberWork {
  readonly url: string | null;
  flush(): Promise<void>;
  stop(): Promise<void>;
}
