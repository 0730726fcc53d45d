import { closeSync, openSync, readSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunReport } from '../../../src/runs/runs.ts';
import { spellingsOf } from '../../../src/steps/secret-spellings.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** What may be found nowhere. */
const SECRETS = {
  PERENNIAL_API_TOKEN: 'api-token-1f6e0c77',
  AWS_SECRET_ACCESS_KEY: 'aws/secret+8d21f0aa',
  AWS_SESSION_TOKEN: 'session-5bb20917',
  PARTNER_PASSWORD: 'pa"ss\\wo\'rd-93c1',
  SHORT_KEY: 'q7Zx',
  SIGNING_KEY: '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nHx93kdLzQ0pYwEe81aVt\n-----END KEY-----\n',
  WAREHOUSE: 'postgres://etl:wh-pass-77ab@db.example.org/rows',
  // Innocent by its name: a secret since a document declares it.
  ROUTE: 'over-the-northern-sea',
} as const;
/** Not a secret by its name, and not declared: programs must not get it. */
const UNDECLARED = { COLOUR_OF_THE_WORKER: 'ultramarine-4471' };

const folder = tempDir('misbehaving');
const perennial = new Perennial({ ...SECRETS, ...UNDECLARED });
let reports: RunReport[] = [];

const MISBEHAVING = `
import json, os, pathlib, sys, time
task = json.load(sys.stdin)
route, phrase = os.environ["ROUTE"], task["config"]["phrase"]
print("marker-of-the-program", json.dumps(dict(os.environ)), repr(dict(os.environ)), flush=True)
for variable in os.environ: print(variable + "=" + os.environ[variable], flush=True)
for piece in (route[:4], route[4:9], route[9:] + "\\n"):
    sys.stderr.write(piece); sys.stderr.flush(); time.sleep(0.05)
sys.stderr.write("x" * 3990 + route + "\\n" + "y" * 63990 + route + "\\n")
out = pathlib.Path(task["outputs"]["out"])
(out / "summary.txt").write_text("came " + route)
(out / "meta.json").write_text(json.dumps({"route": route, route: phrase}))
pathlib.Path(task["values"]).write_text(json.dumps({"route": route, "phrase": phrase, "quoted": json.dumps(phrase)}))
`;

const LOCAL = `
export default { async run(ctx, config) {
  const route = ctx.secret('ROUTE');
  console.log('marker-of-the-step', JSON.stringify(process.env), route);
  process.stderr.write(route.slice(0, 5)); await new Promise((resolve) => setTimeout(resolve, 50)); process.stderr.write(route.slice(5) + '\\\\n');
  ctx.log.info('came ' + route, { route, [route]: 1 });
  ctx.progress({ message: 'coming ' + route });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  if (config.fails) throw new TypeError('lost ' + route + ' ' + JSON.stringify(process.env));
  const note = await ctx.artifacts.write({ kind: 'report', summary: 'came ' + route, files: {}, meta: { route } });
  return { outputs: { note }, values: { route }, details: 'came ' + route };
} };
`;

async function run(name: string, step: object): Promise<RunReport> {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ apiVersion: 'perennial/v1', name, steps: [{ retry: { maximumAttempts: 1 }, ...step }] }));
  return (await perennial.run(['run', file, '--json'])).json<RunReport>();
}

beforeAll(async () => {
  writeFileSync(join(folder, 'misbehaving.py'), MISBEHAVING);
  writeFileSync(join(folder, 'failing.py'), `${MISBEHAVING}raise SystemExit("failed with " + route + " and " + phrase)\n`);
  writeFileSync(join(folder, 'files.py'), `${MISBEHAVING}(out / "env.txt").write_text(route)\n`);
  writeFileSync(join(folder, 'local.ts'), LOCAL);
  await perennial.up();
  const withSecrets = (file: string): object => ({
    uses: 'command',
    with: {
      command: ['python3', file],
      env: { ROUTE: { $secret: 'ROUTE' } },
      with: { phrase: { $secret: 'PARTNER_PASSWORD' } },
      gives: { out: 'data' },
    },
  });
  reports = [
    await run('talks', withSecrets('misbehaving.py')),
    await run('fails', withSecrets('failing.py')),
    await run('writes', withSecrets('files.py')),
    await run('local', { uses: './local.ts', with: { gives: { note: 'report' } } }),
    await run('local-fails', { uses: './local.ts', with: { with: { fails: true }, gives: { note: 'report' } } }),
  ];
});

// The database is read while its server has it open: what was committed is in the file or in its log.
afterAll(() => perennial.run(['down']));

it('a run that misbehaves ends as it should', () => {
  expect(
    reports.map(({ status }) => status),
    JSON.stringify(reports.map(({ failure }) => failure)).slice(0, 4000),
  ).toEqual(['completed', 'failed', 'failed', 'completed', 'failed']);
  expect(reports[2]!.failure).toMatchObject({
    code: 'STEP_FAILED',
    message: expect.stringContaining('"env.txt" that the step wrote as part of an artifact holds a secret') as string,
  });
  expect(reports[0]!.steps[0]!.values).toEqual({ route: '***', phrase: '***', quoted: expect.stringContaining('***') as string });
});

it('leaves no secret in the store, in logs, in work folders and in the database of Temporal', () => {
  const forbidden = [...Object.values(SECRETS).flatMap(spellingsOf), 'wh-pass-77ab', ...Object.values(UNDECLARED)].filter(
    (text) => text !== SECRETS.SHORT_KEY,
  );
  const found: string[] = [];
  const seen = { marker: 0, database: 0 };
  for (const path of filesBelow(perennial.home)) {
    for (const piece of piecesOf(path)) {
      for (const text of forbidden)
        if (piece.includes(text))
          found.push(
            `${path}: ${JSON.stringify(text)} in …${piece.subarray(Math.max(0, piece.indexOf(text) - 120), piece.indexOf(text) + 40).toString('latin1')}`,
          );
      if (piece.includes('marker-of-the-')) seen.marker += 1;
      if (/temporal\.(db|sqlite)/.test(path) && piece.includes('marker-of-the-program')) seen.database += 1;
      // Four characters come by chance in compressed bytes; not in texts of ours.
      if (/\/logs\/|\/artifacts\//.test(path) && piece.includes(SECRETS.SHORT_KEY)) found.push(`${path}: ${SECRETS.SHORT_KEY}`);
    }
  }
  expect(found).toEqual([]);
  // The search sees what there is.
  expect(seen.marker).toBeGreaterThan(3);
  expect(seen.database).toBeGreaterThan(0);
});

it('says nothing of them on the command line', async () => {
  for (const report of reports) {
    const logs = await perennial.run(['runs', 'logs', report.workflowId]);
    const text = JSON.stringify(report) + logs.stdout;
    for (const secret of Object.values(SECRETS).filter((one) => one.length > 4))
      for (const spelling of spellingsOf(secret)) expect(text).not.toContain(spelling);
    expect(text).not.toContain('ultramarine-4471');
  }
});

function filesBelow(top: string): string[] {
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function* piecesOf(path: string): Generator<Buffer> {
  const handle = openSync(path, 'r');
  try {
    const size = statSync(path).size;
    const buffer = Buffer.alloc(1 << 20);
    for (let at = 0; at < size; at += buffer.length - 4_096) yield buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, at));
  } finally {
    closeSync(handle);
  }
}
