import type { Json } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { RunView } from '../core/run.ts';
import type { ReportedPicture } from '../evaluation/findings/reported-picture.ts';
import type { EvaluationReport, WorstRow } from '../evaluation/step/report.ts';
import type { Sample, ShownTraining } from '../reports/tensorboard/training-events.ts';
import { readCurves } from '../training/curves/curves.ts';
import { curvesOfRun } from './run-curves.ts';

/** Rows of an evaluation that are shown. */
const SAMPLES = 10;

/** The trainings of a run with all that TensorBoard shows of them. @throws OBJECT_NOT_FOUND, BLOB_CORRUPT */
export async function shownTrainings(
  store: ObjectStore,
  artifacts: ArtifactStore,
  view: RunView,
  parameters: Readonly<Record<string, Json>>,
): Promise<ShownTraining[]> {
  const trainings = await curvesOfRun(store, artifacts, view);
  const samples = await samplesOf(artifacts, view);
  return trainings.map(({ kept, cached: _cached, formatVersion: _format, ...curves }, index) => ({
    ...curves,
    parameters,
    beganAt: kept?.attempts[0]?.at ?? Date.parse(view.startedAt),
    // What was evaluated is the last model of a run.
    samples: index === trainings.length - 1 ? samples : [],
  }));
}

/** What the store alone knows of a run, where Temporal cannot be asked. */
export async function keptTrainings(store: ObjectStore, pipeline: string, run: string): Promise<ShownTraining[]> {
  return (await readCurves(store, pipeline, run)).map(({ binding: _binding, attempts, formatVersion: _format, ...curves }) => ({
    ...curves,
    parameters: {},
    samples: [],
    beganAt: attempts[0]?.at ?? 0,
  }));
}

async function samplesOf(artifacts: ArtifactStore, { steps }: RunView): Promise<Sample[]> {
  const evaluation = steps.map(({ outputs }) => outputs?.['evaluation']).findLast((ref) => ref?.kind === 'evaluation');
  if (evaluation === undefined) return [];
  const report = await (await artifacts.open(evaluation)).json<EvaluationReport>('evaluation.json');
  return [
    ...report.worst.slice(0, SAMPLES).map(sampleOf),
    ...(report.continuations?.texts ?? []).map(({ prompt, actual, greedy, drawn }, index) => ({
      name: `continuations/${index + 1}`,
      text: `**prompt** ${prompt}\n\n**actual** ${actual}\n\n**greedy** ${greedy}\n\n**drawn** ${drawn}`,
    })),
  ];
}

/** A row at which the model errs most: its picture where it has one, all of its columns as a table. */
function sampleOf({ index, label, predicted, columns }: WorstRow, place: number): Sample {
  const picture = Object.values(columns).find(isPicture);
  const rows = Object.entries(columns).filter(([, value]) => !isPicture(value));
  const cell = (value: unknown): string =>
    (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('|', '\\|').replaceAll('\n', ' ');
  return {
    name: `mistakes/${place + 1}`,
    text: [
      `Row ${index} of the test split: **${label}**, predicted **${predicted}**`,
      '',
      ...(rows.length === 0
        ? []
        : ['| column | value |', '| --- | --- |', ...rows.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`)]),
    ].join('\n'),
    ...(picture === undefined ? {} : { png: picture.png }),
  };
}

function isPicture(value: unknown): value is ReportedPicture {
  return typeof value === 'object' && value !== null && typeof (value as Partial<ReportedPicture>).png === 'string';
}
