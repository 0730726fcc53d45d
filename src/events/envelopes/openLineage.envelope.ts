import type { Change, ChangeType } from '../../core/change.ts';
import type { JsonObject } from '../../core/json.ts';
import { uuidOf } from '../event-id.ts';
import { defineEnvelope } from './envelope.ts';
import { PRODUCER, SCHEMA, facet } from './shared/facets.ts';
import { inputDataset, outputDataset } from './shared/lineage-datasets.ts';
import { runFacets } from './shared/run-facets.ts';

/** What the spec calls an end: ABORT where people or other runs stopped it, FAIL where it went wrong or was judged bad. */
const EVENT_TYPES: Readonly<Partial<Record<ChangeType, 'START' | 'COMPLETE' | 'FAIL' | 'ABORT' | 'OTHER'>>> = {
  'run.started': 'START',
  'run.completed': 'COMPLETE',
  'run.nothingNew': 'COMPLETE',
  'run.rejected': 'FAIL',
  'run.failed': 'FAIL',
  'run.timedOut': 'FAIL',
  'run.cancelled': 'ABORT',
  'run.terminated': 'ABORT',
  'step.started': 'START',
  'step.completed': 'COMPLETE',
  'step.rejected': 'FAIL',
  'step.failed': 'FAIL',
  'step.cancelled': 'ABORT',
  'sink.tried': 'OTHER',
};

export default defineEnvelope<{ readonly namespace?: string }>({
  name: 'openLineage',
  aliases: ['lineage', 'marquez'],
  summary: 'OpenLineage 2-0-2 run events: the start and the end of every run and of each of its steps, with what they read and wrote.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      namespace: {
        type: 'string',
        minLength: 1,
        description: 'Of jobs and of what lies in the store. Default: "perennial://" and the id of the store, which tells stores apart.',
        examples: ['ml-production'],
      },
    },
    default: {},
    description: 'How jobs and datasets are named.',
  },
  reference: 'https://openlineage.io/docs/spec/object-model',
  tells: Object.keys(EVENT_TYPES),
  write(change, config, { storeId }) {
    const eventType = EVENT_TYPES[change.type];
    if (eventType === undefined) return undefined;
    const namespace = config.namespace ?? `perennial://${storeId}`;
    const { data, lineage } = change;
    const step = text(data['step']);
    const run = { id: uuidOf(storeId, runKeyOf(data)), name: String(data['pipeline']) };
    const own =
      step === undefined ? run : { id: uuidOf(storeId, runKeyOf(data), step, String(data['execution'] ?? 1)), name: `${run.name}.${step}` };
    const id = uuidOf(storeId, change.key, 'openLineage');
    const body = {
      eventTime: change.at,
      producer: PRODUCER,
      schemaURL: `${SCHEMA}#/$defs/RunEvent`,
      eventType,
      run: { runId: own.id, facets: runFacets(change, namespace, step === undefined ? undefined : run) },
      job: { namespace, name: own.name, facets: jobFacets(change, step) },
      inputs: lineage?.inputs.map((dataset) => inputDataset(dataset, namespace)) ?? [],
      outputs: lineage?.outputs.map((dataset) => outputDataset(dataset, namespace)) ?? [],
    };
    return { id, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
  },
});

/** One execution of a workflow. */
const runKeyOf = (data: JsonObject): string => `${String(data['run'])}/${String(data['executionId'])}`;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function jobFacets({ data }: Pick<Change, 'data'>, step: string | undefined): JsonObject {
  const described = text(data['description']);
  return {
    jobType: facet('2-0-4', 'JobTypeJobFacet', {
      processingType: 'BATCH',
      integration: 'PERENNIAL',
      jobType: step === undefined ? 'PIPELINE' : String(data['type'] ?? 'STEP').toUpperCase(),
    }),
    ...(described === undefined || described === ''
      ? {}
      : { documentation: facet('1-1-0', 'DocumentationJobFacet', { description: described }) }),
  };
}
