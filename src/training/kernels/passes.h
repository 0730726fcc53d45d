// What the operations of operations.cc compute, compiled once for each set of vector instructions that a processor may have.
#pragma once
#include <cstdint>

/** Sizes of a recurrence over sequences that lie as [batch, steps, ...]. */
struct Recurrence {
  int64_t batch, steps, features, units;
};

/** Sizes of an attention of a sequence to itself: queries, keys and values of all heads lie side by side, [batch * steps, 3 * heads * size]. */
struct Attention {
  int64_t batch, steps, heads, size;
  bool causal;
};

/** Sizes of a product of rows and a kernel [inputs, outputs], with a bias added; `rectified` cuts what is below 0. */
struct Dense {
  int64_t inputs, outputs;
  bool rectified;
};

/** Coefficients of one update by Adam: the shares that the moving means take of what is new, and the learning rate with its correction. */
struct Adam {
  float ofGradient, ofSquare, epsilon, rate;
};

/**
 * Every pass works on a part of the rows, and what it writes does not depend on how the rows are cut: the sums of a row are taken in one
 * order. Matrices named "packed" come from `pack`.
 */
struct Passes {
  /** Values of a packed matrix of [inner, columns]. */
  int64_t (*packedSize)(int64_t inner, int64_t columns);
  /** A matrix whose value (k, n) lies at `from[k * innerStride + n * columnStride]`, into panels of a few columns. */
  void (*pack)(const float* from, int64_t innerStride, int64_t columnStride, int64_t inner, int64_t columns, float* to);
  // What a recurrence keeps for its gradient lies as its task goes over it: step by step, in each the rows from `first` to `end`.
  /** `kernel` and `recurrent` are packed; `bias` holds that of the inputs, then that of the state. */
  void (*gru)(Recurrence, const float* x, const float* kernel, const float* recurrent, const float* bias, float* hidden, float* gates,
              float* recalled, int64_t first, int64_t end);
  /**
   * Adds to `ofWeights`: kernel, recurrent kernel and bias, one after the other. `back` is the recurrent kernel, transposed and packed.
   * `ofProjected` gets the gradient of x · kernel.
   */
  void (*gruGradient)(Recurrence, const float* slope, const float* x, const float* hidden, const float* gates, const float* recalled,
                      const float* back, float* ofProjected, float* ofWeights, int64_t first, int64_t end);
  void (*lstm)(Recurrence, const float* x, const float* kernel, const float* recurrent, const float* bias, float* hidden, float* gates,
               float* cells, int64_t first, int64_t end);
  void (*lstmGradient)(Recurrence, const float* slope, const float* x, const float* hidden, const float* gates, const float* cells,
                       const float* back, float* ofProjected, float* ofWeights, int64_t first, int64_t end);
  /** The gradient of x, with the kernel transposed and packed. @param width of the gates, side by side */
  void (*projectedGradient)(Recurrence, const float* ofProjected, const float* back, int64_t width, float* ofX, int64_t first,
                            int64_t end);
  /** One head of one example: `task` is example * heads + head. `offset` [batch, steps] is added to the scores, where there is one. */
  void (*attention)(Attention, const float* joined, const float* offset, float* mixed, float* sums, int64_t task);
  void (*attentionGradient)(Attention, const float* slope, const float* joined, const float* offset, const float* mixed,
                            const float* sums, float* ofJoined, int64_t task);
  /** `sums` gets the mean and 1 / root of the variance of each row. */
  void (*layerNorm)(int64_t width, float epsilon, const float* x, const float* scale, const float* offset, float* y, float* sums,
                    int64_t first, int64_t end);
  /** Adds to `ofScale` and `ofOffset`. */
  void (*layerNormGradient)(int64_t width, const float* slope, const float* x, const float* scale, const float* sums, float* ofX,
                            float* ofScale, float* ofOffset, int64_t first, int64_t end);
  /** `kernel` is packed. */
  void (*dense)(Dense, const float* x, const float* kernel, const float* bias, float* y, int64_t first, int64_t end);
  /** `back` is the kernel, transposed and packed. `y` is read where it was rectified. */
  void (*denseInputGradient)(Dense, const float* slope, const float* y, const float* back, float* ofX, int64_t first, int64_t end);
  /** Adds to the rows of `ofKernel` for the inputs from `from` to `to`, and to `ofBias` where there is one. */
  void (*denseGradient)(Dense, const float* slope, const float* x, const float* y, float* ofKernel, float* ofBias, int64_t from, int64_t to,
                        int64_t first, int64_t end);
  /** Adds to the first of `parts` vectors, which lie one after the other, the others in their order. */
  void (*addUp)(int64_t parts, int64_t length, float* vectors, int64_t first, int64_t end);
  void (*adam)(Adam, const float* weights, const float* gradient, const float* mean, const float* variance, float* nextWeights,
               float* nextMean, float* nextVariance, int64_t first, int64_t end);
};

extern const Passes basePasses;
#ifdef __x86_64__
extern const Passes avx2Passes;
extern const Passes avx512Passes;
#endif
