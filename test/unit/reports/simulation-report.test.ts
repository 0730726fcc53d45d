import { describe, expect, it } from 'vitest';
import type { Simulation } from '../../../src/core/simulation.ts';
import { renderSimulation, summaryOf } from '../../../src/reports/simulation-report.ts';

const simulation: Simulation = {
  formatVersion: 1,
  pipeline: 'returns',
  model: 'returns',
  file: 'returns.json',
  stream: 'sudden',
  seed: 1,
  rowsPerDay: 100,
  labelDelayDays: 2,
  days: Array.from({ length: 20 }, (_, day) => ({
    day,
    date: `2026-02-${String(day + 1).padStart(2, '0')}`,
    rows: 100,
    answered: day === 3 ? 0 : 100,
    served: day === 3 ? null : 0.9,
    oracle: 0.91,
    version: day < 10 ? 1 : 2,
    drift: day === 9 ? 2.5 : 0.1,
    alarm: day === 9,
    world: '',
  })),
  runs: [
    {
      day: 0,
      at: '2026-02-01T00:00:00.000Z',
      run: 'returns/first',
      trigger: 'manual',
      status: 'completed',
      version: 1,
      live: true,
      seconds: 4,
      trainingSeconds: 2,
      rows: 3_000,
      headline: 'returns version 1 is live.',
    },
    {
      day: 9,
      at: '2026-02-10T00:00:00.000Z',
      run: 'returns/b',
      trigger: 'drift',
      status: 'rejected',
      version: null,
      live: false,
      seconds: 4,
      trainingSeconds: 2,
      rows: 3_000,
      headline: 'Refused: <b>accuracy</b> 0.5.',
    },
  ],
  changes: [{ day: 0, at: '2026-02-01T00:00:00.000Z', action: 'promote', from: null, to: 1, who: 'run first', why: 'Deployed.' }],
  incidents: [{ day: 3, at: '2026-02-04T08:00:00.000Z', kind: 'server', what: 'the model server was killed.' }],
  checks: 40,
  served: 0.9,
  oracle: 0.91,
  loss: 1,
  retrainings: 1,
  seconds: 75,
  bounds: [
    { name: 'loss', asked: 'at most 2 points behind the oracle', value: 1, kept: true },
    { name: 'retrainings', asked: 'at most 0 retrainings', value: 1, kept: false },
  ],
  notes: ['Nobody was notified.'],
};

describe('the page of a simulation', () => {
  it('is one page that loads nothing, with its charts, and escapes what runs say', async () => {
    const page = await renderSimulation(simulation);
    expect(page.match(/<svg /g)).toHaveLength(4);
    expect(page).not.toMatch(/NaN|undefined|Infinity|<script|https?:\/\/(?!www\.w3\.org)/);
    expect(page).toContain('Refused: &#60;b&#62;accuracy&#60;/b&#62; 0.5.');
    expect(page).toContain('Beyond its bounds');
    expect(page).toContain('✘ at most 0 retrainings: 1');
    expect(await renderSimulation(simulation)).toBe(page);
  });

  it('says first what a person has to know', () => {
    expect(summaryOf(simulation)).toBe(
      'Accuracy 90.00 % against 91.00 % of the oracle (1.00 points less), 1 retraining; 1 day with rows that nobody answered; 20 days in 1 min 15 s.',
    );
  });

  it('is there for one day, without checks of drift and without incidents', async () => {
    const page = await renderSimulation({
      ...simulation,
      days: [{ ...simulation.days[0]!, drift: null }],
      incidents: [],
      bounds: [],
    });
    expect(page.match(/<svg /g)).toHaveLength(3);
    expect(page).not.toMatch(/NaN|undefined/);
  });
});
