import type { LineageDataset } from '../../../core/change.ts';
import type { JsonObject } from '../../../core/json.ts';
import { facet } from './facets.ts';

/** What is read. */
export function inputDataset(dataset: LineageDataset, namespace: string): JsonObject {
  const { assertions, rows, columns, bytes, files } = dataset;
  const measured = rows !== undefined || columns !== undefined;
  return {
    ...datasetOf(dataset, namespace),
    inputFacets: {
      ...(measured
        ? { dataQualityMetrics: facet('1-0-3', 'DataQualityMetricsInputDatasetFacet', metricsOf({ rows, bytes, files, columns })) }
        : {}),
      ...(assertions === undefined || assertions.length === 0
        ? {}
        : {
            dataQualityAssertions: facet('1-1-0', 'DataQualityAssertionsDatasetFacet', {
              assertions: assertions.map((one) => ({ ...one, severity: 'error' })),
            }),
          }),
    },
  };
}

/** What is written. */
export function outputDataset(dataset: LineageDataset, namespace: string): JsonObject {
  const { rows, bytes, files } = dataset;
  const counted = rows !== undefined || bytes !== undefined;
  return {
    ...datasetOf(dataset, namespace, dataset.columns),
    outputFacets: counted
      ? {
          outputStatistics: facet('1-0-2', 'OutputStatisticsOutputDatasetFacet', {
            ...(rows === undefined ? {} : { rowCount: rows }),
            ...(bytes === undefined ? {} : { size: bytes }),
            ...(files === undefined ? {} : { fileCount: files }),
          }),
        }
      : {},
  };
}

function datasetOf(dataset: LineageDataset, namespace: string, columns?: LineageDataset['columns']): JsonObject {
  const { name, version, kind, fields } = dataset;
  return {
    namespace: dataset.namespace ?? namespace,
    name,
    facets: {
      ...(version === undefined ? {} : { version: facet('1-0-1', 'DatasetVersionDatasetFacet', { datasetVersion: version }) }),
      ...(kind === undefined ? {} : { datasetType: facet('1-0-1', 'DatasetTypeDatasetFacet', { datasetType: kind }) }),
      ...(fields === undefined || fields.length === 0
        ? {}
        : { schema: facet('1-2-0', 'SchemaDatasetFacet', { fields: fields as unknown as JsonObject[] }) }),
      ...(columns === undefined
        ? {}
        : { dataQualityMetrics: facet('1-0-1', 'DataQualityMetricsDatasetFacet', metricsOf({ rows: dataset.rows, columns })) }),
    },
  };
}

function metricsOf({
  rows,
  bytes,
  files,
  columns,
}: {
  readonly rows: number | undefined;
  readonly bytes?: number | undefined;
  readonly files?: number | undefined;
  readonly columns: LineageDataset['columns'];
}): JsonObject {
  return {
    ...(rows === undefined ? {} : { rowCount: rows }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(files === undefined ? {} : { fileCount: files }),
    columnMetrics: (columns ?? {}) as JsonObject,
  };
}
