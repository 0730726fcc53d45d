import { answerTasks } from '../../platform/threads.ts';
import type { SharedMemory } from './distance-kernel.ts';
import { buildTree } from './row-tree.ts';
import type { Layout } from './row-tree.ts';
import { leafSearch } from './search.ts';

export interface NeighboursData {
  readonly memory: SharedMemory;
  readonly layout: Layout;
}

/** The tree, or the neighbours of the rows of leaves `from` … `to` − 1. What is found lies in the memory. */
export type NeighboursTask = 'tree' | { readonly from: number; readonly to: number };

answerTasks<NeighboursTask, NeighboursData>(({ memory, layout }, thread) => {
  let search: ((leaf: number) => void) | undefined;
  return (task) => {
    if (task === 'tree') return buildTree(memory, layout);
    search ??= leafSearch(memory, layout, thread);
    for (let leaf = task.from; leaf < task.to; leaf += 1) search(leaf);
  };
});
