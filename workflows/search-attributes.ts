import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../src/core/search-attributes.ts';

/** Of the facts that runs and checks are found by. */
export const KEYS = {
  Model: defineSearchAttributeKey('Model', SEARCH_ATTRIBUTES.Model),
  ModelVersion: defineSearchAttributeKey('ModelVersion', SEARCH_ATTRIBUTES.ModelVersion),
  Verdict: defineSearchAttributeKey('Verdict', SEARCH_ATTRIBUTES.Verdict),
  Trigger: defineSearchAttributeKey('Trigger', SEARCH_ATTRIBUTES.Trigger),
  PrimaryMetric: defineSearchAttributeKey('PrimaryMetric', SEARCH_ATTRIBUTES.PrimaryMetric),
  DriftScore: defineSearchAttributeKey('DriftScore', SEARCH_ATTRIBUTES.DriftScore),
  Epoch: defineSearchAttributeKey('Epoch', SEARCH_ATTRIBUTES.Epoch),
};

export interface SearchFacts {
  readonly Model?: string;
  readonly ModelVersion?: string;
  readonly Verdict?: string;
  readonly Trigger?: string;
  readonly PrimaryMetric?: number;
  readonly DriftScore?: number;
  readonly Epoch?: number;
}

/** All given facts in one command. Facts that cannot be told (undefined, NaN) are left as they are. */
export function tellSearch(facts: SearchFacts): void {
  const pairs = [];
  if (facts.Model !== undefined) pairs.push({ key: KEYS.Model, value: facts.Model });
  if (facts.ModelVersion !== undefined) pairs.push({ key: KEYS.ModelVersion, value: facts.ModelVersion });
  if (facts.Verdict !== undefined) pairs.push({ key: KEYS.Verdict, value: facts.Verdict });
  if (facts.Trigger !== undefined) pairs.push({ key: KEYS.Trigger, value: facts.Trigger });
  if (Number.isFinite(facts.PrimaryMetric)) pairs.push({ key: KEYS.PrimaryMetric, value: facts.PrimaryMetric as number });
  if (Number.isFinite(facts.DriftScore)) pairs.push({ key: KEYS.DriftScore, value: facts.DriftScore as number });
  if (Number.isSafeInteger(facts.Epoch)) pairs.push({ key: KEYS.Epoch, value: facts.Epoch as number });
  if (pairs.length > 0) upsertSearchAttributes(pairs);
}
