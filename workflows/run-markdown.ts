import type { RunView, StepView } from '../src/core/run.ts';
import type { StepProgress } from '../src/core/step.ts';

const MARKS: Readonly<Record<StepView['status'], string>> = {
  pending: '○ waiting', running: '▶ running', completed: '✔ done', cached: '✔ cached', skipped: '– skipped', failed: '✖ failed', rejected: '✖ rejected', cancelled: '■ cancelled',
};

const HEADLINES: Readonly<Record<RunView['status'], string>> = {
  running: '▶ Running', completed: '✔ Completed', failed: '✖ Failed', rejected: '✖ Rejected by a gate', cancelled: '■ Cancelled',
};

/** The run for Temporal's UI, in Markdown: headline, what went wrong, step table, verdict, metrics, what the steps say. */
export function runMarkdown(run: RunView, why?: string): string {
  const parts = [
    `**${HEADLINES[run.status]}** · pipeline **${cell(run.pipeline)}** · started by ${cell(run.trigger)}${why === undefined ? '' : ` (${cell(why)})`} · data as of ${run.nominalTime}`,
    ...(run.failure === null ? [] : [failureBlock(run)]),
    stepTable(run.steps),
    ...verdictBlock(run),
    ...metricsBlock(run),
    ...(run.model === null || run.version === null ? [] : [`**Model** ${cell(run.model)} version **${run.version}**`]),
    ...run.steps.filter((step) => step.details !== undefined).map((step) => `**${cell(step.id)}**\n\n${step.details}`),
  ];
  return parts.join('\n\n');
}

function failureBlock(run: RunView): string {
  const { code, message, step } = run.failure!;
  return `> **${code}**${step === undefined ? '' : ` in step **${cell(step)}**`}: ${message.replaceAll('\n', '\n> ')}`;
}

function stepTable(steps: readonly StepView[]): string {
  const rows = steps.map((step) => `| ${cell(step.id)} | ${MARKS[step.status]} | ${step.status === 'running' || step.durationMs === 0 ? '' : duration(step.durationMs)} | ${cell(remark(step))} |`);
  return ['| Step | State | Time | What happened |', '| --- | --- | ---: | --- |', ...rows].join('\n');
}

function remark(step: StepView): string {
  if (step.failure !== undefined) return `${step.failure.code}: ${firstLine(step.failure.message)}`;
  if (step.status === 'running') return step.progress === undefined ? '' : progressLine(step.progress);
  const facts = step.outputs === undefined ? '' : Object.values(step.outputs).map((ref) => ref.summary).join('; ');
  return [facts, step.reason === '' ? '' : `(${step.reason})`].filter((part) => part !== '').join(' ');
}

/** One line of progress: "epoch 3/60, loss 0.123, accuracy 0.95, 12 s left". */
export function progressLine(progress: StepProgress): string {
  const parts = [];
  if (progress.epoch !== undefined) parts.push(`epoch ${progress.epoch}${progress.epochs === undefined ? '' : `/${progress.epochs}`}`);
  else parts.push(progress.message);
  if (progress.loss !== undefined) parts.push(`loss ${number(progress.loss)}`);
  for (const [name, value] of Object.entries(progress.metrics ?? {})) parts.push(`${name} ${number(value)}`);
  if (progress.epoch === undefined && progress.fraction !== undefined) parts.push(`${Math.round(progress.fraction * 100)} %`);
  if (progress.secondsLeft !== undefined) parts.push(`${duration(progress.secondsLeft * 1000)} left`);
  return parts.join(', ');
}

function verdictBlock(run: RunView): string[] {
  if (run.verdict === null) return [];
  const reasons = run.steps.flatMap((step) => step.verdict?.reasons ?? []).map((reason) => `- ${reason}`);
  return [[`**Gate ${run.verdict}**`, '', ...reasons].join('\n').trim()];
}

function metricsBlock(run: RunView): string[] {
  const names = Object.keys(run.metrics);
  if (names.length === 0) return [];
  return [['| Metric | Value |', '| --- | ---: |', ...names.map((name) => `| ${cell(name)} | ${number(run.metrics[name]!)} |`)].join('\n')];
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0]!;
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
