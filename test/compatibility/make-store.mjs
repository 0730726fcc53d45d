/**
 * Makes a store as an older version of Perennial left it: builds the code of a commit, starts its stack, runs its small documents, and
 * keeps the store with what its server answered.
 *
 *   node test/compatibility/make-store.mjs 0.1.0 61b5d09
 *
 * @see upgrade.test.ts, which uses a copy of each store with the code of now
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOCUMENTS } from './old-documents.mjs';

const [name, commit] = process.argv.slice(2);
if (name === undefined || commit === undefined || DOCUMENTS[name] === undefined) {
  console.error(`usage: node test/compatibility/make-store.mjs ${Object.keys(DOCUMENTS).join('|')} COMMIT`);
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const work = mkdtempSync(join(tmpdir(), 'old-store-'));
const code = join(work, 'code');
const data = join(work, 'data');
const env = { ...process.env, PERENNIAL_HOME: join(work, 'home'), TZ: 'UTC', USER: 'ada', LOGNAME: 'ada', PERENNIAL_USER: 'ada' };

mkdirSync(code);
execFileSync('tar', ['x', '-C', code], { input: execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 2 ** 28 }) });
symlinkSync(join(root, 'node_modules'), join(code, 'node_modules'));
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: code, stdio: 'inherit', env });
await writeData(data);

/** @returns what it printed */
const perennial = (args, { codes = [0] } = {}) => {
  console.log(`perennial ${args.join(' ')}`);
  try {
    return execFileSync(process.execPath, [join(code, 'bin/perennial.js'), ...args], {
      cwd: work,
      env,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
  } catch (error) {
    if (codes.includes(error.status)) return error.stdout;
    console.error(error.stdout, error.stderr);
    throw error;
  }
};

const answers = {};
perennial(['up', '--detach', '--port', '0', '--temporal-port', '0', '--ui-port', '0']);
try {
  for (const { document, runs, rows = [], after = [] } of DOCUMENTS[name]) {
    const file = join(work, `${document.name}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'perennial/v1', ...document }));
    for (const parameters of runs)
      perennial(['run', file, ...Object.entries(parameters).flatMap(([key, value]) => ['--param', `${key}=${value}`])], { codes: [0, 3] });
    for (const args of after) perennial(args);
    if (rows.length === 0) continue;
    const sent = typeof rows === 'function' ? rows(data) : rows;
    const rowsFile = join(work, `${document.name}.rows.json`);
    writeFileSync(rowsFile, JSON.stringify(sent));
    answers[document.name] = { rows: sent, answer: JSON.parse(perennial(['predict', document.name, '--rows', rowsFile, '--json'])) };
  }
} finally {
  perennial(['down']);
}
const folder = join(here, 'stores', name);
mkdirSync(folder, { recursive: true });
// What the upgraded store can do without: logs of steps, and evaluations' reports are files of pictures.
rmSync(join(work, 'home/store/logs'), { recursive: true, force: true });
execFileSync('tar', ['cJf', join(folder, 'store.tar.xz'), '--sort=name', '--owner=0', '--group=0', '-C', join(work, 'home'), 'store']);
execFileSync('tar', ['cJf', join(folder, 'data.tar.xz'), '--sort=name', '--owner=0', '--group=0', '-C', work, 'data']);
writeFileSync(join(folder, 'answers.json'), `${JSON.stringify(answers, null, 1)}\n`);
writeFileSync(join(folder, 'made-by.json'), `${JSON.stringify({ commit, version: perennial(['--version']).trim() }, null, 2)}\n`);
rmSync(work, { recursive: true, force: true });

/** Small, and the same every time: the penguins, pictures of two shapes, sentences of two kinds, a wave. */
async function writeData(to) {
  mkdirSync(to);
  writeFileSync(join(to, 'penguins.csv'), readFileSync(join(root, 'pipelines/data/penguins.csv')));
  let state = 7;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const sharp = createRequire(join(root, 'package.json'))('sharp');
  for (const shape of ['bars', 'dots']) {
    mkdirSync(join(to, 'shapes', shape), { recursive: true });
    for (let at = 0; at < 60; at += 1) {
      const pixels = Buffer.alloc(144, 0);
      const [x, y] = [Math.floor(random() * 8) + 2, Math.floor(random() * 8) + 2];
      for (let row = 0; row < 12; row += 1)
        for (let column = 0; column < 12; column += 1)
          if (shape === 'bars' ? column === x || column === x + 1 : Math.hypot(row - y, column - x) < 2.5) pixels[row * 12 + column] = 255;
      writeFileSync(
        join(to, 'shapes', shape, `${String(at)}.png`),
        await sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } })
          .png()
          .toBuffer(),
      );
    }
  }
  const words = {
    good: ['bright', 'happy', 'sunny', 'warm', 'gentle'],
    bad: ['dark', 'angry', 'cold', 'rainy', 'harsh'],
    any: ['the', 'day', 'was', 'very', 'and', 'a', 'place'],
  };
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lines = Array.from({ length: 200 }, (_, at) => {
    const label = at % 2 === 0 ? 'good' : 'bad';
    const text = Array.from({ length: 8 }, (_, word) => (word % 3 === 1 ? pick(words[label]) : pick(words.any))).join(' ');
    return JSON.stringify({ text: `${text} ${at}`, label });
  });
  writeFileSync(join(to, 'sentences.ndjson'), `${lines.join('\n')}\n`);
  const days = Array.from({ length: 240 }, (_, day) => {
    const date = new Date(Date.UTC(2023, 0, 1 + day)).toISOString().slice(0, 10);
    return `${date},${(10 + 5 * Math.sin(day / 6) + random()).toFixed(2)},${day % 3 === 0 ? 'rain' : 'sun'}`;
  });
  writeFileSync(join(to, 'wave.csv'), `date,level,sky\n${days.join('\n')}\n`);
}
