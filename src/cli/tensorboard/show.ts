import { plural } from '../../core/plural.ts';
import { join, resolve } from 'node:path';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import { perennialHome } from '../../platform/paths.ts';
import { writeEvents } from '../../reports/tensorboard/write-events.ts';
import type { ShownTraining } from '../../reports/tensorboard/training-events.ts';
import type { Temporal } from '../../runs/connect.ts';
import { findRun, findShownRun } from '../../runs/find-run.ts';
import { connectOwn } from '../../runs/own-stack.ts';
import { describeRun, inputOf, listRuns } from '../../runs/runs.ts';
import { keptTrainings, shownTrainings } from '../../runs/shown-trainings.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';
import { runsWithCurves } from '../../training/curves/curves.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import { findTensorboard, runTensorboard } from './program.ts';

export interface TensorboardOptions {
  readonly export?: string;
  readonly pipeline?: string;
  readonly limit: number;
  readonly port: number;
}

/** Milliseconds between looks at running trainings. */
const REFRESH_MS = 5_000;

interface Written {
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
  readonly state: string;
  readonly epochs: number;
  readonly folder: string;
}

export async function showTensorboard(runs: readonly string[], options: TensorboardOptions, io: CliIo): Promise<void> {
  if (runs.length > 0 && options.pipeline !== undefined)
    throw new PerennialError('USAGE', 'Runs and "--pipeline" are given together.', { hint: 'Leave one of them out.' });
  const folder = resolve(options.export ?? join(perennialHome(), 'tensorboard'));
  const store = await openStore();
  const temporal = await connectIfThere(io);
  try {
    const look = (): Promise<Written[]> => writeAll(store, temporal, runs, options, folder, io);
    const written = await look();
    if (options.export !== undefined || written.length === 0) {
      io.result({ folder, trainings: written });
      return tell(written, folder, io);
    }
    const program = await findTensorboard();
    if (program === undefined)
      throw new PerennialError(
        'PROVISIONING_FAILED',
        `TensorBoard is not installed here; the events of ${counted(written)} are in ${folder}.`,
        {
          hint: `\`pip install tensorboard\` installs it; then run this again, or \`tensorboard --logdir ${folder}\` yourself.`,
        },
      );
    await runTensorboard(program, { folder, port: options.port }, io, (url) => {
      io.result({ folder, url, trainings: written });
      io.print(`TensorBoard shows ${counted(written)} at ${url} (stop with Ctrl-C)`);
      return every(
        REFRESH_MS,
        async () => {
          await look();
        },
        (error) => io.note(`what is new could not be written: ${messageOf(error)}`),
      );
    });
  } finally {
    await temporal?.close();
  }
}

/** Once more after each so many milliseconds, never twice at once. @returns ends it */
function every(ms: number, action: () => Promise<void>, onTrouble: (error: unknown) => void): () => void {
  let timer: NodeJS.Timeout;
  let ended = false;
  const later = (): void => {
    timer = setTimeout(() => {
      action()
        .catch(onTrouble)
        .finally(() => {
          if (!ended) later();
        });
    }, ms);
  };
  later();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** Without Temporal the store still knows the curves of what was trained. */
async function connectIfThere(io: CliIo): Promise<Temporal | undefined> {
  try {
    return await connectOwn();
  } catch (error) {
    if (!isPerennialError(error, 'TEMPORAL_UNAVAILABLE')) throw error;
    io.note(
      'Temporal cannot be reached: shown is what the trainings kept, without parameters of runs, models from the cache and mistakes.',
    );
    return undefined;
  }
}

async function writeAll(
  store: ObjectStore,
  temporal: Temporal | undefined,
  runs: readonly string[],
  options: TensorboardOptions,
  folder: string,
  io: CliIo,
): Promise<Written[]> {
  const trainings =
    temporal === undefined
      ? await fromStore(store, runs, options)
      : await fromTemporal(store, temporal, runs, options, (text) => io.note(text));
  const written: Written[] = [];
  for (const training of trainings) {
    const { pipeline, run, step, state, points } = training;
    written.push({ pipeline, run, step, state, epochs: points.length, folder: await writeEvents(folder, training) });
  }
  return written;
}

async function fromTemporal(
  store: ObjectStore,
  temporal: Temporal,
  runs: readonly string[],
  { pipeline, limit }: TensorboardOptions,
  note: (text: string) => void,
): Promise<ShownTraining[]> {
  const artifacts = createArtifactStore(store);
  const addresses =
    runs.length > 0
      ? await Promise.all(runs.map((run) => findShownRun(temporal, run)))
      : (await listRuns(temporal, { limit, ...(pipeline === undefined ? {} : { pipeline }) })).map(({ run }) => ({ run }));
  const found: ShownTraining[] = [];
  for (const one of addresses) {
    const address = 'run' in one ? await findRun(temporal, one.run) : one;
    const [view, input] = await Promise.all([describeRun(temporal, address), inputOf(temporal, address)]);
    try {
      found.push(...(await shownTrainings(store, artifacts, view, input.plan.parameters)));
    } catch (error) {
      // Of many runs one may have lost its artifacts to a clean-up; what its training kept is still there.
      if (runs.length > 0 || !isPerennialError(error, 'OBJECT_NOT_FOUND')) throw error;
      note(`${view.pipeline}/${view.runId}: ${error.message}`);
      found.push(...(await keptTrainings(store, view.pipeline, view.runId)));
    }
  }
  return found;
}

async function fromStore(store: ObjectStore, runs: readonly string[], { pipeline, limit }: TensorboardOptions): Promise<ShownTraining[]> {
  const kept = await runsWithCurves(store, pipeline);
  const named = runs.map((name) => {
    const fits = kept.filter((one) => `${one.pipeline}/${one.run}`.startsWith(name) || one.run.startsWith(name));
    if (fits.length === 1) return fits[0]!;
    throw new PerennialError(
      'NOT_FOUND',
      fits.length === 0
        ? `The store holds no training of a run "${name}".`
        : `"${name}" fits more than one run: ${fits
            .slice(0, 5)
            .map((one) => `${one.pipeline}/${one.run}`)
            .join(', ')}.`,
    );
  });
  const chosen = runs.length > 0 ? named : kept.sort((a, b) => (a.run < b.run ? 1 : -1)).slice(0, limit);
  return (await Promise.all(chosen.map((one) => keptTrainings(store, one.pipeline, one.run)))).flat();
}

function tell(written: readonly Written[], folder: string, io: CliIo): void {
  if (written.length === 0) return io.print('No run has trained anything yet. Start one with `perennial run FILE`.');
  io.print(
    table([
      ['TRAINING', 'STATE', 'EPOCHS', 'EVENTS'],
      ...written.map((one) => [`${one.pipeline}/${one.run}/${one.step}`, one.state, String(one.epochs), one.folder]),
    ]),
  );
  io.print(`Show them with \`tensorboard --logdir ${folder}\`.`);
}

const counted = (written: readonly Written[]): string => plural(written.length, 'training');
