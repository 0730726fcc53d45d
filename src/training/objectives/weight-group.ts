import type { NamedWeight } from '../model/network.ts';

/** Weights that move in their own way. */
export interface WeightGroup {
  /** Weights by full name. A weight that no group includes moves with every update, at the common rate. */
  includes(weight: NamedWeight): boolean;
  /** Times the learning rate of the update. */
  readonly learningRateFactor: number;
  /** The group rests before this update, 0 being the first. */
  readonly from: number;
  /** The group moves in every so manieth update only: in the last of each so many. */
  readonly every: number;
}
