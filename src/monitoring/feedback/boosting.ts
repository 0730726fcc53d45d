/** How errors are learnt: as LightGBM does by itself, which NannyML takes as well. */
export const BOOSTING = { loss: 'squared', trees: 100, rate: 0.1, leavesMax: 31, leafRowsMin: 20, cells: 255 } as const;
