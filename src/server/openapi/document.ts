import type { JsonObject, JsonSchema } from '../../core/json.ts';
import { PerennialError } from '../../core/errors.ts';
import type { InferenceService } from '../../serving/inference.ts';
import { VERSION_HEADER } from '../../serving/headers.ts';
import { PIPELINE_NAME_PATTERN } from '../../serving/protocols/events.ts';
import { RequestError } from '../../serving/request-error.ts';
import type { ModelSchemas } from './model-schemas.ts';
import { modelSchemas } from './model-schemas.ts';
import { LOG_PARAMETER, OPERATIONS, TAGS } from './operations.ts';
import type { Body, Operation } from './operations.ts';

const JSON_MEDIA = 'application/json';

/** Of every model that answers, or of some of them. One that cannot be loaded has its addresses under `{model}` alone. */
export async function servedModels(service: InferenceService, ofSome: readonly string[] | null): Promise<ModelSchemas[]> {
  const served = service.router.states().filter(({ model, version }) => version !== undefined && ofSome?.includes(model) !== false);
  const found = await Promise.all(
    served.map((state) => service.inspect({ model: state.model }, (servable) => modelSchemas(servable, state)).catch(unlessRefused)),
  );
  return found.filter((schemas) => schemas !== undefined);
}

/** @throws what is no refusal of a request */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof RequestError)) throw error;
}

/**
 * The server as OpenAPI 3.1 describes it: every address with what it takes and gives; those of a model that is served also under its own
 * name, with the columns of its champion and an example that it answers.
 */
export function openApiDocument(
  models: readonly ModelSchemas[],
  { packageVersion, token }: { readonly packageVersion: string; readonly token: boolean },
): JsonObject {
  const facts: Facts = { token, models };
  const paths: Record<string, Record<string, unknown>> = {};
  const add = (address: string, method: string, operation: object): void => {
    paths[address] = { ...paths[address], [method.toLowerCase()]: operation };
  };
  for (const [key, operation] of Object.entries(OPERATIONS)) {
    const [method, url] = key.split(' ') as [string, string];
    if (operation.ofModel === undefined || models.length === 0 || !/:model(?![a-z])/.test(url)) {
      add(addressOf(url), method, described(operation, url, facts, idOf(key)));
      continue;
    }
    for (const model of models) {
      const own = operation.ofModel(model);
      if (own === undefined) continue;
      const of = { ...operation, ...own, summary: `${operation.summary}: ${model.model}` };
      add(addressOf(url, model.model), method, described(of, url, facts, `${idOf(key)}_${model.model}`, model));
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Perennial model server',
      version: packageVersion,
      description: 'Every error is `{ "error": "…" }` with the place of what is wrong. Answers name their version in a header.',
    },
    servers: [{ url: '/' }],
    tags: Object.values(TAGS).map((name) => ({ name })),
    ...(token ? { security: [{ token: [] }] } : {}),
    paths,
    components: {
      schemas: { Error: { type: 'object', required: ['error'], properties: { error: { type: 'string' } } } },
      ...(token ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  } as unknown as JsonObject;
}

interface Facts {
  readonly token: boolean;
  readonly models: readonly ModelSchemas[];
}

/** A part of an address that differs; verbs follow a name, not a slash. */
const ADDRESS_PART = /(?<=\/):([a-z]+)/g;

/** `/models/:model/predict` → `/models/{model}/predict`, or with the name of a model. */
function addressOf(url: string, model?: string): string {
  return url.replace(ADDRESS_PART, (_, name: string) =>
    name === 'model' && model !== undefined ? encodeURIComponent(model) : `{${name}}`,
  );
}

function idOf(key: string): string {
  return key
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/_$/, '');
}

const PARAMETERS: Readonly<Record<string, string>> = {
  model: 'Name, or NAME@ALIAS where the address names no version',
  version: 'Number of a version; where a report is asked for, an alias or "latest", too',
  number: 'Number of a version',
  label: 'Alias, such as champion',
  id: 'Id, or name',
  digest: 'Digest of an evaluation, 64 hexadecimal digits',
  pipeline: 'Name of a pipeline',
};

function described(operation: Operation, url: string, { token, models }: Facts, id: string, model?: ModelSchemas): object {
  const names = [...url.matchAll(ADDRESS_PART)].map(([, name]) => name!).filter((name) => name !== 'model' || model === undefined);
  const parameters = [
    ...names.map((name) => ({
      name,
      in: 'path',
      required: true,
      description: PARAMETERS[name] ?? undescribed(name, url),
      schema: parameterSchema(name, model === undefined ? models : [model]),
    })),
    ...Object.entries(operation.query ?? {}).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
    ...(operation.logged === true ? [LOG_PARAMETER] : []),
  ];
  const { body, answer } = operation;
  const error = { description: 'What is wrong, and where', content: { [JSON_MEDIA]: { schema: { $ref: '#/components/schemas/Error' } } } };
  const good =
    answer === 'empty'
      ? undefined
      : 'media' in answer
        ? { [answer.media as string]: { schema: { type: 'string' } } }
        : { [JSON_MEDIA]: { schema: answer } };
  return {
    operationId: id,
    tags: [TAGS[operation.tag]],
    summary: operation.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: {
      [operation.creates === true ? 201 : 200]: {
        description: 'The answer',
        ...(operation.logged === true
          ? { headers: { [VERSION_HEADER]: { description: 'The version that answered', schema: { type: 'string' } } } }
          : {}),
        ...(good === undefined ? {} : { content: good }),
      },
      ...Object.fromEntries(
        (operation.alsoAnswers ?? []).map((status) => [
          status,
          { description: 'Not so', ...(good === undefined ? {} : { content: good }) },
        ]),
      ),
      default: error,
    },
    ...(token && operation.open === true ? { security: [] } : {}),
  };
}

/** A new part needs its line in {@link PARAMETERS}. */
function undescribed(name: string, url: string): never {
  throw new PerennialError('INTERNAL', `The part ":${name}" of ${url} is not described.`);
}

/** @param models that the address may be about */
function parameterSchema(name: string, models: readonly ModelSchemas[]): JsonSchema {
  if (name === 'pipeline') return { type: 'string', pattern: PIPELINE_NAME_PATTERN };
  if (name === 'digest') return { type: 'string', pattern: '^[0-9a-f]{64}$' };
  if (name === 'id' || models.length === 0) return { type: 'string', minLength: 1 };
  if (name === 'model') return { enum: models.map(({ model }) => model) };
  if (name === 'label') return { enum: [...new Set(models.flatMap(({ aliases }) => aliases))] };
  return { enum: [...new Set(models.flatMap(({ versions }) => versions.map(String)))] };
}

function requestBody({ schema, example, note, optional, others = {} }: Body): object {
  return {
    required: optional !== true,
    ...(note === undefined ? {} : { description: note }),
    content: { [JSON_MEDIA]: { schema, ...(example === undefined ? {} : { example }) }, ...others },
  };
}
