// npm run quickstart: from a bare clone to a served model. Installs, builds, sets up, starts the stack, runs the sample and says how to go on.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { buildAll, fail, installPackages, provisionTools, requireNode, say } from './tasks.mjs';

const DOCUMENT = 'pipelines/penguins.json';
const DATA = 'pipelines/data/penguins.csv';
const LABEL = 'species';
const GATE_REJECTED = 3;

requireNode();
installPackages();
const before = builtCode();
buildAll();
provisionTools(['temporal', 'tensorflow']);
startStack();
const outcome = runPipeline();
const status = perennialJson(['status']);
const address = (name) => status.value?.components?.find((component) => component.name === name)?.address;
const server = address('server');
show(outcome);
if (outcome.model != null && server !== undefined) await predict(server, outcome.model);
say(`
Temporal UI   ${outcome.urls.temporal}
Again         npx perennial run ${DOCUMENT}
Models        npx perennial models list
Stop          npx perennial down`);

function startStack() {
  const { value } = perennialJson(['status']);
  if (value?.healthy === true && before === builtCode()) {
    say('\n▸ The stack is up already');
    return;
  }
  if (value?.running === true) perennial(['down']);
  say('\n▸ Starting the stack');
  const { status: code } = perennial(['up', '--detach']);
  if (code !== 0) process.exit(code ?? 1);
}

/** Changes where the code does: a stack that runs older code is started again. */
function builtCode() {
  const hash = createHash('sha256');
  for (const name of ['worker.js', 'server.js', 'trainer.js', 'supervisor.js', 'workflow-bundle.cjs']) {
    const path = `dist/${name}`; // chunks are named by their content, so the entries change with them
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

function runPipeline() {
  say(`\n▸ Running ${DOCUMENT}`);
  const { code, value } = perennialJson(['run', DOCUMENT]);
  if (value === undefined || value.error !== undefined || (code !== 0 && code !== GATE_REJECTED)) {
    fail(
      `the run did not finish; see the message above. The stack is left running: \`npx perennial status\`, \`npx perennial down\`.`,
      code ?? 1,
    );
  }
  return value;
}

function show({ runId, verdict, metrics = {}, model, version, steps = [] }) {
  const values = Object.assign({}, ...steps.map((step) => step.values ?? {}));
  const cell = (value) => (typeof value === 'number' ? String(Number(value.toFixed(4))) : '');
  const rows = [
    ['metric', 'value', 'baseline'],
    ...Object.keys(metrics).map((name) => [name, cell(metrics[name]), cell(values[`baseline_${name}`])]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  say('');
  for (const [name, own, baseline] of rows) say(`${name.padEnd(width)}  ${own.padStart(8)}  ${baseline.padStart(8)}`);
  if (typeof values.rows === 'number') say(`(on ${values.rows} rows that the training did not see)`);
  say(`\nRun           ${runId}: ${verdict}`);
  if (model != null) say(`Registered    ${model}, version ${version}`);
}

/** Asks the server about the first row of the data, as a person would with the printed line. */
async function predict(base, model) {
  const [head, first] = readFileSync(DATA, 'utf8')
    .split(/\r?\n/, 2)
    .map((line) => line.split(',').map((cell) => cell.replace(/^"|"$/g, '')));
  const row = Object.fromEntries(head.map((name, index) => [name, value(first[index])]).filter(([name]) => name !== LABEL));
  const url = `${base}/models/${model}/predict`;
  const body = JSON.stringify(row);
  say(`\nPredict       curl -s ${url} -H 'content-type: application/json' -d '${body}'`);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(10_000),
  });
  say(`Answer        ${(await answer.text()).trim()}`);
  if (!answer.ok) fail(`the server answered ${answer.status}.`);
}

function value(text) {
  if (text === '' || text === 'NA') return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function perennial(args) {
  return spawnSync(process.execPath, ['bin/perennial.js', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The one JSON document of a command; its progress goes to our terminal. */
function perennialJson(args) {
  const {
    status: code,
    stdout,
    error,
  } = spawnSync(process.execPath, ['bin/perennial.js', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) fail(error.message);
  return { code, value: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
}
