import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepare } from '../../../src/simulation/play/prepare.ts';
import { writeReturns } from '../../support/returns.ts';
import { tempDir } from '../../support/temp-dir.ts';

type Change = (document: { steps: { uses: string; with?: any }[]; on: any }) => void;

function documentWith(change: Change = () => undefined): string {
  const folder = tempDir('prepare');
  const document = JSON.parse(readFileSync(writeReturns(folder), 'utf8')) as Parameters<Change>[0];
  change(document);
  const file = join(folder, 'changed.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

const refusal = (change: Change): Promise<string> =>
  prepare(documentWith(change), {}).then(
    () => 'taken',
    (error: Error) => error.message,
  );

describe('a document for a simulation', () => {
  it('is the same over another source, and tells nobody', async () => {
    const prepared = await prepare(
      documentWith(({ on }) => {
        on.notify = [{ to: { command: { run: ['true'] } } }];
        on.digest = {};
      }),
      {},
    );
    const plan = prepared.planFor('/elsewhere/stream.csv');
    expect(plan.steps[0]!.config).toMatchObject({
      source: { format: 'csv', path: '/elsewhere/stream.csv' },
      label: 'returned',
      mode: 'recent',
    });
    expect(plan.on.notify).toBeUndefined();
    expect(plan.on.triggers).not.toHaveProperty('digest');
    expect(prepared).toMatchObject({ model: 'returns', label: 'returned', times: ['at'], keepDays: 14, listensToFlags: true });
    expect(prepared.notes).toEqual([
      'Nobody was told anything: "on.notify" was left out.',
      'Nobody was told anything: "on.digest" was left out.',
    ]);
  });

  it('can be trained so that it hardly learns', async () => {
    const train = (await prepare(documentWith(), {})).weakPlanFor('/a.csv').steps.find(({ type }) => type === 'train')!;
    expect(train.config).toMatchObject({ epochs: 1, optimizer: { sgd: { learningRate: 1e-9 } }, model: { units: [16] } });
  });

  it('is refused where it reaches beyond the simulation, or waits for people', async () => {
    expect(await refusal(({ steps }) => (steps.at(-1)!.with = { targets: ['server', { edge: { path: 'edge' } }] }))).toMatch(
      /the step "deploy" keeps the model at .*edge.*, which is somebody's place/,
    );
    expect(await refusal(({ steps }) => (steps.at(-1)!.with = { to: 'directory', path: 'out' }))).toContain(
      'writes files beside the document',
    );
    expect(await refusal(({ steps }) => steps.splice(5, 0, { uses: 'approve', with: { ask: 'Well?' } }))).toContain('waits for people');
    expect(await refusal(({ steps }) => steps.push({ uses: 'command', with: { command: ['true'] } }))).toContain('runs a program');
    expect(await refusal(({ on }) => (on.feedback.do = 'pause'))).toContain('"on.feedback" pauses schedules');
    const unserved = await refusal((document) => {
      document.on = {};
      document.steps.splice(5, 2);
    });
    expect(unserved).toContain('it registers and deploys no model');
  });
});
