import type { InferenceService } from '../../serving/inference.ts';
import { targetOf } from '../../serving/protocols/http.ts';
import { inferAnswer } from '../../serving/protocols/open-inference-answer.ts';
import { modelMetadata, questionOf, requestedOutputs } from '../../serving/protocols/open-inference-messages.ts';
import { modelConfig, modelStatistics, repositoryIndex } from '../../serving/protocols/open-inference-repository.ts';
import { EXTENSIONS, loadModel, unloadModel } from '../../serving/protocols/open-inference.ts';
import { RequestError } from '../../serving/request-error.ts';
import type { Target } from '../../serving/router.ts';
import { inferRequestOf } from './infer-request.ts';
import type { GrpcInferRequest } from './infer-request.ts';
import { tellAnswer } from './method.ts';
import type { Call, GrpcService, Method } from './method.ts';
import { OPEN_INFERENCE } from './open-inference-messages.ts';

/**
 * The Open Inference Protocol v2 over gRPC, as HTTP answers it.
 *
 * @see https://github.com/kserve/open-inference-protocol (specification/protocol/inference_grpc.md)
 */
export function openInferenceService(service: InferenceService, packageVersion: string): GrpcService {
  const methods = methodsOf(service, packageVersion);
  const model = ({ name, model_name: named }: Call['request']): unknown => named ?? name;
  return {
    name: 'inference.GRPCInferenceService',
    codec: OPEN_INFERENCE,
    methods: Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, { ...method, model }])),
  };
}

function methodsOf(service: InferenceService, packageVersion: string): Readonly<Record<string, Method>> {
  const { router } = service;
  const named = ({ name, version }: Record<string, unknown>): Target => addressed(name, version);
  return {
    ServerLive: { request: 'Empty', response: 'ServerLiveResponse', open: true, run: () => ({ live: true }) },
    ServerReady: { request: 'Empty', response: 'ServerReadyResponse', open: true, run: () => ({ ready: router.ready }) },
    ModelReady: {
      request: 'NamedModel',
      response: 'ModelReadyResponse',
      run: async ({ request }) => {
        try {
          await service.inspect(named(request), () => undefined);
          return { ready: true };
        } catch (error) {
          if (error instanceof RequestError && error.status === 503) return { ready: false };
          throw error;
        }
      },
    },
    ServerMetadata: {
      request: 'Empty',
      response: 'ServerMetadataResponse',
      run: () => ({ name: 'perennial', version: packageVersion, extensions: EXTENSIONS }),
    },
    ModelMetadata: {
      request: 'NamedModel',
      response: 'ModelMetadataResponse',
      run: async ({ request }) => {
        const target = named(request);
        const [versions, state] = [await router.versions(target.model), await router.state(target.model)];
        return service.inspect(target, (found) => modelMetadata(found, versions, state) as object);
      },
    },
    ModelConfig: {
      request: 'NamedModel',
      response: 'ModelConfigResponse',
      run: async ({ request }) => ({ config: await service.inspect(named(request), modelConfig) }),
    },
    ModelStatistics: {
      request: 'NamedModel',
      response: 'ModelStatisticsResponse',
      role: 'operate',
      run: async ({ request }) => {
        if (request.name === undefined || request.name === '') return { model_stats: modelStatistics(service.statistics, {}) };
        const target = named(request);
        await router.state(target.model);
        return { model_stats: modelStatistics(service.statistics, target) };
      },
    },
    RepositoryIndex: {
      request: 'RepositoryIndexRequest',
      response: 'RepositoryIndexResponse',
      run: ({ request }) => ({ models: repositoryIndex(router.states(), { ready: request.ready === true }) }),
    },
    RepositoryModelLoad: {
      request: 'RepositoryModelRequest',
      response: 'Empty',
      role: 'operate',
      audited: true,
      run: ({ request }) => loadModel(service, String(request.model_name ?? ''), request.parameters),
    },
    RepositoryModelUnload: {
      request: 'RepositoryModelRequest',
      response: 'Empty',
      role: 'operate',
      audited: true,
      run: ({ request }) => unloadModel(service, String(request.model_name ?? '')),
    },
    ModelInfer: { request: 'ModelInferRequest', response: 'ModelInferResponse', run: (call) => infer(service, call) },
  };
}

/** A version that is not given is absent, or empty. */
function addressed(model: unknown, version: unknown): Target {
  return targetOf(String(model ?? ''), version === undefined || version === '' ? undefined : String(version));
}

async function infer(service: InferenceService, call: Call): Promise<object> {
  const { request, options } = call;
  const given = request as unknown as GrpcInferRequest;
  const asked = inferRequestOf(given);
  const target = addressed(given.model_name, given.model_version);
  const id = given.id === undefined || given.id === '' ? call.id : given.id;
  if (id.length > 200) throw new RequestError(400, '"id" must be a text of at most 200 characters.');
  const answer = await service.ask(
    target,
    id,
    (servable) => {
      requestedOutputs(asked, servable);
      return questionOf(asked, servable);
    },
    options,
  );
  tellAnswer(call, answer);
  const { header, tail } = inferAnswer(answer, requestedOutputs(asked, answer.servable));
  return { ...header, outputs: header.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })), raw_output_contents: tail };
}
