import { shownValue } from '../../core/json.ts';
import type { DType } from '../../core/tensor.ts';
import type { ColumnType } from '../../data/stored/column.ts';
import { SERVING_LIMITS } from '../limits.ts';
import { outputsOf } from '../named-outputs.ts';
import { RequestError } from '../request-error.ts';
import type { ModelState } from '../model-slot.ts';
import type { Target } from '../router.ts';
import type { Servable } from '../servable.ts';
import type { ServingStatistics } from '../serving-statistics.ts';
import { objectBody, onlyKeys } from './http.ts';

const COLUMN_TYPE: Readonly<Record<ColumnType, string>> = {
  number: 'TYPE_FP64',
  integer: 'TYPE_INT64',
  boolean: 'TYPE_BOOL',
  string: 'TYPE_STRING',
  timestamp: 'TYPE_STRING',
  image: 'TYPE_STRING',
};
const TENSOR_TYPE: Readonly<Record<DType, string>> = { float32: 'TYPE_FP32', int32: 'TYPE_INT32', uint8: 'TYPE_UINT8' };
const OUTPUT_TYPE = { FP64: 'TYPE_FP64', BYTES: 'TYPE_STRING', BOOL: 'TYPE_BOOL' } as const;

/** A version as Triton's model configuration describes models: the columns as inputs; the rows' dimension is `max_batch_size`. */
export function modelConfig(servable: Servable): unknown {
  const { preprocessor } = servable;
  return {
    name: servable.model,
    platform: 'perennial_bundle',
    backend: 'perennial',
    version_policy: { specific: { versions: [servable.version] } },
    max_batch_size: SERVING_LIMITS.rowsMax,
    input: preprocessor.columns.map(({ name, type, required }) => ({
      name,
      data_type: COLUMN_TYPE[type],
      dims: [1],
      ...(required ? {} : { optional: true }),
    })),
    output: outputsOf(servable).map(({ name, datatype, shape }) => ({
      name,
      data_type: OUTPUT_TYPE[datatype],
      dims: shape.length === 0 ? [1] : [...shape],
    })),
    parameters: {
      tensor_inputs: {
        string_value: JSON.stringify(
          preprocessor.inputs.map(({ name, dtype, shape }) => ({ name, data_type: TENSOR_TYPE[dtype], dims: [...shape] })),
        ),
      },
    },
  };
}

/** What is served: every version in memory or under an alias. @throws RequestError 400 */
export function repositoryIndex(states: readonly ModelState[], body: unknown): unknown {
  const { ready } = readIndexBody(body);
  return states
    .flatMap(({ model, version, loaded, shelf, aliases, wanted, error }) => {
      const coming = wanted !== undefined && wanted !== version ? [wanted] : [];
      return [...new Set([...loaded, ...shelf, ...Object.values(aliases), ...coming])]
        .sort((a, b) => a - b)
        .map((each) => {
          if (!coming.includes(each)) return { name: model, version: String(each), state: 'READY', reason: '' };
          return { name: model, version: String(each), state: error === undefined ? 'LOADING' : 'UNAVAILABLE', reason: error ?? '' };
        });
    })
    .filter(({ state }) => !ready || state === 'READY');
}

function readIndexBody(body: unknown): { readonly ready: boolean } {
  if (body === undefined || body === null) return { ready: false };
  const object = objectBody(body);
  onlyKeys(object, ['ready', 'repository_name']);
  if (object.ready !== undefined && typeof object.ready !== 'boolean')
    throw new RequestError(400, `"ready" is ${shownValue(object.ready)}; expected true or false.`);
  return { ready: object.ready === true };
}

/** Counts and times since the server began, as Triton's statistics extension has them. */
export function modelStatistics(statistics: ServingStatistics, target: Partial<Target>): unknown[] {
  return statistics
    .all()
    .filter(
      ({ model, version }) =>
        (target.model === undefined || model === target.model) && (target.version === undefined || version === target.version),
    )
    .map(({ model, version, lastMs, rows, calls, success, fail, infer }) => ({
      name: model,
      version: String(version),
      last_inference: lastMs,
      inference_count: rows,
      execution_count: calls,
      inference_stats: {
        success,
        fail,
        queue: { count: 0, ns: 0 },
        compute_input: { count: 0, ns: 0 },
        compute_infer: infer,
        compute_output: { count: 0, ns: 0 },
        cache_hit: { count: 0, ns: 0 },
        cache_miss: { count: 0, ns: 0 },
      },
      batch_stats: [],
    }));
}
