import { PerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { APPLY_LEASE, LEASE_MS, Lease } from '../events/lease.ts';

/** How long an apply waits for another one. */
const WAIT_MS = 120_000;

/**
 * Does `work` while nobody else applies anything to the store: of two applies at once the second waits, and compares with what the
 * first one left. One that was killed is waited for until it has given no sign of life for ten seconds.
 *
 * @param work `mayStill` throws where the turn was lost, as of a machine that slept
 * @param onWait hears once whom it waits for
 * @throws PRECONDITION_FAILED where another one goes on for minutes, or took the turn meanwhile; STORE_…
 */
export async function inTurn<T>(
  store: ObjectStore,
  who: string,
  work: (mayStill: () => void) => Promise<T>,
  onWait: (holder: string) => void = () => undefined,
): Promise<T> {
  const lease = new Lease(store, who, LEASE_MS, APPLY_LEASE);
  const until = performance.now() + WAIT_MS;
  for (let told = false; !(await lease.take()); told = true) {
    const holder = (await lease.holder()) ?? 'somebody';
    if (!told) onWait(holder);
    if (performance.now() > until)
      throw new PerennialError('PRECONDITION_FAILED', `${holder} applies documents to ${store.location} for minutes already.`, {
        hint: 'Wait for it to end, and apply again. Nothing was changed.',
      });
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 20));
  }
  let lost = false;
  const renewal = setInterval(() => {
    void lease.take().then(
      (kept) => (lost ||= !kept),
      // A store that is away for a moment: the next sign of life decides.
      () => undefined,
    );
  }, LEASE_MS / 4);
  try {
    return await work(() => {
      if (lost)
        throw new PerennialError('PRECONDITION_FAILED', 'Another apply began meanwhile, as this one gave no sign of life.', {
          hint: 'Apply again: it does what is missing.',
        });
    });
  } finally {
    clearInterval(renewal);
    await lease.release();
  }
}
