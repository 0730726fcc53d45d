import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { kindOf, parseChain } from './chain.ts';
import { requireColumn } from '../table/columns.ts';
import { labelsOf } from '../stored/examples.ts';
import type { TrainPass } from './fit.ts';
import { durationMs } from '../../core/duration.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import { countClasses } from './label.ts';
import type { PreprocessConfig } from './preprocess-config.ts';
import { preprocessorParts } from './preprocessor-json.ts';
import type { PreprocessorParts } from './fitted-column.ts';
import { keyNames } from './series.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import type { DatasetMeta } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

/** Preprocessing that was learnt before, to be used as it is. */
export interface FittedBase {
  /** For messages, e.g. "digits version 3". */
  readonly text: string;
  /** `preprocessor.json` of the model. */
  readonly preprocessor: JsonObject;
}

export interface ReusedPreprocessing {
  readonly text: string;
  readonly parts: PreprocessorParts;
}

export function reusedFrom({ text, preprocessor }: FittedBase): ReusedPreprocessing {
  return { text, parts: preprocessorParts(preprocessor).parts };
}

/**
 * The configuration with what comes from the model in place of what it says for the first time.
 *
 * @throws CONFIG_INVALID where the document says something else than the model has
 */
export function withReused(config: PreprocessConfig, { text, parts }: ReusedPreprocessing): PreprocessConfig {
  const refuse = (key: string, own: string, given: string): never => {
    throw new PerennialError('CONFIG_INVALID', `${key}: the document says ${given}, ${text} has ${own}.`, {
      hint: `Write what the model has, or remove "from" to learn the preprocessing anew; the model is then to be trained from the start as well.`,
    });
  };
  if (config.features !== undefined) {
    const names = Object.keys(config.features);
    const own = parts.columns.map(({ name }) => name);
    if (names.join('\n') !== own.join('\n')) refuse('features', `the columns ${own.join(', ')}`, `the columns ${names.join(', ')}`);
    for (const column of parts.columns) {
      const links = parseChain(config.features[column.name]!, column.name);
      const chainText = (chain: typeof links): string =>
        chain.length === 0
          ? 'no transforms'
          : chain.map(({ definition, config: settings }) => `${definition.name} ${canonicalJson((settings ?? null) as Json)}`).join(', ');
      if (chainText(links) !== chainText([...column.links]))
        refuse(`features.${column.name}`, chainText([...column.links]), chainText(links));
    }
  }
  const { sequence } = parts;
  if (config.sequence !== undefined) {
    const given = {
      ...config.sequence,
      horizon: config.sequence.horizon ?? sequence?.horizon ?? 1,
      ...(config.sequence.key === undefined ? {} : { key: keyNames(config.sequence.key) }),
    };
    const own = sequence === undefined ? null : windowsOf(sequence);
    // The gap of a model that was found in its rows stands for one that the document leaves out.
    const { gap: ownGap, ...rest } = own ?? {};
    const { gap, ...said } = given;
    const gapMs = typeof gap === 'string' ? durationMs(gap) : gap;
    if (own === null || canonicalJson(said as unknown) !== canonicalJson(rest as unknown) || (gapMs !== undefined && gapMs !== ownGap))
      refuse('sequence', own === null ? 'no windows' : JSON.stringify(own), JSON.stringify(given));
  }
  const { sequence: _said, ...rest } = config;
  return {
    ...rest,
    ...(sequence === undefined
      ? {}
      : {
          sequence: {
            size: sequence.size,
            horizon: sequence.horizon,
            by: sequence.by,
            ...(sequence.key === undefined ? {} : { key: sequence.key.map(({ name }) => name) }),
          },
        }),
  };
}

/** As a document writes them. */
function windowsOf({ size, horizon, by, key, gap }: FittedSequence): {
  readonly size: number;
  readonly horizon: number;
  readonly by: string;
  readonly key?: readonly string[];
  readonly gap?: number | null;
} {
  return { size, horizon, by, ...(key === undefined ? {} : { key: key.map(({ name }) => name) }), ...(gap === undefined ? {} : { gap }) };
}

/** The columns that the model reads have to be there, and of the kind that it read. @throws COLUMN_MISSING, DATA_INVALID */
export function checkReusedColumns({ text, parts }: ReusedPreprocessing, columns: readonly Column[]): void {
  for (const { name, type } of parts.columns) {
    const found = requireColumn(columns, name, `from ${text}`);
    if (kindOf(found.type) !== kindOf(type))
      throw new PerennialError('DATA_INVALID', `from: ${text} reads "${name}" as ${type}, and here the column is ${found.type}.`, {
        hint: `If its values can be read so, declare "columns": { "${name}": "${type}" } in the ingest step: others are quarantined.`,
      });
  }
}

const LEARN_ANEW =
  'To learn a new task on these inputs, write "from": { …, "label": "fit" }, and give the model of the train step a new head.';

/**
 * The output of the model, for these rows: every label has to be one that it knows.
 *
 * @throws LABEL_INVALID
 */
export async function reuseOutput(
  { text, parts: { output } }: ReusedPreprocessing,
  meta: Pick<DatasetMeta, 'columns' | 'label' | 'furtherLabels'>,
  all: TrainPass,
): Promise<OutputSpec> {
  const labels = labelColumns(meta);
  for (const spec of labelsOf(output)) {
    const column = labels.find(({ name }) => name === spec.name);
    if (column === undefined) {
      throw new PerennialError(
        'LABEL_INVALID',
        `from: ${text} predicts "${spec.name}", and the label of the dataset is ${labels.length === 0 ? 'none' : labels.map(({ name }) => `"${name}"`).join(', ')}.`,
        { hint: `Write "label": "${spec.name}" in the ingest step. ${LEARN_ANEW}` },
      );
    }
    if (spec.kind === 'classes') await checkClasses(text, spec.classes, column, all);
    else if (column.type !== 'number' && column.type !== 'integer')
      throw new PerennialError(
        'LABEL_INVALID',
        `from: ${text} predicts "${spec.name}" as a number, and here the column is ${column.type}.`,
        { hint: LEARN_ANEW },
      );
  }
  return output;
}

async function checkClasses(text: string, classes: readonly string[], column: Column, all: TrainPass): Promise<void> {
  const unknown = await countClasses(all, column);
  for (const name of classes) unknown.delete(name);
  if (unknown.size === 0) return;
  const shown = [...unknown]
    .sort()
    .slice(0, 10)
    .map(([name, rows]) => `"${name}" (${rows} rows)`)
    .join(', ');
  throw new PerennialError(
    'LABEL_INVALID',
    `from: ${text} knows the classes ${classes
      .slice(0, 20)
      .map((name) => `"${name}"`)
      .join(', ')}${classes.length > 20 ? ', …' : ''} of "${column.name}"; the rows also hold ${shown}${unknown.size > 10 ? ', …' : ''}.`,
    { hint: `Leave such rows out with "filter" of the ingest step. ${LEARN_ANEW}` },
  );
}
