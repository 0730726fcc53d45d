import { expect, it } from 'vitest';
import { metricsNote } from '../../../src/reports/evaluation-report.ts';

const baseline = { kind: 'none', description: '' } as const;
const champion = { model: 'p', version: 3, digest: '', rows: 41, confidence: 0.95, resamples: 1_000, metrics: {} };

it.each([
  [
    'rows that the champion has seen',
    { ...champion, fair: { rows: 52, left: 41, seenByChampion: 11, seenByThis: 0 } },
    'was judged on the same 41 rows: 41 of 52 test rows: the champion was trained or validated on 11; the 95 % interval',
  ],
  [
    'no such row',
    { ...champion, fair: { rows: 41, left: 41, seenByChampion: 0, seenByThis: 0 } },
    'the same 41 rows: all 41 test rows, none of which either side was trained or validated on; the',
  ],
  [
    'fewer that both predict',
    { ...champion, rows: 40, fair: { rows: 52, left: 41, seenByChampion: 11, seenByThis: 2 } },
    'this model on 2; both predict 40 of them; the',
  ],
  [
    'a model that is judged as a whole',
    { ...champion, resamples: 0, fair: { rows: 41, left: 41, seenByChampion: 0, seenByThis: 0 } },
    'either side was trained or validated on; such a model is judged on all of them at once, so there is no interval of the difference.',
  ],
])('says of %s', (_what, compared, text) => {
  expect(metricsNote({ baseline, champion: compared })).toContain(text);
});

it('says why there was no comparison', () => {
  expect(
    metricsNote({ baseline, noChampion: '41 of 52 test rows: this model on 11, and such a model is judged on all of them at once' }),
  ).toContain('Not compared with a champion: 41 of 52 test rows: this model on 11');
});
