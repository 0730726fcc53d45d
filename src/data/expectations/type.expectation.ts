import { columnExpectation, defineExpectation } from './expectation.ts';
import type { ColumnType } from '../stored/column.ts';

interface Config {
  readonly column: string;
  readonly type: ColumnType;
}

export default defineExpectation<Config>({
  name: 'type',
  summary: 'The column has this type; an integer column is a number column too.',
  configSchema: columnExpectation(
    'type',
    'The column has this type.',
    { enum: ['number', 'integer', 'boolean', 'string', 'timestamp', 'image'], description: 'The type expected.' },
    { column: 'body_mass_g', type: 'number' },
  ),
  examples: [{ column: 'body_mass_g', type: 'number' }],
  rule({ column: name, type }, scope) {
    const column = scope.column(name);
    const holds = column.type === type || (type === 'number' && column.type === 'integer');
    return { measure: 'count(*)', judge: () => (holds ? undefined : `"${name}" is a ${column.type} column, expected ${type}`) };
  },
});
