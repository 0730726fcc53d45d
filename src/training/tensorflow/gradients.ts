import type { RawBackend } from './raw-backend.ts';

// Named here: what loads the library installs these, so nothing is imported from there.
type Tf = typeof import('@tensorflow/tfjs-node');
type Tensor = import('@tensorflow/tfjs-node').Tensor;
type Attributes = Readonly<Record<string, any>>;
type Save = (tensors: Tensor[]) => void;

/**
 * Gradients by TensorFlow's own operations where tfjs has several of its own or none, for every engine. Each can be differentiated
 * again, as a penalty on gradients (WGAN-GP) needs.
 */
export function installGradients(tf: Tf): void {
  installTapeOrder(tf);
  installActivations(tf);
  installConvolutions(tf);
  installPooling(tf);
  installComparisons(tf);
}

/** What `compute` gives, as a constant: no gradient passes. */
export function withoutGradient(tf: Tf, compute: () => Tensor): Tensor {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] as Tensor[] }))();
}

interface TapeNode {
  readonly inputs: Readonly<Record<string, Tensor>>;
}

interface Recorder {
  readonly state: { readonly activeTape: TapeNode[] | null };
  addTapeNode(kernel: string, inputs: Record<string, Tensor>, outputs: readonly Tensor[], ...rest: unknown[]): void;
}

/**
 * tfjs notes the copy of an output that a gradient will read before the operation that gives the output. Seen from the second
 * gradient nothing leads to the copy, and its share is lost without a word. Here the copies follow the operation.
 */
function installTapeOrder(tf: Tf): void {
  const engine = tf.engine() as unknown as Recorder;
  const addTapeNode = engine.addTapeNode;
  engine.addTapeNode = function add(this: Recorder, kernel, inputs, outputs, ...rest) {
    addTapeNode.call(this, kernel, inputs, outputs, ...rest);
    const tape = this.state.activeTape!;
    const node = tape.at(-1)!;
    const isCopy = ({ inputs: { x } }: TapeNode): boolean => x !== undefined && outputs.some((output) => output.id === x.id);
    let first = tape.length - 1;
    while (first > 0 && isCopy(tape[first - 1]!)) first--;
    if (first < tape.length - 1) tape.splice(first, tape.length - first, node, ...tape.slice(first, -1));
  };
}

function register(tf: Tf, gradient: Parameters<Tf['registerGradient']>[0]): void {
  if (tf.getGradient(gradient.kernelName) !== undefined) tf.unregisterGradient(gradient.kernelName);
  tf.registerGradient(gradient);
}

function installActivations(tf: Tf): void {
  const backend = tf.backend() as unknown as RawBackend;
  const attributes = [{ name: 'T', type: backend.binding.TF_ATTR_TYPE!, value: backend.binding.TF_FLOAT }];
  const run = (operation: string, inputs: readonly Tensor[]): Tensor => backend.executeSingleOutput(operation, attributes, inputs);

  /** Of the sign of y alone, so that y is a constant to it. */
  const reluGradient = (dy: Tensor, y: Tensor): Tensor =>
    linear(
      tf,
      dy,
      [y],
      (d, [output]) => run('ReluGrad', [d, output!]),
      (d, [output]) => reluGradient(d, output!),
    );

  /** dy · f′ with f′ a function of y = f(x): `slope` is the derivative of f′ by y. */
  const ofOutput = (operation: string, outputFirst: boolean, slope: (y: Tensor) => Tensor): ((dy: Tensor, y: Tensor) => Tensor) => {
    const gradient = (dy: Tensor, y: Tensor): Tensor => {
      const apply = tf.customGrad((...args: unknown[]) => {
        const [d, output, save] = args as [Tensor, Tensor, Save];
        save([d, output]);
        return {
          value: run(operation, outputFirst ? [output, d] : [d, output]),
          gradFunc: (dd: Tensor, saved: Tensor[]) => [gradient(dd, saved[1]!), tf.mul(tf.mul(dd, saved[0]!), slope(saved[1]!))],
        };
      });
      return apply(dy, y);
    };
    return gradient;
  };

  const install = (kernelName: string, gradient: (dy: Tensor, y: Tensor) => Tensor): void => {
    register(tf, { kernelName, outputsToSave: [true], gradFunc: (dy, [y]) => ({ x: () => gradient(dy as Tensor, y!) }) });
  };
  install('Relu', reluGradient);
  install(
    'Sigmoid',
    ofOutput('SigmoidGrad', true, (y) => tf.sub(1, tf.mul(y, 2))),
  );
  install(
    'Tanh',
    ofOutput('TanhGrad', true, (y) => tf.mul(y, -2)),
  );
  install(
    'Elu',
    ofOutput('EluGrad', false, (y) => withoutGradient(tf, () => tf.cast(tf.less(y, 0), 'float32'))),
  );
}

/** A linear function of `x` whose gradient is another one. */
function linear(
  tf: Tf,
  x: Tensor,
  constants: readonly Tensor[],
  apply: (x: Tensor, constants: readonly Tensor[]) => Tensor,
  back: (dy: Tensor, constants: readonly Tensor[]) => Tensor,
): Tensor {
  const custom = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [Tensor, Save];
    save([...constants]);
    return { value: apply(input, constants), gradFunc: (dy: Tensor, saved: Tensor[]) => back(dy, saved) };
  });
  return custom(x);
}

/** Of the operations that the gradients of convolutions consist of: each is a convolution in one of its three forms again. */
function installConvolutions(tf: Tf): void {
  const kernel = (name: string, inputs: Record<string, Tensor>, attributes: Attributes): Tensor =>
    tf.engine().runKernel(name, inputs, attributes);
  for (const [forward, toInput, toFilter] of [
    ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'],
    ['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'],
    ['DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
  ] as const) {
    const common = ({ strides, pad, dataFormat, dimRoundingMode, dilations }: Attributes): Attributes => ({
      strides,
      pad,
      dataFormat,
      dimRoundingMode,
      dilations: dilations ?? 1,
    });
    register(tf, {
      kernelName: toInput,
      inputsToSave: ['dy', 'filter'],
      gradFunc: (dd, [dy, filter], attributes) => ({
        dy: () => kernel(forward, { x: dd as Tensor, filter: filter! }, common(attributes as Attributes)),
        filter: () => kernel(toFilter, { x: dd as Tensor, dy: dy! }, { ...common(attributes as Attributes), filterShape: filter!.shape }),
      }),
    });
    register(tf, {
      kernelName: toFilter,
      inputsToSave: ['x', 'dy'],
      gradFunc: (dd, [x, dy], attributes) => ({
        x: () => kernel(toInput, { dy: dy!, filter: dd as Tensor }, { ...common(attributes as Attributes), inputShape: x!.shape }),
        dy: () => kernel(forward, { x: x!, filter: dd as Tensor }, common(attributes as Attributes)),
      }),
    });
  }
}

function installPooling(tf: Tf): void {
  const backend = tf.backend() as unknown as RawBackend;
  const kernel = (name: string, inputs: Record<string, Tensor>, attributes: Attributes): Tensor =>
    tf.engine().runKernel(name, inputs, attributes);
  for (const [suffix, format] of [
    ['', 'NHWC'],
    ['3D', 'NDHWC'],
  ] as const) {
    const axes = format.length - 2;
    const maxGradient = (dy: Tensor, x: Tensor, y: Tensor, attributes: Attributes): Tensor =>
      linear(
        tf,
        dy,
        [x, y],
        (d, [input, output]) => kernel(`MaxPool${suffix}Grad`, { dy: d, input: input!, output: output! }, attributes),
        (d, [input, output]) => picked(d, input!, output!, attributes),
      );
    /** The values of `d` at the places of the maxima. */
    const picked = (d: Tensor, x: Tensor, y: Tensor, attributes: Attributes): Tensor =>
      linear(
        tf,
        d,
        [x, y],
        (values, [input, output]) =>
          backend.executeSingleOutput(`MaxPool${suffix}GradGrad`, windowAttributes(backend, attributes, axes, format), [
            input!,
            output!,
            values,
          ]),
        (dy, [input, output]) => maxGradient(dy, input!, output!, attributes),
      );
    const averageGradient = (dy: Tensor, x: Tensor, attributes: Attributes): Tensor =>
      linear(
        tf,
        dy,
        [x],
        (d, [input]) => kernel(`AvgPool${suffix}Grad`, { dy: d, input: input! }, attributes),
        (d) => kernel(`AvgPool${suffix}`, { x: d }, attributes),
      );
    register(tf, {
      kernelName: `MaxPool${suffix}`,
      inputsToSave: ['x'],
      outputsToSave: [true],
      gradFunc: (dy, [x, y], attributes) => ({ x: () => maxGradient(dy as Tensor, x!, y!, attributes as Attributes) }),
    });
    register(tf, {
      kernelName: `AvgPool${suffix}`,
      inputsToSave: ['x'],
      gradFunc: (dy, [x], attributes) => ({ x: () => averageGradient(dy as Tensor, x!, attributes as Attributes) }),
    });
  }
}

function windowAttributes(
  { binding }: RawBackend,
  { filterSize, strides, pad }: Attributes,
  axes: number,
  format: string,
): { name: string; type: number; value: unknown }[] {
  const each = (value: number | readonly number[]): number[] => [
    1,
    ...(typeof value === 'number' ? Array.from({ length: axes }, () => value) : value),
    1,
  ];
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE!, value: binding.TF_FLOAT },
    { name: 'ksize', type: binding.TF_ATTR_INT!, value: each(filterSize) },
    { name: 'strides', type: binding.TF_ATTR_INT!, value: each(strides) },
    { name: 'padding', type: binding.TF_ATTR_STRING!, value: String(pad).toUpperCase() },
    { name: 'data_format', type: binding.TF_ATTR_STRING!, value: format },
  ];
}

/** Comparisons are flat: tfjs refuses to pass through them. */
function installComparisons(tf: Tf): void {
  for (const kernelName of ['Equal', 'NotEqual', 'Greater', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr']) {
    register(tf, {
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (_dy, [a, b]) => ({ a: () => tf.zeros(a!.shape), b: () => tf.zeros(b!.shape) }),
    });
  }
  for (const kernelName of ['Any', 'All', 'LogicalNot']) {
    register(tf, { kernelName, inputsToSave: ['x'], gradFunc: (_dy, [x]) => ({ x: () => tf.zeros(x!.shape) }) });
  }
}
