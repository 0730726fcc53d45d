import type { Json } from '../core/json.ts';

/** A dimension counts only where another one took one of these values. */
export interface DimensionCondition {
  readonly dimension: string;
  readonly in: readonly Json[];
}

/** A number between two bounds, both included; on a logarithmic scale, every factor is as likely as any other. */
export interface FloatDimension {
  readonly kind: 'float';
  readonly low: number;
  readonly high: number;
  readonly scale: 'linear' | 'log';
  /** Distance of the values from `low` on. */
  readonly step?: number;
  readonly when?: DimensionCondition;
}

/** An integer between two bounds, both included. */
export interface IntegerDimension {
  readonly kind: 'integer';
  readonly low: number;
  readonly high: number;
  readonly scale: 'linear' | 'log';
  readonly step?: number;
  readonly when?: DimensionCondition;
}

/** One of some values, of any JSON type; no order is assumed among them. */
export interface ChoiceDimension {
  readonly kind: 'choice';
  readonly values: readonly Json[];
  readonly when?: DimensionCondition;
}

export type Dimension = FloatDimension | IntegerDimension | ChoiceDimension;

/** What is searched: dimensions by name, in the order of the document. A dimension stands after the one that its condition names. */
export type Space = Readonly<Record<string, Dimension>>;

/** A point of a space: a value of every dimension that counts at it. */
export type Point = Readonly<Record<string, Json>>;
