import { CancellationScope, patched, proxyActivities } from '@temporalio/workflow';
import type { Change } from '../src/core/change.ts';
import type { Moment } from '../src/core/run-changes.ts';
import { PATCHES } from './patches.ts';

const { tellChanges } = proxyActivities<{ tellChanges(changes: readonly Change[]): Promise<boolean> }>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  summary: 'Lay events ready',
});

/** Changes that one activity takes. */
const AT_ONCE = 50;

/**
 * What a workflow tells other programs, in its order, while it goes on. Whether anybody listens it learns with the first change; where
 * nobody does it tells no more.
 */
export class Changes {
  readonly #tells: boolean;
  readonly #waiting: Change[] = [];
  #listens = true;
  #order = 0;
  #telling: Promise<void> | undefined;

  constructor() {
    this.#tells = patched(PATCHES.changes);
  }

  tell(make: (moment: Moment) => Change | undefined): void {
    if (!this.#tells || !this.#listens) return;
    const change = make({ ms: Date.now(), order: this.#order });
    if (change === undefined) return;
    this.#order += 1;
    this.#waiting.push(change);
    this.#telling ??= CancellationScope.nonCancellable(() => this.#work()).finally(() => (this.#telling = undefined));
  }

  /** Resolves when all that was told is laid ready. */
  async settle(): Promise<void> {
    while (this.#telling !== undefined) await this.#telling;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const changes = this.#waiting.splice(0, AT_ONCE);
      try {
        this.#listens = await tellChanges(changes);
      } catch {
        // After a week of attempts; the history has the reason. What came of the run does not depend on who hears of it.
      }
      if (!this.#listens) this.#waiting.length = 0;
    }
  }
}
