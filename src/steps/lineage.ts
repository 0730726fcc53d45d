import { resolve } from 'node:path';
import type { ArtifactRef } from '../core/artifact.ts';
import type { Change, Lineage, LineageAssertion, LineageDataset } from '../core/change.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import { PROFILE } from '../data/stored/dataset.ts';
import type { DatasetMeta, ExamplesMeta } from '../data/stored/dataset.ts';
import { fileAs } from '../storage/stored.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';

/** What a change of a step says of it. */
interface StepFacts {
  readonly step: string;
  readonly pipeline: string;
  readonly values?: JsonObject;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  readonly outputs?: Readonly<Record<string, ArtifactRef>>;
  readonly hints: {
    readonly documentDir: string;
    readonly config: JsonObject;
    /** By input: the step and output that it comes from, "ingest.dataset". */
    readonly from: Readonly<Record<string, string>>;
  };
}

/** A change of a step with what it read and wrote, as the manifests of its artifacts tell; of other changes nothing is added. */
export async function withLineage(artifacts: ArtifactStore, { hints, ...change }: Change): Promise<Change> {
  if (hints === undefined) return change;
  const facts = { ...change.data, hints } as unknown as StepFacts;
  const given = await Promise.all(
    Object.entries(facts.inputs).map(([port, ref]) => datasetOf(artifacts, ref, `${facts.pipeline}/${facts.hints.from[port] ?? port}`)),
  );
  const made = await Promise.all(
    Object.entries(facts.outputs ?? {}).map(([port, ref]) => datasetOf(artifacts, ref, `${facts.pipeline}/${facts.step}.${port}`)),
  );
  const lineage: Lineage = {
    inputs: [...sourceOf(facts, made[0]), ...given.map((dataset, index) => (index === 0 ? judged(dataset, facts) : dataset))],
    outputs: [...made, ...targetOf(facts)],
  };
  const gates = await gatesOf(artifacts, facts);
  return { ...change, data: gates === undefined ? change.data : { ...change.data, gates }, lineage };
}

async function datasetOf(artifacts: ArtifactStore, ref: ArtifactRef, name: string): Promise<LineageDataset> {
  const plain: LineageDataset = { namespace: null, name, version: ref.digest, kind: ref.kind === 'model' ? 'MODEL' : 'JOB_OUTPUT' };
  const artifact = await artifacts.open(ref).catch(() => undefined);
  if (artifact === undefined) return plain;
  const bytes = Object.values(artifact.manifest.files).reduce((sum, { size }) => sum + size, 0);
  const sized = { ...plain, bytes, files: Object.keys(artifact.manifest.files).length };
  const meta = artifact.manifest.meta as JsonObject | null;
  if (ref.kind === 'dataset') return { ...sized, ...(await tableOf(artifact)) };
  if (ref.kind === 'examples') {
    const { inputs, splits } = meta as unknown as ExamplesMeta;
    return {
      ...sized,
      rows: Object.values(splits).reduce((sum, { rows }) => sum + rows, 0),
      fields: inputs.map(({ name: field, dtype, shape }) => ({ name: field, type: `${dtype}[${shape.join(',')}]` })),
    };
  }
  if (ref.kind === 'version' && typeof meta?.['model'] === 'string')
    return { namespace: null, name: `models/${meta['model']}`, version: String(meta['version']), kind: 'MODEL' };
  return sized;
}

async function tableOf(artifact: OpenArtifact): Promise<Partial<LineageDataset>> {
  const { columns, rows } = artifact.manifest.meta as unknown as DatasetMeta;
  const profile = artifact.manifest.files['profile.json'] === undefined ? undefined : await fileAs(artifact, PROFILE, 'profile.json');
  return {
    rows: rows.train + rows.validation + rows.test,
    fields: columns.map(({ name, type }) => ({ name, type })),
    ...(profile === undefined
      ? {}
      : {
          columns: Object.fromEntries(
            profile.columns.map(({ name, count, missing, distinct, number }) => [
              name,
              {
                nullCount: missing,
                distinctCount: distinct,
                count,
                ...(number === undefined ? {} : { min: number.min, max: number.max, quantiles: { ...number.quantiles } }),
              },
            ]),
          ),
        }),
  };
}

/** A file that a step reads by its configuration: the source of an ingest or a scoring. */
function sourceOf({ hints: { config, documentDir }, inputs }: StepFacts, made: LineageDataset | undefined): LineageDataset[] {
  const source = config['source'] as { readonly path?: unknown } | undefined;
  if (typeof source?.path !== 'string') return [];
  const read = Object.keys(inputs).length === 0 ? made : undefined;
  return [{ ...fileDataset(source.path, documentDir), ...(read?.fields === undefined ? {} : { fields: read.fields }) }];
}

/** A file that a step writes by its configuration. */
function targetOf({ hints: { config, documentDir }, outputs }: StepFacts): LineageDataset[] {
  const target = config['to'];
  return outputs !== undefined && config['source'] !== undefined && typeof target === 'string' ? [fileDataset(target, documentDir)] : [];
}

function fileDataset(path: string, documentDir: string): LineageDataset {
  const [, scheme, host, rest] = /^([a-z][a-z0-9+.-]+):\/\/([^/]*)\/?(.*)$/i.exec(path) ?? [];
  return scheme === undefined
    ? { namespace: 'file', name: resolve(documentDir, path), kind: 'FILE' }
    : { namespace: `${scheme}://${host!}`, name: rest!, kind: 'FILE' };
}

/** The dataset that expectations were about, with what came of them. */
function judged(dataset: LineageDataset, { hints: { config }, values, outputs }: StepFacts): LineageDataset {
  const expected = config['expect'];
  if (!Array.isArray(expected) || outputs === undefined) return dataset;
  const broken = Array.isArray(values?.['broken']) ? (values['broken'] as readonly number[]) : [];
  return { ...dataset, assertions: expected.map((one, index) => assertionOf(one as JsonObject, broken[index] ?? 0)) };
}

function assertionOf(expectation: JsonObject, rows: number): LineageAssertion {
  const { column, ...rest } = expectation;
  const [assertion = 'expectation', bound] = Object.entries(rest)[0] ?? [];
  return {
    assertion,
    success: rows === 0,
    ...(typeof column === 'string' ? { column } : {}),
    ...(bound === undefined ? {} : { expected: typeof bound === 'string' ? bound : JSON.stringify(bound) }),
    ...(rows === 0 ? {} : { actual: `${rows} rows break it` }),
  };
}

/** Gates one by one, which the evaluation keeps: what a step gives on is their sum. */
async function gatesOf(artifacts: ArtifactStore, { outputs }: StepFacts): Promise<Json[] | undefined> {
  const ref = Object.values(outputs ?? {}).find(({ kind }) => kind === 'evaluation');
  if (ref === undefined) return undefined;
  const artifact = await artifacts.open(ref).catch(() => undefined);
  if (artifact?.manifest.files['evaluation.json'] === undefined) return undefined;
  const { gates } = await artifact.json<EvaluationReport>('evaluation.json');
  return gates.map(({ gate, passed, sentence }) => {
    const expected = JSON.stringify(gate);
    return { name: expected, passed, text: sentence, expected };
  });
}
