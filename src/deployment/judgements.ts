import type { ArtifactRef } from '../core/artifact.ts';
import type { Json } from '../core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import { comparesWithChampion } from '../evaluation/step/gate.ts';
import type { Gate } from '../evaluation/step/gate.ts';
import type { JudgedChampion, VersionManifest } from '../registry/types.ts';
import type { EvaluationMeta, Judgement } from '../reports/write-evaluation.ts';
import { judgeAgain } from './judging.ts';
import type { EvaluateConfig } from './judging.ts';

/** An evaluation whose verdict depends on who was champion. */
export interface ChampionJudgement {
  readonly evaluation: string;
  readonly champion: JudgedChampion;
  /** Absent in evaluations of 0.1.0: they do not say how they came about, so nobody can judge again. */
  readonly how?: Judgement;
}

/**
 * Every evaluation of a run that compared with a champion and has a say over a version: those of its model, whoever's champion they
 * compared with, and those against the champion that the version would replace, whichever model they judged.
 */
export async function judgementsOf(
  artifacts: ArtifactStore,
  evaluations: readonly Pick<ArtifactRef, 'digest'>[],
  version: Pick<VersionManifest, 'name' | 'model'>,
): Promise<ChampionJudgement[]> {
  const digests = [...new Set(evaluations.map(({ digest }) => digest))];
  const found = await Promise.all(digests.map(async (digest) => judgementOf(await artifacts.open({ digest }), version.name)));
  return found.filter(
    (one) => one !== undefined && (one.champion.model === version.name || one.champion.judged === version.model.digest),
  ) as ChampionJudgement[];
}

/** @param name whose champion an evaluation compared with that does not say so */
async function judgementOf(artifact: OpenArtifact, name: string): Promise<ChampionJudgement | undefined> {
  const { judgement, model, champion } = artifact.manifest.meta as unknown as Partial<EvaluationMeta>;
  const evaluation = artifact.ref.digest;
  if (judgement !== undefined)
    return ((judgement.config as EvaluateConfig).gates ?? []).some(comparesWithChampion)
      ? { evaluation, champion: { ...judgement.champion, judged: judgement.inputs['model']! }, how: judgement }
      : undefined;
  // Made by a program, or by 0.1.0.
  if (typeof model !== 'string' || !Object.hasOwn(artifact.manifest.files, 'evaluation.json')) return undefined;
  const { gates } = await artifact.json<{ readonly gates?: readonly { readonly gate: Gate & Json }[] } & Json>('evaluation.json');
  return (gates ?? []).some(({ gate }) => comparesWithChampion(gate))
    ? { evaluation, champion: { model: name, version: champion?.version ?? null, judged: model } }
    : undefined;
}

/** What judging once more came to. */
export type JudgedAgain =
  | { readonly passed: true; readonly judgement: ChampionJudgement; readonly reasons: readonly string[] }
  /** The evaluation that says no. */
  | { readonly passed: false; readonly evaluation: string; readonly reasons: readonly string[] };

/** The same model, gates and rows against whoever serves now. */
export async function judgeOnceMore(ctx: StepContext, { evaluation, champion, how }: ChampionJudgement): Promise<JudgedAgain> {
  if (how === undefined)
    return {
      passed: false,
      evaluation,
      reasons: [
        `the evaluation ${evaluation.slice(0, 12)} was made by an earlier version of Perennial and cannot be made again; run the pipeline again`,
      ],
    };
  const result: StepResult = await judgeAgain(ctx, how);
  const ref = result.outputs['evaluation']!;
  const reasons = result.verdict?.reasons ?? [];
  if (result.verdict?.passed !== true) return { passed: false, evaluation: ref.digest, reasons };
  const judgement = await judgementOf(await ctx.artifacts.open(ref), champion.model);
  return { passed: true, judgement: judgement!, reasons };
}
