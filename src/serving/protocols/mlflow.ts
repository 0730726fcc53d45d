import type { FastifyInstance } from 'fastify';
import type { Row } from '../../core/tensor.ts';
import type { InferenceService, Question } from '../inference.ts';
import { RequestError } from '../request-error.ts';
import type { Servable } from '../servable.ts';
import { nameOf } from '../source-rows.ts';
import { CsvBody } from './csv-body.ts';
import type { ProtocolContext } from './http.ts';
import { askOptions, firstTwice, objectBody, onlyKeys, placedPredictions, withVersion, targetOf, withoutNaN } from './http.ts';
import { questionOf } from './tf-serving-messages.ts';

const FORMS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;

interface Params {
  readonly model?: string;
}

/**
 * MLflow's scoring protocol. `/invocations` asks the one model that is served; where there are several, `/models/NAME/invocations` does.
 * The prediction of a row is what the plain form answers.
 *
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
export function registerMlflowProtocol(app: FastifyInstance, { service, packageVersion }: ProtocolContext): void {
  for (const path of ['/ping', '/health'])
    app.get(path, async (_request, reply) =>
      reply
        .code(service.router.ready ? 200 : 503)
        .type('application/json')
        .send('\n'),
    );
  app.get('/version', async (_request, reply) => reply.type('text/plain').send(packageVersion));
  for (const path of ['/invocations', '/models/:model/invocations'])
    app.post<{ Params: Params }>(path, async (request, reply) => {
      const target = targetOf(request.params.model ?? onlyModel(service));
      const { body } = request;
      const options = askOptions(request);
      const answer =
        body instanceof CsvBody
          ? await body.ask(service, target, request.id, options, false)
          : await service.ask(target, request.id, (servable) => questionOfForms(objectBody(body), servable), options);
      return withVersion(reply, answer, { predictions: placedPredictions(answer) });
    });
}

function onlyModel({ router }: InferenceService): string {
  const models = router.states().map(({ model }) => model);
  if (models.length === 1) return models[0]!;
  throw new RequestError(
    models.length === 0 ? 404 : 400,
    models.length === 0
      ? 'No model is served yet.'
      : `${models.length} models are served (${models.slice(0, 10).join(', ')}${models.length > 10 ? ', …' : ''}): send to /models/NAME/invocations.`,
  );
}

function questionOfForms(body: Record<string, unknown>, servable: Servable): Question {
  onlyKeys(body, [...FORMS, 'params']);
  const given = FORMS.filter((form) => form in body);
  if (given.length !== 1)
    throw new RequestError(
      400,
      `Give one of ${FORMS.map((form) => JSON.stringify(form)).join(', ')}; given: ${given.join(', ') || 'none'}.`,
    );
  if (body.params !== undefined && body.params !== null && Object.keys(objectBody(body.params)).length > 0)
    throw new RequestError(400, `The model takes no "params", given ${Object.keys(objectBody(body.params)).slice(0, 10).join(', ')}.`);
  if (given[0] === 'instances' || given[0] === 'inputs') return questionOf({ [given[0]]: body[given[0]] }, servable);
  const rows = given[0] === 'dataframe_split' ? rowsOfSplit(body.dataframe_split) : body.dataframe_records;
  if (!Array.isArray(rows)) throw new RequestError(400, `"dataframe_records" must be an array of objects, given ${nameOf(rows)}.`);
  return { rows: rows.map(withoutNaN), placed: true };
}

function rowsOfSplit(given: unknown): Row[] {
  const split = objectBody(given);
  onlyKeys(split, ['columns', 'data', 'index'], '"dataframe_split"');
  const { columns, data } = split;
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string'))
    throw new RequestError(400, `"dataframe_split.columns" must be an array of names, given ${nameOf(columns)}.`);
  const twice = firstTwice(columns as string[]);
  if (twice !== undefined) throw new RequestError(400, `"dataframe_split.columns" names ${JSON.stringify(twice)} twice.`);
  if (!Array.isArray(data)) throw new RequestError(400, `"dataframe_split.data" must be an array of rows, given ${nameOf(data)}.`);
  return data.map((row: unknown, index) => {
    if (!Array.isArray(row) || row.length !== columns.length)
      throw new RequestError(
        400,
        `"dataframe_split.data", row ${index}: expected an array of ${columns.length} values, given ${Array.isArray(row) ? row.length : nameOf(row)}.`,
        { row: index },
      );
    return Object.fromEntries(columns.map((name, at) => [name, row[at] as unknown])) as Row;
  });
}
