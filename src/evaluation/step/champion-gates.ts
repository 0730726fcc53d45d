import { plural } from '../../core/plural.ts';
import type { DifferenceInterval } from '../measure/bootstrap.ts';
import { lookBackMs } from './gate.ts';
import type { Gate, GateFacts, GateVerdict } from './gate.ts';
import { compare, formatNumber, gainOf, leftOut, marginOf, marginText, roundingOf, shareText } from './gate-words.ts';

export type ChampionGate = Extract<
  Gate,
  { notWorseThanChampionBy: number } | { betterThanChampionBy: number } | { notSignificantlyWorseThanChampion: true }
>;

/** A gate that compares with the champion of now, on rows that neither side has seen. */
export function againstChampion(gate: ChampionGate, whole: number, facts: GateFacts): GateVerdict {
  const { champion } = facts;
  const value = champion?.ours[gate.metric] ?? whole;
  const theirs = champion?.metrics[gate.metric];
  if (facts.notFair !== undefined) {
    const outcome = facts.onTooFewRows ?? 'fail';
    return {
      gate,
      passed: outcome === 'pass',
      sentence: `${gate.metric} ${formatNumber(value)} cannot be compared fairly with the champion: ${facts.notFair}; "onTooFewRows" is "${outcome}"`,
    };
  }
  if (champion === undefined || theirs === undefined || theirs === null) {
    const passed = facts.onNoChampion !== 'fail';
    const why =
      champion === undefined ? (facts.noChampion ?? 'there is no champion yet') : `${gate.metric} is undefined for ${champion.name}`;
    return {
      gate,
      passed,
      ...(facts.onNoChampion === 'manual' ? { manual: true as const } : {}),
      sentence: `${gate.metric} ${formatNumber(value)} has nothing to be compared with: ${why}; "onNoChampion" is "${facts.onNoChampion}"`,
    };
  }
  if ('notWorseThanChampionBy' in gate) return againstFormer(gate, allowWorse(gate, value, theirs, champion.name, facts), facts);
  const significant = 'notSignificantlyWorseThanChampion' in gate || gate.significant === true;
  if (significant && gate.test === 'mcnemar') return byDisagreement(gate, value, theirs, champion, facts);
  const interval = champion.differences[gate.metric];
  if ('notSignificantlyWorseThanChampion' in gate) return notBeyondDoubt(gate, value, theirs, interval, champion.name, facts);
  const margin = marginOf(gate, gate.betterThanChampionBy, theirs);
  if (significant) return beyondDoubt(gate, value, theirs, interval, margin, champion.name, facts);
  return compare(gate, value, theirs, margin, champion.name, facts);
}

function allowWorse(
  gate: Extract<Gate, { notWorseThanChampionBy: number }>,
  value: number,
  theirs: number,
  name: string,
  facts: GateFacts,
): GateVerdict {
  const gain = gainOf(gate, value, theirs, facts);
  const allowed = marginOf(gate, gate.notWorseThanChampionBy, theirs);
  const tie = Math.abs(gain) <= roundingOf(value, theirs);
  const passed = tie || gain >= -allowed - roundingOf(value, theirs);
  const relation = tie
    ? `equals ${formatNumber(theirs)}`
    : gain > 0
      ? `is better than ${formatNumber(theirs)}`
      : `is worse than ${formatNumber(theirs)}`;
  const limit =
    tie || gain > 0
      ? ''
      : `, by ${formatNumber(-gain)}${gate.relative === true && theirs !== 0 ? ` (${shareText(-gain / Math.abs(theirs))})` : ''}; ${marginText(gate, gate.notWorseThanChampionBy)} ${passed ? 'is' : 'would be'} allowed`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} ${relation} of ${name} on the same rows${leftOut(facts)}${limit}`,
  };
}

/** The same margin against every champion of the period: many small steps down are one large one. */
function againstFormer(gate: Extract<Gate, { notWorseThanChampionBy: number }>, verdict: GateVerdict, facts: GateFacts): GateVerdict {
  const period = lookBackMs(gate);
  const former = (facts.former ?? []).filter(({ agoMs }) => agoMs <= period);
  if (period === 0 || former.length === 0) return verdict;
  const gains = former.flatMap(({ version, ours, metrics }) => {
    const [value, theirs] = [ours[gate.metric], metrics[gate.metric]];
    return typeof value === 'number' && typeof theirs === 'number'
      ? [{ version, value, theirs, gain: gainOf(gate, value, theirs, facts) }]
      : [];
  });
  const left = former
    .filter(({ none }) => none !== undefined)
    .map(({ version, none }) => `; version ${version} was not compared: ${none}`)
    .join('');
  const found = (facts.formerAgesMs ?? []).filter((agoMs) => agoMs <= period).length;
  const chosen = found > former.length ? ` (the ${former.length} that did best in their own evaluations, of ${found})` : '';
  const best = gains.sort((a, b) => a.gain - b.gain)[0];
  if (best === undefined) return { ...verdict, sentence: `${verdict.sentence}${left}` };
  const passed = best.gain >= -marginOf(gate, gate.notWorseThanChampionBy, best.theirs) - roundingOf(best.value, best.theirs);
  const relation =
    best.gain < 0
      ? `worse by ${formatNumber(-best.gain)} than`
      : best.gain > 0
        ? `better by ${formatNumber(best.gain)} than`
        : 'as good as';
  return {
    gate,
    passed: verdict.passed && passed,
    sentence: `${verdict.sentence}; ${formatNumber(best.value)} is ${relation} ${formatNumber(best.theirs)} of version ${best.version}, the best of ${plural(gains.length, 'former champion')} of the last ${gate.bestWithin!}${chosen}${passed ? '' : ', which is too much'}${left}`,
  };
}

function beyondDoubt(
  gate: Extract<Gate, { betterThanChampionBy: number }>,
  value: number,
  theirs: number,
  interval: DifferenceInterval | null | undefined,
  margin: number,
  name: string,
  facts: GateFacts,
): GateVerdict {
  if (interval === null || interval === undefined) return noInterval(gate, value, name);
  const least = facts.directions[gate.metric] === 'minimize' ? -interval.high : interval.low;
  const passed = least > margin;
  const range = `${formatNumber(interval.low)} to ${formatNumber(interval.high)}`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} against ${formatNumber(theirs)} of ${name}: the ${Math.round(interval.confidence * 100)} % interval of the difference (${range}) ${passed ? 'is' : 'is not'} wholly better by more than ${marginText(gate, gate.betterThanChampionBy)}`,
  };
}

function noInterval(gate: Gate, value: number, name: string): GateVerdict {
  return {
    gate,
    passed: false,
    sentence: `${gate.metric} ${formatNumber(value)}: no interval of its difference to ${name} can be computed`,
  };
}

/** Rejects only what is worse for sure: where the whole interval of the difference is on the worse side. */
function notBeyondDoubt(
  gate: Gate,
  value: number,
  theirs: number,
  interval: DifferenceInterval | null | undefined,
  name: string,
  facts: GateFacts,
): GateVerdict {
  if (interval === null || interval === undefined) return noInterval(gate, value, name);
  const most = facts.directions[gate.metric] === 'minimize' ? -interval.low : interval.high;
  const passed = most >= -roundingOf(value, theirs);
  const range = `${formatNumber(interval.low)} to ${formatNumber(interval.high)}`;
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} against ${formatNumber(theirs)} of ${name}${leftOut(facts)}: ${passed ? 'not significantly worse' : 'significantly worse'}, the ${Math.round(interval.confidence * 100)} % interval of the difference is ${range}`,
  };
}

/** Up to which a difference may come about by chance. */
const SIGNIFICANCE = 0.05;

/** McNemar's test: of the rows on which one is right and the other wrong, is it one side that is right? */
function byDisagreement(
  gate: ChampionGate,
  value: number,
  theirs: number,
  { name, disagreements }: NonNullable<GateFacts['champion']>,
  facts: GateFacts,
): GateVerdict {
  const found = disagreements?.[gate.metric];
  if (found === undefined)
    return {
      gate,
      passed: false,
      sentence: `${gate.metric} ${formatNumber(value)}: McNemar's test counts rows that are classified rightly, and there are none to count`,
    };
  const { onlyOurs, onlyTheirs, p } = found;
  const better = onlyOurs > onlyTheirs;
  const certain = p < SIGNIFICANCE;
  const passed = 'notSignificantlyWorseThanChampion' in gate ? better || !certain : better && certain;
  const word = certain ? `significantly ${better ? 'better' : 'worse'}` : 'not significantly different';
  return {
    gate,
    passed,
    sentence: `${gate.metric} ${formatNumber(value)} against ${formatNumber(theirs)} of ${name}${leftOut(facts)}: ${word} (McNemar: ${onlyOurs} rows only this model has right, ${onlyTheirs} only the champion; p ${formatNumber(p)})`,
  };
}
