// Compiled with -DPASSES=name, and with the vector instructions that the name stands for.
#include "passes.h"

#include <cmath>
#include <cstring>
#include <vector>

/** No turn of the loop that follows reads what another one writes. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace {

#if defined(__AVX512F__)
constexpr int LANES = 16;
constexpr int TILE = 8;
#elif defined(__AVX2__)
constexpr int LANES = 8;
constexpr int TILE = 4;
#else
constexpr int LANES = 4;
constexpr int TILE = 4;
#endif

typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

/** A few of them: for so little a call or an instruction that copies strings takes longer. */
inline void copyVectors(const float* from, int64_t vectors, float* to) {
  for (int64_t at = 0; at < vectors; at++) store(to + at * LANES, load(from + at * LANES));
}

/** Vectors side by side in a panel of a packed matrix. */
inline int panelVectors(int64_t columns) { return columns > LANES ? 2 : 1; }

int64_t packedSize(int64_t inner, int64_t columns) {
  const int64_t width = panelVectors(columns) * LANES;
  return (columns + width - 1) / width * width * inner;
}

void pack(const float* from, int64_t innerStride, int64_t columnStride, int64_t inner, int64_t columns, float* to) {
  const int64_t width = panelVectors(columns) * LANES;
  for (int64_t first = 0; first < columns; first += width) {
    const int64_t count = columns - first < width ? columns - first : width;
    for (int64_t k = 0; k < inner; k++, to += width) {
      const float* row = from + k * innerStride + first * columnStride;
      if (columnStride == 1 && count == width) {
        copyVectors(row, width / LANES, to);
      } else {
        for (int64_t n = 0; n < count; n++) to[n] = row[n * columnStride];
      }
      for (int64_t n = count; n < width; n++) to[n] = 0;
    }
  }
}

/** A few rows of a product by one panel; the sums stay in registers. */
template <int R, int V, bool Add>
void tile(int64_t inner, const float* a, int64_t rowStride, int64_t innerStride, const float* panel, int64_t panelStride, float* c,
          int64_t cStride, int64_t columns) {
  Vector sums[R][V];
  if (Add && columns == V * LANES) {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sums[r][v] = load(c + r * cStride + v * LANES);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sums[r][v] = Vector{};
    if (Add) {
      float edge[V * LANES];
      for (int r = 0; r < R; r++) {
        for (int64_t n = 0; n < V * LANES; n++) edge[n] = n < columns ? c[r * cStride + n] : 0;
        for (int v = 0; v < V; v++) sums[r][v] = load(edge + v * LANES);
      }
    }
  }
  for (int64_t k = 0; k < inner; k++, panel += panelStride) {
    Vector column[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) column[v] = load(panel + v * LANES);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const float factor = a[r * rowStride + k * innerStride];
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sums[r][v] += factor * column[v];
    }
  }
  if (columns == V * LANES) {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) store(c + r * cStride + v * LANES, sums[r][v]);
  } else {
    float edge[V * LANES];
    for (int r = 0; r < R; r++) {
      for (int v = 0; v < V; v++) store(edge + v * LANES, sums[r][v]);
      std::memcpy(c + r * cStride, edge, columns * sizeof(float));
    }
  }
}

/** A matrix as its panels lie: the distance from one to the next, and from one row to the next. */
struct Panels {
  const float* first;
  int64_t next, row;
};

/** Where b is packed. */
template <int V>
Panels packedPanels(const float* packed, int64_t inner) {
  return {packed, inner * V * LANES, V * LANES};
}

template <int V, bool Add>
void panels(int64_t rows, int64_t inner, int64_t columns, const float* a, int64_t rowStride, int64_t innerStride, Panels b, float* c,
            int64_t cStride) {
  constexpr int64_t width = V * LANES;
  const float* panel = b.first;
  for (int64_t first = 0; first < columns; first += width, panel += b.next, c += width) {
    const int64_t count = columns - first < width ? columns - first : width;
    const auto at = [&](int64_t row) { return a + row * rowStride; };
    int64_t row = 0;
    if (V == 1)
      for (; row + 2 * TILE <= rows; row += 2 * TILE)
        tile<2 * TILE, V, Add>(inner, at(row), rowStride, innerStride, panel, b.row, c + row * cStride, cStride, count);
    for (; row + TILE <= rows; row += TILE)
      tile<TILE, V, Add>(inner, at(row), rowStride, innerStride, panel, b.row, c + row * cStride, cStride, count);
    if (TILE > 4 && row + 4 <= rows) {
      tile<4, V, Add>(inner, at(row), rowStride, innerStride, panel, b.row, c + row * cStride, cStride, count);
      row += 4;
    }
    for (; row < rows; row++) tile<1, V, Add>(inner, at(row), rowStride, innerStride, panel, b.row, c + row * cStride, cStride, count);
  }
}

/** c [rows, columns] = a · b, or c + a · b, with b packed. */
template <bool Add>
void product(int64_t rows, int64_t inner, int64_t columns, const float* a, int64_t rowStride, int64_t innerStride, const float* packed,
             float* c, int64_t cStride) {
  if (panelVectors(columns) == 2)
    panels<2, Add>(rows, inner, columns, a, rowStride, innerStride, packedPanels<2>(packed, inner), c, cStride);
  else
    panels<1, Add>(rows, inner, columns, a, rowStride, innerStride, packedPanels<1>(packed, inner), c, cStride);
}

/** Length of the rows of a matrix that is not packed, so that a whole number of panels lies in them. */
int64_t padded(int64_t columns) {
  const int64_t width = panelVectors(columns) * LANES;
  return (columns + width - 1) / width * width;
}

/** c [rows, columns] += aᵀ · b, with b in rows of `padded(columns)` values. */
void addTransposedProduct(int64_t rows, int64_t inner, int64_t columns, const float* a, int64_t innerStride, const float* b, float* c) {
  const int64_t length = padded(columns);
  if (panelVectors(columns) == 2)
    panels<2, true>(rows, inner, columns, a, 1, innerStride, {b, 2 * LANES, length}, c, columns);
  else
    panels<1, true>(rows, inner, columns, a, 1, innerStride, {b, LANES, length}, c, columns);
}

// What is not a number stays so through all of these, without being asked for.

/** e^f - 1 for |f| <= ln 2 / 2, by its series. */
inline float smallExponential(float f) {
  float series = 1.0f / 5040;
  series = series * f + 1.0f / 720;
  series = series * f + 1.0f / 120;
  series = series * f + 1.0f / 24;
  series = series * f + 1.0f / 6;
  series = series * f + 0.5f;
  return f + f * f * series;
}

/** x = k · ln 2 + rest, for |x| < 2^20. */
inline void reduce(float x, float& k, float& rest) {
  constexpr float ROUNDING = 12582912.0f;
  k = (x * 1.44269504f + ROUNDING) - ROUNDING;
  rest = x - k * 0.693359375f;
  rest = rest + k * 2.12194440e-4f;
}

inline float powerOfTwo(float k) {
  const int32_t bits = (static_cast<int32_t>(k) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

inline float within(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

inline float exponential(float x) {
  float k, rest;
  reduce(within(x, -87.0f, 88.0f), k, rest);
  return powerOfTwo(k) * (1 + smallExponential(rest));
}

inline float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

inline float hyperbolicTangent(float x) {
  float k, rest;
  const float size = __builtin_fabsf(x);
  reduce(2 * (size > 9.5f ? 9.5f : size), k, rest);
  const float power = powerOfTwo(k);
  const float grown = power * smallExponential(rest) + (power - 1);
  return __builtin_copysignf(grown / (grown + 2), x);
}

/** Memory of a thread, kept. @param place different ones do not share */
float* scratch(int place, int64_t size) {
  thread_local std::vector<float> memory[4];
  if (static_cast<int64_t>(memory[place].size()) < size) memory[place].resize(size);
  return memory[place].data();
}

/** Memory of one pass, cut into parts. */
class Memory {
 public:
  Memory(int place, int64_t size) : next(scratch(place, size)) {}
  float* zeros(int64_t size) {
    float* part = next;
    std::memset(part, 0, size * sizeof(float));
    next += size;
    return part;
  }

 private:
  float* next;
};

void gru(Recurrence size, const float* x, const float* kernel, const float* recurrent, const float* bias, float* hidden, float* gates,
         float* recalled, int64_t first, int64_t end) {
  const int64_t units = size.units, features = size.features, steps = size.steps, rows = end - first, width = 3 * units;
  Memory memory(0, rows * (2 * width + units));
  float *inputs = memory.zeros(rows * width), *sums = memory.zeros(rows * width), *states = memory.zeros(rows * units);
  for (int64_t step = 0; step < steps; step++) {
    product<false>(rows, features, width, x + (first * steps + step) * features, steps * features, 1, kernel, inputs, width);
    if (step > 0) product<false>(rows, units, width, states, units, 1, recurrent, sums, width);
    for (int64_t row = 0; row < rows; row++) {
      const int64_t place = (first + row) * steps + step, own = first * steps + step * rows + row;
      const float* __restrict in = inputs + row * width;
      const float* __restrict sum = sums + row * width;
      const float* __restrict ofState = bias + width;
      float* __restrict state = states + row * units;
      float* __restrict gate = gates + own * width;
      float* __restrict recall = recalled + own * units;
      float* __restrict kept = hidden + place * units;
      INDEPENDENT
      for (int64_t j = 0; j < 2 * units; j++) gate[j] = sigmoid((in[j] + bias[j]) + (sum[j] + ofState[j]));
      const float* __restrict update = gate;
      const float* __restrict reset = gate + units;
      float* __restrict candidates = gate + 2 * units;
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) {
        const float recalledHere = sum[2 * units + j] + ofState[2 * units + j];
        const float candidate = hyperbolicTangent((in[2 * units + j] + bias[2 * units + j]) + reset[j] * recalledHere);
        recall[j] = recalledHere;
        candidates[j] = candidate;
        kept[j] = state[j] = candidate + update[j] * (state[j] - candidate);
      }
    }
  }
}

/** Adds the rows of a matrix to a vector. */
void addRows(int64_t rows, int64_t columns, const float* from, int64_t length, float* __restrict sums) {
  for (int64_t row = 0; row < rows; row++) {
    const float* __restrict values = from + row * length;
    INDEPENDENT
    for (int64_t j = 0; j < columns; j++) sums[j] += values[j];
  }
}

void gruGradient(Recurrence size, const float* slope, const float* x, const float* hidden, const float* gates, const float* recalled,
                 const float* back, float* ofProjected, float* ofWeights, int64_t first, int64_t end) {
  const int64_t units = size.units, features = size.features, steps = size.steps, rows = end - first, width = 3 * units;
  const int64_t length = padded(width);
  Memory memory(0, rows * (units + 2 * length) + units);
  float *carried = memory.zeros(rows * units), *zeros = memory.zeros(units);
  float *ofInputs = memory.zeros(rows * length), *ofStates = memory.zeros(rows * length);
  float *ofKernel = ofWeights, *ofRecurrent = ofKernel + features * width, *ofBias = ofRecurrent + units * width;
  for (int64_t step = steps - 1; step >= 0; step--) {
    for (int64_t row = 0; row < rows; row++) {
      const int64_t place = (first + row) * steps + step, own = first * steps + step * rows + row;
      const float* __restrict gate = gates + own * width;
      const float* __restrict recall = recalled + own * units;
      const float* __restrict old = step > 0 ? hidden + (place - 1) * units : zeros;
      const float* __restrict d = slope + place * units;
      float* __restrict carry = carried + row * units;
      float* __restrict inUpdate = ofInputs + row * length;
      float* __restrict inReset = inUpdate + units;
      float* __restrict inCandidate = inUpdate + 2 * units;
      float* __restrict backUpdate = ofStates + row * length;
      float* __restrict backReset = backUpdate + units;
      float* __restrict backCandidate = backUpdate + 2 * units;
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) {
        const float update = gate[j], reset = gate[units + j], candidate = gate[2 * units + j];
        const float all = carry[j] + d[j];
        const float ofUpdate = all * (old[j] - candidate) * (update * (1 - update));
        const float ofCandidate = all * (1 - update) * (1 - candidate * candidate);
        const float ofReset = ofCandidate * recall[j] * (reset * (1 - reset));
        inUpdate[j] = backUpdate[j] = ofUpdate;
        inReset[j] = backReset[j] = ofReset;
        inCandidate[j] = ofCandidate;
        backCandidate[j] = ofCandidate * reset;
        carry[j] = all * update;
      }
      std::memcpy(ofProjected + own * width, inUpdate, width * sizeof(float));
    }
    const int64_t place = first * steps + step;
    addTransposedProduct(features, rows, width, x + place * features, steps * features, ofInputs, ofKernel);
    addRows(rows, width, ofInputs, length, ofBias);
    addRows(rows, width, ofStates, length, ofBias + width);
    if (step == 0) continue;
    addTransposedProduct(units, rows, width, hidden + (place - 1) * units, steps * units, ofStates, ofRecurrent);
    product<true>(rows, width, units, ofStates, length, 1, back, carried, units);
  }
}

void lstm(Recurrence size, const float* x, const float* kernel, const float* recurrent, const float* bias, float* hidden, float* gates,
          float* cells, int64_t first, int64_t end) {
  const int64_t units = size.units, features = size.features, steps = size.steps, rows = end - first, width = 4 * units;
  Memory memory(0, rows * (width + 2 * units));
  float *sums = memory.zeros(rows * width), *states = memory.zeros(rows * units), *memories = memory.zeros(rows * units);
  for (int64_t step = 0; step < steps; step++) {
    product<false>(rows, features, width, x + (first * steps + step) * features, steps * features, 1, kernel, sums, width);
    if (step > 0) product<true>(rows, units, width, states, units, 1, recurrent, sums, width);
    for (int64_t row = 0; row < rows; row++) {
      const int64_t place = (first + row) * steps + step, own = first * steps + step * rows + row;
      const float* __restrict sum = sums + row * width;
      float* __restrict state = states + row * units;
      float* __restrict memoryHere = memories + row * units;
      float* __restrict gate = gates + own * width;
      float* __restrict cell = cells + own * units;
      float* __restrict kept = hidden + place * units;
      const float* __restrict input = gate;
      const float* __restrict forget = gate + units;
      float* __restrict candidates = gate + 2 * units;
      float* __restrict outs = gate + 3 * units;
      INDEPENDENT
      for (int64_t j = 0; j < 2 * units; j++) gate[j] = sigmoid(sum[j] + bias[j]);
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) candidates[j] = hyperbolicTangent(sum[2 * units + j] + bias[2 * units + j]);
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) outs[j] = sigmoid(sum[3 * units + j] + bias[3 * units + j]);
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) {
        const float held = forget[j] * memoryHere[j] + input[j] * candidates[j];
        cell[j] = memoryHere[j] = held;
        kept[j] = state[j] = outs[j] * hyperbolicTangent(held);
      }
    }
  }
}

void lstmGradient(Recurrence size, const float* slope, const float* x, const float* hidden, const float* gates, const float* cells,
                  const float* back, float* ofProjected, float* ofWeights, int64_t first, int64_t end) {
  const int64_t units = size.units, features = size.features, steps = size.steps, rows = end - first, width = 4 * units;
  const int64_t length = padded(width);
  Memory memory(0, rows * (2 * units + length) + units);
  float *carried = memory.zeros(rows * units), *ofCells = memory.zeros(rows * units), *zeros = memory.zeros(units);
  float* ofInputs = memory.zeros(rows * length);
  float *ofKernel = ofWeights, *ofRecurrent = ofKernel + features * width, *ofBias = ofRecurrent + units * width;
  for (int64_t step = steps - 1; step >= 0; step--) {
    for (int64_t row = 0; row < rows; row++) {
      const int64_t place = (first + row) * steps + step, own = first * steps + step * rows + row;
      const float* __restrict gate = gates + own * width;
      const float* __restrict cell = cells + own * units;
      const float* __restrict old = step > 0 ? cells + (own - rows) * units : zeros;
      const float* __restrict d = slope + place * units;
      const float* __restrict carry = carried + row * units;
      float* __restrict ofCell = ofCells + row * units;
      float* __restrict inInput = ofInputs + row * length;
      float* __restrict inForget = inInput + units;
      float* __restrict inCandidate = inInput + 2 * units;
      float* __restrict inOut = inInput + 3 * units;
      INDEPENDENT
      for (int64_t j = 0; j < units; j++) {
        const float input = gate[j], forget = gate[units + j], candidate = gate[2 * units + j], out = gate[3 * units + j];
        const float all = carry[j] + d[j];
        const float squashed = hyperbolicTangent(cell[j]);
        const float held = ofCell[j] + all * out * (1 - squashed * squashed);
        inInput[j] = held * candidate * (input * (1 - input));
        inForget[j] = held * old[j] * (forget * (1 - forget));
        inCandidate[j] = held * input * (1 - candidate * candidate);
        inOut[j] = all * squashed * (out * (1 - out));
        ofCell[j] = held * forget;
      }
      std::memcpy(ofProjected + own * width, inInput, width * sizeof(float));
    }
    const int64_t place = first * steps + step;
    addTransposedProduct(features, rows, width, x + place * features, steps * features, ofInputs, ofKernel);
    addRows(rows, width, ofInputs, length, ofBias);
    if (step == 0) continue;
    addTransposedProduct(units, rows, width, hidden + (place - 1) * units, steps * units, ofInputs, ofRecurrent);
    product<false>(rows, width, units, ofInputs, length, 1, back, carried, units);
  }
}

void projectedGradient(Recurrence size, const float* ofProjected, const float* back, int64_t width, float* ofX, int64_t first,
                       int64_t end) {
  const int64_t rows = end - first;
  for (int64_t step = 0; step < size.steps; step++)
    product<false>(rows, width, size.features, ofProjected + (first * size.steps + step * rows) * width, width, 1, back,
                   ofX + (first * size.steps + step) * size.features, size.steps * size.features);
}

/** Sum of a row, in an order that depends on its length alone. */
inline float sumOf(const float* values, int64_t count) {
  float parts[16] = {};
  int64_t at = 0;
  for (; at + 16 <= count; at += 16)
    for (int lane = 0; lane < 16; lane++) parts[lane] += values[at + lane];
  for (int lane = 0; at < count; at++, lane++) parts[lane] += values[at];
  for (int half = 8; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) parts[lane] += parts[lane + half];
  return parts[0];
}

/** Added to the score of a step that must not be seen, as the operations of the layer do. */
constexpr float UNSEEN = -1e9f;

/** Steps whose queries are taken together: their scores lie side by side, [sources, lanes], so that nothing is summed across a vector. */
constexpr int LANES_MAX = 2 * LANES;

/** Sources whose shares are summed before they are added to the others. */
constexpr int64_t SOURCES_TOGETHER = 64;

inline int lanesOf(int64_t queries) { return panelVectors(queries) * LANES; }

/** Of scores of the queries from `first` on. @param offset of one example, or null */
template <int L>
void hide(Attention size, const float* offset, float* scores, int64_t first) {
  if (offset == nullptr && !size.causal) return;
  for (int64_t source = 0; source < size.steps; source++) {
    float* __restrict score = scores + source * L;
    const float padding = offset == nullptr ? 0 : offset[source];
    const int64_t seenFrom = size.causal ? source - first : 0;
    INDEPENDENT
    for (int lane = 0; lane < L; lane++) {
      const float later = lane < seenFrom ? UNSEEN : 0;
      score[lane] += padding < later ? padding : later;
    }
  }
}

/** Scores → shares that are not yet divided by their sum. `sums` of a query gets its largest score and 1 / sum. */
template <int L>
void shareOut(int64_t steps, float* scores, float* __restrict largest, float* __restrict inverse) {
  for (int lane = 0; lane < L; lane++) largest[lane] = scores[lane];
  for (int64_t source = 1; source < steps; source++) {
    const float* __restrict score = scores + source * L;
    INDEPENDENT
    for (int lane = 0; lane < L; lane++) largest[lane] = score[lane] > largest[lane] ? score[lane] : largest[lane];
  }
  float total[L] = {};
  for (int64_t start = 0; start < steps; start += SOURCES_TOGETHER) {
    const int64_t end = steps - start < SOURCES_TOGETHER ? steps : start + SOURCES_TOGETHER;
    float part[L] = {};
    for (int64_t source = start; source < end; source++) {
      float* __restrict score = scores + source * L;
      INDEPENDENT
      for (int lane = 0; lane < L; lane++) {
        const float share = exponential(score[lane] - largest[lane]);
        score[lane] = share;
        part[lane] += share;
      }
    }
    for (int lane = 0; lane < L; lane++) total[lane] += part[lane];
  }
  for (int lane = 0; lane < L; lane++) inverse[lane] = 1 / total[lane];
}

/** Where one head of one example begins. */
struct Head {
  Head(Attention size, int64_t task)
      : width(size.heads * size.size), stride(3 * width), example(task / size.heads), column(task % size.heads * size.size) {}
  const int64_t width, stride, example, column;
};

template <int L>
void attendBlock(Attention size, const Head& at, const float* queries, const float* offset, const float* values, float* scores,
                 float* mixed, float* sums, int64_t first) {
  const int64_t count = size.steps - first < L ? size.steps - first : L;
  float* asked = scratch(2, size.size * L);
  pack(queries + first * at.stride, 1, at.stride, size.size, count, asked);
  product<false>(size.steps, size.size, L, queries + at.width, at.stride, 1, asked, scores, L);
  hide<L>(size, offset, scores, first);
  float largest[L], inverse[L];
  shareOut<L>(size.steps, scores, largest, inverse);
  float* to = mixed + first * at.width;
  product<false>(count, size.steps, size.size, scores, 1, L, values, to, at.width);
  for (int64_t row = 0; row < count; row++) {
    float* __restrict out = to + row * at.width;
    INDEPENDENT
    for (int64_t j = 0; j < size.size; j++) out[j] *= inverse[row];
    sums[2 * (first + row)] = largest[row];
    sums[2 * (first + row) + 1] = inverse[row];
  }
}

void attention(Attention size, const float* joined, const float* offset, float* mixed, float* sums, int64_t task) {
  const Head at(size, task);
  const int64_t steps = size.steps;
  const float* queries = joined + at.example * steps * at.stride + at.column;
  const float* own = offset == nullptr ? nullptr : offset + at.example * steps;
  float* values = scratch(0, packedSize(steps, size.size));
  float* scores = scratch(1, steps * LANES_MAX);
  pack(queries + 2 * at.width, at.stride, 1, steps, size.size, values);
  float* to = mixed + at.example * steps * at.width + at.column;
  for (int64_t first = 0; first < steps; first += LANES_MAX) {
    const auto block = lanesOf(steps - first) == LANES ? attendBlock<LANES> : attendBlock<LANES_MAX>;
    block(size, at, queries, own, values, scores, to, sums + task * steps * 2, first);
  }
}

/** What the gradient of a head reads, and where it writes. */
struct Slopes {
  const float *queries, *offset, *slope, *out, *sums, *keys;
  float* to;
};

template <int L>
void attendBlockBack(Attention size, const Head& at, const Slopes& of, float* shares, int64_t first) {
  const int64_t steps = size.steps, features = size.size, count = steps - first < L ? steps - first : L;
  const int64_t rowsSize = packedSize(count, features);
  float* scores = shares + steps * L;
  float* asked = scratch(2, 3 * features * L + 2 * rowsSize);
  float *slopes = asked + features * L, *outs = slopes + features * L, *rows = outs + features * L, *ofRows = rows + rowsSize;
  const float* queries = of.queries + first * at.stride;
  const float* d = of.slope + first * at.width;
  pack(queries, 1, at.stride, features, count, asked);
  pack(d, 1, at.width, features, count, slopes);
  pack(of.out + first * at.width, 1, at.width, features, count, outs);
  product<false>(steps, features, L, of.queries + at.width, at.stride, 1, asked, shares, L);
  product<false>(steps, features, L, of.queries + 2 * at.width, at.stride, 1, slopes, scores, L);
  hide<L>(size, of.offset, shares, first);
  float along[L] = {}, largest[L] = {}, inverse[L] = {};
  for (int64_t j = 0; j < features; j++)
    for (int lane = 0; lane < L; lane++) along[lane] += slopes[j * L + lane] * outs[j * L + lane];
  for (int64_t row = 0; row < count; row++) {
    largest[row] = of.sums[2 * (first + row)];
    inverse[row] = of.sums[2 * (first + row) + 1];
  }
  for (int64_t source = 0; source < steps; source++) {
    float* __restrict share = shares + source * L;
    float* __restrict score = scores + source * L;
    INDEPENDENT
    for (int lane = 0; lane < L; lane++) {
      share[lane] = exponential(share[lane] - largest[lane]) * inverse[lane];
      score[lane] = share[lane] * (score[lane] - along[lane]);
    }
  }
  product<false>(count, steps, features, scores, 1, L, of.keys, of.to + first * at.stride, at.stride);
  pack(queries, at.stride, 1, count, features, rows);
  pack(d, at.width, 1, count, features, ofRows);
  const auto toSources = first == 0 ? product<false> : product<true>;
  toSources(steps, count, features, scores, L, 1, rows, of.to + at.width, at.stride);
  toSources(steps, count, features, shares, L, 1, ofRows, of.to + 2 * at.width, at.stride);
}

/** With the shares computed once more (T. Dao et al.: FlashAttention, 2022). */
void attentionGradient(Attention size, const float* slope, const float* joined, const float* offset, const float* mixed,
                       const float* sums, float* ofJoined, int64_t task) {
  const Head at(size, task);
  const int64_t steps = size.steps, place = at.example * steps;
  float* keys = scratch(0, packedSize(steps, size.size));
  float* shares = scratch(1, 2 * steps * LANES_MAX);
  const float* queries = joined + place * at.stride + at.column;
  pack(queries + at.width, at.stride, 1, steps, size.size, keys);
  const Slopes of = {queries,
                     offset == nullptr ? nullptr : offset + place,
                     slope + place * at.width + at.column,
                     mixed + place * at.width + at.column,
                     sums + task * steps * 2,
                     keys,
                     ofJoined + place * at.stride + at.column};
  for (int64_t first = 0; first < steps; first += LANES_MAX) {
    const auto block = lanesOf(steps - first) == LANES ? attendBlockBack<LANES> : attendBlockBack<LANES_MAX>;
    block(size, at, of, shares, first);
  }
}

void layerNorm(int64_t width, float epsilon, const float* x, const float* scale, const float* offset, float* y, float* sums,
               int64_t first, int64_t end) {
  float* __restrict centered = scratch(0, 2 * width);
  float* __restrict squares = centered + width;
  for (int64_t row = first; row < end; row++) {
    const float* __restrict from = x + row * width;
    float* __restrict to = y + row * width;
    const float mean = sumOf(from, width) / width;
    INDEPENDENT
    for (int64_t j = 0; j < width; j++) {
      centered[j] = from[j] - mean;
      squares[j] = centered[j] * centered[j];
    }
    const float inverse = 1 / std::sqrt(sumOf(squares, width) / width + epsilon);
    INDEPENDENT
    for (int64_t j = 0; j < width; j++) to[j] = centered[j] * inverse * scale[j] + offset[j];
    sums[2 * row] = mean;
    sums[2 * row + 1] = inverse;
  }
}

void layerNormGradient(int64_t width, const float* slope, const float* x, const float* scale, const float* sums, float* ofX,
                       float* ofScale, float* ofOffset, int64_t first, int64_t end) {
  float* __restrict unit = scratch(0, 3 * width);
  float* __restrict scaled = unit + width;
  float* __restrict along = unit + 2 * width;
  for (int64_t row = first; row < end; row++) {
    const float* __restrict from = x + row * width;
    const float* __restrict d = slope + row * width;
    float* __restrict to = ofX + row * width;
    const float mean = sums[2 * row], inverse = sums[2 * row + 1];
    INDEPENDENT
    for (int64_t j = 0; j < width; j++) {
      unit[j] = (from[j] - mean) * inverse;
      scaled[j] = d[j] * scale[j];
      along[j] = scaled[j] * unit[j];
      ofScale[j] += d[j] * unit[j];
      ofOffset[j] += d[j];
    }
    const float level = sumOf(scaled, width) / width, tilt = sumOf(along, width) / width;
    INDEPENDENT
    for (int64_t j = 0; j < width; j++) to[j] = (scaled[j] - level - unit[j] * tilt) * inverse;
  }
}

/** Rows that go through a dense layer together, so that they stay in the cache. */
constexpr int64_t ROWS_TOGETHER = 64;

void dense(Dense size, const float* x, const float* kernel, const float* bias, float* y, int64_t first, int64_t end) {
  const int64_t inputs = size.inputs, outputs = size.outputs;
  for (int64_t from = first; from < end; from += ROWS_TOGETHER) {
    const int64_t rows = end - from < ROWS_TOGETHER ? end - from : ROWS_TOGETHER;
    product<false>(rows, inputs, outputs, x + from * inputs, inputs, 1, kernel, y + from * outputs, outputs);
    for (int64_t row = from; row < from + rows; row++) {
      float* __restrict to = y + row * outputs;
      if (size.rectified) {
        INDEPENDENT
        for (int64_t j = 0; j < outputs; j++) {
          const float sum = to[j] + bias[j];
          to[j] = sum < 0 ? 0 : sum;
        }
      } else {
        INDEPENDENT
        for (int64_t j = 0; j < outputs; j++) to[j] += bias[j];
      }
    }
  }
}

void denseInputGradient(Dense size, const float* slope, const float* y, const float* back, float* ofX, int64_t first, int64_t end) {
  const int64_t inputs = size.inputs, outputs = size.outputs;
  float* __restrict passed = scratch(0, ROWS_TOGETHER * outputs);
  for (int64_t from = first; from < end; from += ROWS_TOGETHER) {
    const int64_t rows = end - from < ROWS_TOGETHER ? end - from : ROWS_TOGETHER;
    const float* __restrict d = slope + from * outputs;
    if (size.rectified) {
      const float* __restrict kept = y + from * outputs;
      INDEPENDENT
      for (int64_t at = 0; at < rows * outputs; at++) passed[at] = kept[at] > 0 ? d[at] : 0;
    }
    product<false>(rows, outputs, inputs, size.rectified ? passed : d, outputs, 1, back, ofX + from * inputs, inputs);
  }
}

/** Slopes that pass the activation into one panel, and their sums to those of the bias. @param left columns from here on */
template <int V>
void passSlopes(Dense size, const float* slope, const float* y, int64_t rows, int64_t left, float* panel, float* ofBias) {
  constexpr int64_t width = V * LANES;
  const Vector zero = {};
  Vector sums[V] = {};
  float edge[width] = {}, keptEdge[width] = {};
  for (int64_t row = 0; row < rows; row++, slope += size.outputs, y += size.outputs, panel += width) {
    const float *d = slope, *kept = y;
    if (left < width) {
      for (int64_t j = 0; j < left; j++) edge[j] = slope[j];
      for (int64_t j = 0; j < left; j++) keptEdge[j] = y[j];
      d = edge;
      kept = keptEdge;
    }
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      Vector passed = load(d + v * LANES);
      if (size.rectified) passed = load(kept + v * LANES) > zero ? passed : zero;
      store(panel + v * LANES, passed);
      sums[v] += passed;
    }
  }
  if (ofBias == nullptr) return;
  for (int v = 0; v < V; v++) store(edge + v * LANES, sums[v]);
  for (int64_t j = 0; j < (left < width ? left : width); j++) ofBias[j] += edge[j];
}

void denseGradient(Dense size, const float* slope, const float* x, const float* y, float* ofKernel, float* ofBias, int64_t from, int64_t to,
                   int64_t first, int64_t end) {
  const int64_t inputs = size.inputs, outputs = size.outputs, width = panelVectors(outputs) * LANES;
  float* packed = scratch(0, packedSize(2 * ROWS_TOGETHER, outputs));
  for (int64_t start = first; start < end; start += 2 * ROWS_TOGETHER) {
    const int64_t rows = end - start < 2 * ROWS_TOGETHER ? end - start : 2 * ROWS_TOGETHER;
    for (int64_t column = 0; column < outputs; column += width) {
      const auto pass = panelVectors(outputs) == 2 ? passSlopes<2> : passSlopes<1>;
      pass(size, slope + start * outputs + column, y + start * outputs + column, rows, outputs - column, packed + column * rows,
           ofBias == nullptr ? nullptr : ofBias + column);
    }
    const float* own = x + start * inputs + from;
    float* into = ofKernel + from * outputs;
    if (panelVectors(outputs) == 2)
      panels<2, true>(to - from, rows, outputs, own, 1, inputs, packedPanels<2>(packed, rows), into, outputs);
    else
      panels<1, true>(to - from, rows, outputs, own, 1, inputs, packedPanels<1>(packed, rows), into, outputs);
  }
}

void addUp(int64_t parts, int64_t length, float* vectors, int64_t first, int64_t end) {
  float* __restrict sums = vectors;
  for (int64_t part = 1; part < parts; part++) {
    const float* __restrict more = vectors + part * length;
    INDEPENDENT
    for (int64_t at = first; at < end; at++) sums[at] += more[at];
  }
}

void adam(Adam with, const float* weights, const float* gradient, const float* mean, const float* variance, float* nextWeights,
          float* nextMean, float* nextVariance, int64_t first, int64_t end) {
  INDEPENDENT
  for (int64_t at = first; at < end; at++) {
    const float slope = gradient[at];
    const float moved = mean[at] + (slope - mean[at]) * with.ofGradient;
    const float spread = variance[at] + (slope * slope - variance[at]) * with.ofSquare;
    nextMean[at] = moved;
    nextVariance[at] = spread;
    nextWeights[at] = weights[at] - moved * with.rate / (std::sqrt(spread) + with.epsilon);
  }
}

}  // namespace

extern const Passes PASSES;
const Passes PASSES = {packedSize,
                       pack,
                       gru,
                       gruGradient,
                       lstm,
                       lstmGradient,
                       projectedGradient,
                       attention,
                       attentionGradient,
                       layerNorm,
                       layerNormGradient,
                       dense,
                       denseInputGradient,
                       denseGradient,
                       addUp,
                       adam};
