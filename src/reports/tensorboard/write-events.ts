import { appendFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trainingEvents } from './training-events.ts';
import type { ShownTraining } from './training-events.ts';

/**
 * Writes the events of a training below a folder: `PIPELINE/RUN/STEP/{train,validation}`. Files that are there are gone on with, so that
 * a TensorBoard that reads them sees what is new; one that says something else is replaced.
 *
 * @returns the folder of the training
 */
export async function writeEvents(folder: string, training: ShownTraining): Promise<string> {
  const own = join(folder, training.pipeline, training.run.replaceAll('/', '_'), training.step);
  for (const [part, bytes] of Object.entries(trainingEvents(training))) {
    const directory = join(own, part);
    await mkdir(directory, { recursive: true });
    await bring(directory, Math.floor(training.beganAt / 1_000), bytes);
  }
  return own;
}

/** What a file of events is called; the last number grows where one is replaced. */
const NAME = /^events\.out\.tfevents\.\d+\.perennial\.(\d+)$/;

async function bring(directory: string, seconds: number, bytes: Buffer): Promise<void> {
  const names = (await readdir(directory)).filter((name) => NAME.test(name)).sort((a, b) => numberOf(a) - numberOf(b));
  const newest = names.at(-1);
  if (newest !== undefined) {
    const path = join(directory, newest);
    const before = await readFile(path);
    if (before.equals(bytes)) return;
    if (before.length < bytes.length && bytes.subarray(0, before.length).equals(before)) {
      await appendFile(path, bytes.subarray(before.length));
      return;
    }
  }
  const name = `events.out.tfevents.${seconds}.perennial.${newest === undefined ? 0 : numberOf(newest) + 1}`;
  // Whole at once: TensorBoard takes every file whose name fits.
  const temporary = join(directory, `.new.${process.pid}`);
  await writeFile(temporary, bytes);
  await rename(temporary, join(directory, name));
  for (const old of names) await rm(join(directory, old), { force: true });
}

const numberOf = (name: string): number => Number(NAME.exec(name)![1]);
