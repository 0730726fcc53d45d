import type { FastifyInstance } from 'fastify';
import { andThen } from '../../core/and-then.ts';
import { shownValue } from '../../core/json.ts';
import type { Question } from '../inference.ts';
import { RequestError } from '../request-error.ts';
import type { Servable } from '../servable.ts';
import { nameOf } from '../source-rows.ts';
import { CsvBody } from './csv-body.ts';
import { FormBody } from './form-body.ts';
import type { ProtocolContext } from './http.ts';
import { askOptions, objectBody, onlyKeys, placedPredictions, withVersion, targetOf } from './http.ts';

interface Params {
  readonly model: string;
  readonly version?: string;
}

/**
 * The plain form: `{ "rows": [ { column: value } ] }`, a bare array of rows, or one row; as text/csv a header and the rows,
 * as multipart/form-data a part for each column, images as files.
 * With `"partial": true` (or `?partial=true`) rows that cannot be answered are listed under `refused` with their place and the reason,
 * and each prediction has
 * the `row` that it is of.
 * Answers `{ model, version, predictions: [ { label, probabilities } | { value } | { outputs } ], id }`. A model of series answers once
 * per full window, in the order of the last rows of the windows; where there are several series or gaps, each prediction has the `row`
 * that ends its window (from 0), and with a key its `series`.
 */
export function registerRowsProtocol(app: FastifyInstance, { service }: ProtocolContext): void {
  for (const path of ['/models/:model/predict', '/models/:model/versions/:version/predict']) {
    app.post<{ Params: Params; Querystring: { readonly partial?: unknown } }>(path, (request, reply) => {
      const target = targetOf(request.params.model, request.params.version);
      const { body, query } = request;
      const partial = partialOf(query.partial);
      const options = askOptions(request);
      const answer =
        body instanceof CsvBody
          ? body.ask(service, target, request.id, options, partial === true)
          : service.ask(target, request.id, (servable) => questionOfBody(body, partial, servable), options);
      return andThen(answer, (given) =>
        withVersion(reply, given, {
          model: given.servable.model,
          version: given.servable.version,
          predictions: placedPredictions(given),
          ...(given.refused === undefined ? {} : { refused: given.refused }),
          id: given.id,
        }),
      );
    });
  }
}

/** The wish of the address, for bodies that have no place for one. @throws RequestError 400 */
function partialOf(given: unknown): boolean | undefined {
  if (given === undefined) return undefined;
  if (given === 'true' || given === 'false') return given === 'true';
  throw new RequestError(400, `"partial" of the address is ${shownValue(given)}; expected true or false.`);
}

function questionOfBody(body: unknown, wish: boolean | undefined, servable: Servable): Question {
  if (body instanceof FormBody) return placed(body.rows(servable), wish);
  if (Array.isArray(body)) return placed(body, wish);
  const object = objectBody(body);
  // A row may have a column named "rows"; it does not hold an array.
  if (!Array.isArray(object.rows)) {
    if ('rows' in object && Object.keys(object).length === 1)
      throw new RequestError(400, `"rows" is ${nameOf(object.rows)}; expected an array of objects.`);
    return placed([object], wish);
  }
  onlyKeys(object, ['rows', 'partial']);
  const { partial } = object;
  if (partial !== undefined && typeof partial !== 'boolean')
    throw new RequestError(
      400,
      `"partial" is ${shownValue(partial)}; expected true (rows that cannot be answered are set aside) or false.`,
    );
  if (partial !== undefined && wish !== undefined && partial !== wish)
    throw new RequestError(400, `"partial" is ${partial} in the body and ${wish} in the address: give it once.`);
  return placed(object.rows as unknown[], partial ?? wish);
}

function placed(rows: readonly unknown[], partial: boolean | undefined): Question {
  return partial === true ? { rows, placed: true, partial } : { rows, placed: true };
}
