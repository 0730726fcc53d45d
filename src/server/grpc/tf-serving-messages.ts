import { createCodec } from './codec.ts';
import type { Codec, CodecParts } from './codec.ts';

/** By name, as TensorFlow numbers them. */
export const DATA_TYPES = {
  DT_INVALID: 0,
  DT_FLOAT: 1,
  DT_DOUBLE: 2,
  DT_INT32: 3,
  DT_UINT8: 4,
  DT_INT16: 5,
  DT_INT8: 6,
  DT_STRING: 7,
  DT_COMPLEX64: 8,
  DT_INT64: 9,
  DT_BOOL: 10,
  DT_QINT8: 11,
  DT_QUINT8: 12,
  DT_QINT32: 13,
  DT_BFLOAT16: 14,
  DT_QINT16: 15,
  DT_QUINT16: 16,
  DT_UINT16: 17,
  DT_COMPLEX128: 18,
  DT_HALF: 19,
  DT_RESOURCE: 20,
  DT_VARIANT: 21,
  DT_UINT32: 22,
  DT_UINT64: 23,
} as const;

/** States of a version that is served, and codes of its status. */
const STATES = { UNKNOWN: 0, START: 10, LOADING: 20, AVAILABLE: 30, UNLOADING: 40, END: 50 };
const STATUS_CODES = { OK: 0, INTERNAL: 13 };

const MESSAGES: CodecParts['messages'] = {
  Int64Value: { value: [1, 'int64'] },
  Any: { type_url: [1, 'string'], value: [2, 'bytes'] },
  ModelSpec: { name: [1, 'string'], version: [2, 'Int64Value'], signature_name: [3, 'string'], version_label: [4, 'string'] },
  Dim: { size: [1, 'int64'], name: [2, 'string'] },
  TensorShapeProto: { dim: [2, 'Dim', 'repeated'], unknown_rank: [3, 'bool'] },
  TensorProto: {
    dtype: [1, 'int32'],
    tensor_shape: [2, 'TensorShapeProto'],
    tensor_content: [4, 'bytes'],
    float_val: [5, 'float', 'repeated'],
    double_val: [6, 'double', 'repeated'],
    int_val: [7, 'int32', 'repeated'],
    string_val: [8, 'bytes', 'repeated'],
    int64_val: [10, 'int64', 'repeated'],
    bool_val: [11, 'bool', 'repeated'],
    half_val: [13, 'int32', 'repeated'],
    uint32_val: [16, 'uint32', 'repeated'],
    uint64_val: [17, 'uint64', 'repeated'],
  },
  PredictRequest: { model_spec: [1, 'ModelSpec'], inputs: [2, 'TensorProto', 'map'], output_filter: [3, 'string', 'repeated'] },
  PredictResponse: { outputs: [1, 'TensorProto', 'map'], model_spec: [2, 'ModelSpec'] },
  BytesList: { value: [1, 'bytes', 'repeated'] },
  FloatList: { value: [1, 'float', 'repeated'] },
  Int64List: { value: [1, 'int64', 'repeated'] },
  Feature: { bytes_list: [1, 'BytesList'], float_list: [2, 'FloatList'], int64_list: [3, 'Int64List'] },
  Features: { feature: [1, 'Feature', 'map'] },
  Example: { features: [1, 'Features'] },
  ExampleList: { examples: [1, 'Example', 'repeated'] },
  ExampleListWithContext: { examples: [1, 'Example', 'repeated'], context: [2, 'Example'] },
  Input: { example_list: [1, 'ExampleList'], example_list_with_context: [2, 'ExampleListWithContext'] },
  ClassificationRequest: { model_spec: [1, 'ModelSpec'], input: [2, 'Input'] },
  Class: { label: [1, 'string'], score: [2, 'float'] },
  Classifications: { classes: [1, 'Class', 'repeated'] },
  ClassificationResult: { classifications: [1, 'Classifications', 'repeated'] },
  ClassificationResponse: { result: [1, 'ClassificationResult'], model_spec: [2, 'ModelSpec'] },
  RegressionRequest: { model_spec: [1, 'ModelSpec'], input: [2, 'Input'] },
  Regression: { value: [1, 'float'] },
  RegressionResult: { regressions: [1, 'Regression', 'repeated'] },
  RegressionResponse: { result: [1, 'RegressionResult'], model_spec: [2, 'ModelSpec'] },
  InferenceTask: { model_spec: [1, 'ModelSpec'], method_name: [2, 'string'] },
  InferenceResult: {
    model_spec: [1, 'ModelSpec'],
    classification_result: [2, 'ClassificationResult'],
    regression_result: [3, 'RegressionResult'],
  },
  MultiInferenceRequest: { tasks: [1, 'InferenceTask', 'repeated'], input: [2, 'Input'] },
  MultiInferenceResponse: { results: [1, 'InferenceResult', 'repeated'] },
  TensorInfo: { name: [1, 'string'], dtype: [2, 'DataType'], tensor_shape: [3, 'TensorShapeProto'] },
  SignatureDef: { inputs: [1, 'TensorInfo', 'map'], outputs: [2, 'TensorInfo', 'map'], method_name: [3, 'string'] },
  SignatureDefMap: { signature_def: [1, 'SignatureDef', 'map'] },
  GetModelMetadataRequest: { model_spec: [1, 'ModelSpec'], metadata_field: [2, 'string', 'repeated'] },
  GetModelMetadataResponse: { model_spec: [1, 'ModelSpec'], metadata: [2, 'Any', 'map'] },
  GetModelStatusRequest: { model_spec: [1, 'ModelSpec'] },
  StatusProto: { error_code: [1, 'StatusCode'], error_message: [2, 'string'] },
  ModelVersionStatus: { version: [1, 'int64'], state: [2, 'State'], status: [3, 'StatusProto'] },
  GetModelStatusResponse: { model_version_status: [1, 'ModelVersionStatus', 'repeated'] },
};

/**
 * Messages of the packages `tensorflow` and `tensorflow.serving`.
 *
 * @see https://github.com/tensorflow/serving (tensorflow_serving/apis)
 */
export const TF_SERVING: Codec = createCodec({
  messages: MESSAGES,
  enums: { DataType: DATA_TYPES, State: STATES, StatusCode: STATUS_CODES },
  choices: {
    Feature: ['bytes_list', 'float_list', 'int64_list'],
    Input: ['example_list', 'example_list_with_context'],
    InferenceResult: ['classification_result', 'regression_result'],
  },
});
