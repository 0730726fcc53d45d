// Operations that TensorFlow's library lacks, registered with it through its C interface: a recurrence, an attention or an update in one
// pass over memory, where the library would run dozens of operations for each step of a sequence. The values of a row are summed in one
// order, so that the results do not depend on the number of threads.
#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "passes.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

const Passes& chosenPasses() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    return avx512Passes;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2Passes;
#endif
  return basePasses;
}

const Passes& passes = chosenPasses();

int threadCount() {
  const char* asked = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int count = asked == nullptr ? 0 : std::atoi(asked);
  const int found = count > 0 ? count : static_cast<int>(std::thread::hardware_concurrency());
  return found < 1 ? 1 : found > 64 ? 64 : found;
}

/** Tells the processor that a thread waits for another one. */
inline void breathe() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/** Waits a moment for what mostly comes at once: to sleep and be woken takes longer than most operations. @returns whether it came */
template <typename Condition>
bool soon(Condition condition) {
  constexpr std::chrono::microseconds LONG(50);
  const auto until = std::chrono::steady_clock::now() + LONG;
  do {
    for (int turn = 0; turn < 16; turn++) {
      if (condition()) return true;
      breathe();
    }
  } while (std::chrono::steady_clock::now() < until);
  return condition();
}

/** Threads that help those that run operations. No more of both are at work than there are processors. */
class Crew {
 public:
  explicit Crew(int threads) : size(threads) {
    for (int index = 1; index < threads; index++) std::thread([this] { serve(); }).detach();
  }

  void run(int64_t tasks, const std::function<void(int64_t)>& task) {
    if (size == 1 || tasks < 2) {
      for (int64_t index = 0; index < tasks; index++) task(index);
      return;
    }
    Job job{task, tasks};
    const int before = atWork++;
    if (before < size - 1) {
      {
        std::lock_guard<std::mutex> held(lock);
        jobs.push_back(&job);
        turn++;
      }
      if (asleep > 0) begun.notify_all();
      while (takeFirst(job)) continue;
      {
        // From here on nobody comes to help.
        std::lock_guard<std::mutex> held(lock);
        jobs.erase(std::find(jobs.begin(), jobs.end(), &job));
      }
      if (!soon([&job] { return job.helpers == 0; })) {
        std::unique_lock<std::mutex> held(lock);
        ended.wait(held, [&job] { return job.helpers == 0; });
      }
    } else {
      while (takeFirst(job)) continue;
    }
    atWork--;
  }

  const int size;

 private:
  struct Job {
    const std::function<void(int64_t)>& task;
    const int64_t tasks;
    /** Tasks that somebody has taken, and those of them that helpers have. */
    std::atomic<int64_t> taken{0}, helped{0};
    int64_t own = 0;
    std::atomic<int> helpers{0};
  };

  // The owner begins with the first task, helpers with the last: in the next operation each finds its rows in its cache.

  /** @returns false where no task was left */
  static bool takeFirst(Job& job) {
    if (job.taken++ >= job.tasks) return false;
    job.task(job.own++);
    return true;
  }

  static bool takeLast(Job& job) {
    if (job.taken++ >= job.tasks) return false;
    job.task(job.tasks - 1 - job.helped++);
    return true;
  }

  /** A job that has tasks left, where a helper is wanted. */
  Job* wanting() {
    if (atWork >= size) return nullptr;
    for (Job* job : jobs)
      if (job->taken < job->tasks) return job;
    return nullptr;
  }

  void serve() {
    for (;;) {
      const uint64_t seen = turn;
      Job* job;
      {
        std::lock_guard<std::mutex> held(lock);
        job = wanting();
        if (job != nullptr) {
          job->helpers++;
          atWork++;
        }
      }
      if (job != nullptr) {
        while (atWork <= size && takeLast(*job)) continue;
        atWork--;
        // Under the lock: the job is gone as soon as its owner sees that no helper is left.
        std::lock_guard<std::mutex> held(lock);
        if (--job->helpers == 0) ended.notify_all();
        continue;
      }
      if (soon([&] { return turn != seen; })) continue;
      std::unique_lock<std::mutex> held(lock);
      asleep++;
      begun.wait(held, [&] { return turn != seen; });
      asleep--;
    }
  }

  std::mutex lock;
  std::condition_variable begun, ended;
  /** Whose owners ask for help. */
  std::vector<Job*> jobs;
  /** Grows with each job. */
  std::atomic<uint64_t> turn{0};
  std::atomic<int> atWork{0}, asleep{0};
};

Crew& crew() {
  // Never taken down: its threads may outlive the main one.
  static Crew* made = new Crew(threadCount());
  return *made;
}

/** Below so many values a task for other threads costs more than it saves. */
constexpr int64_t VALUES_MIN = 16384;

/** Calls `part(first, end)` for parts of `rows`. @param values that are read, of all rows */
void inParts(int64_t rows, int64_t values, const std::function<void(int64_t, int64_t)>& part) {
  const int64_t parts = values < VALUES_MIN ? 1 : crew().size;
  const int64_t each = std::max<int64_t>(8, ((rows + parts - 1) / parts + 7) / 8 * 8);
  crew().run((rows + each - 1) / each, [&](int64_t index) { part(index * each, std::min(rows, (index + 1) * each)); });
}

/** Rows of a dense layer, or of its kernel, that one task takes. */
constexpr int64_t ROWS_OF_TASK = 64;

/** Below so many products the same holds for a matrix product. */
constexpr int64_t PRODUCTS_MIN = 262144;

/** Values of a kernel up to which it is packed by one thread, and each part of the rows has sums of its own for its gradient. */
constexpr int64_t KERNEL_VALUES_MAX = 65536;

/** Calls `part(first, end)` for parts of the rows of a dense layer. */
void inTasks(int64_t rows, const Dense& size, const std::function<void(int64_t, int64_t)>& part) {
  const int64_t each = rows * size.inputs * size.outputs < PRODUCTS_MIN ? std::max<int64_t>(1, rows) : ROWS_OF_TASK;
  crew().run((rows + each - 1) / each, [&](int64_t index) { part(index * each, std::min(rows, (index + 1) * each)); });
}

/** Inputs and outputs of one run of an operation, float32 all of them. */
class Run {
 public:
  explicit Run(TF_OpKernelContext* context) : context(context), status(TF_NewStatus()) {}

  ~Run() {
    if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
    for (TF_Tensor* tensor : held) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status);
  }

  bool ok() const { return TF_GetCode(status) == TF_OK; }

  /** An input of a number of axes; null, and the operation fails, where it has another. */
  TF_Tensor* input(int index, int axes) {
    TF_Tensor* tensor = nullptr;
    if (!ok()) return nullptr;
    TF_GetInput(context, index, &tensor, status);
    if (!ok()) return nullptr;
    held.push_back(tensor);
    if (axes >= 0 && TF_NumDims(tensor) != axes) return refuse("an input has another number of axes"), nullptr;
    return tensor;
  }

  float* output(int index, const std::vector<int64_t>& shape) {
    if (!ok()) return nullptr;
    size_t size = sizeof(float);
    for (int64_t length : shape) size *= length;
    TF_Tensor* tensor = TF_AllocateOutput(context, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()), size, status);
    if (!ok()) return nullptr;
    held.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }

  void refuse(const char* why) { TF_SetStatus(status, TF_INVALID_ARGUMENT, why); }

  /** @returns whether all is well so far */
  bool require(bool holds, const char* why) {
    if (ok() && !holds) refuse(why);
    return ok();
  }

 private:
  TF_OpKernelContext* context;
  TF_Status* status;
  std::vector<TF_Tensor*> held;
};

const float* values(const TF_Tensor* tensor) { return static_cast<const float*>(TF_TensorData(tensor)); }

std::vector<int64_t> shapeOf(const TF_Tensor* tensor) {
  std::vector<int64_t> shape(TF_NumDims(tensor));
  for (size_t axis = 0; axis < shape.size(); axis++) shape[axis] = TF_Dim(tensor, static_cast<int>(axis));
  return shape;
}

bool holds(const TF_Tensor* tensor, std::initializer_list<int64_t> shape) { return shapeOf(tensor) == std::vector<int64_t>(shape); }

/** Memory of a thread for one run of an operation, kept for the next. Different places do not share. @returns values of no meaning */
float* kept(int place, int64_t size) {
  thread_local std::vector<float> memory[3];
  if (static_cast<int64_t>(memory[place].size()) < size) memory[place].resize(size);
  return memory[place].data();
}

constexpr int SUMS = 0, PACKED = 1, PACKED_TOO = 2;

const float* packed(const float* from, int64_t innerStride, int64_t columnStride, int64_t inner, int64_t columns, int place = PACKED) {
  float* to = kept(place, passes.packedSize(inner, columns));
  // A whole number of panels, and not a last part so narrow that its panels would be narrower.
  const int64_t panel = 2 * passes.packedSize(1, 1), each = 4 * panel;
  const int64_t parts = inner * columns < KERNEL_VALUES_MAX ? 1 : std::max<int64_t>(1, columns / each);
  crew().run(parts, [&](int64_t part) {
    const int64_t first = part * each, end = part == parts - 1 ? columns : first + each;
    passes.pack(from + first * columnStride, innerStride, columnStride, inner, end - first, to + first * inner);
  });
  return to;
}

/** Attributes of a kernel, read when it is made. */
struct Settings {
  int64_t steps = 0, heads = 0;
  bool causal = false, rectified = false;
  float epsilon = 0, meanShare = 0, varianceShare = 0;
};

class Reader {
 public:
  explicit Reader(TF_OpKernelConstruction* construction) : construction(construction), status(TF_NewStatus()) {}
  ~Reader() {
    if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
    TF_DeleteStatus(status);
  }
  int64_t integer(const char* name) {
    int64_t value = 0;
    TF_OpKernelConstruction_GetAttrInt64(construction, name, &value, status);
    return value;
  }
  float number(const char* name) {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction, name, &value, status);
    return value;
  }
  bool truth(const char* name) {
    TF_Bool value = 0;
    TF_OpKernelConstruction_GetAttrBool(construction, name, &value, status);
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* construction;
  TF_Status* status;
};

void* noSettings(TF_OpKernelConstruction*) { return new Settings(); }

void* attentionSettings(TF_OpKernelConstruction* construction) {
  Reader read(construction);
  auto* settings = new Settings();
  settings->steps = read.integer("steps");
  settings->heads = read.integer("heads");
  settings->causal = read.truth("causal");
  return settings;
}

void* normSettings(TF_OpKernelConstruction* construction) {
  Reader read(construction);
  auto* settings = new Settings();
  settings->epsilon = read.number("epsilon");
  return settings;
}

void* denseSettings(TF_OpKernelConstruction* construction) {
  Reader read(construction);
  auto* settings = new Settings();
  settings->rectified = read.truth("rectified");
  return settings;
}

void* adamSettings(TF_OpKernelConstruction* construction) {
  Reader read(construction);
  auto* settings = new Settings();
  settings->epsilon = read.number("epsilon");
  settings->meanShare = read.number("mean_share");
  settings->varianceShare = read.number("variance_share");
  return settings;
}

void forget(void* settings) { delete static_cast<Settings*>(settings); }

/** What a recurrence reads: [batch, steps, features], and weights whose gates lie side by side. */
struct Recurring {
  const TF_Tensor *x, *kernel, *recurrent;
  Recurrence size;
  int64_t width;
};

/** @param gates number of them @returns whether all is well */
bool read(Run& run, int at, int64_t gates, Recurring& read) {
  read.x = run.input(at, 3);
  read.kernel = run.input(at + 1, 2);
  read.recurrent = run.input(at + 2, 2);
  if (!run.ok()) return false;
  read.size = {TF_Dim(read.x, 0), TF_Dim(read.x, 1), TF_Dim(read.x, 2), TF_Dim(read.recurrent, 0)};
  read.width = gates * read.size.units;
  return run.require(holds(read.kernel, {read.size.features, read.width}) && holds(read.recurrent, {read.size.units, read.width}),
                     "the shapes of a recurrence do not go together");
}

/** Rows that one task takes: more where the weights, which each task reads in every step, do not fit beside them. */
int64_t rowsOfTask(const Recurring& read) {
  return (read.size.features + read.size.units) * read.width < 65536 ? 16 : 64;
}

template <typename Pass>
void recur(TF_OpKernelContext* context, int64_t gates, int64_t biases, Pass pass) {
  Run run(context);
  Recurring in;
  if (!read(run, 0, gates, in)) return;
  const Recurrence& size = in.size;
  const TF_Tensor* bias = run.input(3, 1);
  if (!run.ok() || !run.require(TF_Dim(bias, 0) == biases * in.width, "the bias of a recurrence has another length")) return;
  float* hidden = run.output(0, {size.batch, size.steps, size.units});
  float* kept = run.output(1, {size.batch, size.steps, in.width});
  float* more = run.output(2, {size.batch, size.steps, size.units});
  if (!run.ok()) return;
  const float* kernel = packed(values(in.kernel), in.width, 1, size.features, in.width);
  const float* recurrent = packed(values(in.recurrent), in.width, 1, size.units, in.width, PACKED_TOO);
  const int64_t each = rowsOfTask(in);
  crew().run((size.batch + each - 1) / each, [&](int64_t task) {
    pass(size, values(in.x), kernel, recurrent, values(bias), hidden, kept, more, task * each,
         std::min(size.batch, (task + 1) * each));
  });
}

void gru(void*, TF_OpKernelContext* context) { recur(context, 3, 2, passes.gru); }

void lstm(void*, TF_OpKernelContext* context) { recur(context, 4, 1, passes.lstm); }

template <typename Pass>
void recurBack(TF_OpKernelContext* context, int64_t gates, int64_t biases, Pass pass) {
  Run run(context);
  Recurring in;
  if (!read(run, 0, gates, in)) return;
  const Recurrence& size = in.size;
  const TF_Tensor *slope = run.input(3, 3), *hidden = run.input(4, 3), *kept = run.input(5, 3), *more = run.input(6, 3);
  if (!run.ok()) return;
  if (!run.require(holds(slope, {size.batch, size.steps, size.units}) && holds(hidden, {size.batch, size.steps, size.units}) &&
                       holds(kept, {size.batch, size.steps, in.width}) && holds(more, {size.batch, size.steps, size.units}),
                   "the shapes of the gradient of a recurrence do not go together"))
    return;
  float* ofProjected = run.output(0, {size.batch, size.steps, in.width});
  float* ofKernel = run.output(1, {size.features, in.width});
  float* ofRecurrent = run.output(2, {size.units, in.width});
  float* ofBias = run.output(3, {biases * in.width});
  if (!run.ok()) return;
  const float* back = packed(values(in.recurrent), 1, in.width, in.width, size.units);
  const int64_t each = rowsOfTask(in), tasks = (size.batch + each - 1) / each;
  const int64_t ofInputs = size.features * in.width, ofStates = size.units * in.width, all = ofInputs + ofStates + biases * in.width;
  std::vector<float> sums(std::max<int64_t>(1, tasks) * all);
  crew().run(tasks, [&](int64_t task) {
    pass(size, values(slope), values(in.x), values(hidden), values(kept), values(more), back, ofProjected,
         sums.data() + task * all, task * each, std::min(size.batch, (task + 1) * each));
  });
  for (int64_t task = 1; task < tasks; task++)
    for (int64_t at = 0; at < all; at++) sums[at] += sums[task * all + at];
  std::copy(sums.begin(), sums.begin() + ofInputs, ofKernel);
  std::copy(sums.begin() + ofInputs, sums.begin() + ofInputs + ofStates, ofRecurrent);
  std::copy(sums.begin() + ofInputs + ofStates, sums.begin() + all, ofBias);
}

/** The gradient of what a recurrence reads, from that of what its kernel makes of it. */
void inputGradient(TF_OpKernelContext* context, int64_t gates) {
  Run run(context);
  Recurring in;
  if (!read(run, 0, gates, in)) return;
  const Recurrence& size = in.size;
  const TF_Tensor* ofProjected = run.input(3, 3);
  if (!run.ok() || !run.require(holds(ofProjected, {size.batch, size.steps, in.width}), "the gradient of a recurrence has another shape"))
    return;
  float* ofX = run.output(0, {size.batch, size.steps, size.features});
  if (!run.ok()) return;
  const float* back = packed(values(in.kernel), 1, in.width, in.width, size.features);
  const int64_t each = rowsOfTask(in);
  crew().run((size.batch + each - 1) / each, [&](int64_t task) {
    passes.projectedGradient(size, values(ofProjected), back, in.width, ofX, task * each, std::min(size.batch, (task + 1) * each));
  });
}

void gruInputGradient(void*, TF_OpKernelContext* context) { inputGradient(context, 3); }

void lstmInputGradient(void*, TF_OpKernelContext* context) { inputGradient(context, 4); }

void gruGradient(void*, TF_OpKernelContext* context) { recurBack(context, 3, 2, passes.gruGradient); }

void lstmGradient(void*, TF_OpKernelContext* context) { recurBack(context, 4, 1, passes.lstmGradient); }

/** Sizes of an attention by what it reads. @returns whether all is well */
bool sizesOf(Run& run, const Settings& settings, const TF_Tensor* joined, const TF_Tensor* offset, Attention& size) {
  const int64_t rows = TF_Dim(joined, 0), steps = settings.steps, heads = settings.heads;
  if (!run.require(steps > 0 && heads > 0 && rows % steps == 0 && TF_Dim(joined, 1) % (3 * heads) == 0,
                   "the shapes of an attention do not go together"))
    return false;
  size = {rows / steps, steps, heads, TF_Dim(joined, 1) / (3 * heads), settings.causal};
  return run.require(TF_TensorElementCount(offset) == 0 || holds(offset, {size.batch, steps}),
                     "the offset of an attention has another shape");
}

const float* valuesOrNull(const TF_Tensor* tensor) { return TF_TensorElementCount(tensor) == 0 ? nullptr : values(tensor); }

void attention(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *joined = run.input(0, 2), *offset = run.input(1, 2);
  Attention size;
  if (!run.ok() || !sizesOf(run, *static_cast<Settings*>(made), joined, offset, size)) return;
  float* mixed = run.output(0, {size.batch * size.steps, size.heads * size.size});
  float* sums = run.output(1, {size.batch * size.heads * size.steps, 2});
  if (!run.ok()) return;
  crew().run(size.batch * size.heads,
             [&](int64_t task) { passes.attention(size, values(joined), valuesOrNull(offset), mixed, sums, task); });
}

void attentionGradient(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *slope = run.input(0, 2), *joined = run.input(1, 2), *offset = run.input(2, 2), *mixed = run.input(3, 2),
                  *sums = run.input(4, 2);
  Attention size;
  if (!run.ok() || !sizesOf(run, *static_cast<Settings*>(made), joined, offset, size)) return;
  const int64_t rows = size.batch * size.steps, width = size.heads * size.size;
  if (!run.require(holds(slope, {rows, width}) && holds(mixed, {rows, width}) && holds(sums, {rows * size.heads, 2}),
                   "the shapes of the gradient of an attention do not go together"))
    return;
  float* ofJoined = run.output(0, {rows, 3 * width});
  if (!run.ok()) return;
  crew().run(size.batch * size.heads, [&](int64_t task) {
    passes.attentionGradient(size, values(slope), values(joined), valuesOrNull(offset), values(mixed), values(sums), ofJoined, task);
  });
}

void layerNorm(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *x = run.input(0, 2), *scale = run.input(1, 1), *offset = run.input(2, 1);
  if (!run.ok()) return;
  const int64_t rows = TF_Dim(x, 0), width = TF_Dim(x, 1);
  if (!run.require(TF_Dim(scale, 0) == width && TF_Dim(offset, 0) == width, "the shapes of a normalization do not go together")) return;
  float* y = run.output(0, {rows, width});
  float* sums = run.output(1, {rows, 2});
  if (!run.ok()) return;
  inParts(rows, rows * width, [&](int64_t first, int64_t end) {
    passes.layerNorm(width, static_cast<Settings*>(made)->epsilon, values(x), values(scale), values(offset), y, sums, first, end);
  });
}

/** Sums over rows are taken in so many parts, whatever the number of threads. */
constexpr int64_t PARTS = 16;

void layerNormGradient(void*, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *slope = run.input(0, 2), *x = run.input(1, 2), *scale = run.input(2, 1), *sums = run.input(3, 2);
  if (!run.ok()) return;
  const int64_t rows = TF_Dim(x, 0), width = TF_Dim(x, 1);
  if (!run.require(holds(slope, {rows, width}) && holds(scale, {width}) && holds(sums, {rows, 2}),
                   "the shapes of the gradient of a normalization do not go together"))
    return;
  float *ofX = run.output(0, {rows, width}), *ofScale = run.output(1, {width}), *ofOffset = run.output(2, {width});
  if (!run.ok()) return;
  std::vector<float> partial(PARTS * 2 * width);
  crew().run(rows * width < VALUES_MIN ? 1 : PARTS, [&](int64_t index) {
    const bool alone = rows * width < VALUES_MIN;
    for (int64_t part = index; part < (alone ? PARTS : index + 1); part++) {
      float* own = partial.data() + part * 2 * width;
      passes.layerNormGradient(width, values(slope), values(x), values(scale), values(sums), ofX, own, own + width, rows * part / PARTS,
                               rows * (part + 1) / PARTS);
    }
  });
  for (int64_t j = 0; j < width; j++) {
    ofScale[j] = ofOffset[j] = 0;
    for (int64_t part = 0; part < PARTS; part++) {
      ofScale[j] += partial[part * 2 * width + j];
      ofOffset[j] += partial[part * 2 * width + width + j];
    }
  }
}

void dense(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *x = run.input(0, 2), *kernel = run.input(1, 2), *bias = run.input(2, 1);
  if (!run.ok()) return;
  const int64_t rows = TF_Dim(x, 0);
  const Dense size = {TF_Dim(kernel, 0), TF_Dim(kernel, 1), static_cast<Settings*>(made)->rectified};
  if (!run.require(TF_Dim(x, 1) == size.inputs && holds(bias, {size.outputs}), "the shapes of a dense layer do not go together")) return;
  float* y = run.output(0, {rows, size.outputs});
  if (!run.ok()) return;
  const float* columns = packed(values(kernel), size.outputs, 1, size.inputs, size.outputs);
  inTasks(rows, size, [&](int64_t first, int64_t end) { passes.dense(size, values(x), columns, values(bias), y, first, end); });
}

void denseInputGradient(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *slope = run.input(0, 2), *kernel = run.input(1, 2), *y = run.input(2, 2);
  if (!run.ok()) return;
  const int64_t rows = TF_Dim(slope, 0);
  const Dense size = {TF_Dim(kernel, 0), TF_Dim(kernel, 1), static_cast<Settings*>(made)->rectified};
  if (!run.require(holds(slope, {rows, size.outputs}) && holds(y, {rows, size.outputs}),
                   "the shapes of the gradient of a dense layer do not go together"))
    return;
  float* ofX = run.output(0, {rows, size.inputs});
  if (!run.ok()) return;
  const float* back = packed(values(kernel), 1, size.outputs, size.outputs, size.inputs);
  inTasks(rows, size, [&](int64_t first, int64_t end) {
    passes.denseInputGradient(size, values(slope), values(y), back, ofX, first, end);
  });
}

void denseGradient(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *slope = run.input(0, 2), *x = run.input(1, 2), *y = run.input(2, 2);
  if (!run.ok()) return;
  const int64_t rows = TF_Dim(x, 0);
  const Dense size = {TF_Dim(x, 1), TF_Dim(slope, 1), static_cast<Settings*>(made)->rectified};
  if (!run.require(holds(slope, {rows, size.outputs}) && holds(y, {rows, size.outputs}),
                   "the shapes of the gradient of a dense layer do not go together"))
    return;
  float *ofKernel = run.output(0, {size.inputs, size.outputs}), *ofBias = run.output(1, {size.outputs});
  if (!run.ok()) return;
  const int64_t kernelValues = size.inputs * size.outputs;
  const auto pass = [&](float* kernel, float* bias, int64_t from, int64_t to, int64_t first, int64_t end) {
    passes.denseGradient(size, values(slope), values(x), values(y), kernel, bias, from, to, first, end);
  };
  // How the sums are cut depends on the shapes alone.
  const int64_t parts = kernelValues > KERNEL_VALUES_MAX ? 1 : std::min(PARTS, std::max<int64_t>(1, rows / (2 * ROWS_OF_TASK)));
  if (parts == 1) {
    std::fill(ofKernel, ofKernel + kernelValues, 0.0f);
    std::fill(ofBias, ofBias + size.outputs, 0.0f);
    const int64_t each = rows * kernelValues < PRODUCTS_MIN ? std::max<int64_t>(1, size.inputs) : ROWS_OF_TASK;
    crew().run((size.inputs + each - 1) / each, [&](int64_t task) {
      pass(ofKernel, task == 0 ? ofBias : nullptr, task * each, std::min(size.inputs, (task + 1) * each), 0, rows);
    });
    return;
  }
  const int64_t all = kernelValues + size.outputs;
  float* sums = kept(SUMS, parts * all);
  crew().run(parts, [&](int64_t part) {
    float* own = sums + part * all;
    std::fill(own, own + all, 0.0f);
    pass(own, own + kernelValues, 0, size.inputs, rows * part / parts, rows * (part + 1) / parts);
  });
  inParts(all, parts * all, [&](int64_t first, int64_t end) { passes.addUp(parts, all, sums, first, end); });
  std::copy(sums, sums + kernelValues, ofKernel);
  std::copy(sums + kernelValues, sums + all, ofBias);
}

void adam(void* made, TF_OpKernelContext* context) {
  Run run(context);
  const TF_Tensor *weights = run.input(0, 1), *gradient = run.input(1, 1), *mean = run.input(2, 1), *variance = run.input(3, 1),
                  *rate = run.input(4, 0);
  if (!run.ok()) return;
  const int64_t size = TF_Dim(weights, 0);
  if (!run.require(TF_Dim(gradient, 0) == size && TF_Dim(mean, 0) == size && TF_Dim(variance, 0) == size,
                   "the shapes of an update do not go together"))
    return;
  float *nextWeights = run.output(0, {size}), *nextMean = run.output(1, {size}), *nextVariance = run.output(2, {size});
  if (!run.ok()) return;
  const auto& settings = *static_cast<Settings*>(made);
  const Adam with = {settings.meanShare, settings.varianceShare, settings.epsilon, *values(rate)};
  inParts(size, 4 * size, [&](int64_t first, int64_t end) {
    passes.adam(with, values(weights), values(gradient), values(mean), values(variance), nextWeights, nextMean, nextVariance, first, end);
  });
}

void anyShape(TF_ShapeInferenceContext* context, TF_Status* status) { TF_ShapeInferenceContextSetUnknownShape(context, status); }

/** @returns why TensorFlow does not take it, or "" */
std::string offer(const char* name, std::initializer_list<const char*> inputs, std::initializer_list<const char*> outputs,
                  std::initializer_list<const char*> attributes, void* (*create)(TF_OpKernelConstruction*),
                  void (*compute)(void*, TF_OpKernelContext*)) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, anyShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, forget), status);
  const std::string complaint = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  return complaint;
}

std::string offerAll() {
  const std::string complaints[] = {
      offer("PerennialGru", {"x: float", "kernel: float", "recurrent: float", "bias: float"},
            {"hidden: float", "gates: float", "recalled: float"}, {}, noSettings, gru),
      offer("PerennialGruGradient",
            {"x: float", "kernel: float", "recurrent: float", "slope: float", "hidden: float", "gates: float", "recalled: float"},
            {"of_projected: float", "of_kernel: float", "of_recurrent: float", "of_bias: float"}, {}, noSettings, gruGradient),
      offer("PerennialGruInputGradient", {"x: float", "kernel: float", "recurrent: float", "of_projected: float"}, {"of_x: float"}, {},
            noSettings, gruInputGradient),
      offer("PerennialLstm", {"x: float", "kernel: float", "recurrent: float", "bias: float"},
            {"hidden: float", "gates: float", "cells: float"}, {}, noSettings, lstm),
      offer("PerennialLstmGradient",
            {"x: float", "kernel: float", "recurrent: float", "slope: float", "hidden: float", "gates: float", "cells: float"},
            {"of_projected: float", "of_kernel: float", "of_recurrent: float", "of_bias: float"}, {}, noSettings, lstmGradient),
      offer("PerennialLstmInputGradient", {"x: float", "kernel: float", "recurrent: float", "of_projected: float"}, {"of_x: float"}, {},
            noSettings, lstmInputGradient),
      offer("PerennialAttention", {"joined: float", "offset: float"}, {"mixed: float", "sums: float"},
            {"steps: int", "heads: int", "causal: bool"}, attentionSettings, attention),
      offer("PerennialAttentionGradient", {"slope: float", "joined: float", "offset: float", "mixed: float", "sums: float"},
            {"of_joined: float"}, {"steps: int", "heads: int", "causal: bool"}, attentionSettings, attentionGradient),
      offer("PerennialLayerNorm", {"x: float", "scale: float", "offset: float"}, {"y: float", "sums: float"}, {"epsilon: float"},
            normSettings, layerNorm),
      offer("PerennialLayerNormGradient", {"slope: float", "x: float", "scale: float", "sums: float"},
            {"of_x: float", "of_scale: float", "of_offset: float"}, {}, noSettings, layerNormGradient),
      offer("PerennialDense", {"x: float", "kernel: float", "bias: float"}, {"y: float"}, {"rectified: bool"}, denseSettings, dense),
      offer("PerennialDenseInputGradient", {"slope: float", "kernel: float", "y: float"}, {"of_x: float"}, {"rectified: bool"},
            denseSettings, denseInputGradient),
      offer("PerennialDenseGradient", {"slope: float", "x: float", "y: float"}, {"of_kernel: float", "of_bias: float"},
            {"rectified: bool"}, denseSettings, denseGradient),
      offer("PerennialAdam", {"weights: float", "gradient: float", "mean: float", "variance: float", "rate: float"},
            {"next_weights: float", "next_mean: float", "next_variance: float"},
            {"epsilon: float", "mean_share: float", "variance_share: float"}, adamSettings, adam),
  };
  for (const std::string& complaint : complaints)
    if (!complaint.empty()) return complaint;
  return "";
}

}  // namespace

/** Loading the module registers the operations. */
NAPI_MODULE_INIT() {
  // A process loads TensorFlow once, a worker thread may load this again.
  static const std::string complaint = offerAll();
  if (!complaint.empty()) napi_throw_error(env, nullptr, complaint.c_str());
  return exports;
}
