/** Named by types of src/core that workflows only pass on; its members belong to the realm of activities. */
interface AbortSignal {}
