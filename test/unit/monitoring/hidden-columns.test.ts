import { describe, expect, it } from 'vitest';
import { FeedbackIndex } from '../../../src/monitoring/feedback/feedback-reader.ts';
import { hashedValue, hideColumns } from '../../../src/monitoring/predictions/hidden-columns.ts';

const ROW = { Name: 'Ada', customer: 17, x: 1, y: null };
const at = { formatVersion: 1, time: '2024-03-01T00:00:00.000Z' } as const;

describe('columns that are not logged', () => {
  it('are left out or written as a digest, whatever their case, and the line says which', () => {
    expect(hideColumns(ROW, { leaveOut: ['name', 'gone'], hash: ['CUSTOMER', 'y'] }, 'store')).toEqual({
      row: { customer: hashedValue('store', 'customer', 17), x: 1, y: null },
      hidden: { leftOut: ['Name'], hashed: ['customer'] },
    });
    expect(hideColumns(ROW, { leaveOut: ['gone'] }, 'store')).toEqual({ row: ROW });
  });

  it('are left out while it is not known what to hash them with', () => {
    expect(hideColumns(ROW, { hash: ['customer'] }, undefined)).toEqual({
      row: { Name: 'Ada', x: 1, y: null },
      hidden: { leftOut: ['customer'] },
    });
  });

  it('have digests that differ by store and column, and are those of HMAC-SHA-256', () => {
    expect(hashedValue('k', 'customer', 17)).toBe(hashedValue('k', 'Customer', '17'));
    expect(hashedValue('k', 'customer', 17)).not.toBe(hashedValue('other', 'customer', 17));
    expect(hashedValue('k', 'customer', 17)).not.toBe(hashedValue('k', 'client', 17));
    // python3 -c 'import hmac; print(hmac.new(b"k", b"customer\n17", "sha256").hexdigest()[:32])'
    expect(hashedValue('k', 'customer', 17)).toBe('hmac-sha256:76a2ebe6417cd0b6b0879a97439f6aa0');
  });

  it('are found by feedback that names the plain value', () => {
    const index = new FeedbackIndex('store');
    index.add({ ...at, key: { customer: 17, x: 1 }, label: 'a' });
    index.add({ ...at, key: { customer: '18', x: 1 }, label: 'b' });
    const { row, hidden } = hideColumns({ ...ROW, customer: 18 }, { hash: ['customer'] }, 'store');
    expect(index.find({ id: 'r', row, hidden: hidden! })?.label).toBe('b');
    // As long as the row is told whole, by its values.
    expect(index.find({ id: 'r', row: ROW })?.label).toBe('a');
    index.add({ ...at, time: '2024-03-02T00:00:00.000Z', key: { customer: '18', x: 1 }, label: 'c' });
    expect(index.find({ id: 'r', row, hidden: hidden! })?.label).toBe('c');
    expect(index.find({ id: 'r', row: { ...row, x: 2 }, hidden: hidden! })).toBeUndefined();
  });
});
