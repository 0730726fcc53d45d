import { describe, expect, it } from 'vitest';
import { Perennial } from '../../support/perennial.ts';

describe('mistakes of usage', () => {
  const perennial = new Perennial();

  it.each([
    [['validate'], 'missing required argument', 'perennial validate --help'],
    [['models', 'promot', 'x', '1'], 'Did you mean promote?', 'perennial models --help'],
    [['run', 'x.json', '--parm', 'a=1'], 'Did you mean --param?', 'perennial run --help'],
  ])('%j end with 2, what was meant, and where to read on', async (args, meant, help) => {
    const answer = await perennial.run(args);
    expect(answer.code).toBe(2);
    expect(answer.stdout).toBe('');
    expect(answer.stderr).toMatch(/^error USAGE: /);
    expect(answer.stderr).toContain(meant);
    expect(answer.stderr).toContain(help);
  });

  it('are one JSON document under --json', async () => {
    const answer = await perennial.run(['frobnicate', '--json']);
    expect(answer.code).toBe(2);
    expect(answer.json()).toMatchObject({ error: { code: 'USAGE', hint: 'See `perennial --help`.' } });
  });
});
