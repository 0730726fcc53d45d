import type { FastifyInstance } from 'fastify';
import type { ArtifactStore } from '../../../src/core/ports.ts';
import { ownerGuard } from '../../../src/access/guard.ts';
import type { StoreGuard } from '../../../src/access/guard.ts';
import { createApp } from '../../../src/server/app.ts';
import type { TlsSettings } from '../../../src/server/tls.ts';
import { createReportSource } from '../../../src/server/reports.ts';
import { FeedbackWriter } from '../../../src/monitoring/feedback/feedback-writer.ts';
import { InferenceService } from '../../../src/serving/inference.ts';
import { PredictionLog } from '../../../src/serving/prediction-log.ts';
import { RolloutCounter } from '../../../src/serving/rollout-counter.ts';
import { Router } from '../../../src/serving/router.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import type { ServingMetrics } from '../../../src/serving/serving-metrics.ts';
import type { VersionSource } from '../../../src/serving/version-source.ts';
import { recordingLog } from './doubles.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

export interface TestApp {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly router: Router;
  readonly service: InferenceService;
  readonly metrics: ServingMetrics;
  readonly store: MemoryStore;
  readonly artifacts: ArtifactStore;
  readonly log: PredictionLog;
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** The whole HTTP server over a registry in memory, listening on a free port of 127.0.0.1. */
export async function startTestApp(
  source: VersionSource,
  {
    token,
    guard,
    rollouts,
    ...options
  }: {
    readonly token?: string;
    readonly guard?: (store: MemoryStore) => StoreGuard;
    readonly arrivalMs?: number;
    readonly corsOrigins?: readonly string[];
    readonly tls?: TlsSettings;
    /** Whether it takes part in rollouts. */
    readonly rollouts?: true;
  } = {},
): Promise<TestApp> {
  const recording = recordingLog();
  const metrics = createServingMetrics();
  const router = new Router(source, { log: recording, metrics }, { pollMs: 10, discoverMs: 50 });
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('blobs'));
  const log = new PredictionLog(store, { log: recording, metrics }, { serverId: 'test' });
  const service = new InferenceService(
    router,
    log,
    metrics,
    rollouts === true ? new RolloutCounter(store, { log: recording, server: 'test' }) : undefined,
  );
  const storeGuard = guard?.(store);
  await storeGuard?.start();
  const app = createApp({
    service,
    guard: storeGuard ?? ownerGuard(token),
    tokens: { store, changed: async () => storeGuard?.look() },
    metrics,
    reports: createReportSource(store, artifacts),
    feedback: new FeedbackWriter(store),
    events: store,
    log: recording,
    packageVersion: '9.9.9',
    ...options,
  });
  await router.start();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    app,
    url,
    router,
    service,
    metrics,
    store,
    artifacts,
    log,
    lines: recording.lines,
    async close() {
      await app.close();
      await storeGuard?.stop();
      await log.close();
      await router.stop();
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

export async function ask(url: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`${url}${path}`, {
    ...(body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...init,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text,
  };
}
