import type { RunView, StepView } from '../src/core/run.ts';
import { verdictWord } from '../src/core/step.ts';
import { compose } from './markdown.ts';
import { duration, firstLine, minute, number, progressLine } from './run-headline.ts';

const MARKS: Readonly<Record<StepView['status'], string>> = {
  pending: '○ waiting',
  running: '▶ running',
  completed: '✔ done',
  cached: '✔ cached',
  skipped: '– skipped',
  failed: '✖ failed',
  rejected: '✖ rejected',
  cancelled: '■ cancelled',
};

const STATES: Readonly<Record<RunView['status'], string>> = {
  running: '▶ Running',
  completed: '✔ Completed',
  failed: '✖ Failed',
  rejected: '✖ Rejected by a gate',
  cancelled: '■ Cancelled',
  skipped: '– Skipped',
  nothingNew: '– Nothing new',
};

const STARTED_BY: Readonly<Record<string, string>> = {
  manual: 'by hand',
  schedule: 'by its schedule',
  backfill: 'by a backfill',
  drift: 'because of drift',
  newData: 'because of new data',
  reproduce: 'to reproduce an earlier one',
  performance: 'because of its performance',
  feedback: 'because of feedback',
  version: 'because of a version of another model',
  event: 'because of an event',
};

const REMARK_MAX = 160;
/** Rows of the step table: what runs or went wrong always has one, of the others these many. */
const ROWS_MAX = 40;

/** The run for Temporal's UI, in Markdown: what came of it, what to do next, the verdict, the steps, and what each step says. */
export function runMarkdown(run: RunView, why?: string): string {
  const needed = [
    `**${STATES[run.status]}**${run.status === 'failed' ? '' : ` – ${run.headline}`}`,
    ...(run.failure === null ? [] : [failureBlock(run)]),
    ...questionBlocks(run),
    ...linksBlock(run),
    `**What next**\n\n${nextSteps(run)
      .map((line) => `- ${line}`)
      .join('\n')}`,
    ...verdictBlock(run),
    stepTable(run.steps),
    ...cacheBlock(run.steps),
    `Started ${STARTED_BY[run.trigger] ?? `by ${run.trigger}`}${why === undefined ? '' : ` (${why})`}; data as of ${minute(run.nominalTime)}`,
  ];
  return compose(
    needed,
    run.steps.filter((step) => step.details !== undefined && step.verdict === undefined).map((step) => `**${step.id}**\n\n${step.details}`),
  );
}

function failureBlock(run: RunView): string {
  const { code, message, step } = run.failure!;
  return `> **${code}**${step === undefined ? '' : ` in step **${step}**`}: ${message.trim().replaceAll('\n', '\n> ')}`;
}

/** What people are asked, on what grounds, and how they answer. */
function questionBlocks({ steps, pipeline, runId }: RunView): string[] {
  return steps.flatMap(({ asks }) => {
    if (asks === undefined) return [];
    const { step, text, evidence, until, onTimeout } = asks;
    const several = steps.filter((other) => other.asks !== undefined).length > 1;
    const run = `${pipeline}/${runId}${several ? ` --step ${step}` : ''}`;
    const json = `{"who": "you", "why": "…"${several ? `, "step": "${step}"` : ''}}`;
    return [
      `**Approval is asked for** by step **${step}**: ${text}`,
      ...(evidence.length === 0 ? [] : [evidence.map((line) => `- ${line}`).join('\n')]),
      [
        `- Yes: \`perennial runs approve ${run} --reason "…"\`, or More Actions → Send an Update: \`approve\` with \`${json}\``,
        `- No: \`perennial runs reject ${run} --reason "…"\`, or the Update \`reject\``,
        `- No answer until ${minute(until)}: ${AT_LAST[onTimeout]}`,
      ].join('\n'),
    ];
  });
}

const AT_LAST = { reject: 'it is rejected', approve: 'it goes on as if approved', fail: 'the step fails' } as const;

function linksBlock({ links, model, version, previous }: RunView): string[] {
  const lines = [
    ...(model === null || version === null
      ? []
      : [
          `**Model** ${model} version **${version}**${previous === null || previous === version ? '' : `, in place of version ${previous}`}${links.model === undefined ? '' : ` – [as it is served](${links.model})`}`,
        ]),
    ...(links.report === undefined ? [] : [`**Report** [metrics, charts, worst errors](${links.report})`]),
    ...(links.timeline === undefined ? [] : [`**Time line** [versions, drift, incidents, who did what](${links.timeline})`]),
  ];
  return lines.length === 0 ? [] : [lines.join('\n\n')];
}

/** What the reader can do now, as commands. */
function nextSteps({ status, pipeline, runId, model, version, previous, steps }: RunView): string[] {
  const run = `${pipeline}/${runId}`;
  const logs = `Logs: \`perennial runs logs ${run}\``;
  const again = `\`perennial runs retry ${run}\``;
  if (status === 'running') {
    const broken = steps.find((step) => step.status === 'failed');
    return [
      ...(broken === undefined
        ? []
        : [
            `"${broken.id}" failed while others go on. Start it again within this run: \`perennial runs retry ${run} --step ${broken.id}\``,
          ]),
      `Follow: \`perennial runs show ${run} --follow\``,
      `Stop: \`perennial runs cancel ${run}\`, or the button above`,
    ];
  }
  if (status === 'failed')
    return [
      `Correct what the message says, then run the document again, or this very plan with ${again}; steps that were done come from the cache.`,
      logs,
    ];
  if (status === 'cancelled') return [`Go on where it stopped: ${again}; steps that were done come from the cache.`, logs];
  if (status === 'skipped')
    return [
      `Run it once the other is over: ${again}`,
      'What a run does where another is going is declared in `on.overlap` of the document.',
    ];
  if (status === 'nothingNew')
    return steps.some(({ nothingNew }) => nothingNew !== undefined)
      ? ['Nothing is to be done: the next run looks again.', logs]
      : ['Nothing is to be done. Whether such a run goes on all the same is declared in `on.unchanged` of the document.', logs];
  if (status === 'rejected')
    return [
      'Nothing was promoted: what was live before still is.',
      'Change the data, the model or the gates in the document and run it again.',
      logs,
    ];
  if (model === null || version === null) return [logs];
  return [
    `See it: \`perennial models show ${model} ${version}\``,
    ...(previous === null || previous === version ? [] : [`Go back to version ${previous}: \`perennial models rollback ${model}\``]),
    logs,
  ];
}

/** Steps that judge: what they say themselves, else their reasons and the metrics. */
function verdictBlock(run: RunView): string[] {
  return run.steps.flatMap((step) => {
    if (step.verdict === undefined) return [];
    const title =
      step.verdict.ungated === true ? `**Ungated** in step **${step.id}**` : `**Gate ${verdictWord(step.verdict)}** by step **${step.id}**`;
    if (step.details !== undefined) return [title, step.details];
    return [title, step.verdict.reasons.map((reason) => `- ${reason}`).join('\n'), ...metricsTable(run)];
  });
}

function metricsTable(run: RunView): string[] {
  const names = Object.keys(run.metrics);
  if (names.length === 0) return [];
  return [['| Metric | Value |', '| --- | --- |', ...names.map((name) => `| ${cell(name)} | ${number(run.metrics[name]!)} |`)].join('\n')];
}

const QUIET: readonly StepView['status'][] = ['pending', 'completed', 'cached', 'skipped'];

function stepTable(steps: readonly StepView[]): string {
  const quiet = new Set(steps.filter((step) => QUIET.includes(step.status)).slice(ROWS_MAX));
  const rows = steps
    .filter((step) => !quiet.has(step))
    .map(
      (step) =>
        `| ${cell(step.id)} | ${(step.asks === undefined ? MARKS[step.status] : '? asks').replaceAll(' ', '\u00a0')} | ${step.status === 'running' || step.durationMs === 0 ? '' : duration(step.durationMs).replaceAll(' ', '\u00a0')} | ${cell(remark(step))} |`,
    );
  const more = quiet.size === 0 ? '' : `\n\nand ${quiet.size} more steps that are done or have not begun: see the timeline`;
  return ['| Step | State | Time | What happened |', '| --- | --- | --- | --- |', ...rows].join('\n') + more;
}

function remark(step: StepView): string {
  if (step.failure !== undefined) return `${step.failure.code}: ${firstLine(step.failure.message, REMARK_MAX)}`;
  if (typeof step.values?.['approved'] === 'boolean' && step.verdict !== undefined) return step.verdict.reasons.at(-1)!;
  if (step.outputs !== undefined)
    return Object.values(step.outputs)
      .map((ref) => ref.summary)
      .join('; ');
  return [step.progress === undefined ? '' : progressLine(step.progress), step.status === 'skipped' ? step.reason : '']
    .filter((part) => part !== '')
    .join(' ');
}

/** Why steps were taken from the cache, and why others ran; steps with the same reason together. */
function cacheBlock(steps: readonly StepView[]): string[] {
  const groups = new Map<string, string[]>();
  for (const step of steps) {
    if (step.outputs === undefined || step.reason === '') continue;
    const key = `${step.cached ? 'from the cache' : 'ran'}: ${step.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), step.id]);
  }
  return groups.size === 0
    ? []
    : [
        '**Cache**',
        [...groups]
          .map(([reason, ids]) => `- ${ids.slice(0, 12).join(', ')}${ids.length > 12 ? ` and ${ids.length - 12} more` : ''} – ${reason}`)
          .join('\n'),
      ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
