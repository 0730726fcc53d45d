import { answerTasks } from '../../platform/threads.ts';
import { packedRows } from './plain-pieces.ts';
import type { PieceTask, PlainShape } from './plain-pieces.ts';

answerTasks<PieceTask, PlainShape>((shape) => (task) => packedRows(shape, task));
