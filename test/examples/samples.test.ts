import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/platform/paths.ts';
import { Perennial } from '../support/perennial.ts';
import { run } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { SAMPLES } from './promises.ts';
import type { Metrics, Sample } from './promises.ts';

const pipelines = join(packageRoot(), 'pipelines');
const document = (name: string): string => join(pipelines, `${name}.json`);

/** All that the documents promise, as they are: with `PERENNIAL_FULL_SAMPLES=1`, some minutes more. */
const isFull = process.env.PERENNIAL_FULL_SAMPLES === '1';

describe('in an editor', () => {
  const compiled = new Map<string, ValidateFunction>();
  const compile = (path: string): ValidateFunction => {
    const ajv = new Ajv({ strict: false, allErrors: true, formats: { regex: true, uri: true } });
    const known = compiled.get(path) ?? ajv.compile(JSON.parse(readFileSync(path, 'utf8')) as object);
    compiled.set(path, known);
    return known;
  };

  it.each(SAMPLES)('$name fits the schema that it names', ({ name }) => {
    const text = JSON.parse(readFileSync(document(name), 'utf8')) as { $schema: string };
    const validate = compile(resolve(dirname(document(name)), text.$schema));
    expect(validate(text), JSON.stringify(validate.errors)).toBe(true);
  });

  it('every key has a description, however deep', () => {
    const schema = JSON.parse(readFileSync(join(packageRoot(), 'schemas/generated/pipeline.schema.json'), 'utf8')) as Node;
    const definitions = schema['definitions'] as Record<string, Node>;
    const bare: string[] = [];
    const isDescribed = (node: Node): boolean =>
      node['description'] !== undefined ||
      (typeof node['$ref'] === 'string' && isDescribed(definitions[node['$ref'].slice('#/definitions/'.length)]!));
    const visit = (node: unknown, path: string): void => {
      if (node === null || typeof node !== 'object') return;
      const { properties } = node as Node;
      // Conditions only tell variants apart; what they select is described where it is defined.
      for (const [key, child] of Object.entries((properties ?? {}) as Record<string, Node>))
        if (!isDescribed(child)) bare.push(`${path}.${key}`);
      for (const [key, child] of Object.entries(node))
        if (!['if', 'then', 'else', 'default', 'examples', 'enum', 'const', 'defaultSnippets'].includes(key))
          visit(child, `${path}/${key}`);
    };
    visit(schema, '');
    expect(bare).toEqual([]);
  });
});

type Node = Record<string, unknown>;

describe('for real', () => {
  const perennial = new Perennial();
  // One after another, while the samples before them train.
  const fetched = new Map<string, Promise<string | undefined>>();
  beforeAll(async () => {
    let before: Promise<unknown> = Promise.resolve();
    for (const data of new Set(SAMPLES.map((sample) => sample.data))) {
      const fetch = before.then(() => fetchData(data));
      fetch.catch(() => {}); // seen by whoever awaits it
      fetched.set(data, fetch);
      before = fetch;
    }
    await perennial.up();
  });

  it.for(SAMPLES)(
    '$name validates, plans, and reaches the quality that it promises',
    { timeout: 1_000_000 },
    async ({ name, data, holds, quick, asks }, { skip }) => {
      const missing = await fetched.get(data);
      if (missing !== undefined && process.env.CI !== undefined) throw new Error(`The data cannot be had: ${missing}`);
      if (missing !== undefined) skip(`the data cannot be had: ${missing}`);
      const valid = await perennial.here(['validate', document(name)]);
      expect(valid.code, valid.stderr).toBe(0);
      const planned = await perennial.here(['plan', document(name), '--json']);
      expect(planned.code, planned.stderr).toBe(0);
      const file = isFull || quick === undefined ? document(name) : quickened(name, quick);
      const ended = asks === true ? await approved(file) : await perennial.here(['run', file, '--json']);
      const outcome = ended.json();
      expect({ code: ended.code, status: outcome.status, verdict: outcome.verdict }, ended.stderr).toEqual({
        code: 0,
        status: 'completed',
        verdict: 'passed',
      });
      // Beside the metrics of the model, the evaluation gives those of the naive forecast.
      const values = Object.assign({}, ...outcome.steps.map((step: { values?: Metrics }) => step.values)) as Metrics;
      if (isFull || quick === undefined) expect(holds(values), JSON.stringify(values)).toBe(true);
      expect(outcome).toMatchObject({ model: name, version: 1 });
    },
  );

  /** Starts it, approves it as soon as it asks, and follows it to its end. */
  async function approved(file: string): ReturnType<Perennial['run']> {
    const { workflowId } = (await perennial.run(['run', file, '--detach', '--json'])).json<{ workflowId: string }>();
    await until(async () => (await perennial.here(['runs', 'approve', workflowId, '--reason', 'the test says so'])).code === 0, {
      timeoutMs: 600_000,
      everyMs: 500,
    });
    return perennial.here(['runs', 'show', workflowId, '--follow', '--json']);
  }

  it('names the command that fetches a data set that is missing', async () => {
    const folder = tempDir('no-data');
    mkdirSync(join(folder, 'data'));
    copyFileSync(document('digits'), join(folder, 'digits.json'));
    const ended = await perennial.run(['run', join(folder, 'digits.json'), '--json'], { timeoutMs: 120_000 });
    expect(ended.code).toBe(1);
    expect(`${ended.stdout}${ended.stderr}`).toContain('npm run datasets');
  });
});

/** The document with other parameters and with gates that these reach, beside the same data. */
function quickened(name: string, { parameters, fraction, gates }: NonNullable<Sample['quick']>): string {
  const text = JSON.parse(readFileSync(document(name), 'utf8')) as QuickenedDocument;
  for (const [parameter, value] of Object.entries(parameters)) text.parameters[parameter]!.default = value;
  if (fraction !== undefined) text.steps[0]!.with!.sample = { fraction };
  for (const gate of text.steps.flatMap(({ with: given }) => given?.gates ?? [])) {
    for (const bound of ['atLeast', 'atMost'] as const) if (gate[bound] !== undefined) gate[bound] = gates[gate.metric]!;
  }
  const folder = tempDir('quick');
  symlinkSync(join(pipelines, 'data'), join(folder, 'data'));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(text));
  return join(folder, `${name}.json`);
}

interface QuickenedDocument {
  readonly parameters: Record<string, { default: number }>;
  readonly steps: readonly {
    readonly with?: { sample?: object; readonly gates?: readonly { readonly metric: string; atLeast?: number; atMost?: number }[] };
  }[];
}

/** Why the data of a sample cannot be had; undefined where it is there. Data sets are named like their folders. */
async function fetchData(data: string): Promise<string | undefined> {
  if (existsSync(join(pipelines, 'data', data))) return undefined;
  // With the clone's own home, so that the packages are fetched once; no stack is touched.
  const env = { PERENNIAL_HOME: join(packageRoot(), '.perennial') };
  const fetched = await run(process.execPath, [join(packageRoot(), 'bin/perennial.js'), 'datasets', data], { env, timeoutMs: 900_000 });
  return fetched.code === 0 ? undefined : fetched.stderr;
}
