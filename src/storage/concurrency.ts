/** Like `Promise.all(items.map(work))`, with at most `limit` at once. Results keep the order; the first error stops further starts. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

/** Longest pause between attempts of a writer that loses races; enough for two hundred writers to take turns. */
const PAUSE_MS_MAX = 250;

/** Waits before attempt `attempt` + 1 of something that others do at the same time: longer each time, and never in step with them. */
export async function pauseAfterLostRace(attempt: number): Promise<void> {
  const limit = Math.min(4 * 2 ** attempt, PAUSE_MS_MAX);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * limit));
}
