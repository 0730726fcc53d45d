import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore } from '../core/ports.ts';
import { verdictWord } from '../core/step.ts';
import type { StepResult, StepVerdict } from '../core/step.ts';
import { fairText } from '../evaluation/champion/fair-rows.ts';
import { formatNumber } from '../evaluation/step/gate-words.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { defineStored, recordSchema, TEXT, mapOf, NUMBER, listOf, OBJECT, COUNT, orNull } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { renderEvaluationReport } from './evaluation-report.ts';
import { notesOf } from './metric-notes.ts';

/** How an evaluation came about: enough to judge the same model again on the same rows, against another champion. */
export interface Judgement {
  /** Who was compared with; a version of null: no other version served. */
  readonly champion: { readonly model: string; readonly version: number | null };
  /** Configuration of the evaluate step, with the name of the champion. */
  readonly config: JsonObject;
  /** Digests of the artifacts that went in, by port. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * `meta` of an `evaluation` artifact. Files: `evaluation.json` (an {@link EvaluationReport}), `report.html`, and of a model that answers
 * with a number for a row `expected-error.json`.
 */
export interface EvaluationMeta {
  /** Digest of the model artifact that was judged. */
  readonly model: string;
  readonly dataset: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly verdict: StepVerdict;
  /** Absent in evaluations of 0.1.0. */
  readonly judgement?: Judgement;
  readonly champion?: { readonly version: number; readonly metrics: Readonly<Record<string, number | null>> };
}

/** {@link EvaluationMeta} as it is stored. */
export const EVALUATION: StoredKind<EvaluationMeta> = defineStored({
  name: 'facts of an evaluation',
  formatVersion: 1,
  unmarked: 1,
  schema: recordSchema(
    { model: TEXT, dataset: TEXT, metrics: mapOf(NUMBER), verdict: recordSchema({ passed: { type: 'boolean' }, reasons: listOf(TEXT) }) },
    { judgement: OBJECT, champion: recordSchema({ version: COUNT, metrics: mapOf(orNull(NUMBER)) }) },
  ),
});

/**
 * Writes the evaluation artifact, and says in a few values and lines what it found.
 *
 * @param further files, by name
 */
export async function writeEvaluation(
  artifacts: ArtifactStore,
  report: EvaluationReport,
  judgement?: Judgement,
  further: Readonly<Record<string, Uint8Array>> = {},
): Promise<StepResult> {
  const metrics = Object.fromEntries(report.metrics.map(({ key, value }) => [key, value]));
  const { verdict, champion } = report;
  const meta: EvaluationMeta = {
    model: report.model.digest,
    dataset: report.dataset.digest,
    metrics,
    verdict,
    ...(judgement === undefined ? {} : { judgement }),
    ...(champion === undefined ? {} : { champion: { version: champion.version, metrics: champion.metrics } }),
  };
  const shown = report.metrics.slice(0, 3).map(({ key, value }) => `${key} ${formatNumber(value)}`);
  const ref = await artifacts.write({
    kind: 'evaluation',
    summary: `${shown.join(', ')} on ${report.rows} test examples; ${WORDS[verdictWord(report.verdict)]}`,
    files: {
      'evaluation.json': Buffer.from(canonicalJson(report)),
      'report.html': Buffer.from(await renderEvaluationReport(report)),
      ...further,
    },
    meta: meta as unknown as Json,
  });
  const theirs = Object.fromEntries(
    report.metrics.flatMap(({ key, champion: compared }) =>
      compared?.value === undefined || compared.value === null ? [] : [[`champion_${key}`, compared.value]],
    ),
  );
  const naive = Object.fromEntries(
    report.metrics.flatMap(({ key, baseline }) => (baseline === null ? [] : [[`baseline_${key}`, baseline]])),
  );
  const notes = Object.fromEntries(Object.entries(notesOf(report)).map(([key, note]) => [`note_${key}`, note]));
  return {
    outputs: { evaluation: ref },
    values: {
      ...metrics,
      ...theirs,
      ...naive,
      ...notes,
      // As texts: conditions read numbers, and this is none.
      ...Object.fromEntries(
        report.metrics.flatMap(({ key, interval }) =>
          interval === undefined || interval === null ? [] : [[`interval_${key}`, rangeText(interval)]],
        ),
      ),
      ...warningsOf(report),
      ...Object.fromEntries((report.measures ?? []).map(({ name, value }) => [name, value])),
      rows: report.rows,
      ...(champion?.fair === undefined ? {} : { champion_rows: champion.rows }),
      verdict: verdictWord(verdict),
    },
    verdict,
    details: detailsOf(report),
    ...asksOf(report),
  };
}

function rangeText({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}

/** What whoever started the run has to know before the numbers are believed. */
function warningsOf({ metrics, baseline, gates }: EvaluationReport): { readonly warnings?: string[] } {
  const worse = metrics.filter(
    ({ value, baseline: naive, direction }) => naive !== null && (direction === 'minimize' ? value >= naive : value <= naive),
  );
  // A gate that says so already rejects the model.
  if (worse.length === 0 || gates.some(({ gate, passed }) => 'betterThanBaseline' in gate && !passed)) return {};
  const named = worse.slice(0, 3).map(({ key, value, baseline: naive }) => `${key} ${formatNumber(value)} against ${formatNumber(naive!)}`);
  return { warnings: [`no better than the baseline (${baseline.description}): ${named.join(', ')}`] };
}

/** How long a person is asked who is to decide where there is nothing to compare with. */
const MANUAL_MS = 7 * 24 * 3_600_000;

/** Where a gate leaves it to a person whether a model without a predecessor may go on. */
function asksOf({ gates, verdict, metrics, noChampion }: EvaluationReport): Pick<StepResult, 'asks'> {
  const manual = gates.filter((gate) => gate.manual === true);
  if (manual.length === 0 || !verdict.passed) return {};
  return {
    asks: {
      text: `There is nothing to compare the model with (${noChampion ?? 'the champion has no such metric'}). May it go on?`,
      evidence: [
        ...metrics.map(
          ({ key, value, baseline }) =>
            `${key}: ${formatNumber(value)}${baseline === null ? '' : ` (${formatNumber(baseline)} of the baseline)`}`,
        ),
        ...gates.filter((gate) => gate.manual !== true).map(({ sentence }) => `Gate: ${sentence}`),
      ],
      timeoutMs: MANUAL_MS,
      onTimeout: 'reject',
    },
  };
}

const WORDS = { passed: 'accepted', rejected: 'rejected', ungated: 'ungated' } as const;

/** Markdown for the Temporal UI: the metrics table and a line per gate. */
function detailsOf(report: EvaluationReport): string {
  const { champion, baseline } = report;
  const head = [
    'metric',
    'this model',
    ...(report.metrics.some(({ interval }) => interval !== undefined && interval !== null) ? ['95 % interval'] : []),
    ...(baseline.kind === 'none' ? [] : [`baseline (${baseline.kind})`]),
    ...(champion === undefined ? [] : [`champion (version ${champion.version})`]),
  ];
  const rows = report.metrics.map((metric) => {
    const show = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : formatNumber(value));
    return [
      metric.key,
      show(metric.value),
      ...(head.includes('95 % interval')
        ? [metric.interval === undefined || metric.interval === null ? '–' : rangeText(metric.interval)]
        : []),
      ...(baseline.kind === 'none' ? [] : [show(metric.baseline)]),
      ...(champion === undefined ? [] : [show(metric.champion?.value)]),
    ];
  });
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(escapeCell).join(' | ')} |`).join('\n');
  const notes = Object.entries(notesOf(report))
    .map(([key, note]) => `${key}: ${note}`)
    .join('\n\n');
  const gates =
    report.gates.length === 0
      ? 'Ungated: no gates were set, so the pipeline goes on whatever the numbers.'
      : report.gates.map((gate) => `- ${gate.passed ? '✔' : '✖'} ${gate.sentence}`).join('\n');
  const compared =
    champion === undefined
      ? `Not compared with a champion: ${report.noChampion ?? 'there is none'}.`
      : champion.fair === undefined
        ? ''
        : `Compared with version ${champion.version} on ${fairText(champion.fair)}.`;
  const weighted =
    report.weightedBy === undefined
      ? ''
      : report.halfLife === undefined
        ? `Each row counts as "${report.weightedBy}" says.`
        : `For each ${report.halfLife} that a row is older by "${report.weightedBy}", it counts half as much.`;
  return [table, weighted, notes, gates, compared].filter((part) => part !== '').join('\n\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
