/** What a consumer that stops early makes of the next `emit`. */
const STOPPED = Symbol('stopped');

/**
 * A generator of what some work gives while it holds on to something, such as a connection. The work waits at each item until the next
 * one is asked for; where nobody asks any more, `emit` throws, so that the work lets go.
 */
export async function* emitted<T>(work: (emit: (item: T) => Promise<void>) => Promise<void>): AsyncGenerator<T> {
  let hand: (item: { readonly value: T } | undefined) => void = () => undefined;
  let goOn: (stop: boolean) => void = () => undefined;
  const next = (): Promise<{ readonly value: T } | undefined> => new Promise((resolve) => (hand = resolve));
  let item = next();
  const done = work(
    (value) =>
      new Promise<void>((resolve, reject) => {
        goOn = (stop) => {
          if (stop) reject(STOPPED as unknown as Error);
          else resolve();
        };
        hand({ value });
      }),
  ).finally(() => hand(undefined));
  // Waited for below; a failure before that is nobody's surprise.
  done.catch(() => undefined);
  let isOver = false;
  try {
    for (let found = await item; found !== undefined; found = await item) {
      yield found.value;
      item = next();
      goOn(false);
    }
    isOver = true;
    await done;
  } finally {
    if (!isOver) {
      goOn(true);
      await done.catch((error: unknown) => {
        if (error !== STOPPED) throw error;
      });
    }
  }
}
