import type { FastifyReply } from 'fastify';
import type { InferenceService } from '../inference.ts';
import { RequestError } from '../request-error.ts';
import type { Target } from '../router.ts';
import type { Answer, Servable } from '../servable.ts';

/** What every protocol gets. */
export interface ProtocolContext {
  readonly service: InferenceService;
  /** Of this package, for the protocols' server metadata. */
  readonly packageVersion: string;
}

export const VERSION_HEADER = 'x-perennial-version';

/** `penguins`, or `penguins@challenger`; a version comes as text from the path. @throws RequestError 404 */
export function targetOf(model: string, version?: string): Target {
  const at = model.indexOf('@');
  if (version === undefined) return at === -1 ? { model } : { model: model.slice(0, at), alias: model.slice(at + 1) };
  if (at !== -1) throw new RequestError(400, `${JSON.stringify(model)} names an alias and the path a version: use one of them.`);
  return { model, version: versionOf(version) };
}

export function versionOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new RequestError(404, `${JSON.stringify(text.slice(0, 80))} is not a version; versions are 1, 2, 3, …`);
  return Number(text);
}

/** The header that says which version made this answer. */
export function sendAnswer(reply: FastifyReply, servable: Servable, body: unknown): FastifyReply {
  return reply.header(VERSION_HEADER, String(servable.version)).send(body);
}

export function objectBody(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new RequestError(400, 'The body must be a JSON object.');
  return body as Record<string, unknown>;
}

/** @throws RequestError 400 for a key that means nothing here. */
export function onlyKeys(body: Record<string, unknown>, keys: readonly string[], where = 'The body'): void {
  for (const key of Object.keys(body)) {
    if (!keys.includes(key)) throw new RequestError(400, `${where} has the unknown key ${JSON.stringify(key)}; it takes ${keys.map((name) => JSON.stringify(name)).join(', ')}.`);
  }
}

/** One output of a model under its name: `label` and `probabilities`, or `value`. */
export interface NamedOutput {
  readonly name: string;
  readonly datatype: 'BYTES' | 'FP64';
  /** Without the rows' dimension. */
  readonly shape: readonly number[];
}

export function outputsOf({ preprocessor, predictor }: Servable): NamedOutput[] {
  const { output } = preprocessor;
  if (output.kind === 'classes') {
    return [
      { name: 'label', datatype: 'BYTES', shape: [] },
      { name: 'probabilities', datatype: 'FP64', shape: [output.classes.length] },
    ];
  }
  const width = output.kind === 'number' ? output.width : predictor.meta.outputShape.reduce((product, size) => product * size, 1);
  return [{ name: 'value', datatype: 'FP64', shape: width === 1 ? [] : [width] }];
}

/** The values of one output, one item per row. */
export function valuesOf(answer: Answer, name: string): unknown[] {
  const { output } = answer.servable.preprocessor;
  return answer.predictions.map((prediction) => {
    if ('value' in prediction) return prediction.value;
    if (name === 'label' || output.kind !== 'classes') return prediction.label;
    return output.classes.map((label) => prediction.probabilities[label] ?? 0);
  });
}
