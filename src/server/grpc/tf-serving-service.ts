import { shownValue } from '../../core/json.ts';
import { shortestOfFloat32 } from '../../data/reading/float32.ts';
import type { InferenceService } from '../../serving/inference.ts';
import { outputsOf, valuesOf } from '../../serving/named-outputs.ts';
import { targetOf } from '../../serving/protocols/http.ts';
import {
  SIGNATURE,
  checkSignature,
  examplesOf,
  questionOfTensors,
  requireAnswersOf,
  resultsOf,
  signatureMetadata,
} from '../../serving/protocols/tf-serving-messages.ts';
import { status, statuses } from '../../serving/protocols/tf-serving.ts';
import { RequestError } from '../../serving/request-error.ts';
import type { Target } from '../../serving/router.ts';
import type { Answer } from '../../serving/servable.ts';
import { tellAnswer } from './method.ts';
import type { Call, GrpcService, Method } from './method.ts';
import { bytesValue, givenTensor, protoOf, wholeOf } from './tensor-proto.ts';
import type { TensorProto } from './tensor-proto.ts';
import { TF_SERVING } from './tf-serving-messages.ts';

interface ModelSpec {
  readonly name?: string;
  readonly version?: { readonly value?: string };
  readonly version_label?: string;
  readonly signature_name?: string;
}

interface Feature {
  readonly bytes_list?: { readonly value: readonly Buffer[] };
  readonly float_list?: { readonly value: readonly number[] };
  readonly int64_list?: { readonly value: readonly string[] };
}

interface InferenceTask {
  readonly model_spec?: ModelSpec;
  readonly method_name: string;
}

interface Example {
  readonly features?: { readonly feature?: Readonly<Record<string, Feature>> };
}

interface Input {
  readonly example_list?: { readonly examples: readonly Example[] };
  readonly example_list_with_context?: { readonly examples: readonly Example[]; readonly context?: Example };
}

/**
 * TensorFlow Serving's PredictionService and ModelService, as its REST API is answered.
 *
 * @see https://github.com/tensorflow/serving (tensorflow_serving/apis/prediction_service.proto, model_service.proto)
 */
export function tfServingServices(service: InferenceService): readonly GrpcService[] {
  const model = (request: Call['request']): unknown => specOf(request).name;
  const named = (methods: Readonly<Record<string, Method>>): GrpcService['methods'] =>
    Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, { ...method, model }]));
  return [
    {
      name: 'tensorflow.serving.PredictionService',
      codec: TF_SERVING,
      methods: named({
        Predict: { request: 'PredictRequest', response: 'PredictResponse', run: (call) => predict(service, call) },
        Classify: { request: 'ClassificationRequest', response: 'ClassificationResponse', run: (call) => judge(service, call, 'classify') },
        Regress: { request: 'RegressionRequest', response: 'RegressionResponse', run: (call) => judge(service, call, 'regress') },
        MultiInference: {
          request: 'MultiInferenceRequest',
          response: 'MultiInferenceResponse',
          run: (call) => judgeInTasks(service, call),
        },
        GetModelMetadata: {
          request: 'GetModelMetadataRequest',
          response: 'GetModelMetadataResponse',
          run: ({ request }) => metadata(service, request),
        },
      }),
    },
    {
      name: 'tensorflow.serving.ModelService',
      codec: TF_SERVING,
      methods: named({
        GetModelStatus: {
          request: 'GetModelStatusRequest',
          response: 'GetModelStatusResponse',
          run: async ({ request }) => {
            const target = addressed(request);
            if (target.version === undefined && target.alias === undefined)
              return { model_version_status: statuses(await service.router.state(target.model)) };
            const { version } = await service.inspect(target, (found) => found);
            return { model_version_status: [status(version, 'AVAILABLE')] };
          },
        },
      }),
    },
  ];
}

/** Tasks are all of one model: that of the first one stands for all, until it is looked at the others. */
function specOf({ model_spec: spec, tasks }: Call['request']): ModelSpec {
  const [first] = (tasks as readonly InferenceTask[] | undefined) ?? [];
  return ((spec ?? first?.model_spec) as ModelSpec | undefined) ?? {};
}

/** @throws RequestError 400 */
function addressed(request: Call['request']): Target {
  const { name = '', version, version_label: label } = specOf(request);
  if (name === '') throw new RequestError(400, '"model_spec.name" is missing: name the model.');
  if (version !== undefined && label !== undefined && label !== '')
    throw new RequestError(400, '"model_spec" has a "version" and a "version_label": give one of them.');
  if (label !== undefined && label !== '') return { ...targetOf(name), alias: label };
  return targetOf(name, version === undefined ? undefined : (version.value ?? '0'));
}

/** Of an answer, for whoever wants to know who gave it. */
function answeredBy({ servable }: Answer): object {
  return { name: servable.model, version: { value: servable.version }, signature_name: SIGNATURE };
}

async function predict(service: InferenceService, call: Call): Promise<object> {
  const { request, options } = call;
  checkSignature(specOf(request).signature_name);
  const inputs = Object.entries(request['inputs'] as Readonly<Record<string, TensorProto>>);
  const wanted = request['output_filter'] as readonly string[];
  const tensors = inputs.map(([name, proto]) => givenTensor(name, proto));
  const answer = await service.ask(
    addressed(request),
    call.id,
    (servable) => {
      const names = outputsOf(servable).map(({ name }) => name);
      const unknown = wanted.find((name) => !names.includes(name));
      if (unknown !== undefined)
        throw new RequestError(400, `"output_filter" names ${JSON.stringify(unknown)}; the outputs are ${names.join(', ')}.`);
      return questionOfTensors(tensors, servable);
    },
    options,
  );
  tellAnswer(call, answer);
  const outputs = outputsOf(answer.servable).filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  return {
    outputs: Object.fromEntries(outputs.map((output) => [output.name, protoOf(output, valuesOf(answer, output))])),
    model_spec: answeredBy(answer),
  };
}

type Verb = 'classify' | 'regress';

async function judge(service: InferenceService, call: Call, verb: Verb): Promise<object> {
  checkSignature(specOf(call.request).signature_name);
  const answer = await judged(service, call, [verb]);
  return { result: resultOf(verb, answer), model_spec: answeredBy(answer) };
}

const METHODS: Readonly<Record<string, Verb>> = { 'tensorflow/serving/classify': 'classify', 'tensorflow/serving/regress': 'regress' };

/** The same examples for several tasks of one model, all answered by one version. */
async function judgeInTasks(service: InferenceService, call: Call): Promise<object> {
  const tasks = call.request['tasks'] as readonly InferenceTask[];
  if (tasks.length === 0) throw new RequestError(400, '"tasks" is empty: give at least one.');
  const [first] = tasks;
  const asked = new Set<string>();
  const verbs = tasks.map(({ model_spec: spec = {}, method_name: method }, index): Verb => {
    for (const part of ['name', 'version', 'version_label'] as const)
      if (JSON.stringify(spec[part] ?? '') !== JSON.stringify(first!.model_spec?.[part] ?? ''))
        throw new RequestError(
          400,
          `"tasks[${index}].model_spec" has another "${part}" than the first task: all tasks ask one version of one model.`,
        );
    checkSignature(spec.signature_name);
    const verb = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (verb === undefined)
      throw new RequestError(400, `"tasks[${index}].method_name" is ${shownValue(method)}; expected ${Object.keys(METHODS).join(' or ')}.`);
    if (asked.has(verb))
      throw new RequestError(400, `"tasks[${index}]" asks for what another task asks for: ${method} of the one signature.`);
    asked.add(verb);
    return verb;
  });
  const answer = await judged(service, call, verbs);
  return {
    results: verbs.map((verb) => ({
      model_spec: answeredBy(answer),
      [verb === 'classify' ? 'classification_result' : 'regression_result']: resultOf(verb, answer),
    })),
  };
}

async function judged(service: InferenceService, call: Call, verbs: readonly Verb[]): Promise<Answer> {
  const { request, options } = call;
  const { example_list: list, example_list_with_context: withContext } = (request['input'] as Input | undefined) ?? {};
  const given = withContext ?? list;
  if (given === undefined) throw new RequestError(400, '"input" has no "example_list".');
  const body = {
    examples: given.examples.map(featuresOf),
    ...(withContext?.context === undefined ? {} : { context: featuresOf(withContext.context) }),
  };
  const answer = await service.ask(
    addressed(request),
    call.id,
    (servable) => {
      for (const verb of verbs) requireAnswersOf(verb, servable);
      return examplesOf(body, servable);
    },
    options,
  );
  tellAnswer(call, answer);
  return answer;
}

function resultOf(verb: Verb, answer: Answer): object {
  const { results } = resultsOf(verb, answer);
  return verb === 'classify'
    ? {
        classifications: (results as readonly (readonly [string, number])[][]).map((classes) => ({
          classes: classes.map(([label, score]) => ({ label, score })),
        })),
      }
    : { regressions: results.map((value) => ({ value: typeof value === 'number' ? value : Number.NaN })) };
}

/** Features that hold one value are that value. */
function featuresOf({ features }: Example): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(features?.feature ?? {}).map(([name, { bytes_list: bytes, float_list: floats, int64_list: wholes }]) => {
      const values = bytes?.value.map(bytesValue) ?? floats?.value.map(shortestOfFloat32) ?? wholes?.value.map(wholeOf) ?? [];
      // No value is a missing one.
      return [name, values.length === 0 ? null : values];
    }),
  );
}

async function metadata(service: InferenceService, request: Call['request']): Promise<object> {
  const fields = request['metadata_field'] as readonly string[];
  if (fields.length === 0 || fields.some((field) => field !== 'signature_def'))
    throw new RequestError(400, `"metadata_field" is ${JSON.stringify(fields)}; expected ["signature_def"].`);
  return service.inspect(addressed(request), (servable) => {
    const { signature_def: signatures } = signatureMetadata(servable).metadata;
    return {
      model_spec: { name: servable.model, version: { value: servable.version } },
      metadata: {
        signature_def: {
          type_url: 'type.googleapis.com/tensorflow.serving.SignatureDefMap',
          value: TF_SERVING.encode('SignatureDefMap', signatures),
        },
      },
    };
  });
}
