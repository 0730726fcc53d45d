import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { TensorSpec } from '../../core/tensor.ts';
import type { ExportResult } from '../../registry/export.ts';
import type { AskedSample, Sampler } from '../../training/generation/sampler.ts';
import type { CliIo } from '../commands/command.ts';
import { openRegistry } from './options.ts';

export interface SampleOptions {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly label?: string;
  readonly version: string;
}

/** Samples beside each other in the overview. */
const GRID = 8;
const GRID_MAX = 400;

/** Writes what a registered generator makes of seeds: images as PNG, rows of a table as CSV. */
export async function sampleAction(
  io: CliIo,
  model: string,
  { out, count, seed, label, version: reference }: SampleOptions,
): Promise<void> {
  const { registry, artifacts } = await openRegistry();
  const manifest = await registry.version(model, reference);
  const text = `${model} version ${manifest.version}`;
  const { loadSampler } = await import('../../training/generation/sampler.ts');
  const { writeFolder } = await import('../../registry/export.ts');
  const artifact = await artifacts.open(manifest.model);
  const sampler = await loadSampler(artifact, text);
  try {
    const format = formatOf(sampler.samples, text);
    const asked = askedOf(sampler, { count, seed, ...(label === undefined ? {} : { label }) }, text);
    let kept: readonly string[] = [];
    const written = await writeFolder(out, async (aside) => {
      if (format === 'images') return writeImages(aside, sampler, asked);
      const table = await writeTable(aside, sampler, asked, artifact);
      kept = table.kept;
      return table;
    });
    io.result({
      model,
      version: manifest.version,
      format,
      count,
      seeds: [seed, seed + count - 1],
      ...(label === undefined ? {} : { label }),
      directory: written.directory,
      files: written.files,
    });
    io.print(
      `${count} ${format === 'images' ? 'image' : 'row'}${count === 1 ? '' : 's'} of ${text}, from the ${count === 1 ? `seed ${seed}` : `seeds ${seed} to ${seed + count - 1}`}, in ${written.directory}.`,
    );
    if (kept.length > 0) io.print(`As the network knows them, because their transforms cannot be turned back: ${kept.join(', ')}.`);
  } finally {
    sampler.dispose();
  }
}

/** @throws MODEL_INVALID for samples that are neither images nor rows */
function formatOf(samples: readonly TensorSpec[], text: string): 'images' | 'table' {
  if (samples.length === 1 && samples[0]!.shape.length === 3) return 'images';
  if (samples.every(({ shape }) => shape.length === 1)) return 'table';
  throw new PerennialError(
    'MODEL_INVALID',
    `${text} makes ${samples.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(' with ')}, which is neither an image nor a row of a table.`,
    { hint: 'Export the model with `perennial models export` and use its decoder.' },
  );
}

/** @throws USAGE for a label that the model does not know */
function askedOf(
  { label: classes }: Sampler,
  { count, seed, label }: Pick<SampleOptions, 'count' | 'seed' | 'label'>,
  text: string,
): AskedSample[] {
  if (classes === undefined && label !== undefined)
    throw new PerennialError('USAGE', `--label ${label}: ${text} cannot be asked for a label.`, {
      hint: 'Leave --label out; a generator knows labels where it was trained with "conditional": true.',
    });
  const wanted = label === undefined ? -1 : classes!.classes.indexOf(label);
  if (label !== undefined && wanted < 0)
    throw new PerennialError(
      'USAGE',
      `--label ${label}: ${text} knows no such "${classes!.name}". It knows ${classes!.classes.slice(0, 20).join(', ')}${classes!.classes.length > 20 ? ', …' : ''}.`,
    );
  return Array.from({ length: count }, (_, index) => ({
    seed: seed + index,
    ...(classes === undefined ? {} : { label: wanted >= 0 ? wanted : index % classes.classes.length }),
  }));
}

type Written = Omit<ExportResult, 'directory'>;

async function writeImages(dir: string, sampler: Sampler, asked: readonly AskedSample[]): Promise<Written> {
  const { imageGrid, imageOf } = await import('../../data/images/sample-images.ts');
  const { shape, range = [0, 1] } = sampler.samples[0]!;
  const values = await sampler.sample(asked);
  const size = values.length / asked.length;
  const digits = String(asked.at(-1)!.seed).length;
  const files: string[] = [];
  let bytes = 0;
  const write = async (name: string, png: Buffer): Promise<void> => {
    await writeFile(join(dir, name), png);
    files.push(name);
    bytes += png.length;
  };
  for (const [index, { seed, label }] of asked.entries()) {
    const name = `${label === undefined ? '' : `${encodeURIComponent(sampler.label!.classes[label]!)}-`}${String(seed).padStart(digits, '0')}.png`;
    await write(name, imageOf(values.subarray(index * size, (index + 1) * size), { shape, range }));
  }
  await mkdir(join(dir, 'overview'));
  await write(
    'overview/samples.png',
    imageGrid(values.subarray(0, Math.min(asked.length, GRID_MAX) * size), { shape, range }, Math.min(GRID, asked.length)),
  );
  return { files, bytes };
}

async function writeTable(
  dir: string,
  sampler: Sampler,
  asked: readonly AskedSample[],
  artifact: OpenArtifact,
): Promise<Written & { readonly kept: readonly string[] }> {
  const { sourceTable } = await import('../../data/stored/source-values.ts');
  const { columns, rows, kept } = sourceTable(
    await artifact.json<JsonObject>('preprocessor.json'),
    sampler.samples,
    await sampler.sample(asked),
    asked.length,
  );
  const { label } = sampler;
  const lines = [
    [...columns, ...(label === undefined ? [] : [label.name])],
    ...rows.map((row, index) => [...row, ...(label === undefined ? [] : [label.classes[asked[index]!.label!]!])]),
  ];
  const text = Buffer.from(`${lines.map((line) => line.map(cell).join(',')).join('\n')}\n`);
  await writeFile(join(dir, 'samples.csv'), text);
  return { files: ['samples.csv'], bytes: text.length, kept };
}

/** @see RFC 4180 */
function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}
