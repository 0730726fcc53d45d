import { printable } from './commands/command.ts';
import type { CliIo } from './commands/command.ts';
import type { StepView } from '../core/run.ts';
import type { StepProgress } from '../core/step.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { TUNE } from '../core/tune-plan.ts';
import { pointText } from '../tuning/describe.ts';
import type { RunReport } from '../runs/runs.ts';

const MARKS: Readonly<Record<StepView['status'], string>> = {
  pending: '○',
  running: '▶',
  completed: '✔',
  cached: '✔',
  skipped: '–',
  failed: '✖',
  rejected: '✖',
  cancelled: '■',
};
const BAR_WIDTH = 24;
/** Milliseconds between plain lines of one step's progress. */
const PLAIN_EVERY_MS = 2_000;

/** Shows a run while it goes: redrawn lines with bars on a terminal, one line per event elsewhere. All on stderr. */
export interface RunProgress {
  show(run: RunReport): void;
  /** Draws the last state and leaves it standing. */
  end(run: RunReport): void;
  note(text: string): void;
}

export function createRunProgress(io: CliIo): RunProgress {
  return io.interactive ? liveProgress() : plainProgress(io);
}

function liveProgress(): RunProgress {
  let drawn = 0;
  const erase = (): void => void process.stderr.write(drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`);
  const draw = (run: RunReport): void => {
    const width = Math.max(40, process.stderr.columns ?? 80);
    const lines = run.steps.flatMap((step) =>
      [stepLine(step, longest(run)), ...(step.asks === undefined ? [] : questionLines(run, step.asks))].map((line) =>
        clip(printable(line), width - 1),
      ),
    );
    erase();
    process.stderr.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    show: draw,
    end: draw,
    note(text) {
      erase();
      drawn = 0;
      process.stderr.write(`${printable(text)}\n`);
    },
  };
}

function plainProgress(io: CliIo): RunProgress {
  const told = new Map<string, string>();
  const toldAt = new Map<string, number>();
  const show = (run: RunReport): void => {
    for (const step of run.steps) {
      const news =
        step.asks !== undefined
          ? `asks ${step.asks.since}`
          : step.status === 'running'
            ? `running ${progressText(step.progress)}`
            : step.status;
      if (step.status === 'pending' || told.get(step.id) === news) continue;
      if (
        told.get(step.id)?.startsWith('running') === true &&
        step.status === 'running' &&
        Date.now() - (toldAt.get(step.id) ?? 0) < PLAIN_EVERY_MS
      )
        continue;
      told.set(step.id, news);
      toldAt.set(step.id, Date.now());
      io.note(stepLine(step, longest(run)));
      if (step.asks !== undefined) for (const line of questionLines(run, step.asks)) io.note(line);
    }
  };
  return { show, end: show, note: (text) => io.note(text) };
}

function longest(run: RunReport): number {
  return run.steps.reduce((width, step) => Math.max(width, step.id.length), 0);
}

/** "✔ train  12.3 s  60 epochs (first run)" */
export function stepLine(step: StepView, idWidth: number): string {
  return `${step.asks === undefined ? MARKS[step.status] : '?'} ${step.id.padEnd(idWidth)}  ${stateText(step).padEnd(9)}  ${remark(step)}`.trimEnd();
}

/** What somebody is asked, on what grounds, and the commands that answer. */
export function questionLines(
  run: Pick<RunReport, 'pipeline' | 'runId' | 'steps' | 'urls'>,
  asks: NonNullable<StepView['asks']>,
): string[] {
  const several = run.steps.filter((step) => step.asks !== undefined).length > 1;
  const name = `${run.pipeline}/${run.runId}${several ? ` --step ${asks.step}` : ''}`;
  return [
    ...asks.evidence.map((line) => `    ${line}`),
    ...(run.urls.report === undefined ? [] : [`    Report: ${run.urls.report}`]),
    `    yes: perennial runs approve ${name} --reason "…"`,
    `    no:  perennial runs reject ${name} --reason "…"`,
  ];
}

function stateText(step: StepView): string {
  if (step.asks !== undefined) return 'asks';
  if (step.status === 'completed') return seconds(step.durationMs);
  return step.status;
}

function remark(step: StepView): string {
  if (step.failure !== undefined) return `${step.failure.code}: ${step.failure.message.split('\n', 1)[0]!}`;
  if (step.asks !== undefined) {
    const { text, until, onTimeout } = step.asks;
    return `${text} (no answer until ${until.slice(0, 16).replace('T', ' ')} UTC: ${onTimeout})`;
  }
  if (step.status === 'running')
    return [bar(step.progress), progressText(step.progress), step.reason].filter((part) => part !== '').join(' ');
  if (typeof step.values?.['approved'] === 'boolean' && step.verdict !== undefined)
    return [...Object.values(step.outputs ?? {}).map((ref) => ref.summary), step.verdict.reasons.at(-1)!].join('; ');
  const searched = winnerText(step);
  const facts =
    searched !== undefined
      ? searched
      : Object.values(step.outputs ?? {})
          .map((ref) => ref.summary)
          .join('; ');
  return [facts, step.reason === '' ? '' : `(${step.reason})`].filter((part) => part !== '').join(' ');
}

/** Of a search: its winner. */
function winnerText({ type, values }: StepView): string | undefined {
  if (type !== TUNE || values === undefined) return undefined;
  const { winner, search, trials, stopped, failed } = values as Readonly<Record<string, Json>>;
  const ended = [
    ...(typeof stopped === 'number' && stopped > 0 ? [`${stopped} stopped`] : []),
    ...(typeof failed === 'number' && failed > 0 ? [`${failed} failed`] : []),
  ];
  return `trial ${String(winner)} of ${String(trials)}${ended.length === 0 ? '' : ` (${ended.join(', ')})`} wins: ${pointText(search as JsonObject)}`;
}

function fractionOf(progress: StepProgress): number | undefined {
  if (progress.fraction !== undefined) return progress.fraction;
  return progress.epoch !== undefined && progress.epochs !== undefined && progress.epochs > 0
    ? progress.epoch / progress.epochs
    : undefined;
}

function bar(progress: StepProgress | undefined): string {
  const fraction = progress === undefined ? undefined : fractionOf(progress);
  if (fraction === undefined) return '';
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
}

function progressText(progress: StepProgress | undefined): string {
  if (progress === undefined) return '';
  const { epoch, epochs, loss, metrics, samplesPerSecond, secondsLeft, message } = progress;
  return [
    epoch === undefined ? message : `epoch ${epoch}${epochs === undefined ? '' : `/${epochs}`}`,
    loss === undefined ? '' : `loss ${formatNumber(loss)}`,
    ...Object.entries(metrics ?? {}).map(([name, value]) => `${name} ${formatNumber(value)}`),
    samplesPerSecond === undefined || samplesPerSecond === 0 ? '' : `${samplesPerSecond} rows/s`,
    secondsLeft === undefined ? '' : `${seconds(secondsLeft * 1000)} left`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function clip(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
