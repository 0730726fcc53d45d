export { backfill } from './backfill.ts';
export { model } from './model.ts';
export { monitor } from './monitor.ts';
export { notification } from './notification.ts';
export { pipeline } from './pipeline.ts';
export { study } from './study.ts';
export { trial } from './trial.ts';
export { turn } from './turn.ts';
