/** What weights are packed into. */
export type Packing = 'uint8' | 'uint16' | 'float16' | 'none';
