import type { FastifyInstance } from 'fastify';
import { andThen } from '../../core/and-then.ts';
import { RequestError } from '../request-error.ts';
import type { ModelState } from '../model-slot.ts';
import type { Answer } from '../servable.ts';
import type { ProtocolContext } from './http.ts';
import { outputsOf, valuesOf } from '../named-outputs.ts';
import { askOptions, objectBody, withVersion, targetOf, versionOf } from './http.ts';
import { examplesOf, questionOf, requireAnswersOf, resultsOf, signatureMetadata } from './tf-serving-messages.ts';

interface Params {
  readonly model: string;
  readonly number?: string;
  readonly label?: string;
}

/**
 * TensorFlow Serving's REST API, version 1.
 *
 * @see https://github.com/tensorflow/serving (tensorflow_serving/g3doc/api_rest.md)
 */
export function registerTfServingProtocol(app: FastifyInstance, { service }: ProtocolContext): void {
  app.get('/v1/models', async () => ({
    models: service.router.states().map((state) => ({ name: state.model, model_version_status: statuses(state) })),
  }));
  for (const path of ['/v1/models/:model', '/v1/models/:model/versions/:number', '/v1/models/:model/labels/:label']) {
    app.get<{ Params: Params }>(path, async ({ params }, reply) => {
      refuseVerb(params);
      const target = { model: params.model, ...addressed(params) };
      if (target.version === undefined && target.alias === undefined)
        return reply.send(modelStatus(await service.router.state(params.model)));
      const servable = await service.inspect(target, (found) => found);
      return withVersion(reply, { servable }, { model_version_status: [status(servable.version, 'AVAILABLE')] });
    });
    app.get<{ Params: Params }>(`${path}/metadata`, async ({ params }, reply) => {
      const { servable, body } = await service.inspect({ model: params.model, ...addressed(params) }, (found) => ({
        servable: found,
        body: signatureMetadata(found),
      }));
      return withVersion(reply, { servable }, body);
    });
    // The verb follows the last name after a colon, which the router of the HTTP framework takes as part of the name.
    app.post<{ Params: Params }>(path, (request, reply) => {
      const { params, verb } = withoutVerb(request.params);
      const target = { ...targetOf(params.model), ...addressed(params) };
      const body = objectBody(request.body);
      const read = verb === 'predict' ? questionOf : examplesOf;
      const answer = service.ask(
        target,
        request.id,
        (servable) => {
          if (verb !== 'predict') requireAnswersOf(verb, servable);
          return read(body, servable);
        },
        askOptions(request),
      );
      return andThen<Answer, object>(answer, (given) => {
        if (verb !== 'predict') return withVersion(reply, given, resultsOf(verb, given));
        return withVersion(reply, given, 'instances' in body ? { predictions: byRow(given) } : { outputs: byColumn(given) });
      });
    });
  }
}

function addressed({ number, label }: Params): { version?: number; alias?: string } {
  if (number !== undefined) return { version: versionOf(number) };
  return label === undefined ? {} : { alias: label };
}

/** A verb is asked with POST. */
function refuseVerb({ number, label, model }: Params): void {
  const verb = /:[a-z]+$/.exec(number ?? label ?? model)?.[0];
  if (verb !== undefined) throw new RequestError(405, `"${verb}" takes POST, not GET.`, { allow: 'POST' });
}

type Verb = 'predict' | 'classify' | 'regress';

function withoutVerb(params: Params): { readonly params: Params; readonly verb: Verb } {
  const last = params.number ?? params.label ?? params.model;
  const colon = last.lastIndexOf(':');
  const verb = colon === -1 ? '' : last.slice(colon + 1);
  if (verb !== 'predict' && verb !== 'classify' && verb !== 'regress')
    throw new RequestError(404, 'Unknown address: a prediction is asked for with POST …:predict, …:classify or …:regress.');
  const name = last.slice(0, colon);
  if (params.number !== undefined) return { verb, params: { ...params, number: name } };
  return { verb, params: params.label !== undefined ? { ...params, label: name } : { model: name } };
}

interface VersionStatus {
  readonly version: string;
  readonly state: 'AVAILABLE' | 'LOADING' | 'END';
  readonly status: { readonly error_code: string; readonly error_message: string };
}

export function status(version: number, state: VersionStatus['state'], code = 'OK', message = ''): VersionStatus {
  return { version: String(version), state, status: { error_code: code, error_message: message } };
}

/** Every version that answers, newest first: loaded, on the shelf, or named by an alias. Before them one that is wanted and not there. */
export function statuses(state: ModelState): VersionStatus[] {
  const coming = state.wanted !== undefined && state.wanted !== state.version ? state.wanted : undefined;
  const versions = [...new Set([...state.loaded, ...state.shelf, ...Object.values(state.aliases)])]
    .filter((version) => version !== coming)
    .sort((a, b) => b - a);
  const serving = versions.map((version) => status(version, 'AVAILABLE'));
  if (coming === undefined) return serving;
  return [
    state.error === undefined
      ? status(coming, 'LOADING')
      : status(coming, 'END', 'INTERNAL', 'This version cannot be loaded; the log of the server tells why.'),
    ...serving,
  ];
}

/** `name` and `ready` are what KServe's first protocol has at the same address. */
function modelStatus(state: ModelState): object {
  return { name: state.model, ready: state.version !== undefined, model_version_status: statuses(state) };
}

/** Objects of all outputs; bare values where a model has one output. */
function byRow(answer: Answer): unknown[] {
  const outputs = outputsOf(answer.servable);
  const columns = outputs.map((output) => valuesOf(answer, output));
  if (outputs.length === 1) return columns[0]!;
  return answer.predictions.map((_, row) => Object.fromEntries(outputs.map((output, index) => [output.name, columns[index]![row]])));
}

function byColumn(answer: Answer): unknown {
  const outputs = outputsOf(answer.servable);
  if (outputs.length === 1) return valuesOf(answer, outputs[0]!);
  return Object.fromEntries(outputs.map((output) => [output.name, valuesOf(answer, output)]));
}
