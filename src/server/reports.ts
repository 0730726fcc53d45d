import type { FastifyInstance, FastifyReply } from 'fastify';
import { isPerennialError } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { createRegistry } from '../registry/registry.ts';
import { pageForHttp, retitled } from '../reports/html.ts';
import { readCard } from '../reports/version-card.ts';
import { RequestError } from '../serving/request-error.ts';

/** Where the server gets the HTML of evaluation reports. Both throw RequestError 404 where there is none. */
export interface ReportSource {
  /** By the digest of an `evaluation` artifact. */
  ofEvaluation(digest: string): Promise<Uint8Array>;
  /** By number, alias or "latest". */
  ofVersion(model: string, reference: string): Promise<Uint8Array>;
  /** The model card, as a page. */
  cardOf(model: string, reference: string): Promise<Uint8Array>;
}

const FILE = 'report.html';

export function createReportSource(store: ObjectStore, artifacts: ArtifactStore): ReportSource {
  const registry = createRegistry(store, artifacts);

  async function ofEvaluation(digest: string): Promise<Uint8Array> {
    if (!/^[0-9a-f]{64}$/.test(digest))
      throw new RequestError(404, `${JSON.stringify(digest.slice(0, 80))} is no digest of an evaluation: 64 hexadecimal digits.`);
    const { manifest, bytes } = await orNotFound(() => artifacts.open({ digest }), `There is no evaluation ${digest}.`);
    if (manifest.kind !== 'evaluation' || manifest.files[FILE] === undefined)
      throw new RequestError(404, `The artifact ${digest} is no evaluation with a report.`);
    return bytes(FILE);
  }

  return {
    ofEvaluation,
    async ofVersion(model, reference) {
      const version = await orNotFound(() => registry.version(model, reference), undefined);
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
      const version = await orNotFound(() => registry.version(model, reference), undefined);
      return readCard(store, artifacts, version, 'html');
    },
  };
}

async function orNotFound<T>(look: () => Promise<T>, message: string | undefined): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (['NOT_FOUND', 'VERSION_INVALID', 'NAME_INVALID', 'OBJECT_NOT_FOUND'].some((code) => isPerennialError(error) && error.code === code))
      throw new RequestError(404, message ?? (error as Error).message);
    throw error;
  }
}

/** Evaluation reports as pages: of every registered version, and of every evaluation, rejected ones included. */
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
