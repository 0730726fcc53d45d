import { expect, test } from 'vitest';
import { FeedbackIndex } from '../../../src/monitoring/feedback/feedback-reader.ts';
import type { FeedbackRecord } from '../../../src/monitoring/feedback/feedback-record.ts';

const record = (minute: number, more: Partial<FeedbackRecord>): FeedbackRecord => ({
  formatVersion: 1,
  time: `2026-03-01T00:0${minute}:00.000Z`,
  ...more,
});
const ROW = { customer: 17 };

test.each([
  ['by id', [{ id: 'r' }, { id: 'r' }]],
  ['by id, then with the row', [{ id: 'r' }, { id: 'r/0' }]],
  ['with the row, then by id', [{ id: 'r/0' }, { id: 'r' }]],
  ['by id, then by values', [{ id: 'r' }, { key: ROW }]],
  ['by values, then by id', [{ key: ROW }, { id: 'r' }]],
] as const)('what came last about a prediction holds, however it was named: %s', (_, [first, second]) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const index = new FeedbackIndex();
    const records = [record(1, { ...first, label: 'a', comment: 'x' }), record(2, { ...second, label: 'b' })];
    for (const at of order) index.add(records[at]!);
    expect(index.find({ id: 'r', row: ROW })).toMatchObject({ label: 'b', comment: 'x' });
    expect(index.unmatched).toBe(0);
  }
});

test('a label by values and a flag by id of the same prediction are both kept', () => {
  const index = new FeedbackIndex();
  index.add(record(1, { key: ROW, label: 'a' }));
  index.add(record(2, { id: 'r', flag: true }));
  expect(index.find({ id: 'r', row: ROW })).toMatchObject({ label: 'a', flag: true });
  expect(index.find({ id: 'other', row: ROW })).toMatchObject({ label: 'a' });
  expect(index.find({ id: 'other', row: null })).toBeUndefined();
});
