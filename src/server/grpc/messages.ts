import protobuf from 'protobufjs';

type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated' | 'map']>>;

/** Messages of the package `inference`: field → number, type and rule. What clients send beyond them is skipped. */
const MESSAGES: Readonly<Record<string, Fields>> = {
  Empty: {},
  ServerLiveResponse: { live: [1, 'bool'] },
  ServerReadyResponse: { ready: [1, 'bool'] },
  ModelReadyResponse: { ready: [1, 'bool'] },
  ServerMetadataResponse: { name: [1, 'string'], version: [2, 'string'], extensions: [3, 'string', 'repeated'] },
  NamedModel: { name: [1, 'string'], version: [2, 'string'] },
  TensorMetadata: { name: [1, 'string'], datatype: [2, 'string'], shape: [3, 'int64', 'repeated'] },
  ModelMetadataResponse: {
    name: [1, 'string'],
    versions: [2, 'string', 'repeated'],
    platform: [3, 'string'],
    inputs: [4, 'TensorMetadata', 'repeated'],
    outputs: [5, 'TensorMetadata', 'repeated'],
  },
  InferParameter: {
    bool_param: [1, 'bool'],
    int64_param: [2, 'int64'],
    string_param: [3, 'string'],
    double_param: [4, 'double'],
    uint64_param: [5, 'uint64'],
  },
  InferTensorContents: {
    bool_contents: [1, 'bool', 'repeated'],
    int_contents: [2, 'int32', 'repeated'],
    int64_contents: [3, 'int64', 'repeated'],
    uint_contents: [4, 'uint32', 'repeated'],
    uint64_contents: [5, 'uint64', 'repeated'],
    fp32_contents: [6, 'float', 'repeated'],
    fp64_contents: [7, 'double', 'repeated'],
    bytes_contents: [8, 'bytes', 'repeated'],
  },
  InferInputTensor: {
    name: [1, 'string'],
    datatype: [2, 'string'],
    shape: [3, 'int64', 'repeated'],
    parameters: [4, 'InferParameter', 'map'],
    contents: [5, 'InferTensorContents'],
  },
  InferRequestedOutputTensor: { name: [1, 'string'], parameters: [2, 'InferParameter', 'map'] },
  ModelInferRequest: {
    model_name: [1, 'string'],
    model_version: [2, 'string'],
    id: [3, 'string'],
    parameters: [4, 'InferParameter', 'map'],
    inputs: [5, 'InferInputTensor', 'repeated'],
    outputs: [6, 'InferRequestedOutputTensor', 'repeated'],
    raw_input_contents: [7, 'bytes', 'repeated'],
  },
  InferOutputTensor: {
    name: [1, 'string'],
    datatype: [2, 'string'],
    shape: [3, 'int64', 'repeated'],
    parameters: [4, 'InferParameter', 'map'],
  },
  ModelInferResponse: {
    model_name: [1, 'string'],
    model_version: [2, 'string'],
    id: [3, 'string'],
    parameters: [4, 'InferParameter', 'map'],
    outputs: [5, 'InferOutputTensor', 'repeated'],
    raw_output_contents: [6, 'bytes', 'repeated'],
  },
  ConfigInput: { name: [1, 'string'], data_type: [2, 'DataType'], dims: [4, 'int64', 'repeated'], optional: [8, 'bool'] },
  ConfigOutput: { name: [1, 'string'], data_type: [2, 'DataType'], dims: [3, 'int64', 'repeated'] },
  ModelConfig: {
    name: [1, 'string'],
    platform: [2, 'string'],
    max_batch_size: [4, 'int32'],
    input: [5, 'ConfigInput', 'repeated'],
    output: [6, 'ConfigOutput', 'repeated'],
    backend: [17, 'string'],
  },
  ModelConfigResponse: { config: [1, 'ModelConfig'] },
  StatisticDuration: { count: [1, 'uint64'], ns: [2, 'uint64'] },
  InferStatistics: {
    success: [1, 'StatisticDuration'],
    fail: [2, 'StatisticDuration'],
    queue: [3, 'StatisticDuration'],
    compute_input: [4, 'StatisticDuration'],
    compute_infer: [5, 'StatisticDuration'],
    compute_output: [6, 'StatisticDuration'],
    cache_hit: [7, 'StatisticDuration'],
    cache_miss: [8, 'StatisticDuration'],
  },
  ModelStatistics: {
    name: [1, 'string'],
    version: [2, 'string'],
    last_inference: [3, 'uint64'],
    inference_count: [4, 'uint64'],
    execution_count: [5, 'uint64'],
    inference_stats: [6, 'InferStatistics'],
  },
  ModelStatisticsResponse: { model_stats: [1, 'ModelStatistics', 'repeated'] },
  RepositoryIndexRequest: { repository_name: [1, 'string'], ready: [2, 'bool'] },
  ModelIndex: { name: [1, 'string'], version: [2, 'string'], state: [3, 'string'], reason: [4, 'string'] },
  RepositoryIndexResponse: { models: [1, 'ModelIndex', 'repeated'] },
  RepositoryModelRequest: { repository_name: [1, 'string'], model_name: [2, 'string'], parameters: [3, 'InferParameter', 'map'] },
};

const DATA_TYPES = {
  TYPE_INVALID: 0,
  TYPE_BOOL: 1,
  TYPE_UINT8: 2,
  TYPE_UINT16: 3,
  TYPE_UINT32: 4,
  TYPE_UINT64: 5,
  TYPE_INT8: 6,
  TYPE_INT16: 7,
  TYPE_INT32: 8,
  TYPE_INT64: 9,
  TYPE_FP16: 10,
  TYPE_FP32: 11,
  TYPE_FP64: 12,
  TYPE_STRING: 13,
};

const root = protobuf.Root.fromJSON({
  nested: {
    DataType: { values: DATA_TYPES },
    ...Object.fromEntries(
      Object.entries(MESSAGES).map(([name, fields]) => [
        name,
        {
          // One choice: it is told apart which of them was set.
          ...(name === 'InferParameter' ? { oneofs: { parameter_choice: { oneof: Object.keys(fields) } } } : {}),
          fields: Object.fromEntries(
            Object.entries(fields).map(([field, [id, type, rule]]) => [
              field,
              rule === 'map' ? { keyType: 'string', type, id } : { type, id, ...(rule === undefined ? {} : { rule }) },
            ]),
          ),
        },
      ]),
    ),
  },
});

export function encode(message: string, value: object): Buffer {
  const type = root.lookupType(message);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

/** Integers of 64 bits as text, absent fields as their defaults. */
export function decode(message: string, bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType(message);
  return type.toObject(type.decode(bytes), { longs: String, bytes: Buffer, arrays: true, objects: true });
}
