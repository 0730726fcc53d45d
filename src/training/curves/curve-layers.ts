import { describeTopology } from '../model/describe.ts';
import type { Topology } from '../model/model-config.ts';
import { Network } from '../model/network.ts';
import type { CurveLayer } from './curves.ts';

/** The network as it is kept with the curves: inputs first, as layers of the type "input". */
export function curveLayers(topology: Topology): CurveLayer[] {
  const weights = new Network(topology).weights;
  return [
    ...topology.inputs.map(({ name, shape }) => ({ name, type: 'input', inputs: [], shape, weights: [] })),
    ...describeTopology(topology).layers.map(({ name, type, inputs, outputShape }) => ({
      name,
      type,
      inputs,
      shape: outputShape,
      weights: weights
        .filter(({ fullName }) => fullName.startsWith(`${name}/`))
        .map(({ fullName, shape }) => ({ name: fullName.slice(name.length + 1), shape })),
    })),
  ];
}
