/** Errors of numbers that can be estimated without labels. */
export const ERROR_METRICS = ['meanAbsoluteError', 'meanSquaredError', 'rootMeanSquaredError'] as const;
export type ErrorMetric = (typeof ERROR_METRICS)[number];
