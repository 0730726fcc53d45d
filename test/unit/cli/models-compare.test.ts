import { afterEach, expect, it } from 'vitest';
import { compareAction } from '../../../src/cli/models/view-actions.ts';
import type { CliIo } from '../../../src/cli/commands/command.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { ada, scratch, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

const before = process.env['PERENNIAL_STORE'];
afterEach(() => {
  if (before === undefined) delete process.env['PERENNIAL_STORE'];
  else process.env['PERENNIAL_STORE'] = before;
});

async function bench(): Promise<Workbench> {
  process.env['PERENNIAL_STORE'] = `file:${scratch()}`;
  return workbench(await openStore());
}

async function compared(...references: string[]): Promise<{ readonly versions: readonly number[]; readonly text: string }> {
  let result: { versions?: readonly number[] } = {};
  const lines: string[] = [];
  await compareAction(
    { result: (value: object) => void (result = value), print: (line = '') => void lines.push(line) } as unknown as CliIo,
    'm',
    references,
  );
  return { versions: result.versions!, text: lines.join('\n') };
}

it('sets the champion beside the challenger', async () => {
  const { register, registry } = await bench();
  for (const number of [1, 2, 3]) await register(number);
  await registry.promote('m', 2, ada);
  await registry.setAlias('m', 'challenger', 3, ada);
  expect((await compared()).versions).toEqual([2, 3]);
});

it('sets the version before it beside a champion that is the challenger too', async () => {
  const { register, registry } = await bench();
  for (const number of [1, 2, 3]) await register(number);
  await registry.promote('m', 1, ada);
  await registry.promote('m', 3, ada);
  await registry.setAlias('m', 'challenger', 3, ada);
  const { versions, text } = await compared();
  expect(versions).toEqual([1, 3]);
  expect(text).toContain('(+0.2)');
});

it('compares nothing with itself', async () => {
  const { register, registry } = await bench();
  await register(1);
  await registry.promote('m', 1, ada);
  await expect(compared()).rejects.toMatchObject({
    code: 'USAGE',
    message: 'm has one version only, and it is champion and challenger: there is nothing to compare it with.',
  });
  await register(2);
  await expect(compared('champion', '1')).rejects.toMatchObject({
    code: 'USAGE',
    message: 'Version 1 of m is named twice: "champion", "1"; with itself it compares to nothing.',
  });
  expect((await compared('champion', '2')).versions).toEqual([1, 2]);
});
