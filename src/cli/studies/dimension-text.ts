import { valueText } from '../../tuning/describe.ts';
import type { Dimension } from '../../tuning/space.ts';

/** "0.0001 to 0.1, logarithmic" */
export function dimensionText(dimension: Dimension): string {
  const { when } = dimension;
  const condition = when === undefined ? '' : `, where ${when.dimension} is ${when.in.map(valueText).join(' or ')}`;
  if (dimension.kind === 'choice') return `${dimension.values.map(valueText).join(' | ')}${condition}`;
  const { low, high, scale, step } = dimension;
  return `${low} to ${high}${dimension.kind === 'integer' ? ', integers' : ''}${scale === 'log' ? ', logarithmic' : ''}${step === undefined ? '' : `, step ${step}`}${condition}`;
}
