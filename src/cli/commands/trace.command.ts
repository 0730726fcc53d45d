import { plural } from '../../core/plural.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { approvalText } from '../../core/approval.ts';
import { verdictWord } from '../../core/step.ts';
import { writeJson } from '../../data/reading/json-numbers.ts';
import type { AnswerTrace, TracedVersion } from '../../runs/trace-answer.ts';
import { PREDICTION_LOG_LIMITS } from '../../serving/limits.ts';
import { timeText } from '../models/views.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

interface TraceOptions {
  readonly model?: string;
  readonly since?: string;
}

/** Rows of a request that are printed; `--json` has them all. */
const ROWS_SHOWN = 10;
const LABEL_WIDTH = 16;
/** Of a server from its last flush to the store, in milliseconds. */
const WRITING_MS = 1_000;

export default defineCommand({
  register(program, io) {
    program
      .command('trace')
      .summary('from an answer back to all that it stands on')
      .description('From an answer back to all that it stands on: version, run, document, gates, data.')
      .argument('<request-id>', 'id of the answer ("id" in its body, x-request-id among its headers); of one row among several ID/ROW')
      .option('--model <name>', 'look in the logs of this model alone')
      .option('--since <day>', 'look no further back than this day (UTC), e.g. 2026-01-31')
      .addHelpText(
        'after',
        `
An answer is in the log some seconds after it was given, which is waited for. The search begins with the newest day, and ends with the day that has the id.

Examples:
  perennial trace 6f1c1a52-9d0e-4a3c-8f62-2f0f5f5f7d11
  perennial trace order-4711/0 --model penguins --since 2026-01-01 --json`,
      )
      .action((id: string, options: TraceOptions) => trace(io, id, options));
  },
});

async function trace(io: CliIo, id: string, { model, since }: TraceOptions): Promise<void> {
  if (since !== undefined && !(/^\d{4}-\d\d-\d\d$/.test(since) && !Number.isNaN(Date.parse(since))))
    throw new PerennialError('USAGE', `--since ${JSON.stringify(since)} is no day; expected e.g. 2026-01-31.`);
  const [{ openStore }, { createArtifactStore }, { traceAnswer }] = await Promise.all([
    import('../../storage/open-store.ts'),
    import('../../storage/artifact-store.ts'),
    import('../../runs/trace-answer.ts'),
  ]);
  const store = await openStore();
  const look = (): Promise<AnswerTrace> =>
    traceAnswer(store, createArtifactStore(store), id, {
      ...(model === undefined ? {} : { model }),
      ...(since === undefined ? {} : { since }),
    });
  const found = await look().catch(async (error: unknown) => {
    if (!isPerennialError(error, 'NOT_FOUND')) throw error;
    // It may have been answered this moment.
    await sleep(PREDICTION_LOG_LIMITS.flushMs + WRITING_MS);
    return look();
  });
  io.result(found);
  io.print(textOf(found));
}

const line = (label: string, text: string, depth = 0): string => `${' '.repeat(depth * 2)}${label.padEnd(LABEL_WIDTH - depth * 2)}${text}`;
const short = (digest: string): string => `${digest.slice(0, 16)}…`;

function textOf({ request, predictions, feedback, versions, notes }: AnswerTrace): string {
  const lines = [line('request', `${request} (${plural(predictions.length, 'prediction')})`)];
  predictions.slice(0, ROWS_SHOWN).forEach((one, index) => {
    const part =
      one.rollout === undefined ? '' : `, ${one.arm} of rollout ${one.rollout}${one.unit === undefined ? '' : `, unit ${one.unit}`}`;
    lines.push('', line('answered', `${one.time} by ${one.model} version ${one.version}${part}`));
    if (one.id !== request) lines.push(line('id', one.id));
    lines.push(line('row', one.row === null ? 'not logged: tensors were sent, or it was too long' : writeJson(one.row)));
    const { leftOut = [], hashed = [] } = one.hidden ?? {};
    if (leftOut.length > 0) lines.push(line('', `without ${leftOut.join(', ')}`));
    if (hashed.length > 0) lines.push(line('', `${hashed.join(', ')} as digests`));
    lines.push(line('prediction', writeJson(one.prediction)));
    const known = feedback[index];
    if (known !== undefined && known !== null) lines.push(line('known since', knownText(known)));
    lines.push(line('logged in', one.key));
  });
  if (predictions.length > ROWS_SHOWN) lines.push('', `… and ${predictions.length - ROWS_SHOWN} more; \`--json\` shows all.`);
  for (const version of versions) lines.push('', ...versionLines(version));
  return [...lines, ...notes.map((note) => `note: ${note}`)].join('\n');
}

function knownText({ time, label, flag, comment }: NonNullable<AnswerTrace['feedback'][number]>): string {
  return [
    timeText(time),
    ...(label === undefined ? [] : [`label ${writeJson(label)}`]),
    ...(flag === undefined ? [] : [flag ? 'flagged as wrong' : 'confirmed']),
    ...(comment === undefined ? [] : [comment]),
  ].join(', ');
}

function versionLines({ model, version, servedSince, manifest, approvals, files, gates, data, steps }: TracedVersion): string[] {
  const lines = [line('version', `${model} version ${version}`)];
  lines.push(
    line(
      'served since',
      servedSince === null
        ? 'no change of the routing says so: it was asked for by its number or an alias, or stood in for the champion'
        : `${timeText(servedSince.at)} (${servedSince.action} by ${servedSince.who}: ${servedSince.why})`,
      1,
    ),
  );
  if (manifest === null) return lines;
  const { pipeline, runId, stepId, planRevision, nominalTime, verdict, evaluation, trace: told } = manifest;
  lines.push(
    line('registered', `${timeText(manifest.createdAt)} by ${manifest.createdBy === '' ? 'somebody' : manifest.createdBy}`, 1),
    line('run', `${pipeline}/${runId}, step ${stepId}${nominalTime === undefined ? '' : `, for ${timeText(nominalTime)}`}`, 1),
    line('document', planRevision === '' ? 'none: it was registered by hand' : `revision ${short(planRevision)}`, 1),
    line('model', `${short(manifest.model.digest)}  ${manifest.model.summary}`, 1),
    ...Object.entries(files).map(([name, digest]) => line('', `${name} ${short(digest)}`, 1)),
    line(
      'evaluation',
      evaluation === null ? 'none' : `${short(evaluation.digest)}  ${verdict === null ? 'not judged' : verdictWord(verdict)}`,
      1,
    ),
    ...gates.map(({ passed, sentence }) => line('', `${passed ? 'yes' : 'no '} ${sentence}`, 1)),
    ...approvals.map((approval) => line('', `${approval.step}: ${approvalText(approval)} (${timeText(approval.at)})`, 1)),
  );
  if (data !== null) {
    const { path, digest } = data.source;
    lines.push(
      line('data', `${short(data.digest)}  ${data.summary}`, 1),
      line(
        '',
        `source ${typeof path === 'string' ? path : writeJson(path ?? 'unknown')}${typeof digest === 'string' ? ` ${short(digest)}` : ''}`,
        1,
      ),
      ...Object.entries(data.files).map(([name, file]) => line('', `${name} ${short(file)}`, 1)),
    );
  }
  if (steps.length > 0)
    lines.push(
      line('steps', steps.map(({ step, cachedFrom }) => (cachedFrom === undefined ? step : `${step} (from ${cachedFrom})`)).join(', '), 1),
    );
  if (told !== undefined) lines.push(line('trace', told.traceId, 1));
  lines.push(line('more', `perennial models show ${model} ${version}, perennial runs show ${pipeline}/${runId}`, 1));
  return lines;
}
