import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelWorkflowId } from '../../../src/core/model-updates.ts';
import { connectTemporal } from '../../../src/runs/connect.ts';
import { updateModel } from '../../../src/runs/models.ts';
import { packageRoot } from '../../../src/platform/paths.ts';
import { ATTRIBUTES, METRICS, SPANS, isAllowed, spanEntryOf } from '../../../src/telemetry/names.ts';
import { startTelemetry, stopTelemetry, traced } from '../../../src/telemetry/telemetry.ts';
import { startReceiver } from '../../support/otlp/receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from '../../support/otlp/receiver.ts';
import { Perennial } from '../../support/perennial.ts';
import { silentSinks } from '../../support/silent-sinks.ts';
import { tempDir } from '../../support/temp-dir.ts';

const TOKEN = 'token-that-nobody-may-see-4711';
/** What a row, a document and the environment hold that must not be told. */
const UNTOLD = ['Torgersen', 'Adelie', 'bill_length_mm', '5251.75', TOKEN, 'hush-hush-8812', 'penguins.csv'];
const ROW = { island: 'Torgersen', bill_length_mm: 39.1, bill_depth_mm: 18.7, flipper_length_mm: 181, body_mass_g: 5251.75, sex: 'male' };
const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

let receiver: OtlpReceiver;
let perennial: Perennial;
let serverUrl: string;
let temporalAddress: string;
let folder: string;
let run: { runId: string; version: number };

async function until<T>(look: () => T | undefined): Promise<T> {
  for (const end = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain; there is: ${[...new Set(receiver.spans.map((span) => span.name))].join(', ')}`);
  }
}

const named = (name: string): ReceivedSpan[] => receiver.spans.filter((span) => span.name === name);

/** The names on the way from a span up to its root. */
function ancestry(span: ReceivedSpan): string[] {
  const parent = receiver.spans.find((other) => other.traceId === span.traceId && other.spanId === span.parentSpanId);
  return parent === undefined ? (span.parentSpanId === '' ? [span.name] : [span.name, '?']) : [span.name, ...ancestry(parent)];
}

beforeAll(async () => {
  receiver = await startReceiver();
  perennial = new Perennial({
    PERENNIAL_API_TOKEN: TOKEN,
    HUSH: 'hush-hush-8812',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
  });
  ({
    server: { url: serverUrl },
    temporal: { address: temporalAddress },
  } = await perennial.up());
  folder = tempDir('telemetry');
  const document = JSON.parse(readFileSync(join(packageRoot(), 'pipelines/penguins.json'), 'utf8'));
  document.steps[0].with.source.path = join(packageRoot(), 'pipelines/data/penguins.csv');
  writeFileSync(join(folder, 'penguins.json'), JSON.stringify(document));
  const answer = await perennial.run(['run', join(folder, 'penguins.json'), '--json'], { env: { TRACEPARENT: undefined } });
  expect(answer.stderr).not.toContain('telemetry:');
  expect(answer.code, answer.stderr).toBe(0);
  run = answer.json();
});
afterAll(() => receiver?.close());

describe('a run', () => {
  it('is one trace from the command line through workflow, activities, trainer and store to the promotion and the answer of the server', async () => {
    const root = await until(() => named('perennial run')[0]);
    expect(root).toMatchObject({
      parentSpanId: '',
      attributes: { 'perennial.command': 'run', 'process.exit.code': 0 },
      resource: { 'service.name': 'perennial-cli', 'service.namespace': 'perennial' },
    });
    const workflow = await until(() => named('RunWorkflow:pipeline')[0]);
    expect(workflow).toMatchObject({
      traceId: root.traceId,
      resource: { 'service.name': 'perennial-worker' },
      attributes: {
        'cicd.pipeline.name': 'penguins',
        'cicd.pipeline.run.id': run.runId,
        'cicd.pipeline.result': 'success',
        'perennial.trigger': 'manual',
      },
    });
    const trainer = await until(() => named('train')[0]);
    expect(trainer.resource['service.name']).toBe('perennial-trainer');
    expect(trainer.attributes).toMatchObject({ 'perennial.resumed_epoch': 0 });
    expect(ancestry(trainer)).toEqual([
      'train',
      'RunActivity:train@1',
      'StartActivity:train@1',
      'RunWorkflow:pipeline',
      'StartWorkflow:pipeline',
      'perennial run',
    ]);
    const promotion = await until(() => named('registry promote')[0]);
    expect(ancestry(promotion).slice(-5)).toEqual([
      'RunActivity:deploy@1',
      'StartActivity:deploy@1',
      'RunWorkflow:pipeline',
      'StartWorkflow:pipeline',
      'perennial run',
    ]);
    const put = await until(() => named('store put').find((span) => span.parentSpanId === promotion.spanId));
    expect(put).toMatchObject({
      kind: 'SPAN_KIND_CLIENT',
      attributes: { 'perennial.store.operation': 'put', 'perennial.store.system': 'file', 'perennial.store.area': 'models' },
    });
    const asked = await until(() =>
      named('GET /v2/models/:model').find((span) => span.traceId === root.traceId && span.attributes['http.response.status_code'] === 200),
    );
    expect(asked).toMatchObject({
      kind: 'SPAN_KIND_SERVER',
      resource: { 'service.name': 'perennial-server' },
      attributes: { 'http.route': '/v2/models/:model', 'url.path': '/v2/models/penguins', 'url.scheme': 'http' },
    });
    expect(ancestry(asked).slice(0, 4)).toEqual(['GET /v2/models/:model', 'GET', 'confirm', 'RunActivity:deploy@1']);
    const step = named('RunActivity:train@1')[0]!;
    expect(step.attributes).toMatchObject({
      'cicd.pipeline.task.name': 'train',
      'cicd.pipeline.task.run.id': 'train/1',
      'cicd.pipeline.task.run.result': 'success',
      'perennial.step.type': 'train',
      'perennial.cache.result': 'miss',
      temporalActivityId: 'train',
    });
  });

  it('whose steps come from the cache says so', async () => {
    const again = await perennial.run(['run', join(folder, 'penguins.json'), '--json'], {
      env: { TRACEPARENT: `00-${CALLER.traceId}-${CALLER.spanId}-01` },
    });
    expect(again.code, again.stderr).toBe(0);
    const cached = await until(() => named('RunActivity:train@1').find((span) => span.traceId === CALLER.traceId));
    expect(cached.attributes).toMatchObject({ 'cicd.pipeline.task.run.result': 'skip', 'perennial.cache.result': 'hit' });
    // The trace of a CI system goes on.
    expect((await until(() => named('perennial run').find((span) => span.traceId === CALLER.traceId))).parentSpanId).toBe(CALLER.spanId);
  });

  it('that fails tells a code, and no word of its message', async () => {
    writeFileSync(join(folder, 'broken.csv'), 'island,species\nTorgersen,Adelie\n');
    const document = JSON.parse(readFileSync(join(folder, 'penguins.json'), 'utf8'));
    document.name = 'broken';
    document.steps[0].with.source.path = join(folder, 'broken.csv');
    writeFileSync(join(folder, 'broken.json'), JSON.stringify(document));
    expect((await perennial.run(['run', join(folder, 'broken.json'), '--json'])).code).not.toBe(0);
    const failed = await until(() =>
      receiver.spans.find(
        (span) =>
          span.name.startsWith('RunActivity:') &&
          span.attributes['cicd.pipeline.name'] === 'broken' &&
          span.status.code === 'STATUS_CODE_ERROR',
      ),
    );
    expect(failed.attributes['cicd.pipeline.task.run.result']).toBe('failure');
    expect(failed.attributes['error.type']).toMatch(/^[A-Z_]+$/);
    expect(failed.status.message).toBe('');
    const workflow = await until(() => named('RunWorkflow:pipeline').find((span) => span.attributes['cicd.pipeline.name'] === 'broken'));
    expect(workflow.attributes).toMatchObject({ 'cicd.pipeline.result': 'failure', 'error.type': failed.attributes['error.type'] });
  });

  it('of a schedule is a trace of its own, from its workflow on', async () => {
    const document = JSON.parse(readFileSync(join(folder, 'penguins.json'), 'utf8'));
    document.name = 'nightly';
    document.on = { schedule: { cron: '0 3 * * *' } };
    writeFileSync(join(folder, 'nightly.json'), JSON.stringify(document));
    expect((await perennial.run(['apply', join(folder, 'nightly.json')])).code).toBe(0);
    expect((await perennial.run(['schedules', 'trigger', 'nightly'])).code).toBe(0);
    const workflow = await until(() => named('RunWorkflow:pipeline').find((span) => span.attributes['cicd.pipeline.name'] === 'nightly'));
    expect(workflow).toMatchObject({
      parentSpanId: '',
      attributes: { 'perennial.trigger': 'schedule', 'cicd.pipeline.result': 'success' },
    });
    const deployed = await until(() => named('RunActivity:deploy@1').find((span) => span.traceId === workflow.traceId));
    expect(ancestry(deployed)).toEqual(['RunActivity:deploy@1', 'StartActivity:deploy@1', 'RunWorkflow:pipeline']);
  });
});

describe('a version', () => {
  it('keeps the trace of its run, and a prediction is linked to it', async () => {
    const root = await until(() => named('perennial run').find((span) => span.parentSpanId === ''));
    const manifest = (await perennial.run(['models', 'show', 'penguins', '1', '--json'])).json();
    const shown = JSON.stringify(manifest);
    expect(shown).toContain(root.traceId);
    const response = await fetch(`${serverUrl}/models/penguins/predict`, {
      method: 'POST',
      body: JSON.stringify(ROW),
      headers: {
        authorization: `Bearer ${TOKEN}`,
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        'content-type': 'application/json',
      },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('traceresponse')).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`));
    const predicted = await until(() => named('predict penguins').find((span) => span.traceId === 'a'.repeat(32)));
    const request = await until(() => named('POST /models/:model/predict').find((span) => span.traceId === 'a'.repeat(32)));
    expect(predicted).toMatchObject({
      parentSpanId: request.spanId,
      attributes: {
        'perennial.model.name': 'penguins',
        'perennial.model.version': 1,
        'perennial.rows': 1,
        'perennial.run.trace_id': root.traceId,
      },
    });
    expect(request).toMatchObject({
      parentSpanId: 'b'.repeat(16),
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': 200, 'perennial.model.version': 1 },
    });
    const link = predicted.links[0]!;
    expect(link.traceId).toBe(root.traceId);
    expect((await until(() => receiver.spans.find((span) => span.spanId === link.spanId))).name).toBe('registry register');
  });

  it('that is asked for by the command line is one trace with the server', async () => {
    const answer = await perennial.run(['predict', 'penguins', '--row', JSON.stringify(ROW), '--json']);
    expect(answer.code, answer.stderr).toBe(0);
    const root = await until(() => named('perennial predict')[0]);
    const predicted = await until(() => named('predict penguins').find((span) => span.traceId === root.traceId));
    expect(ancestry(predicted)).toEqual(['predict penguins', 'POST /models/:model/predict', 'POST', 'perennial predict']);
  });

  it('that cannot be rolled back tells the code of the refusal', async () => {
    const refused = await perennial.run(['models', 'rollback', 'penguins', '--json']);
    const root = await until(() => named('perennial models rollback')[0]);
    expect(root).toMatchObject({
      status: { code: 'STATUS_CODE_ERROR', message: '' },
      attributes: { 'process.exit.code': refused.code, 'error.type': refused.json().error.code },
    });
    const change = await until(() => named('registry rollback').find((span) => span.traceId === root.traceId));
    expect(change.attributes['error.type']).toBe(refused.json().error.code);
  });

  it('is promoted through the Update of its model in one trace', async () => {
    Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, TEMPORAL_ADDRESS: temporalAddress });
    await startTelemetry('cli');
    const temporal = await connectTemporal();
    try {
      await traced('perennial models promote', {}, () =>
        updateModel(temporal, 'penguins', 'promote', { version: 1, who: 'a test', why: 'seen in a trace' }),
      );
    } finally {
      await temporal.close();
      await stopTelemetry();
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
      delete process.env.TEMPORAL_ADDRESS;
    }
    const root = await until(() => named('perennial models promote')[0]);
    const asked = await until(() => named('GET /v2/models/:model').find((span) => span.traceId === root.traceId));
    await until(() => named('HandleUpdate:promote')[0]);
    expect(ancestry(asked)).toEqual([
      'GET /v2/models/:model',
      'GET',
      'confirm',
      'RunActivity:promoteModel',
      'StartActivity:promoteModel',
      'HandleUpdate:promote',
      'UpdateWithStartWorkflow:promote',
      'perennial models promote',
    ]);
  });
});

describe('logs', () => {
  it('of steps carry the ids of their trace', async () => {
    const log = (await perennial.run(['runs', 'logs', run.runId])).stdout;
    const root = await until(() => named('perennial run').find((span) => span.parentSpanId === ''));
    expect(log).toContain(`"trace_id":"${root.traceId}"`);
  });
});

describe('histories', () => {
  it('of runs and models that were told replay with and without interceptors', async () => {
    process.env.TEMPORAL_ADDRESS = temporalAddress;
    const temporal = await connectTemporal();
    const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error };
    Runtime.install({
      logger: quiet,
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
    try {
      for (const id of [`penguins/${run.runId}`, modelWorkflowId('penguins')]) {
        const history = await temporal.client.workflow.getHandle(id).fetchHistory();
        for (const name of ['workflow-bundle.cjs', 'workflow-bundle.traced.cjs'])
          await Worker.runReplayHistory(
            { workflowBundle: { codePath: join(packageRoot(), 'dist', name) }, replayName: name, sinks: silentSinks },
            history,
            id,
          );
      }
    } finally {
      await temporal.close();
      delete process.env.TEMPORAL_ADDRESS;
    }
  });
});

describe('what is told', () => {
  it('is in the tables, with its units, and nothing else', async () => {
    // One more round of metrics from every process.
    const wanted = [
      'cicd.pipeline.run.duration',
      'cicd.pipeline.run.errors',
      'perennial.step.duration',
      'perennial.cache.lookups',
      'perennial.queue.wait',
      'perennial.trainer.epochs',
      'perennial.registry.changes',
      'perennial.registry.confirmation.duration',
      'http.server.request.duration',
      'http.client.request.duration',
      'perennial.server.predictions',
      'perennial.server.batch.rows',
      'perennial.store.operation.duration',
      'perennial.server.swaps',
    ];
    await until(() => (wanted.every((name) => receiver.metrics.some((metric) => metric.name === name)) ? true : undefined)).catch(
      () => undefined,
    );
    expect(wanted.filter((name) => !receiver.metrics.some((metric) => metric.name === name))).toEqual([]);
    for (const metric of receiver.metrics) {
      const entry = METRICS[metric.name as keyof typeof METRICS];
      expect(entry, metric.name).toBeDefined();
      expect({ unit: metric.unit, description: metric.description }).toEqual({ unit: entry.unit, description: entry.description });
      for (const point of metric.points)
        expect(entry.attributes as readonly string[]).toEqual(expect.arrayContaining(Object.keys(point.attributes)));
    }
    for (const span of receiver.spans) {
      expect(spanEntryOf(span.name), span.name).toBeDefined();
      for (const [name, value] of Object.entries(span.attributes))
        expect(isAllowed(name, value), `${span.name}: ${name}=${String(value)}`).toBe(true);
      for (const event of span.events) expect(Object.keys(event.attributes)).toEqual(['exception.type']);
      expect(span.status.message).toBe('');
    }
    expect(receiver.contentTypes).toEqual(new Set(['application/x-protobuf']));
    const trained = receiver.metrics.filter((metric) => metric.name === 'perennial.trainer.epochs');
    const { trainings } = (await perennial.run(['runs', 'show', run.runId, '--curves', '--json'])).json();
    expect(trained[0]!.points.map(({ value }) => value)).toEqual([trainings[0].points.length]);
    const duration = receiver.metrics.findLast((metric) => metric.name === 'cicd.pipeline.run.duration')!;
    expect(duration.points.map((point) => point.attributes['cicd.pipeline.result'])).toEqual(
      expect.arrayContaining(['success', 'failure']),
    );
    expect(Object.keys(ATTRIBUTES).length + Object.keys(SPANS).length).toBeGreaterThan(50);
  });

  it('holds no row, no secret and no path of data', () => {
    const everything = Buffer.concat(receiver.bodies);
    expect(UNTOLD.filter((text) => everything.includes(text))).toEqual([]);
  });

  it('and the processes had nothing to complain about', async () => {
    for (const name of ['worker-1', 'server']) {
      const log = readFileSync(join(perennial.home, 'logs', `${name}.log`), 'utf8');
      expect(log.split('\n').filter((line) => line.includes('telemetry:'))).toEqual([]);
    }
  });
});
