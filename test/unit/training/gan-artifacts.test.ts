import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { Json } from '../../../src/core/json.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import { latentBatch } from '../../../src/data/answers/latent.ts';
import { decodePlainPng } from '../../../src/data/images/png.ts';
import { evaluateModel } from '../../../src/evaluation/step/evaluate.ts';
import { renderEvaluationReport } from '../../../src/reports/evaluation-report.ts';
import { loadModel } from '../../../src/training/bundle/load-model.ts';
import { runTraining } from '../../../src/training/step/run-training.ts';
import type { TrainingReport } from '../../../src/training/step/run-training.ts';
import { loadSampler } from '../../../src/training/generation/sampler.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { readBaseFiles, readBaseWeights } from '../../../src/training/transfer/base-files.ts';
import type { BaseSource } from '../../../src/training/transfer/base-files.ts';
import { asJson, buildTrainer, classTable, imageTable, memoryStores, stepContext, temporaryFolder, writeExamples } from './fixtures.ts';
import type { Table } from './fixtures.ts';

let trainer = '';
const stores = memoryStores();

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(() => rmSync(dirname(trainer), { recursive: true, force: true }));

async function train(table: Table, config: Json, base?: BaseSource): Promise<TrainingReport> {
  return runTraining(
    stepContext(stores, temporaryFolder()),
    completeTrainConfig(asJson(config)),
    await writeExamples(stores, table, { formatVersion: 1, seed: 1, columns: [] }),
    trainer,
    base,
  );
}

const open = (ref: ArtifactRef): Promise<OpenArtifact> => stores.artifacts.open(ref);
const versionOf = async ({ model }: TrainingReport, version: number): Promise<BaseSource> => ({
  origin: { model: 'squares', version, digest: model.digest },
  artifact: await open(model),
});

async function weightsOf(source: BaseSource): Promise<ReadonlyMap<string, Float32Array>> {
  return readBaseWeights(await readBaseFiles(source, [], temporaryFolder()));
}

test('a generator goes on against the discriminator that it was left with, and makes samples', async () => {
  const table = imageTable(48);
  const gan = {
    architecture: 'gan',
    latentSize: 5,
    conditional: true,
    generator: { filters: [4], outputActivation: 'sigmoid', learningRateFactor: 0.5 },
    discriminator: { filters: [4] },
  };
  const first = await train(table, { model: gan, optimizer: { adam: { learningRate: 0.01 } }, epochs: 2, batchSize: 16 });
  const source = await versionOf(first, 1);
  // So small a rate moves nothing that float32 would show, so that the weights are those that training began with.
  const config: Json = { model: { from: { model: 'squares' } }, optimizer: { sgd: { learningRate: 1e-30 } }, epochs: 1, batchSize: 16 };
  const further = await train(table, config, source);
  const [before, after] = [await weightsOf(source), await weightsOf(await versionOf(further, 2))];
  const moved = [...after]
    .filter(([name, values]) => before.get(name)!.some((value, index) => value !== values[index]))
    .map(([name]) => name);
  expect(moved.filter((name) => !/moving/.test(name))).toEqual([]);
  expect([...after.keys()].filter((name) => name.startsWith('discriminator/')).length).toBeGreaterThan(4);
  expect(further.meta).toMatchObject({
    base: { model: 'squares', version: 1 },
    output: first.meta.output,
    training: { objective: 'adversarial', continues: gan },
  });

  // And once more, from what went on; the classes have to be those that it knows.
  const again = await versionOf(further, 2);
  expect((await train(table, config, again)).meta.output).toEqual(first.meta.output);
  const others = train({ ...table, output: { kind: 'classes', name: 'corner', classes: ['w', 'x', 'y', 'z'] } }, config, again);
  await expect(others).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('needs the task of squares version 2') as string,
  });
  await expect(train(imageTable(48, 12), config, again)).rejects.toMatchObject({
    code: 'SHAPE_MISMATCH',
    message: expect.stringContaining('reads "image" [8, 8, 1]') as string,
  });
  await expect(train(table, { model: { from: { model: 'squares' }, head: 'replace' } }, again)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('is a generator') as string,
  });

  const sampler = await loadSampler(await open(first.model), 'squares version 1');
  const size = 64;
  const made = await sampler.sample(Array.from({ length: 300 }, (_, seed) => ({ seed, label: seed % 4 })));
  expect(made).toHaveLength(300 * size);
  expect(await sampler.sample([{ seed: 7, label: 3 }])).toEqual(made.slice(7 * size, 8 * size));
  expect(await sampler.sample([{ seed: 7, label: 2 }])).not.toEqual(made.slice(7 * size, 8 * size));
  sampler.dispose();
  const model = await loadModel(await open(first.model));
  await expect(
    model.predict(latentBatch({ latentSize: 6, label: { name: 'corner', classes: ['a', 'b'] } }, [{ seed: 1, label: 0 }])),
  ).rejects.toThrow('The tensor "latent" holds 6 values; 1 rows of [5] need 5.');
  await expect(model.predict({ latent: latentBatch({ latentSize: 5 }, [{ seed: 1 }]).latent! })).rejects.toThrow('"label": missing');
  model.dispose();

  const examples = await open(await writeExamples(stores, table, { formatVersion: 1, seed: 1, columns: [] }));
  const report = await evaluateModel(
    {
      model: await open(further.model),
      examples,
      dataset: examples,
      champion: { none: 'the first' },
      trainedOn: { unknown: 'made up' },
      former: [],
    },
    {
      pipeline: 'squares',
      metrics: [],
      gates: [],
      onNoChampion: 'pass',
      comparison: { minimumRows: 1, onTooFewRows: 'fail' },
      slices: [],
      seed: 1,
    },
  );
  expect(report).toMatchObject({ task: 'generation', baseline: { kind: 'untrained' } });
  const html = await renderEvaluationReport(report);
  const pictures = [...html.matchAll(/data:image\/png;base64,([^"]+)"/g)].map(([, png]) =>
    decodePlainPng(Buffer.from(png!, 'base64'), 1e6)!,
  );
  // A row of samples for each of the four classes, beside one of examples; then the way there.
  expect(pictures.slice(0, 2).map(({ width, height }) => [width, height])).toEqual([
    [78, 38],
    [78, 38],
  ]);
  expect(pictures.length).toBeGreaterThan(2);
  expect(html).toContain('Rows: a, b, c, d.');
});

test('a variational autoencoder makes samples, a plain one and a classifier make none', async () => {
  const table = classTable(60);
  const autoencoder = { architecture: 'autoencoder', units: [8], latentSize: 2 };
  const variational = await train(table, { model: { ...autoencoder, variational: true }, epochs: 2 });
  const sampler = await loadSampler(await open(variational.model), 'kinds version 1');
  expect(sampler.samples).toEqual(table.inputs);
  const made = await sampler.sample([{ seed: 1 }, { seed: 2 }]);
  const width = table.inputs.reduce((sum, { shape }) => sum + shape[0]!, 0);
  expect(made).toHaveLength(2 * width);
  expect(made.subarray(0, width)).not.toEqual(made.subarray(width));
  expect(await sampler.sample([{ seed: 2 }])).toEqual(made.slice(width));
  sampler.dispose();
  const plain = await train(table, { model: autoencoder, epochs: 1 });
  await expect(loadSampler(await open(plain.model), 'kinds version 2')).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: 'kinds version 2 scores anomalies, and is no variational autoencoder; it makes no samples.',
  });
  const answers = await (await open(plain.model)).json<{ rows: number; columns: { name: string }[] }>('answers.json');
  expect(answers.columns.map(({ name }) => name)).toEqual(['prediction.score', 'prediction.anomaly']);
});
