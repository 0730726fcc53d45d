import type { TrainConfig } from './train-config.ts';

type Epoch = Readonly<Record<string, number>>;

/** What a training came to. */
export interface Course {
  readonly history: readonly Epoch[];
  /** The epoch that the weights are of. */
  readonly keptEpoch: number;
}

/** Looks at the validation rows without which curves say nothing. */
const LOOKS_MIN = 3;
/** By which share the validation loss has to rise, and the training loss to fall, before that is called overfitting. */
const RISE = 0.1;
const FALL = 0.05;
/** A last fifth of training that improves by more than this share was not the end. */
const STILL_FALLING = 0.02;
/** A training loss that falls by less than this share of where it began has learnt hardly anything. */
const HARDLY = 0.05;
/** A validation loss below this share of where it began is learnt, however much further it might fall. */
const LEARNT = 0.02;
const DROPOUT = 0.3;

/** What the curves of a training tell about the model, with what to write in the document; empty where they tell nothing bad. */
export function diagnoseCurves({ history, keptEpoch }: Course, config: TrainConfig): string[] {
  const looks = history.filter(({ validationLoss, loss }) => Number.isFinite(validationLoss) && Number.isFinite(loss));
  if (looks.length < LOOKS_MIN) return [];
  const best = looks.reduce((one, other) => (other.validationLoss! < one.validationLoss! ? other : one));
  const last = looks.at(-1)!;
  const overfits = overfitting(best, last, keptEpoch, config);
  if (overfits !== undefined) return [overfits];
  const under = underfitting(looks, best, history.length, config);
  return under === undefined ? [] : [under];
}

function overfitting(best: Epoch, last: Epoch, keptEpoch: number, config: TrainConfig): string | undefined {
  const rises = last.validationLoss! - best.validationLoss! > RISE * Math.abs(best.validationLoss!);
  const falls = best.loss! - last.loss! > FALL * Math.abs(best.loss!);
  if (!rises || !falls) return undefined;
  const kept = keptEpoch === best.epoch ? `the weights of epoch ${keptEpoch} are kept` : `the weights are those of epoch ${keptEpoch}`;
  const keep = keptEpoch === best.epoch ? [] : ['"callbacks": [{ "earlyStopping": {} }] for the weights of the best epoch'];
  return `overfitting: from epoch ${best.epoch} to ${last.epoch} the validation loss rose from ${short(best.validationLoss!)} to ${short(last.validationLoss!)} while the training loss fell from ${short(best.loss!)} to ${short(last.loss!)}; ${kept}. Try ${[...keep, ...regularization(config), 'more rows'].join(', or ')}.`;
}

function underfitting(looks: readonly Epoch[], best: Epoch, epochs: number, config: TrainConfig): string | undefined {
  const [first] = looks;
  const last = looks.at(-1)!;
  const ended = config.steps === undefined ? epochs >= config.epochs : false;
  const before = looks[Math.max(0, Math.floor(looks.length * 0.8) - 1)]!;
  const gain = before.validationLoss! - last.validationLoss!;
  // What has fallen to next to nothing has nowhere to go.
  const worthwhile = last.validationLoss! > LEARNT * first!.validationLoss!;
  if (ended && worthwhile && best === last && gain > STILL_FALLING * Math.abs(before.validationLoss!))
    return `underfitting: the validation loss was still falling when training ended (${short(before.validationLoss!)} in epoch ${before.epoch}, ${short(last.validationLoss!)} in epoch ${last.epoch}). Try "epochs": ${config.epochs * 2}.`;
  if (first!.loss! - last.loss! < HARDLY * Math.abs(first!.loss!) && looks.length >= LOOKS_MIN + 2)
    return `underfitting: the training loss hardly fell (${short(first!.loss!)} in epoch ${first!.epoch}, ${short(last.loss!)} in epoch ${last.epoch}). Try "learningRate": "find", or ${larger(config)}.`;
  return undefined;
}

function regularization({ model }: TrainConfig): string[] {
  if ('layers' in model) return ['a layer { "type": "dropout", "rate": 0.3 }'];
  if (!('architecture' in model)) return [];
  const { dropout } = model as { readonly dropout?: number };
  const smaller = unitsOf(model);
  return [
    ...(dropout === undefined || dropout < DROPOUT ? [`"dropout": ${DROPOUT} in "model"`] : []),
    ...(smaller === undefined || Math.max(...smaller) < 8
      ? []
      : [`a smaller network, "units": ${JSON.stringify(smaller.map((units) => Math.ceil(units / 2)))}`]),
  ];
}

function larger({ model }: TrainConfig): string {
  const units = 'architecture' in model ? unitsOf(model) : undefined;
  return units === undefined ? 'a larger network' : `a larger network, "units": ${JSON.stringify(units.map((one) => one * 2))}`;
}

function unitsOf(model: object): readonly number[] | undefined {
  const { units } = model as { readonly units?: unknown };
  return Array.isArray(units) && units.length > 0 && units.every((one) => typeof one === 'number') ? (units as number[]) : undefined;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
