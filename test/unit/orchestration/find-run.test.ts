import { describe, expect, it } from 'vitest';
import type { Temporal } from '../../../src/runs/connect.ts';
import { findRun, findShownRun } from '../../../src/runs/find-run.ts';

const never = {} as Temporal;

it('takes a name that is given once without asking', async () => {
  expect(await findRun(never, 'penguins/20260131-174501-x7k2')).toEqual({ workflowId: 'penguins/20260131-174501-x7k2' });
});

describe('a workflow id that came twice', () => {
  const tick = 'penguins/scheduled-2026-01-31T03:00:00Z';
  const temporal = {
    client: {
      workflow: {
        async *list() {
          yield* [
            { workflowId: tick, runId: '019a0000-0000-7000-8000-00001f0c9a2b' },
            { workflowId: tick, runId: '019a0000-0000-7000-8000-00002e1d8b3c' },
          ];
        },
      },
    },
  } as unknown as Temporal;

  it('is no name of a run, unless the execution is named as well', async () => {
    await expect(findRun(temporal, tick)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`fits more than one run: ${tick}.1f0c9a2b, ${tick}.2e1d8b3c`),
    });
    expect(await findRun(temporal, `${tick}.2e1d8b3c`)).toEqual({ workflowId: tick, executionId: '019a0000-0000-7000-8000-00002e1d8b3c' });
    expect(await findRun(temporal, 'scheduled-2026-01-31T03:00:00Z.1f')).toEqual({
      workflowId: tick,
      executionId: '019a0000-0000-7000-8000-00001f0c9a2b',
    });
    await expect(findRun(temporal, `${tick}.00000000`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

it.each(['own/', '/x', 'a//b', 'own/ x', '../x/y', 'own/../x', 'Own/x?'])('says that %s is no name of a run', async (name) => {
  await expect(findRun(never, name)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('expected PIPELINE/RUN'),
  });
});

describe('the name of a pipeline', () => {
  const run = (name: string, startTime: string) => ({
    workflowId: `penguins/${name}`,
    runId: `019a0000-0000-7000-8000-0000000000${name}`,
    startTime: new Date(startTime),
  });
  const listing = (rows: readonly unknown[]): { temporal: Temporal; queries: string[] } => {
    const queries: string[] = [];
    const workflow = {
      async *list({ query }: { readonly query: string }) {
        queries.push(query);
        yield* query.includes("Pipeline = 'penguins'") ? rows : [];
      },
    };
    return { temporal: { client: { workflow } } as unknown as Temporal, queries };
  };

  it('is its newest run for whoever looks, whichever ended last', async () => {
    const { temporal } = listing([run('01', '2026-01-01T00:00:00Z'), run('03', '2026-01-03T00:00:00Z'), run('02', '2026-01-02T00:00:00Z')]);
    expect(await findShownRun(temporal, 'penguins')).toEqual({
      workflowId: 'penguins/03',
      executionId: '019a0000-0000-7000-8000-000000000003',
    });
    await expect(findRun(temporal, 'penguins')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is no name where the pipeline has no run', async () => {
    const { temporal, queries } = listing([]);
    await expect(findShownRun(temporal, 'penguins')).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no run "penguins".' });
    expect(queries).toHaveLength(2);
  });

  it('is not asked for where a run is named', async () => {
    expect(await findShownRun(never, 'penguins/20260131-174501-x7k2')).toEqual({ workflowId: 'penguins/20260131-174501-x7k2' });
  });
});
