import type { FastifyInstance, FastifyReply } from 'fastify';
import { isPerennialError } from '../core/errors.ts';
import type { ErrorCode, PerennialError } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { findCheck } from '../monitoring/drift-checks/drift-check-record.ts';
import { modelTimeline } from '../monitoring/timeline/model-timeline.ts';
import { storeDigest } from '../monitoring/timeline/store-digest.ts';
import { checkModelName } from '../registry/names.ts';
import { createRegistry } from '../registry/registry.ts';
import { renderDigest } from '../reports/digest.ts';
import { renderDriftReport } from '../reports/drift-report.ts';
import { pageForHttp, retitled } from '../reports/html.ts';
import { renderTimeline } from '../reports/timeline-report.ts';
import { readCard } from '../reports/version-card.ts';
import { storeNow } from '../storage/store-clock.ts';
import { RequestError } from '../serving/request-error.ts';
import { DAYS_MAX, DIGEST_DAYS, TIMELINE_DAYS } from './openapi/operations.ts';

/** Where the server gets the HTML of evaluation reports. Both throw RequestError 404 where there is none. */
export interface ReportSource {
  /** By the digest of an `evaluation` artifact. */
  ofEvaluation(digest: string): Promise<Uint8Array>;
  /** By number, alias or "latest". */
  ofVersion(model: string, reference: string): Promise<Uint8Array>;
  /** The model card, as a page. */
  cardOf(model: string, reference: string): Promise<Uint8Array>;
  /** What became of a model. @param days the last so many */
  timelineOf(model: string, days: number): Promise<Uint8Array>;
  /** What happened to all models. @param days in the last so many */
  digest(days: number): Promise<Uint8Array>;
  /** A check for drift, by its id or the beginning of one. */
  ofCheck(model: string, id: string): Promise<Uint8Array>;
}

const FILE = 'report.html';
const DAY_MS = 24 * 3_600_000;

export function createReportSource(store: ObjectStore, artifacts: ArtifactStore): ReportSource {
  const registry = createRegistry(store, artifacts);

  async function ofEvaluation(digest: string): Promise<Uint8Array> {
    if (!/^[0-9a-f]{64}$/.test(digest))
      throw new RequestError(404, `${JSON.stringify(digest.slice(0, 80))} is no digest of an evaluation: 64 hexadecimal digits.`);
    const { manifest, bytes } = await orNotFound(
      () => artifacts.open({ digest }),
      () => `There is no evaluation ${digest}.`,
    );
    if (manifest.kind !== 'evaluation' || manifest.files[FILE] === undefined)
      throw new RequestError(404, `The artifact ${digest} is no evaluation with a report.`);
    return bytes(FILE);
  }

  /** Names no other model: who may ask about this one may not know of them. */
  async function ofModel<T>(model: string, look: () => Promise<T>): Promise<T> {
    return orNotFound(
      async () => {
        checkModelName(model);
        return look();
      },
      ({ code, message }) => (code === 'NOT_FOUND' ? `There is no model ${JSON.stringify(model.slice(0, 80))}.` : message),
    );
  }

  return {
    ofEvaluation,
    async ofVersion(model, reference) {
      const version = await ofModel(model, () => registry.version(model, reference));
      if (version.evaluation === null)
        throw new RequestError(404, `${model} version ${version.version} was registered without an evaluation, so it has no report.`);
      const { name, runId, pipeline, createdAt } = version;
      return retitled(
        await ofEvaluation(version.evaluation.digest),
        `Evaluation of ${name}, version ${version.version}`,
        `run ${runId} · pipeline ${pipeline} · ${createdAt.slice(0, 10)}`,
      );
    },
    async cardOf(model, reference) {
      const version = await ofModel(model, () => registry.version(model, reference));
      return readCard(store, artifacts, version, 'html');
    },
    async timelineOf(model, days) {
      const span = await lastDays(store, days);
      const timeline = await ofModel(model, () => modelTimeline(store, artifacts, model, span));
      return Buffer.from(await renderTimeline(timeline));
    },
    async digest(days) {
      return Buffer.from(renderDigest(await storeDigest(store, artifacts, await lastDays(store, days))));
    },
    async ofCheck(model, id) {
      // Of this model alone: who may ask about it learns nothing of others.
      const check = await orNotFound(
        async () => {
          checkModelName(model);
          return findCheck(store, id, model);
        },
        ({ message }) => message,
      );
      return Buffer.from(await renderDriftReport(check.result, check));
    },
  };
}

/** A page reads no predictions: there may be millions of them, and whoever may look may look often. */
async function lastDays(
  store: ObjectStore,
  days: number,
): Promise<{ readonly from: Date; readonly to: Date; readonly performance: false }> {
  const now = await storeNow(store);
  return { from: new Date(now - days * DAY_MS), to: new Date(now), performance: false };
}

const NOT_THERE: readonly ErrorCode[] = ['NOT_FOUND', 'VERSION_INVALID', 'NAME_INVALID', 'OBJECT_NOT_FOUND', 'USAGE'];

async function orNotFound<T>(look: () => Promise<T>, textOf: (error: PerennialError) => string): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (isPerennialError(error) && NOT_THERE.includes(error.code)) throw new RequestError(404, textOf(error));
    throw error;
  }
}

/** "?days=30". @throws RequestError 400 */
function daysOf(query: unknown, otherwise: number): number {
  const { days } = query as { readonly days?: unknown };
  if (days === undefined) return otherwise;
  const value = Number(days);
  if (typeof days !== 'string' || !Number.isInteger(value) || value < 1 || value > DAYS_MAX)
    throw new RequestError(400, `"days" is ${JSON.stringify(days)}; expected a whole number from 1 to ${DAYS_MAX}.`);
  return value;
}

/**
 * Pages: evaluation reports of every registered version and of every evaluation, rejected ones included; checks for drift; what became of
 * a model, and of all.
 */
export function registerReports(app: FastifyInstance, reports: ReportSource): void {
  app.get<{ Params: { digest: string } }>('/evaluations/:digest/report', async ({ params }, reply) =>
    page(reply, await reports.ofEvaluation(params.digest), 'immutable'),
  );
  app.get<{ Params: { model: string; version: string } }>('/models/:model/versions/:version/report', async ({ params }, reply) =>
    page(reply, await reports.ofVersion(params.model, params.version), 'no-cache'),
  );
  app.get<{ Params: { model: string; version: string } }>('/models/:model/versions/:version/card', async ({ params }, reply) =>
    page(reply, await reports.cardOf(params.model, params.version), 'no-cache'),
  );
  app.get<{ Params: { model: string } }>('/models/:model/timeline', async ({ params, query }, reply) =>
    page(reply, await reports.timelineOf(params.model, daysOf(query, TIMELINE_DAYS)), 'no-cache'),
  );
  app.get('/digest', async ({ query }, reply) => page(reply, await reports.digest(daysOf(query, DIGEST_DAYS)), 'no-cache'));
  app.get<{ Params: { model: string; id: string } }>('/models/:model/drift/:id/report', async ({ params }, reply) =>
    page(reply, await reports.ofCheck(params.model, params.id), 'no-cache'),
  );
}

function page(reply: FastifyReply, html: Uint8Array, caching: 'immutable' | 'no-cache'): FastifyReply {
  const { body, policy } = pageForHttp(html);
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', caching === 'immutable' ? 'private, max-age=31536000, immutable' : 'no-cache')
    .send(body);
}
