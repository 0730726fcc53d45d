import { PerennialError } from '../../core/errors.ts';
import { runNameOf } from '../../core/run.ts';
import type { Temporal } from '../../runs/connect.ts';
import { findRun } from '../../runs/find-run.ts';
import { noteRun, readLabels, tagRun } from '../../runs/run-labels.ts';
import type { RunLabels } from '../../runs/run-labels.ts';
import { openOwnStore } from '../../runs/own-stack.ts';
import { describeRun } from '../../runs/runs.ts';
import { currentUser } from '../models/options.ts';
import type { CliIo } from '../commands/command.ts';
import { tagsText } from './list-action.ts';

/** Sets tags, takes tags away, or shows them. */
export async function tagAction(
  temporal: Temporal,
  run: string,
  tags: readonly string[],
  remove: readonly string[],
  io: CliIo,
): Promise<void> {
  const name = await nameOf(temporal, run);
  const store = await openOwnStore();
  const set = Object.fromEntries(
    tags.map((text) => {
      const [tag = '', ...value] = text.split('=');
      return [tag, value.join('=')];
    }),
  );
  const both = remove.find((tag) => Object.hasOwn(set, tag));
  if (both !== undefined) throw new PerennialError('USAGE', `The tag "${both}" is set and removed at once.`, { hint: '' });
  const labels = tags.length + remove.length === 0 ? await readLabels(store, name) : await tagRun(store, name, set, remove);
  show(name, labels, io);
}

/** Adds a note, or shows them. */
export async function noteAction(temporal: Temporal, run: string, text: string | undefined, io: CliIo): Promise<void> {
  const name = await nameOf(temporal, run);
  const store = await openOwnStore();
  show(name, text === undefined ? await readLabels(store, name) : await noteRun(store, name, text, currentUser()), io);
}

function show(run: string, { tags, notes }: RunLabels, io: CliIo): void {
  io.result({ run, tags, notes });
  for (const line of labelLines({ tags, notes })) io.print(line);
  if (Object.keys(tags).length + notes.length === 0) io.print(`${run} has no tags and no notes.`);
}

/** Tags and notes of a run, a line each. */
export function labelLines({ tags, notes }: Pick<RunLabels, 'tags' | 'notes'>): string[] {
  return [
    ...(Object.keys(tags).length === 0 ? [] : [`Tags: ${tagsText(tags)}`]),
    ...notes.map(({ at, by, text }) => `Note: ${text} (${by}, ${at.slice(0, 16).replace('T', ' ')}Z)`),
  ];
}

/** The name of a run that there is. @throws NOT_FOUND */
async function nameOf(temporal: Temporal, run: string): Promise<string> {
  const address = await findRun(temporal, run);
  if (address.executionId !== undefined) return runNameOf(address.workflowId, address.executionId);
  const { workflowId, executionId } = await describeRun(temporal, address);
  return runNameOf(workflowId, executionId);
}
