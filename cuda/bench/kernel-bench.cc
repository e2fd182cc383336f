// Times ops of libtrtllm_cuda.so at the sizes of an 8 B model with grouped heads, without Node: us a call, GB/s, TFLOP/s.
// A row is a graph of calls replayed several times; weights and caches take turns among copies that L2 does not hold.
// Build: g++ -std=c++20 -O2 cuda/bench/kernel-bench.cc -I packages/kernels/native -ldl -o kernel-bench
// Run:   ./kernel-bench path/to/libtrtllm_cuda.so [attention|prefill|linear|linear-f8|linear-i8|produced|norm|sample]  (norm: silu-mul too)
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "generated/sampling-words.h"

using namespace trtllm;

static const Backend* b;
static DeviceState* device;
static StreamState* stream;
static const char* wanted = "";

static void check(const Status& status) {
  if (status.ok()) return;
  printf("%s\n", status.message);
  exit(1);
}

// Device memory of the row being timed; given back at its end.
static std::vector<void*> row_memory;

static TensorRef tensor(DType dtype, std::vector<int64_t> shape, double deviation = 0.5) {
  TensorRef t;
  t.dtype = dtype;
  t.rank = static_cast<int8_t>(shape.size());
  int64_t count = 1;
  for (int i = t.rank - 1; i >= 0; i--) {
    t.shape[i] = shape[static_cast<size_t>(i)];
    t.stride[i] = count;
    count *= t.shape[i];
  }
  check(b->allocate(device, static_cast<uint64_t>(count * dtype_bytes(dtype)), &t.data));
  row_memory.push_back(t.data);
  if (dtype != DType::i32) check(b->fill_gaussian(device, stream, t.data, dtype, static_cast<uint64_t>(count), deviation, 1));
  return t;
}

static TensorRef integers(std::vector<int64_t> shape, const std::vector<int32_t>& values) {
  const TensorRef t = tensor(DType::i32, std::move(shape));
  check(b->copy(device, stream, t.data, values.data(), values.size() * 4, CopyKind::host_to_device));
  check(b->synchronize(device, stream));
  return t;
}

static const KernelEntry* kernel_of(const char* op) {
  int count = 0;
  const KernelEntry *all = b->kernels(device, &count), *best = nullptr;
  for (int i = 0; i < count; i++) {
    if (std::string_view(all[i].op) == op && (best == nullptr || all[i].rank > best->rank)) best = &all[i];
  }
  return best;
}

// Calls of one op that take turns; bytes and operations are those of one call.
static void time_row(const std::string& name, const char* op, const std::vector<std::vector<TensorRef>>& turns,
                     const std::vector<double>& attributes, double bytes, double operations) {
  constexpr int kReplays = 10;
  const int calls = turns.size() > 10 ? static_cast<int>(turns.size()) : 10;
  const KernelEntry* kernel = kernel_of(op);
  const auto call_of = [&](int i) {
    const auto& operands = turns[static_cast<size_t>(i) % turns.size()];
    return OpCall{operands.data(), static_cast<int>(operands.size()), attributes.data()};
  };
  const int64_t workspace_bytes = kernel->workspace_bytes != nullptr ? kernel->workspace_bytes(call_of(0)) : 0;
  void* workspace = nullptr;
  check(b->allocate(device, static_cast<uint64_t>(workspace_bytes), &workspace));
  const auto launch_all = [&] {
    for (int i = 0; i < calls; i++) check(b->launch(device, stream, *kernel, call_of(i), workspace, workspace_bytes));
  };
  launch_all();
  check(b->synchronize(device, stream));
  GraphState* graph = nullptr;
  check(b->capture_begin(device, stream));
  launch_all();
  check(b->capture_end(device, stream, &graph));
  check(b->replay(device, stream, graph));
  check(b->synchronize(device, stream));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kReplays; i++) check(b->replay(device, stream, graph));
  check(b->synchronize(device, stream));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const double seconds = spent.count() / (kReplays * calls);
  printf("%-52s %10.2f us %8.0f GB/s %8.1f TFLOP/s\n", name.c_str(), seconds * 1e6, bytes / seconds * 1e-9, operations / seconds * 1e-12);
  fflush(stdout);
  b->destroy_graph(device, graph);
  b->release(device, workspace);
  for (void* memory : row_memory) b->release(device, memory);
  row_memory.clear();
}

static bool chosen(const char* family) { return *wanted == 0 || strcmp(wanted, family) == 0; }

// `queries` of each sequence are its last ones.
static void attention(int64_t seqs, int64_t context, int64_t queries, int64_t heads, int64_t kv_heads, int64_t dim) {
  const int64_t columns = (context + 31) / 32, pages = seqs * columns, tokens = seqs * queries;
  const double bytes = static_cast<double>(pages) * 32 * kv_heads * dim * 4;
  const int64_t copies = bytes < 256e6 ? static_cast<int64_t>(256e6 / bytes) + 1 : 1;
  std::vector<int32_t> slot, start{0}, contexts, table;
  for (int64_t s = 0; s < seqs; s++) {
    slot.push_back(static_cast<int32_t>(s));
    start.push_back(static_cast<int32_t>((s + 1) * queries));
    contexts.push_back(static_cast<int32_t>(context));
  }
  for (int64_t p = 0; p < pages; p++) table.push_back(static_cast<int32_t>(p * 7919 % pages));  // a prime: scattered pages
  const TensorRef q = tensor(DType::bf16, {tokens, heads, dim}), y = tensor(DType::bf16, {tokens, heads, dim});
  const TensorRef seq_slot = integers({seqs}, slot), seq_start = integers({seqs + 1}, start);
  const TensorRef seq_context = integers({seqs}, contexts), page_table = integers({seqs, columns}, table);
  std::vector<std::vector<TensorRef>> turns;
  for (int64_t i = 0; i < (copies < 40 ? copies : 40); i++) {
    turns.push_back({q, seq_slot, seq_start, seq_context, page_table, tensor(DType::bf16, {pages, 2, kv_heads, 32, dim}), y});
  }
  char name[128];
  snprintf(name, sizeof name, "attention %lld x %lld queries, context %lld, %lld/%lld x %lld", static_cast<long long>(seqs),
           static_cast<long long>(queries), static_cast<long long>(context), static_cast<long long>(heads),
           static_cast<long long>(kv_heads), static_cast<long long>(dim));
  const double seen = static_cast<double>(seqs * queries) * (context - (queries - 1) / 2.0);
  time_row(name, "paged-attention", turns, {0.088, 0, 0}, bytes, 4.0 * seen * heads * dim);
}

// `op` is linear, linear-f8 or linear-i8: the weight's type follows.
static void linear(const char* op, int64_t rows, int64_t in, int64_t out) {
  const DType type = strcmp(op, "linear") == 0 ? DType::bf16 : strcmp(op, "linear-f8") == 0 ? DType::f8 : DType::i8;
  const double bytes = static_cast<double>(dtype_bytes(type) * in * out);
  const int64_t copies = bytes < 256e6 ? static_cast<int64_t>(256e6 / bytes) + 1 : 1;
  const TensorRef x = tensor(DType::bf16, {rows, in}), y = tensor(DType::bf16, {rows, out});
  const TensorRef scale = tensor(DType::f32, {out});
  std::vector<std::vector<TensorRef>> turns;
  for (int64_t i = 0; i < copies; i++) {
    const TensorRef weight = tensor(type, {out, in}, type == DType::bf16 ? 0.02 : 20);
    if (type == DType::bf16) {
      turns.push_back({x, weight, TensorRef{}, y});
    } else {
      turns.push_back({x, weight, scale, TensorRef{}, y});
    }
  }
  char name[128];
  snprintf(name, sizeof name, "%s %lld x %lld x %lld", op, static_cast<long long>(rows), static_cast<long long>(in),
           static_cast<long long>(out));
  time_row(name, op, turns, {}, bytes + 2.0 * rows * (in + out), 2.0 * rows * in * out);
}

// Weights in f8 that take turns: {weight, scale, no bias} behind what `first` gives, then `results`.
static std::vector<std::vector<TensorRef>> f8_turns(int64_t in, int64_t out, const std::vector<TensorRef>& first, const std::vector<TensorRef>& results) {
  const TensorRef scale = tensor(DType::f32, {out});
  std::vector<std::vector<TensorRef>> turns;
  for (int64_t i = 0; i <= int64_t{256000000} / (in * out); i++) {
    turns.push_back(first);
    for (const TensorRef& t : {tensor(DType::f8, {out, in}, 20), scale, TensorRef{}}) turns.back().push_back(t);
    turns.back().insert(turns.back().end(), results.begin(), results.end());
  }
  return turns;
}

// Linears of f8 weights that make their rows themselves, and the ops that do it without them.
static void produced(int64_t rows, int64_t dim, int64_t hidden) {
  const auto name = [&](const char* op, int64_t in, int64_t out) {
    return std::string(op) + " " + std::to_string(rows) + " x " + std::to_string(in) + " x " + std::to_string(out);
  };
  const auto row_bytes = [&](int64_t elements) { return 2.0 * static_cast<double>(rows * elements); };
  const double bytes = static_cast<double>(dim * hidden), operations = 2.0 * static_cast<double>(rows) * bytes;
  const auto wide = [&] { return tensor(DType::bf16, {rows, dim}); };
  time_row(name("add-rms-norm-linear-f8", dim, 2 * hidden), "add-rms-norm-linear-f8",
           f8_turns(dim, 2 * hidden, {wide(), wide(), tensor(DType::f32, {dim})}, {wide(), tensor(DType::bf16, {rows, 2 * hidden})}), {1e-5},
           2 * bytes + row_bytes(3 * dim + 2 * hidden), 2 * operations);
  TensorRef gate = tensor(DType::bf16, {rows, 2 * hidden}), up = gate;
  gate.shape[1] = up.shape[1] = hidden;
  up.data = static_cast<char*>(gate.data) + 2 * hidden;
  time_row(name("silu-mul-linear-f8", hidden, dim), "silu-mul-linear-f8", f8_turns(hidden, dim, {gate, up}, {wide()}), {},
           bytes + row_bytes(2 * hidden + dim), operations);
}

// What a row asks for at the end of a step.
struct Sampling {
  const char* name;
  float temperature, top_p, repetition_penalty;
  int32_t ngram, logprobs;
};

static int32_t bits_of(float value) {
  int32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static void sampling(int64_t rows, int64_t vocab, const Sampling& s) {
  constexpr int64_t kLength = 2048;
  std::vector<int32_t> numbers, record(words::per_slot), records, tokens(static_cast<size_t>(rows * kLength));
  record[words::temperature] = bits_of(s.temperature);
  record[words::top_p] = bits_of(s.top_p);
  record[words::top_p_decay] = bits_of(1);
  record[words::repetition_penalty] = bits_of(s.repetition_penalty);
  record[words::no_repeat_ngram_size] = s.ngram;
  record[words::processes] = s.repetition_penalty != 1 || s.ngram > 0 ? 1 : 0;
  record[words::num_logprobs] = s.logprobs;
  for (int64_t r = 0; r < rows; r++) {
    records.insert(records.end(), record.begin(), record.end());
    numbers.push_back(static_cast<int32_t>(r));
  }
  for (size_t i = 0; i < tokens.size(); i++) tokens[i] = static_cast<int32_t>(i * 2654435761u % static_cast<uint32_t>(vocab));
  const std::vector<int32_t> positions(static_cast<size_t>(rows), kLength - 2);
  const std::vector<int32_t> tasks(static_cast<size_t>(rows), row_task::sample);
  const TensorRef row_slot = integers({rows}, numbers), row_position = integers({rows}, positions);
  const TensorRef row_sample = integers({rows}, tasks), slots = integers({rows, words::per_slot}, records);
  const TensorRef lists = integers({rows, lists::per_slot}, std::vector<int32_t>(static_cast<size_t>(rows * lists::per_slot)));
  const TensorRef slot_tokens = integers({rows, kLength}, tokens), token = integers({rows}, tasks);
  const TensorRef logits = tensor(DType::f32, {rows, vocab}, 3), processed = tensor(DType::f32, {rows, vocab}, 3);
  const TensorRef chosen = tensor(DType::f32, {rows}), rank = tensor(DType::i32, {rows});
  const TensorRef ids = tensor(DType::i32, {rows, kMaxLogprobs}), values = tensor(DType::f32, {rows, kMaxLogprobs});
  const std::string what = " " + std::to_string(rows) + " x " + std::to_string(vocab) + ", " + s.name;
  const double bytes = 4.0 * static_cast<double>(rows * vocab);
  time_row("penalize" + what, "penalize",
           {{logits, row_slot, row_position, row_sample, slot_tokens, slots, lists, processed}}, {}, 2 * bytes, 0);
  time_row("sample" + what, "sample",
           {{logits, processed, row_slot, row_position, row_sample, slots, slot_tokens, token, slot_tokens}}, {}, bytes, 0);
  time_row("logprobs" + what, "logprobs",
           {{logits, processed, token, row_slot, row_sample, row_sample, slots, chosen, rank, ids, values}}, {}, bytes, 0);
}

int main(int argc, char** argv) {
  void* library = dlopen(argc > 1 ? argv[1] : "./libtrtllm_cuda.so", RTLD_NOW | RTLD_LOCAL);
  const auto entry = library != nullptr ? reinterpret_cast<const Backend* (*)(uint32_t)>(dlsym(library, "trtllm_cuda_backend")) : nullptr;
  b = entry != nullptr ? entry(kBackendAbi) : nullptr;
  if (b == nullptr) {
    printf("%s is no libtrtllm_cuda.so of this version\n", argc > 1 ? argv[1] : "./libtrtllm_cuda.so");
    return 1;
  }
  wanted = argc > 2 ? argv[2] : "";
  check(b->open(OpenOptions{}, &device));
  check(b->open_stream(device, &stream));
  DeviceInfo info;
  check(b->info(device, &info));
  printf("%s: %s\n", info.name, info.detail);
  const double scale = getenv("KERNEL_BENCH_SMALL") != nullptr ? 0.02 : 1;  // to see that it runs
  const auto sized = [&](int64_t n) { return scale < 1 ? static_cast<int64_t>(n * scale) / 8 * 8 + 8 : n; };
  if (chosen("attention")) {
    for (int64_t context : {512, 2048, 8192, 32768, 131072}) attention(1, sized(context), 1, 32, 8, 128);
    for (int64_t seqs : {8, 32, 64, 256}) attention(seqs, sized(2048), 1, 32, 8, 128);
    attention(16, sized(8192), 1, 32, 8, 128);
    attention(32, sized(2048), 1, 8, 4, 256);
    attention(32, sized(2048), 1, 24, 8, 64);
  }
  if (chosen("prefill")) {
    for (int64_t queries : {128, 512, 2048, 8192}) attention(1, sized(queries), sized(queries), 32, 8, 128);
    attention(4, sized(2048), sized(2048), 32, 8, 128);
    attention(1, sized(8192), sized(512), 32, 8, 128);
  }
  for (const char* op : {"linear", "linear-f8", "linear-i8"}) {
    if (!chosen(op)) continue;
    for (int64_t rows : {1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512, 768, 2048, 8192}) {
      linear(op, sized(rows), sized(4096), sized(6144));
      linear(op, sized(rows), sized(4096), sized(4096));
      linear(op, sized(rows), sized(4096), sized(28672));
      linear(op, sized(rows), sized(14336), sized(4096));
    }
    for (int64_t rows : {1, 16, 64}) linear(op, rows, sized(4096), sized(128256));
  }
  if (chosen("produced")) {
    for (int64_t rows : {1, 8, 16, 64, 256, 512, 768, 2048, 8192}) produced(sized(rows), sized(4096), sized(14336));
  }
  if (chosen("norm")) {
    for (int64_t rows : {1, 16, 256, 512, 1024, 2048, 8192}) {
      const TensorRef x = tensor(DType::bf16, {rows, 4096}), y = tensor(DType::bf16, {rows, 4096});
      const TensorRef sum = tensor(DType::bf16, {rows, 4096}), normed = tensor(DType::bf16, {rows, 4096});
      time_row("add-rms-norm " + std::to_string(rows) + " x 4096", "add-rms-norm",
               {{x, y, tensor(DType::f32, {4096}), sum, normed}}, {1e-5}, 8.0 * rows * 4096, 0);
      TensorRef gate = tensor(DType::bf16, {rows, 28672}), up = gate;
      gate.shape[1] = up.shape[1] = 14336;
      up.data = static_cast<char*>(gate.data) + 28672;
      time_row("silu-mul " + std::to_string(rows) + " x 14336", "silu-mul", {{gate, up, tensor(DType::bf16, {rows, 14336})}}, {},
               6.0 * rows * 14336, 0);
    }
  }
  if (chosen("sample")) {
    for (int64_t rows : {1, 64, 256}) {
      sampling(rows, sized(128256), {"greedy", 0, 1, 1, 0, -1});
      sampling(rows, sized(128256), {"top_p 0.9", 1, 0.9f, 1, 0, -1});
      sampling(rows, sized(128256), {"penalties, 3-grams, 5 logprobs", 1, 0.9f, 1.1f, 3, 5});
    }
  }
  b->close_stream(device, stream);
  b->close(device);
  return 0;
}
