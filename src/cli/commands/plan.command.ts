import { PARAM_OPTION } from '../repeated.ts';
import type { Plan, PlanStep } from '../../core/plan.ts';
import { PerennialError, exitCodeOf, isPerennialError } from '../../core/errors.ts';
import { momentOf } from '../../core/moment.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';
import { duration } from '../plan-text.ts';
import { dimensionText } from '../studies/dimension-text.ts';
import type { Space } from '../../tuning/space.ts';
import type { PlannedModel } from '../../planning/plan-model.ts';
import type { Temporal } from '../../runs/connect.ts';
import type { Difference } from '../../runs/difference.ts';
import type { GivenDocuments } from '../declared-difference.ts';

interface Options {
  readonly param: readonly string[];
  readonly at?: string;
  readonly check?: boolean;
}

/** As of gates: asked whether all is well, the answer is no. */
const DIFFERS = 3;
/** How long what needs no Temporal waits for one. */
const ASK_MS = 2_000;

export default defineCommand({
  register(program, io) {
    program
      .command('plan')
      .summary('what a run, or apply, would do, without doing it')
      .description(
        'Of one document: prints the steps, how they are wired, what comes from the cache and why, and the layers of the model with shapes and parameter counts; and how what lives differs from it, where a stack can be reached. Of a folder, or of several documents: what `apply` would do: which pipelines are new, changed (each value by its path), renamed, to be removed, or not as they were applied. Looks at the schema of the data, at the store and at Temporal; runs and changes nothing.',
      )
      .argument('<paths...>', 'pipeline document (JSON); or a folder of them, or several')
      .option(...PARAM_OPTION)
      .option('--at <time>', 'nominal time of the run of one document, ISO 8601; default: now')
      .option('--check', 'exit with 3 where what lives differs from what is declared')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial plan pipelines/penguins.json\n  perennial plan pipelines/penguins.json --param epochs=5 --json\n  perennial plan pipelines/\n  perennial plan pipelines/ --check --json\n\nExit codes: 0 done, 2 bad input, 3 something differs (--check), 4 Temporal cannot be reached (of one document: only with --check).',
      )
      .action(async (paths: readonly string[], options: Options) => {
        const { stat } = await import('node:fs/promises');
        const only = paths.length === 1 && (await stat(paths[0]!).catch(() => undefined))?.isDirectory() !== true;
        return only ? plan(paths[0]!, options, io) : planAll(paths, options, io);
      });
  },
});

/** What `apply` would do. */
async function planAll(paths: readonly string[], options: Options, io: CliIo): Promise<void> {
  if (options.at !== undefined)
    throw new PerennialError('USAGE', '--at is the nominal time of a run; of several documents none is planned.', {
      hint: 'Plan one document, or leave --at out.',
    });
  const [{ readDocuments }, { differenceText, elsewhereLines, leftOutLines }] = await Promise.all([
    import('../declared-difference.ts'),
    import('../difference-text.ts'),
  ]);
  const given = await readDocuments(paths, options.param);
  for (const line of leftOutLines(given)) io.note(line);
  const { connectOwn } = await import('../../runs/own-stack.ts');
  const difference = await differenceFrom(await connectOwn(), given, io);
  const { pipelines, summary, differs, elsewhere } = difference;
  io.result({ differs, summary, pipelines, elsewhere, leftOut: given.leftOut });
  io.print(differenceText(difference));
  for (const line of elsewhereLines(difference)) io.note(line);
  if (options.check === true && differs) io.exit(DIFFERS);
}

/** Closes the client. */
async function differenceFrom(temporal: Temporal, given: GivenDocuments, io: CliIo): Promise<Difference> {
  const { differenceOf, storeOf } = await import('../declared-difference.ts');
  try {
    return await differenceOf(temporal, await storeOf(given.declared, (problem) => io.note(`note: ${problem}`)), given);
  } finally {
    await temporal.close();
  }
}

/** Of one document; undefined where no stack can be reached, unless it is asked whether anything differs. */
async function differenceOfOne(file: string, options: Options, io: CliIo): Promise<Difference | undefined> {
  const [{ readDocuments }, { connectOwn }, { temporalConfig }] = await Promise.all([
    import('../declared-difference.ts'),
    import('../../runs/own-stack.ts'),
    import('../../../temporal.config.ts'),
  ]);
  const config = temporalConfig();
  try {
    const temporal = await connectOwn(
      options.check === true ? config : { ...config, connectTimeoutMs: Math.min(ASK_MS, config.connectTimeoutMs) },
    );
    return await differenceFrom(temporal, await readDocuments([file], options.param), io);
  } catch (error) {
    if (options.check === true || !isPerennialError(error)) throw error;
    if (!['TEMPORAL_UNAVAILABLE', 'STACK_UNREADABLE'].includes(error.code))
      io.note(`note: what lives cannot be compared with it: ${error.message}`);
    return undefined;
  }
}

async function plan(file: string, options: Options, io: CliIo): Promise<void> {
  const { compileOrThrow } = await import('../../config/plan-document.ts');
  const { parseParameterOptions } = await import('../../config/parameters.ts');
  const { planModels } = await import('../../planning/plan-model.ts');
  const compiled = await compileOrThrow(file, { params: parseParameterOptions(options.param) });
  const nominalTime = nominalTimeOf(options.at);
  const cache = await forecastCache(compiled, nominalTime);
  const models = await planModels(compiled, nominalTime);
  const difference = await differenceOfOne(file, options, io);
  const { differs, pipelines } = difference ?? {};
  io.result({ plan: compiled, nominalTime, cache, models, difference: difference === undefined ? null : { differs, pipelines } });
  const { courseText, studyText } = await import('../step-facts.ts');
  printSteps(compiled, cache, io);
  printSearch(compiled, (step) => studyText(compiled, step), io);
  await printFeatures(models, io);
  const told = new Set<string>();
  for (const model of models) {
    const { problem } = model;
    const step = compiled.steps.find(({ id }) => id === model.step);
    if (problem === undefined) {
      printModel(model, io);
      if (step?.type === 'train' && model.unknown === undefined) io.print(`  ${courseText(step.config)}`);
    }
    // Two models of the same examples would say the same twice.
    else if (told.size !== told.add(`${problem.step}: ${problem.message}`).size)
      printProblem(problem, io, await placeOf(file, compiled, problem.step, problem.message));
  }
  if (difference !== undefined) {
    const { differenceText } = await import('../difference-text.ts');
    io.print(`\nagainst what lives\n${differenceText(difference)}`);
  }
  const problem = models.find((model) => model.problem !== undefined)?.problem;
  if (problem !== undefined) io.exit(exitCodeOf(problem.code));
  else if (options.check === true && difference?.differs === true) io.exit(DIFFERS);
}

function nominalTimeOf(at: string | undefined): string {
  const time = at === undefined ? new Date() : new Date(momentOf(at));
  if (Number.isNaN(time.getTime()))
    throw new PerennialError('USAGE', `--at takes a time in ISO 8601; ${JSON.stringify(at)} was given.`, {
      hint: 'For example: --at 2026-01-31T03:00:00Z',
    });
  return time.toISOString();
}

interface Forecast {
  readonly id: string;
  readonly hit: boolean | 'unknown';
  readonly reason: string;
}

/** What the cache holds; a store that is away, or a source that is not there, is said and does not end the plan. */
async function forecastCache(compiled: Plan, nominalTime: string): Promise<readonly Forecast[]> {
  const { explainCache } = await import('../../planning/explain-cache.ts');
  const { openStore } = await import('../../storage/open-store.ts');
  const { createArtifactStore } = await import('../../storage/artifact-store.ts');
  const { steps } = await import('../../../activities/steps/index.generated.ts');
  try {
    const store = await openStore();
    return await explainCache(compiled, { store, artifacts: createArtifactStore(store), steps, nominalTime });
  } catch (error) {
    if (!isPerennialError(error)) throw error;
    return compiled.steps.map(({ id }) => ({ id, hit: 'unknown' as const, reason: `${error.code}: ${error.message}` }));
  }
}

function printSteps(compiled: Plan, cache: readonly Forecast[], io: CliIo): void {
  io.print(`${compiled.pipeline}  revision ${compiled.revision.slice(0, 12)}`);
  if (compiled.description !== '') io.print(compiled.description);
  const parameters = Object.entries(compiled.parameters);
  if (parameters.length > 0) io.print(`parameters: ${parameters.map(([name, value]) => `${name}=${String(value)}`).join(', ')}`);
  io.print();
  io.print(stepTable(compiled, cache));
  for (const { id, folds } of compiled.steps)
    if (folds !== undefined)
      io.print(`\n${folds.folds} folds before "${id}": as many further trainings, each measured on rows that it does not learn from`);
}

/** What is searched, by what, and what a trial consists of. */
function printSearch(plan: Plan, mostOf: (step: PlanStep) => string | undefined, io: CliIo): void {
  for (const step of plan.steps) {
    const { id, tune, summary } = step;
    if (tune === undefined) continue;
    io.print(`\nsearch of "${id}": ${summary}`);
    const space = tune.space as unknown as Space;
    io.print(table(Object.entries(space).map(([name, dimension]) => [`  ${name}`, dimensionText(dimension)])));
    const goals = tune.objectives.map(({ name, direction, step }) => `${direction} ${name} of "${step}"`).join(', ');
    io.print(`  a trial: ${tune.steps.join(' → ')}; ${goals}`);
    const most = mostOf(step);
    if (most !== undefined) io.print(`  ${most}`);
    io.print('  what follows is an example of a trial');
  }
}

const CACHE_WORDS = { true: 'hit', false: 'runs', unknown: 'unknown' } as const;

function stepTable(compiled: Plan, cache: readonly Forecast[]): string {
  const rows = compiled.steps.map((step) => {
    const forecast = cache.find(({ id }) => id === step.id);
    const takes = Object.values(step.inputs)
      .map((input) => `${input.step}.${input.output}`)
      .join(', ');
    return [
      step.id,
      `${step.type}@${step.version}`,
      takes === '' ? '-' : takes,
      Object.keys(step.outputs).join(', ') || '-',
      `${duration(step.startToCloseMs)} × ${step.retry.maximumAttempts}`,
      step.queue ?? 'default',
      forecast === undefined ? '' : `${CACHE_WORDS[String(forecast.hit) as keyof typeof CACHE_WORDS]}: ${forecast.reason}`,
    ];
  });
  return table([['STEP', 'TYPE', 'TAKES', 'GIVES', 'TIMEOUT', 'QUEUE', 'CACHE'], ...rows]);
}

const FROZEN_WORDS = { no: '', weights: 'frozen', statistics: 'at first' } as const;

async function placeOf(...problem: Parameters<typeof import('../../config/place-problem.ts').placeText>): Promise<string | undefined> {
  return (await import('../../config/place-problem.ts')).placeText(...problem);
}

/** Which column becomes what, once for each preprocess step. */
async function printFeatures(models: readonly PlannedModel[], io: CliIo): Promise<void> {
  const { featureLines } = await import('../feature-text.ts');
  const shown = new Set<string>();
  for (const model of models) {
    if (model.preprocess === undefined || shown.has(model.preprocess)) continue;
    shown.add(model.preprocess);
    io.print(`\ncolumns of "${model.preprocess}"`);
    for (const line of featureLines(model)) io.print(`  ${line}`);
  }
}

function printProblem({ step, code, message, hint }: NonNullable<PlannedModel['problem']>, io: CliIo, place: string | undefined): void {
  io.print(`\nstep "${step}" would fail`);
  io.print(`  ${code}: ${message}${place === undefined ? '' : `\n  at: ${place}`}\n  fix: ${hint}`);
}

function printModel(model: PlannedModel, io: CliIo): void {
  io.print(`\nmodel of "${model.step}"`);
  if (model.unknown !== undefined) {
    io.print(`  layers unknown: ${model.unknown}`);
    return;
  }
  io.print(`  source: ${model.exact ? '' : model.more === true ? 'more than ' : 'about '}${model.rows.toLocaleString('en')} rows`);
  for (const input of model.inputs)
    io.print(
      `  input ${input.name} [${input.shape.join(', ')}] ${input.dtype}${input.vocabularySize === undefined ? '' : `, ${model.exact ? '' : 'up to '}${input.vocabularySize.toLocaleString('en')} ids`}`,
    );
  const frozen = model.layers.some((layer) => layer.frozen !== undefined);
  const rows = model.layers.map((layer) => [
    `  ${layer.name}`,
    layer.type,
    `[${layer.outputShape.join(', ')}]`,
    layer.parameters.toLocaleString('en'),
    ...(frozen ? [FROZEN_WORDS[layer.frozen ?? 'no']] : []),
  ]);
  io.print(table([['  LAYER', 'TYPE', 'OUTPUT', 'PARAMETERS', ...(frozen ? ['FROZEN'] : [])], ...rows]));
  for (const { name, layers, parameters } of model.companions ?? []) {
    io.print(`  trained against the ${name}, which does not serve:`);
    io.print(
      table([
        ['  LAYER', 'TYPE', 'OUTPUT', 'PARAMETERS'],
        ...layers.map((layer) => [
          `  ${layer.name}`,
          layer.type,
          `[${layer.outputShape.join(', ')}]`,
          layer.parameters.toLocaleString('en'),
        ]),
      ]),
    );
    io.print(`  ${parameters.toLocaleString('en')} parameters of the ${name}`);
  }
  if (model.base !== undefined) io.print(`  starts from ${model.base}`);
  const { parameters, trainableParameters } = model;
  io.print(
    `  ${parameters.toLocaleString('en')} parameters${trainableParameters === parameters ? '' : `, ${trainableParameters.toLocaleString('en')} of them trained`}, loss ${model.loss}, predicts ${model.output}`,
  );
}
