import type { RunView } from '../src/core/run.ts';
import type { StepProgress } from '../src/core/step.ts';

/** Characters of a headline: one line of a wide window. */
const HEADLINE_MAX = 240;
/** Metrics that a headline names. */
const METRICS_MAX = 3;

/**
 * One sentence about a run: where it is, or what came of it.
 *
 * @param holder the run that this one waits for, or was skipped for
 */
export function headlineOf(run: Omit<RunView, 'headline'>, holder?: string): string {
  return firstLine(sentence(run, holder), HEADLINE_MAX);
}

function sentence(run: Omit<RunView, 'headline'>, holder: string | undefined): string {
  const { status, failure, steps } = run;
  if (status === 'failed')
    return failure === null ? 'A step failed.' : `${failure.step === undefined ? '' : `Step "${failure.step}" failed: `}${failure.message}`;
  if (status === 'rejected')
    return `A gate said no: ${steps
      .filter((step) => step.verdict?.passed === false)
      .flatMap((step) => step.verdict!.reasons.map((reason) => reason.replace(/\.$/, '')))
      .join('; ')}.`;
  if (status === 'skipped') return `Skipped: ${holder === undefined ? 'another run of this pipeline' : `run ${holder}`} was going.`;
  const nothing = steps.find(({ nothingNew }) => nothingNew !== undefined)?.nothingNew;
  if (status === 'nothingNew' && nothing !== undefined) return `Nothing new to learn from: ${nothing}.`;
  if (status === 'nothingNew')
    return `Nothing new to learn from: data, parameters and code give the model of ${run.model ?? ''} version ${run.version ?? ''} again, which is live already.`;
  if (status === 'cancelled') {
    const stopped = steps
      .filter((step) => step.status === 'cancelled' && step.durationMs > 0)
      .map((step) => `"${step.id}"${step.progress === undefined ? '' : ` (${progressLine(step.progress)})`}`);
    const where = stopped.length === 0 ? 'before a step ran' : `in step ${stopped.join(', ')}`;
    return run.stoppedBy === undefined ? `Cancelled ${where}.` : `Stopped ${where}: run ${run.stoppedBy} replaces it.`;
  }
  if (status === 'running') {
    if (holder !== undefined) return `Waits for its turn: run ${holder} is going.`;
    const asks = steps.flatMap((step) => step.asks ?? []);
    if (asks.length > 0)
      return asks.map(({ step, text, until }) => `Waits for approval in "${step}" until ${minute(until)}: ${text}`).join(' ');
    const running = steps
      .filter((step) => step.status === 'running')
      .map((step) => `${step.id}${step.progress === undefined ? '' : `: ${progressLine(step.progress)}`}`);
    return running.length === 0 ? 'Between two steps.' : running.join('; ');
  }
  return done(run);
}

function done({ model, version, standing, metrics, steps }: Omit<RunView, 'headline'>): string {
  const numbers = Object.entries(metrics)
    .slice(0, METRICS_MAX)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(', ');
  const tail = numbers === '' ? '.' : `: ${numbers}.`;
  if (model !== null && version !== null) return `${model} version ${version} ${standing}${tail}`;
  const cached = steps.filter((step) => step.cached).length;
  return `${steps.length === 1 ? 'The step is' : `All ${steps.length} steps are`} done${cached === 0 ? '' : `, ${cached} from the cache`}${tail}`;
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

/** "2026-01-31 03:00 UTC" */
export function minute(iso: string): string {
  return iso.length < 16 ? iso : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

export function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function firstLine(text: string, max: number): string {
  const line = text.split('\n', 1)[0]!.trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}
