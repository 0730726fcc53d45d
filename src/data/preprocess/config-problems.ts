import { isPerennialError } from '../../core/errors.ts';
import type { ConfigProblem, StepFacts } from '../../core/step.ts';
import { checkChain, parseChain } from './chain.ts';
import { labelList } from '../ingest/label-columns.ts';
import type { PreprocessConfig } from './preprocess-config.ts';
import { keyNames } from './series.ts';

interface IngestFacts {
  readonly exclude?: readonly string[];
  readonly label?: string | readonly string[];
  readonly split?: { readonly by?: string; readonly column?: string };
}

/** What the schema of the preprocess step cannot say. */
export function preprocessProblems(config: PreprocessConfig, { before }: Pick<StepFacts, 'before'>): ConfigProblem[] {
  const ingest = before.findLast((step) => step.type === 'ingest')?.config as IngestFacts | undefined;
  const problems = [...checkFeatures(config), ...reuseProblems(config), ...seriesProblems(config, ingest)];
  if (ingest === undefined) return problems;
  if (config.sequence !== undefined && (ingest.split?.by !== 'time' || ingest.split.column !== config.sequence.by)) {
    problems.push({
      pointer: '/sequence/by',
      message: `Windows over "${config.sequence.by}" need a dataset that is split by that time.`,
      fix: `Use "split": {"by": "time", "column": "${config.sequence.by}"} in the ingest step.`,
    });
  }
  for (const label of labelList(ingest.label)) {
    if (config.sequence !== undefined || !Object.hasOwn(config.features ?? {}, label)) continue;
    problems.push({
      pointer: `/features/${label}`,
      message: `"${label}" is the label; a model that is given the answer learns nothing.`,
      fix: 'Remove it from the features.',
    });
  }
  if (config.anomaly !== undefined)
    problems.push(
      ...anomalyProblems(
        config,
        config.anomaly.column,
        config.sequence === undefined && labelList(ingest.label).includes(config.anomaly.column),
      ),
    );
  if (config.sequence !== undefined && config.balance !== undefined)
    problems.push({
      pointer: '/balance',
      message: 'Windows of a series cannot be balanced.',
      fix: 'Use "classWeights": "balanced" in the train step.',
    });
  return problems;
}

function checkFeatures(config: PreprocessConfig): ConfigProblem[] {
  return Object.entries(config.features ?? {}).flatMap(([name, specs]) => {
    const pointer = `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    try {
      const mistake = checkChain(parseChain(specs, name), undefined);
      return mistake === undefined
        ? []
        : [{ pointer: mistake.at < specs.length ? `${pointer}/${mistake.at}` : pointer, message: mistake.message, fix: mistake.fix }];
    } catch (error) {
      if (isPerennialError(error)) return [{ pointer, message: error.message, fix: error.hint }];
      throw error;
    }
  });
}

/** What the schema cannot say of "key". */
function seriesProblems({ sequence }: PreprocessConfig, ingest: IngestFacts | undefined): ConfigProblem[] {
  const names = keyNames(sequence?.key);
  const problems: ConfigProblem[] = [];
  if (sequence !== undefined && names.includes(sequence.by))
    problems.push({
      pointer: '/sequence/key',
      message: `"${sequence.by}" orders the rows; it cannot name their series as well.`,
      fix: 'Name the column that says which series a row belongs to.',
    });
  const excluded = names.find((name) => ingest?.exclude?.includes(name) === true);
  if (excluded !== undefined)
    problems.push({
      pointer: '/sequence/key',
      message: `The ingest step leaves "${excluded}" out.`,
      fix: `Remove "${excluded}" from its "exclude"; a column that "features" does not name is not learned from.`,
    });
  const [label] = labelList(ingest?.label).filter((name) => names.includes(name));
  if (label !== undefined)
    problems.push({
      pointer: '/sequence/key',
      message: `"${label}" is the label; what is to be predicted cannot say which series a row belongs to.`,
      fix: 'Name another column.',
    });
  return problems;
}

/** What has no meaning where nothing but normal rows is learned. */
function anomalyProblems(config: PreprocessConfig, column: string, isLabel: boolean): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (!isLabel && Object.hasOwn(config.features ?? {}, column))
    problems.push({
      pointer: `/features/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: `"${column}" says which rows are anomalies; a model that is given the answer finds nothing.`,
      fix: 'Remove it from the features.',
    });
  if (config.balance !== undefined)
    problems.push({
      pointer: '/balance',
      message: 'With "anomaly" no classes are learned that could be balanced.',
      fix: 'Remove "balance".',
    });
  if (config.label !== undefined)
    problems.push({ pointer: '/label', message: 'With "anomaly" no label is learned that could be scaled.', fix: 'Remove "label".' });
  return problems;
}

/** Settings that would be ignored where the preprocessing comes from a model. */
function reuseProblems({ from, features, label, task, sequence }: PreprocessConfig): ConfigProblem[] {
  if (from === undefined || from.onMissing === 'fit') return [];
  const problems: ConfigProblem[] = [];
  const learnt = (key: string, what: string): void =>
    void problems.push({
      pointer: `/${key}`,
      message: `${what} of the model that "from" names.`,
      fix: `Remove "${key}"${from.model === undefined ? '' : ', or say with "from": { …, "onMissing": "fit" } that it is for the first time'}.`,
    });
  if (features !== undefined) learnt('features', 'The features are those');
  if (sequence !== undefined) learnt('sequence', 'The windows are those');
  if (from.label === 'fit') return problems;
  if (label !== undefined) learnt('label', 'The scale of the label is that');
  if (task !== undefined && task !== 'auto') learnt('task', 'The task is that');
  return problems;
}
