import { defineCallback } from '../callback.ts';
import type { TrainingFacts } from '../callback.ts';
import { integer, number } from '../schema-parts.ts';

interface Config {
  readonly schedule: 'constant' | 'step' | 'exponential' | 'cosine' | 'polynomial';
  readonly warmupEpochs: number;
  readonly everyEpochs: number;
  readonly factor: number;
  readonly floor: number;
  readonly power: number;
}

export default defineCallback<Config>({
  name: 'learningRateSchedule',
  summary: 'Changes the learning rate over the course of training, by a factor of the optimizer\'s learning rate.',
  properties: {
    schedule: {
      enum: ['constant', 'step', 'exponential', 'cosine', 'polynomial'], default: 'cosine', examples: ['step'],
      description: '"step": times `factor` after every `everyEpochs`; "exponential": the same, smoothly; "cosine": down to `floor` along half a cosine; "polynomial": down to `floor` by `power`; "constant": only the warm-up.',
    },
    warmupEpochs: number('Epochs at the start in which the rate rises from zero; a fraction is allowed.', 0, 2, { minimum: 0 }),
    everyEpochs: integer('For "step" and "exponential": epochs after which the factor applies once more.', 10, 10),
    factor: number('For "step" and "exponential".', 0.5, 0.1, { exclusiveMinimum: 0, maximum: 1 }),
    floor: number('For "cosine" and "polynomial": share of the learning rate at the end.', 0, 0.01, { minimum: 0, maximum: 1 }),
    power: number('For "polynomial": 1 is a straight line.', 1, 2, { exclusiveMinimum: 0 }),
  },
  create: (config, facts) => ({
    learningRateFactor: (step) => factorAt(config, facts, step),
    state: () => ({}),
    restore() {},
  }),
});

function factorAt(config: Config, facts: TrainingFacts, step: number): number {
  const warmup = config.warmupEpochs * facts.stepsPerEpoch;
  if (step < warmup) return (step + 1) / (warmup + 1);
  const epochs = (step - warmup) / facts.stepsPerEpoch;
  const done = Math.min(1, (step - warmup) / Math.max(1, facts.epochs * facts.stepsPerEpoch - warmup));
  switch (config.schedule) {
    case 'constant': return 1;
    case 'step': return config.factor ** Math.floor(epochs / config.everyEpochs);
    case 'exponential': return config.factor ** (epochs / config.everyEpochs);
    case 'cosine': return config.floor + ((1 - config.floor) * (1 + Math.cos(Math.PI * done))) / 2;
    case 'polynomial': return config.floor + (1 - config.floor) * (1 - done) ** config.power;
  }
}
