import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { StoreGuard } from '../access/guard.ts';
import { PerennialError, messageOf } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { StepLogger } from '../core/step.ts';
import { packageRoot } from '../platform/paths.ts';
import { FeedbackWriter } from '../monitoring/feedback/feedback-writer.ts';
import { InferenceService } from '../serving/inference.ts';
import { SERVING_LIMITS } from '../serving/limits.ts';
import { createVersionSource } from '../serving/loader.ts';
import { PredictionLog } from '../serving/prediction-log.ts';
import { RolloutCounter } from '../serving/rollout-counter.ts';
import type { RouterOptions } from '../serving/router.ts';
import { Router } from '../serving/router.ts';
import { createServingMetrics } from '../serving/serving-metrics.ts';
import type { VersionSource } from '../serving/version-source.ts';
import { StoreClock } from '../storage/store-clock.ts';
import { ensureIdentity } from '../storage/store-identity.ts';
import type { StoreIdentity } from '../storage/store-identity.ts';
import { announce } from './announce.ts';
import { createApp } from './app.ts';
import { watchOutcomes } from './outcome-metrics.ts';
import { startGrpc } from './grpc/start-grpc.ts';
import type { RunningGrpc } from './grpc/start-grpc.ts';
import { createReportSource } from './reports.ts';
import { followTls, readTls } from './tls.ts';
import type { TlsFiles } from './tls.ts';

export const DEFAULT_PORT = 8080;

export interface ServerOptions {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
  readonly log: StepLogger;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Absent: 8080, or a free one where that is taken. 0: a free one. */
  readonly port?: number;
  /** Of gRPC beside HTTP, on the same host; 0: a free one. Absent: no gRPC. */
  readonly grpcPort?: number;
  readonly token?: string;
  /** HTTPS, and gRPC over TLS, with a certificate that is followed. */
  readonly tls?: TlsFiles;
  /** Under which other machines reach it, for promotions that ask it. Default: the address that it listens on. */
  readonly publicUrl?: string;
  /** Origins whose pages may call the server. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Part of the predictions that is logged, 0 to 1; default 1. */
  readonly logSample?: number;
  readonly router?: RouterOptions;
  /** In place of the registry in the store. */
  readonly source?: VersionSource;
}

export interface RunningServer {
  readonly id: string;
  readonly url: string;
  /** `HOST:PORT` of gRPC, where that is spoken. */
  readonly grpc?: string;
  /** Resolves when what was logged of predictions until now is in the store, or waits for it to come back. */
  flushed(): Promise<void>;
  /** Takes no new connections, answers what has begun, writes the log, takes back the announcement, frees the models. */
  stop(): Promise<void>;
}

/** @throws PORT_TAKEN */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { store, artifacts, log } = options;
  const id = `${process.pid}-${randomUUID().slice(0, 8)}`;
  const metrics = createServingMetrics();
  const source = options.source ?? createVersionSource(store, artifacts);
  const router = new Router(source, { log, metrics }, options.router);
  let identity: StoreIdentity | undefined;
  // Whoever looks at a window of the log goes by the store's clock: one that is wrong here, or is set, must not move what was asked.
  const clock = new StoreClock(store);
  const predictions = new PredictionLog(
    store,
    { log, metrics },
    {
      serverId: id,
      now: () => clock.now(),
      settings: (model) => router.predictionLogOf(model),
      hashKey: () => identity?.id,
      ...(options.logSample === undefined ? {} : { sample: options.logSample }),
    },
  );
  const rollouts = new RolloutCounter(store, { log, server: id });
  const service = new InferenceService(router, predictions, metrics, rollouts);
  const guard = new StoreGuard(store, { log, token: options.token });
  const app = createApp({
    service,
    metrics,
    reports: createReportSource(store, artifacts),
    feedback: new FeedbackWriter(store, { writer: id, now: () => clock.now() }),
    log,
    packageVersion: packageVersion(),
    storeId: () => identity?.id,
    guard,
    tokens: { store, changed: () => guard.look() },
    events: store,
    ...(options.tls === undefined ? {} : { tls: readTls(options.tls) }),
    ...(options.corsOrigins === undefined ? {} : { corsOrigins: options.corsOrigins }),
  });

  // As an address of IPv6 stands in a URL.
  const host = (options.host ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1');
  await atMost(SERVING_LIMITS.farewellMs, guard.start());
  const listening = await listen(app, host, options.port, options.tls === undefined ? 'http' : 'https');
  const url = options.publicUrl ?? listening;
  const unfollow = options.tls === undefined ? undefined : followTls(app.server as unknown as HttpsServer, options.tls, log);
  const grpc = options.grpcPort === undefined ? undefined : await listenGrpc(options.grpcPort);
  await router.start();
  let isStopped = false;
  // A store that is away is asked again: values that are to be logged as digests are left out until then.
  const learnIdentity = async (): Promise<void> => {
    identity = await ensureIdentity(store).catch((error: unknown) => {
      log.warn('the store cannot be asked which one it is', { error: messageOf(error) });
      return undefined;
    });
    if (identity === undefined && !isStopped) setTimeout(() => void learnIdentity(), SERVING_LIMITS.announceMs).unref();
  };
  await learnIdentity();
  rollouts.start(url, () => router.rollouts());
  const unfollowClock = await followClock(clock, log);
  const announcer = await announce(store, { id, url }, log);
  const outcomes = watchOutcomes(store, metrics.registry, log);
  log.info('model server ready', {
    url,
    ...(grpc === undefined ? {} : { grpc: grpc.address }),
    store: store.location,
    models: router.states().map((state) => `${state.model} ${state.version ?? '-'}`),
  });
  return {
    id,
    url,
    ...(grpc === undefined ? {} : { grpc: grpc.address }),
    async flushed() {
      // One that is going on may have begun before the newest lines came.
      await predictions.flush();
      await predictions.flush();
    },
    async stop() {
      isStopped = true;
      unfollow?.();
      unfollowClock();
      await atMost(
        SERVING_LIMITS.farewellMs,
        Promise.all([announcer.stop(), outcomes.stop(), guard.stop()]).then(() => undefined),
      );
      await Promise.all([drain(app, log), grpc?.stop()]);
      await Promise.all([predictions.close(), atMost(SERVING_LIMITS.farewellMs, rollouts.stop())]);
      await atMost(SERVING_LIMITS.farewellMs, router.stop());
    },
  };

  async function listenGrpc(port: number): Promise<RunningGrpc> {
    try {
      return await startGrpc({
        service,
        metrics,
        log,
        packageVersion: packageVersion(),
        host,
        port,
        guard,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
      });
    } catch (error) {
      await app.close();
      throw error;
    }
  }
}

/** Learns at once and from time to time by how much the clock of this machine is wrong. @returns ends it */
async function followClock(clock: StoreClock, log: StepLogger): Promise<() => void> {
  let failing = false;
  const look = async (): Promise<void> => {
    try {
      await clock.look();
      failing = false;
    } catch (error) {
      if (!failing) log.warn('the clock of the store cannot be read; what was known of it holds', { error: messageOf(error) });
      failing = true;
    }
  };
  await atMost(SERVING_LIMITS.farewellMs, look());
  const timer = setInterval(() => void look(), SERVING_LIMITS.clockMs).unref();
  return () => clearInterval(timer);
}

/** A store that is away holds the end up only so long. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms).unref())]);
}

async function listen(app: FastifyInstance, host: string, port: number | undefined, scheme: 'http' | 'https'): Promise<string> {
  for (const wanted of port === undefined ? [DEFAULT_PORT, 0] : [port]) {
    try {
      await app.listen({ host, port: wanted });
      const { address, port: got, family } = app.server.address() as AddressInfo;
      const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '[::1]' : family === 'IPv6' ? `[${address}]` : address;
      return `${scheme}://${reachable}:${got}`;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && port === undefined && wanted !== 0) continue;
      if (code === 'EADDRINUSE') throw new PerennialError('PORT_TAKEN', `Port ${wanted} of ${host} is taken.`, { cause: error });
      if (code === 'EACCES')
        throw new PerennialError('PORT_TAKEN', `Port ${wanted} of ${host} may not be used: ${messageOf(error)}.`, {
          hint: 'Choose a port above 1023.',
          cause: error,
        });
      if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
        throw new PerennialError('USAGE', `This machine has no address ${JSON.stringify(host)}.`, {
          hint: 'Use 127.0.0.1, 0.0.0.0, or an address of this machine.',
          cause: error,
        });
      throw error;
    }
  }
  throw new PerennialError('PORT_TAKEN', 'No port is free.');
}

async function drain(app: FastifyInstance, log: StepLogger): Promise<void> {
  const timer = setTimeout(() => {
    log.warn('requests were still in flight at the end', { afterMs: SERVING_LIMITS.drainMs });
    app.server.closeAllConnections();
  }, SERVING_LIMITS.drainMs);
  const idle = setInterval(() => app.server.closeIdleConnections(), 100);
  const closed = app.server.listening ? once(app.server, 'close') : Promise.resolve();
  await app.close();
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return version;
}
