import type { FastifyInstance } from 'fastify';
import { andThen } from '../../core/and-then.ts';
import { CUT_OFF_HEADER, ROUTING_HEADER } from '../headers.ts';
import type { InferenceService } from '../inference.ts';
import { RequestError } from '../request-error.ts';
import type { Answer } from '../servable.ts';
import type { ProtocolContext } from './http.ts';
import { BinaryBody, JSON_LENGTH_HEADER } from './binary-tensors.ts';
import { askOptions, objectBody, onlyKeys, withVersion, targetOf } from './http.ts';
import { inferAnswer } from './open-inference-answer.ts';
import { modelMetadata, questionOf, requestedOutputs } from './open-inference-messages.ts';
import type { InferRequest } from './open-inference-messages.ts';
import { modelConfig, modelStatistics, repositoryIndex } from './open-inference-repository.ts';

/** Beyond the protocol itself; clients of Triton ask for them by default. */
export const EXTENSIONS = ['binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'statistics'];

interface Params {
  readonly model: string;
  readonly version?: string;
}

/**
 * Open Inference Protocol v2 over HTTP. Where its text and its OpenAPI file disagree, answers hold the fields of both.
 *
 * @see https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md)
 */
export function registerOpenInferenceProtocol(app: FastifyInstance, { service, packageVersion }: ProtocolContext): void {
  const { router } = service;
  app.get('/v2', async () => ({ name: 'perennial', version: packageVersion, extensions: EXTENSIONS }));
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => {
    const degraded = router.states().filter((state) => state.error !== undefined).length;
    return reply.code(router.ready ? 200 : 503).send({
      ready: router.ready,
      live: true,
      store: router.storeReachable ? 'up' : 'down',
      degraded,
      predictionLog: service.predictionLog,
    });
  });
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<{ Params: Params }>(path, async ({ params }, reply) => {
      const target = targetOf(params.model, params.version);
      const versions = await router.versions(target.model);
      const state = await router.state(target.model);
      const { servable, body } = await service.inspect(target, (found) => ({
        servable: found,
        body: modelMetadata(found, versions, state),
      }));
      reply.header(ROUTING_HEADER, String((await router.state(target.model)).routingRevision));
      if (router.cutOffSince !== undefined) reply.header(CUT_OFF_HEADER, router.cutOffSince);
      return withVersion(reply, { servable }, body);
    });
    app.get<{ Params: Params }>(`${path}/ready`, async ({ params }, reply) => {
      const target = targetOf(params.model, params.version);
      try {
        const servable = await service.inspect(target, (found) => found);
        return withVersion(reply, { servable }, { name: target.model, ready: true });
      } catch (error) {
        if (!(error instanceof RequestError) || error.status !== 503) throw error;
        return reply.code(503).send({ name: target.model, ready: false, error: error.message });
      }
    });
    app.get<{ Params: Params }>(`${path}/config`, async ({ params }, reply) => {
      const { servable, body } = await service.inspect(targetOf(params.model, params.version), (found) => ({
        servable: found,
        body: modelConfig(found),
      }));
      return withVersion(reply, { servable }, body);
    });
    app.get<{ Params: Params }>(`${path}/stats`, async ({ params }) => {
      const target = targetOf(params.model, params.version);
      await router.state(target.model);
      return { model_stats: modelStatistics(service.statistics, target) };
    });
    app.post<{ Params: Params }>(`${path}/infer`, (request, reply) => {
      const asked = inferRequest(request.body);
      const id = requestId(asked.body, request.id);
      const answer = service.ask(
        targetOf(request.params.model, request.params.version),
        id,
        (servable) => {
          requestedOutputs(asked, servable);
          return questionOf(asked, servable);
        },
        askOptions(request),
      );
      return andThen<Answer, object>(answer, (given) => {
        const { header, tail } = inferAnswer(given, requestedOutputs(asked, given.servable));
        if (tail.length === 0) return withVersion(reply, given, header);
        const json = Buffer.from(JSON.stringify(header), 'utf8');
        reply.header(JSON_LENGTH_HEADER, String(json.length)).header('content-type', 'application/octet-stream');
        return withVersion(reply, given, Buffer.concat([json, ...tail]));
      });
    });
  }
  app.get('/v2/models/stats', async () => ({ model_stats: modelStatistics(service.statistics, {}) }));
  app.post<{ Params: Params }>('/v2/repository/models/:model/load', async ({ params, body }) => {
    onlyKeys(objectBody(body ?? {}), ['parameters']);
    return loadModel(service, params.model, (body as { parameters?: unknown } | null)?.parameters);
  });
  app.post<{ Params: Params }>('/v2/repository/models/:model/unload', async ({ params }) => unloadModel(service, params.model));
  app.post('/v2/repository/index', async ({ body }) => repositoryIndex(router.states(), body));
}

function inferRequest(body: unknown): InferRequest {
  return body instanceof BinaryBody ? { body: objectBody(body.json), tail: body.tail } : { body: objectBody(body), tail: Buffer.alloc(0) };
}

function requestId(body: Record<string, unknown>, otherwise: string): string {
  if (body.id === undefined || body.id === '') return otherwise;
  if (typeof body.id !== 'string' || body.id.length > 200) throw new RequestError(400, '"id" must be a text of at most 200 characters.');
  return body.id;
}

/** Waits until a model answers. @throws RequestError */
export async function loadModel(service: InferenceService, model: string, parameters: unknown): Promise<object> {
  if (Object.keys(objectBody(parameters ?? {})).length > 0)
    throw new RequestError(400, 'A version is loaded as it was registered: "parameters" that change it are not taken.');
  await service.inspect(targetOf(model), () => undefined);
  return {};
}

/** @throws RequestError, always: what is served is decided by aliases */
export async function unloadModel({ router }: InferenceService, model: string): Promise<never> {
  await router.state(targetOf(model).model);
  throw new RequestError(
    400,
    `What is served of ${JSON.stringify(model)} follows its aliases: promote, roll back or delete versions with \`perennial models\`. What nobody asks for leaves the memory by itself.`,
  );
}
