import { expect, it } from 'vitest';
import { wireForms } from '../../../src/serving/wire-forms.ts';
import type { Column } from '../../../src/data/stored/column.ts';

const columns: readonly Column[] = [
  { name: 'n', type: 'number' },
  { name: 'euro', type: 'number', format: { number: { decimal: ',' } } },
  { name: 'code', type: 'string' },
  { name: 'flag', type: 'boolean' },
  { name: 'at', type: 'timestamp' },
  { name: 'since', type: 'timestamp', format: { timestamp: { unit: 's' } } },
];

it('numbers among the texts of cells become numbers where these are the same values', () => {
  const texts = [
    { n: '-999', euro: '1,5', code: '7', flag: 'true', at: '20240101', since: '1700000000', other: '1' },
    { n: 'NA', euro: '-999', code: '007', flag: 'yes', at: '', since: '', other: '' },
  ];
  expect(wireForms([], texts, columns)).toEqual([
    {
      way: 'as the texts of their cells, numbers among them as numbers',
      rows: [
        { n: -999, euro: 1.5, code: 7, flag: true, at: '20240101', since: 1_700_000_000, other: '1' },
        { n: 'NA', euro: -999, code: '007', flag: 'yes', at: '', since: '', other: '' },
      ],
    },
  ]);
});

it('values become texts where no form of their own says how', () => {
  const rows = [{ n: 10, euro: 1.5, code: 12_345_678_901_234_567_891n, flag: false, at: 1_700_000_000_000, since: null }];
  expect(wireForms(rows, undefined, columns)).toEqual([
    {
      way: 'as texts alone',
      rows: [{ n: '10', euro: 1.5, code: '12345678901234567891', flag: 'false', at: 1_700_000_000_000, since: null }],
    },
  ]);
});

it('nested values become JSON, and numbers of 32 bits have all their digits', () => {
  const typed: readonly Column[] = [
    { name: 'list', type: 'string', nested: true },
    { name: 'text', type: 'string' },
    { name: 'f', type: 'number', float32: true },
  ];
  const rows = [{ list: '[1,{"id":12345678901234567891}]', text: '[1.0]', f: 0.7 }];
  const plain = wireForms(rows, undefined, typed).find(({ way }) => way.startsWith('as plain JSON'))!;
  expect(plain.rows).toEqual([{ list: [1, { id: 12_345_678_901_234_567_891n }], text: '[1.0]', f: Math.fround(0.7) }]);
});

it('what is the same in every form is sent once', () => {
  expect(wireForms([{ code: 'x', at: '2024-01-01' }], [{ code: 'x', at: '2024-01-01' }], columns)).toEqual([]);
});
