import { beforeAll, describe, expect, it } from 'vitest';
import { storedKinds } from '../../../src/cli/stored-kinds.generated.ts';
import type { OutputSpec, Prediction, Row } from '../../../src/core/tensor.ts';
import { FeedbackWriter } from '../../../src/monitoring/feedback/feedback-writer.ts';
import { realizedPerformance } from '../../../src/monitoring/feedback/realized.ts';
import { checkStore } from '../../../src/registry/check-store.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { PredictionLog } from '../../../src/serving/prediction-log.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { ask, startTestApp } from '../serving/test-app.ts';
import { FakeSource, fakePreprocessor, silent } from '../serving/doubles.ts';

const CLASSES = ['Adelie', 'Gentoo'];
const START = Date.parse('2026-03-01T00:00:00Z');
const DAY = 86_400_000;

/** A store with version 1 of a model, and a log whose clock is set. */
async function bench(output: OutputSpec) {
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('blobs'));
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: 'm',
    files: { 'weights.bin': Buffer.from('w'), 'topology.json': Buffer.from('{"layers":[]}') },
    meta: modelFacts({ output }) as never,
  });
  await createRegistry(store, artifacts).register({ model: 'm', modelRef, pipeline: 'p', runId: 'r', stepId: 'register', metrics: {} });
  let now = START;
  const log = new PredictionLog(store, { log: silent, metrics: createServingMetrics() }, { serverId: 's', now: () => new Date(now) });
  const writer = new FeedbackWriter(store, { now: () => new Date(now) });
  return {
    store,
    artifacts,
    writer,
    at: (ms: number) => (now = START + ms),
    predict: (id: string, prediction: Prediction, row: Row | null = null) =>
      log.add({ model: 'm', version: 1, preprocessor: fakePreprocessor() }, id, row, prediction),
    flush: () => log.flush(),
    report: (options: { byMs?: number } = {}) =>
      realizedPerformance(store, artifacts, 'm', { from: new Date(START), to: new Date(START + 10 * DAY), ...options }),
  };
}

const answer = (gentoo: number): Prediction => ({
  label: gentoo > 0.5 ? 'Gentoo' : 'Adelie',
  probabilities: { Adelie: 1 - gentoo, Gentoo: gentoo },
});

describe('metrics of answers whose truth came later', () => {
  it('are those of deleted versions too, as long as their models are there; then their answers are counted, and why is told', async () => {
    const { store, artifacts, predict, writer, at, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    predict('r0', answer(0.9));
    await flush();
    at(3_600_000);
    await writer.write('m', [{ id: 'r0', label: 'Gentoo' }]);
    const before = await report();
    expect(before.periods[0]!.metrics['accuracy']).toBe(1);
    const registry = createRegistry(store, artifacts);
    const {
      model: { digest },
    } = await registry.version('m', 1);
    await registry.deleteVersion('m', 1, { who: 'ada', why: 'old' });
    expect(await report()).toEqual(before);
    for await (const { key } of store.list('artifacts/')) if (key.includes(digest)) await store.delete(key);
    const { periods, notes } = await report();
    expect(periods).toMatchObject([{ version: 1, predictions: 1, labelled: 1, metrics: {} }]);
    expect(notes).toEqual([expect.stringMatching(/^Version 1 is left out of all metrics: /)]);
  });

  it('are those of what can be read, and what cannot is told with its object', async () => {
    const { store, predict, writer, at, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    predict('r0', answer(0.9));
    predict('r1', answer(0.2));
    await flush();
    at(3_600_000);
    predict('later', answer(0.2));
    await flush();
    await writer.write('m', [{ id: 'r0', label: 'Gentoo' }]);
    at(2 * 3_600_000);
    await writer.write('m', [
      { id: 'r1', label: 'Adelie' },
      { id: 'later', label: 'Adelie' },
    ]);
    const cut = async (prefix: string): Promise<string> => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      const { body } = await store.get(keys.at(-1)!);
      await store.put(keys.at(-1)!, body.slice(0, -20));
      return keys.at(-1)!;
    };
    const [predictions, feedback] = [await cut('predictions/'), await cut('feedback/')];
    const all = await report();
    expect(all.periods).toMatchObject([{ predictions: 2, labelled: 2, metrics: { accuracy: 1 } }]);
    expect(all.notes).toEqual([
      expect.stringContaining(`1 line of ${feedback} cannot be read and is left out (line 2: `) as string,
      expect.stringContaining(`1 line of ${predictions} cannot be read and is left out (line 1: `) as string,
    ]);
    const { findings } = await checkStore(store, { kinds: storedKinds });
    expect(findings.map(({ key }) => key).sort()).toEqual([feedback, predictions]);
  });

  it('are those of the rows with labels, by version and period; what came last holds', async () => {
    const { predict, writer, at, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    for (const [index, value] of [0.9, 0.8, 0.2, 0.4].entries()) predict(`r${index}`, answer(value));
    predict('many/0', answer(0.9));
    predict('many/1', answer(0.1));
    at(DAY);
    predict('next', answer(0.7));
    await flush();
    await writer.write('m', [
      { id: 'r0', label: 'Adelie' },
      { id: 'r1', label: 'Gentoo' },
      { id: 'r2', label: 'Adelie', flag: false },
      { id: 'many/1', label: 'Gentoo', flag: true },
      { id: 'gone', label: 'Gentoo' },
    ]);
    at(2 * DAY);
    await writer.write('m', [
      { id: 'r0', label: 'Gentoo' },
      { id: 'next', label: 'Adelie' },
    ]);
    const all = await report();
    expect(all).toMatchObject({ model: 'm', unmatched: 1 });
    // Right: r0, r1, r2; wrong: many/1, next.
    expect(all.periods).toEqual([
      expect.objectContaining({
        version: 1,
        predictions: 7,
        labelled: 5,
        flagged: 1,
        confirmed: 1,
        notes: [],
        metrics: expect.objectContaining({ accuracy: 0.6 }),
      }),
    ]);
    expect(all.periods[0]!.metrics['logLoss']).toBeCloseTo(
      -(Math.log(0.9) + Math.log(0.8) + Math.log(0.8) + Math.log(0.1) + Math.log(0.3)) / 5,
      12,
    );
    const daily = await report({ byMs: DAY });
    expect(daily.periods.map(({ from, labelled, metrics }) => [from.slice(0, 10), labelled, metrics['accuracy']])).toEqual([
      ['2026-03-01', 4, 0.75],
      ['2026-03-02', 1, 0],
    ]);
  });

  it('come with intervals, and with what to expect where no label is known yet', async () => {
    const { predict, writer, at, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    for (let index = 0; index < 400; index++) predict(`r${index}`, answer(0.95));
    at(DAY);
    for (let index = 0; index < 100; index++) predict(`s${index}`, answer(0.95));
    await flush();
    const [before] = (await report({ byMs: DAY })).periods;
    expect(before).toMatchObject({ labelled: 0, metrics: {}, intervals: {}, estimated: { rows: 400, calibratedOn: 0 } });
    expect(before!.estimated!.accuracy).toBeCloseTo(0.95, 9);
    // Four of five are right: the model is too sure of itself.
    await writer.write(
      'm',
      Array.from({ length: 400 }, (_, index) => ({ id: `r${index}`, label: index % 5 === 0 ? 'Adelie' : 'Gentoo' })),
    );
    const [first, second] = (await report({ byMs: DAY })).periods;
    const { accuracy } = first!.intervals;
    expect(first!.metrics['accuracy']).toBe(0.8);
    expect([accuracy!.low > 0.75, accuracy!.low < 0.8, accuracy!.high > 0.8, accuracy!.high < 0.85]).toEqual([true, true, true, true]);
    expect(second).toMatchObject({ labelled: 0, estimated: { rows: 100, calibratedOn: 400 } });
    expect(second!.estimated!.accuracy).toBeCloseTo(0.8, 9);
  });

  it('are joined by columns of the row, too', async () => {
    const { predict, writer, flush, report } = await bench({ kind: 'number', name: 'price', width: 1, scale: { mean: 100, std: 10 } });
    predict('a', { value: 12 }, { order: 7, note: 'x' });
    predict('b', { value: 30 }, { order: 8 });
    predict('c', { value: 1 }, null);
    await flush();
    await writer.write('m', [
      { key: { order: '7' }, label: '10' },
      { key: { order: 8 }, label: 30 },
      { key: { order: 9 }, label: 1 },
      { id: 'c', label: 'cheap' },
    ]);
    const { periods, unmatched } = await report();
    expect(unmatched).toBe(1);
    expect(periods[0]!.metrics['meanAbsoluteError']).toBe(1);
    expect(periods[0]!.notes).toEqual(['1 label does not fit: expected a number']);
  });

  it('leave out what is no feedback, with its place', async () => {
    const { store, predict, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    predict('a', answer(0.9));
    await flush();
    await store.put(
      'feedback/m/2026-03-01/00-x-1.ndjson',
      Buffer.from('{"formatVersion":1,"time":"2026-03-01T00:00:00Z","id":"a","flag":true}\n{"torn'),
    );
    expect((await report()).notes).toEqual([
      expect.stringMatching(/^1 line of feedback\/m\/.* cannot be read and is left out \(line 2: /) as string,
    ]);
  });

  it('are told with what cannot be said', async () => {
    const { predict, writer, flush, report } = await bench({ kind: 'classes', name: 'species', classes: CLASSES });
    predict('a', answer(0.9));
    await flush();
    expect((await report()).periods).toEqual([expect.objectContaining({ predictions: 1, labelled: 0, metrics: {}, notes: [] })]);
    await writer.write('m', [{ id: 'a', label: 'Chinstrap' }]);
    expect((await report()).periods[0]).toMatchObject({ metrics: {}, notes: ['1 label does not fit: expected one of Adelie, Gentoo'] });
  });
});

describe('feedback over HTTP', () => {
  let url = '';
  let keys: () => Promise<string[]>;
  let logged: () => Promise<string[]>;
  beforeAll(async () => {
    const source = new FakeSource();
    source.route('penguins', { champion: 1 });
    const app = await startTestApp(source);
    url = app.url;
    keys = async () => {
      const found: string[] = [];
      for await (const { key } of app.store.list('feedback/')) found.push(key);
      return found;
    };
    logged = async () => {
      await app.log.flush();
      const found: string[] = [];
      for await (const { key } of app.store.list('predictions/'))
        for (const line of new TextDecoder().decode((await app.store.get(key)).body).split('\n'))
          if (line !== '') found.push((JSON.parse(line) as { id: string }).id);
      return found;
    };
    return () => app.close();
  });

  it('is in the store when it is answered; what comes together is one object', async () => {
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(url, '/models/penguins/feedback', { id: `r${index}`, label: 'Adelie' })),
    );
    expect(sent.map(({ status, body }) => [status, body])).toEqual(sent.map(() => [200, { model: 'penguins', kept: 1 }]));
    expect((await keys()).length).toBeLessThan(20);
    expect(
      (
        await ask(url, '/models/penguins/feedback', {
          feedback: [
            { id: 'a', row: 3, flag: true },
            { key: { order: 1 }, label: 2 },
          ],
        })
      ).body.kept,
    ).toBe(2);
  });

  it.each([
    ['nothing', [], 400, /give at least one item/],
    ['no id', { label: 1 }, 400, /row 0: give either "id"/],
    ['nothing to say', { id: 'a' }, 400, /row 0: give a "label", or a "flag"/],
    [
      'an unknown key',
      [
        { id: 'a', flag: true },
        { id: 'b', lable: 1 },
      ],
      400,
      /row 1: the key "lable" is not known/,
    ],
    ['a label that is none', { id: 'a', label: [1] }, 400, /"label" is an array/],
    ['a row without an id', { key: { a: 1 }, row: 1, flag: true }, 400, /"row" is 1/],
  ])('is refused with its place: %s', async (_title, body, status, message) => {
    const answered = await ask(url, '/models/penguins/feedback', body);
    expect([answered.status, answered.body.error]).toEqual([status, expect.stringMatching(message)]);
  });

  it('finds the rows of partial answers by the id of the request and their place', async () => {
    const single = await ask(url, '/models/penguins/predict', { rows: [{ body_mass_g: 1 }], partial: true });
    const several = await ask(url, '/models/penguins/predict', { rows: [{ body_mass_g: 'x' }, { body_mass_g: 2 }], partial: true });
    expect(await logged()).toEqual(expect.arrayContaining([single.body.id, `${several.body.id}/1`]));
  });

  it('is refused for a model that is not served', async () => {
    expect((await ask(url, '/models/geese/feedback', { id: 'a', flag: true })).status).toBe(404);
  });
});
