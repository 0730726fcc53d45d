import type { PreprocessConfig } from './preprocess-config.ts';
import { PerennialError } from '../../core/errors.ts';
import { automaticFeatures } from './automatic-features.ts';
import type { Decision } from './automatic-features.ts';
import { checkChain, kindOf, parseChain } from './chain.ts';
import type { Link, TransformSpec } from './chain.ts';
import { requireColumn } from '../table/columns.ts';
import { labelColumns } from '../ingest/label-columns.ts';
import { weightColumn } from './row-weight.ts';
import type { DatasetMeta, DatasetProfile } from '../stored/dataset.ts';
import type { Column } from '../stored/column.ts';

/** Columns with what becomes of them. */
export interface ResolvedFeatures {
  readonly chains: { column: Column; links: Link[] }[];
  readonly features: Record<string, readonly TransformSpec[]>;
  readonly notes: readonly string[];
  /** Where the document says nothing. */
  readonly decisions?: readonly Decision[];
}

/**
 * The columns of a dataset with the chains of the document, checked against their types. Without `features`, the profile decides on them.
 */
export function resolveFeatures(
  config: PreprocessConfig,
  meta: Pick<DatasetMeta, 'columns' | 'label' | 'furtherLabels' | 'splitColumn'>,
  profile: DatasetProfile | undefined,
): ResolvedFeatures {
  const labels = labelColumns(meta);
  const weight = config.weight === undefined ? undefined : weightColumn(config.weight, meta.columns, labels);
  const series = config.sequence !== undefined;
  // In a series the label's own past is known when it is predicted.
  const leftOut = series
    ? [config.sequence.by, ...labels.filter((label) => label.type === 'string').map(({ name }) => name)]
    : labels.map(({ name }) => name);
  const automatic =
    config.features === undefined
      ? automaticFeatures(meta.columns, profile!, [
          ...leftOut,
          ...(config.anomaly === undefined ? [] : [config.anomaly.column]),
          ...(weight === undefined || typeof config.weight === 'object' ? [] : [weight.name]),
          ...(meta.splitColumn === undefined ? [] : [meta.splitColumn]),
        ])
      : undefined;
  const features: Record<string, readonly TransformSpec[]> = automatic?.features ?? { ...config.features };
  const chains = Object.entries(features).map(([name, specs]) => {
    const column = requireColumn(meta.columns, name, 'features');
    if (labels.includes(column) && !series)
      throw new PerennialError('CONFIG_INVALID', `features: "${name}" is the label; a model that is given the answer learns nothing.`, {
        hint: `Remove "${name}" from the features.`,
      });
    if (name === config.anomaly?.column)
      throw new PerennialError(
        'CONFIG_INVALID',
        `features: "${name}" says which rows are anomalies; a model that is given the answer finds nothing.`,
        { hint: `Remove "${name}" from the features.` },
      );
    // How old a row is, is known when a model is asked.
    if (column === weight && typeof config.weight === 'string')
      throw new PerennialError(
        'CONFIG_INVALID',
        `features: "${name}" holds the weights of rows, which are not known when a model is asked.`,
        { hint: `Remove "${name}" from the features.` },
      );
    const links = parseChain(specs, name);
    const mistake = checkChain(links, kindOf(column.type));
    if (mistake !== undefined && column.type === 'string' && profile?.columns.some((one) => one.name === name && one.count === 0) === true)
      throw new PerennialError(
        'DATA_INVALID',
        `features.${name}: the column is missing in every row of the train split, so there is nothing to learn from it.`,
        { hint: `Remove "${name}" from the features, or correct the source.` },
      );
    if (mistake !== undefined)
      throw new PerennialError('CONFIG_INVALID', `features.${name} (${column.type}): ${mistake.message}`, { hint: mistake.fix });
    return { column, links };
  });
  if (chains.length === 0)
    throw new PerennialError('CONFIG_INVALID', 'features: no column is left to learn from.', {
      hint: `The columns are: ${meta.columns.map((column) => column.name).join(', ')}.`,
    });
  return { chains, features, notes: automatic?.notes ?? [], ...(automatic === undefined ? {} : { decisions: automatic.decisions }) };
}

/** Without a label there is nothing to foresee: a window stands for itself. @throws CONFIG_INVALID */
export function withHorizon(config: PreprocessConfig, meta: Pick<DatasetMeta, 'label'>): PreprocessConfig {
  const { sequence } = config;
  if (sequence === undefined) return config;
  const labelled = config.anomaly === undefined && meta.label !== null;
  if (!labelled && sequence.horizon !== undefined)
    throw new PerennialError(
      'CONFIG_INVALID',
      `sequence.horizon: ${config.anomaly === undefined ? 'the dataset has no label' : 'with "anomaly" no label is learned'}, so there is nothing ${sequence.horizon} rows later.`,
      { hint: 'Leave "horizon" out.' },
    );
  return { ...config, sequence: { ...sequence, horizon: sequence.horizon ?? (labelled ? 1 : 0) } };
}
