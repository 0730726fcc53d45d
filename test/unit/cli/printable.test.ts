import { expect, it } from 'vitest';
import { printable } from '../../../src/cli/commands/command.ts';

it('texts of others cannot steer a terminal', () => {
  expect(printable('label \u001b[2J\u001b]0;title\u0007 a\u009b31m \u202etxt')).toBe(
    'label \\u001b[2J\\u001b]0;title\\u0007 a\\u009b31m \\u202etxt',
  );
  expect(printable('over\rwritten\r\nand\tkept\n')).toBe('over\\u000dwritten\r\nand\tkept\n');
  expect(printable('Größe 数 🐧 ✔ …')).toBe('Größe 数 🐧 ✔ …');
  expect(JSON.parse(printable(JSON.stringify({ text: 'a\u009b\u2028\u001b' })))).toEqual({ text: 'a\u009b\u2028\u001b' });
});
