import type { Change, PlannedSink } from '../../../src/core/change.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import { compareSinks } from '../../../src/events/sink-records.ts';

/** Changes of some subjects, each with its place among those of its subject in its data. */
export function changesFor(subjects: number, each: number): Change[] {
  return Array.from({ length: subjects * each }, (_, index): Change => {
    const subject = `pipelines/p/runs/${index % subjects}`;
    const place = Math.floor(index / subjects);
    return {
      key: `${subject}/${place}`,
      type: 'step.started',
      at: new Date(Date.UTC(2026, 10, 30, 1, 0, place)).toISOString(),
      subject,
      order: place,
      pipeline: 'p',
      model: null,
      data: { place, run: subject, executionId: 'x', pipeline: 'p' },
    };
  });
}

export const sinkFor = (name: string, kind: string, config: PlannedSink['config']): PlannedSink => ({
  name,
  kind,
  config,
  envelope: 'cloudEvents',
  envelopeConfig: {},
  of: 'pipeline',
});

export async function declareSinks(store: ObjectStore, sinks: readonly PlannedSink[], models: readonly string[] = []): Promise<void> {
  await (await compareSinks(store, [{ pipeline: 'p', models, documentDir: '/', sinks }])).carryOut();
}
