export { durationMs } from '../core/duration.ts';
