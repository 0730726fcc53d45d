import { answerTasks } from '../../platform/threads.ts';
import { limitDatabase } from '../table/duckdb.ts';
import { fitInThread, openDataset, writeInThread } from './thread-work.ts';
import type { ThreadData, ThreadTask } from './thread-work.ts';

/** The rows of a chunk, a group of rows of Parquet and what sorts the texts of a column. */
const MEMORY = '256MB';

answerTasks<ThreadTask, ThreadData>((data, _thread, stopped) => {
  limitDatabase(MEMORY, 1);
  const dataset = openDataset(data);
  return (task) => ('fit' in task ? fitInThread(data, dataset, task, stopped) : writeInThread(data, dataset, task, stopped));
});
