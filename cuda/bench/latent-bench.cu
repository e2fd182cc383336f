// Checks and times the sm_90a kernels of latent attention by themselves against the plain one, without an engine around them.
// Build: nvcc -std=c++17 -O3 -gencode arch=compute_90a,code=sm_90a -I cuda -I cuda/include -I packages/kernels/native
//          cuda/bench/latent-bench.cu -o latent-bench
// Run:   ./latent-bench [check|time [rows ...]]    rows taken together: 16, 32 (streamed past), 64, 128
#include <attention/latent-launch.sm90.cuh>
#include <attention/latent-rows.cuh>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "attention-bench-parts.cuh"
#include "backend/cuda/paged-cache.cuh"

using namespace trtllm::cuda;

constexpr int32_t kAny = std::numeric_limits<int32_t>::max();

template <class T>
__global__ void widen_kernel(const T* from, float* to, size_t count) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) to[i] = to_f32(from[i]);
}

struct Shape {
  const char* name;
  std::vector<int> counts, contexts;
  int heads;
};

template <class T>
struct Run {
  LatentOperands o{};
  PagedCache<T> pages{};
  LatentRoom<T> room{};
  float* expected;
  int64_t rows;
  int processors = 132;
  int64_t slice_tokens = kAny;
  double bytes = 0, flops = 0;
  std::vector<void*> memory;

  explicit Run(const Shape& s) {
    int device = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    std::vector<int32_t> start{0}, slots, contexts(s.contexts.begin(), s.contexts.end());
    int64_t columns = 1;
    for (size_t i = 0; i < s.counts.size(); i++) {
      start.push_back(start.back() + s.counts[i]);
      slots.push_back(static_cast<int32_t>(s.counts.size() - 1 - i));
      columns = std::max<int64_t>(columns, (s.contexts[i] + 31) / 32);
      bytes += double(s.contexts[i]) * kLatentWidth * sizeof(T);
      for (int q = 0; q < s.counts[i]; q++) flops += 2.0 * s.heads * (s.contexts[i] - s.counts[i] + q + 1) * (kLatentWidth + kLatentRank);
    }
    const int64_t seqs = static_cast<int64_t>(s.counts.size()), num_pages = seqs * columns + 3;
    std::vector<int32_t> table(static_cast<size_t>(seqs * columns));
    for (size_t i = 0; i < table.size(); i++) table[i] = static_cast<int32_t>(i + 1);
    std::shuffle(table.begin(), table.end(), std::mt19937(7));
    o.seq_slot = uploaded(slots), o.seq_start = uploaded(start), o.seq_context = uploaded(contexts);
    o.tokens = start.back(), o.seqs = seqs, o.heads = s.heads, o.rank = kLatentRank, o.rope_dim = 64;
    o.scale = 1.0f / std::sqrt(192.0f);
    T* cache = filled<T>(static_cast<size_t>(num_pages) * 32 * kLatentWidth, 1, 1);
    // What no token was written to may be anything: NaN here.
    for (int64_t i = 0; i < seqs; i++) {
      if (contexts[i] % 32 == 0) continue;
      const int64_t page = table[static_cast<size_t>(slots[i] * columns + contexts[i] / 32)];
      check(cudaMemset(cache + (page * 32 + contexts[i] % 32) * kLatentWidth, 0xff, size_t(32 - contexts[i] % 32) * kLatentWidth * sizeof(T)), "memset");
    }
    pages = PagedCache<T>{uploaded(table), seqs, columns, columns, cache, num_pages, 32 * kLatentWidth, 0, 0, kLatentWidth};
    rows = o.tokens * s.heads;
    room.queries = filled<T>(static_cast<size_t>(rows) * kLatentWidth, 0.6f, 3);
    check(cudaMalloc(&room.sums, static_cast<size_t>(rows) * kLatentRank * sizeof(T)), "malloc");
    check(cudaMalloc(&room.pieces, static_cast<size_t>(latent_room_bytes(processors))), "malloc");
    memory = {cache, room.queries, room.sums, room.pieces};
  }
  ~Run() {
    for (void* p : memory) cudaFree(p);
  }

  void attend(int rows_together, int32_t least, int32_t most) {
    each_latent_slice(o, slice_tokens, [&](const LatentOperands& slice) {
      const LatentRoom<T> part{room.queries + slice.first * o.heads * kLatentWidth, room.sums + slice.first * o.heads * kLatentRank, room.pieces};
      check(attend_latents(slice, pages, part, rows_together, least, most, processors, nullptr), "launch");
    });
  }
  void run(int rows_together) { attend(rows_together, 1, kAny); }

  void compute_expected() {
    float* wide = nullptr;
    check(cudaMalloc(&wide, size_t(rows) * kLatentWidth * 4), "malloc");
    check(cudaMalloc(&expected, size_t(rows) * kLatentRank * 4), "malloc");
    widen_kernel<<<1024, 256>>>(room.queries, wide, size_t(rows) * kLatentWidth);
    latent_rows_kernel<T, PagedCache<T>, 18><<<dim3(unsigned(o.tokens), unsigned(o.heads)), kLatentThreads>>>(o, pages, wide, expected);
    check(cudaDeviceSynchronize(), "rows");
    cudaFree(wide);
    memory.push_back(expected);
  }
  // The largest difference; in two launches, single queries and the rest, and in slices of a few tokens where asked.
  double error(int kind, bool split) {
    check(cudaMemset(room.sums, 0xff, size_t(rows) * kLatentRank * sizeof(T)), "memset");
    check(cudaMemset(room.pieces, 0xff, static_cast<size_t>(latent_room_bytes(processors))), "memset");
    slice_tokens = split ? 7 : kAny;
    if (split) attend(kind, 1, 1);
    attend(kind, split ? 2 : 1, kAny);
    check(cudaDeviceSynchronize(), "kernel");
    std::vector<T> got(size_t(rows) * kLatentRank);
    std::vector<float> want(got.size());
    check(cudaMemcpy(got.data(), room.sums, got.size() * sizeof(T), cudaMemcpyDeviceToHost), "read");
    check(cudaMemcpy(want.data(), expected, want.size() * 4, cudaMemcpyDeviceToHost), "read");
    double worst = 0;
    for (size_t i = 0; i < got.size(); i++) {
      const double off = std::fabs(double(float(got[i])) - want[i]);
      worst = std::isnan(off) ? 1e9 : std::max(worst, off);
    }
    return worst;
  }
  double microseconds(int kind, int repeats) {
    for (int i = 0; i < 2; i++) run(kind);
    cudaEvent_t a, b;
    cudaEventCreate(&a), cudaEventCreate(&b);
    cudaEventRecord(a);
    for (int i = 0; i < repeats; i++) run(kind);
    cudaEventRecord(b);
    check(cudaEventSynchronize(b), "timing");
    float ms = 0;
    cudaEventElapsedTime(&ms, a, b);
    return ms * 1000 / repeats;
  }
};

static std::vector<int> kinds = {16, 32, 64, 128};

static std::vector<int> times(int count, int value) { return std::vector<int>(static_cast<size_t>(count), value); }

template <class T>
static bool check_all(const char* type) {
  std::mt19937 random(11);
  std::vector<int> ragged, ones = times(37, 1), mixed, mixed_contexts;
  for (int i = 0; i < 37; i++) ragged.push_back(1 + int(random() % 3000));
  for (int i = 0; i < 9; i++) {
    mixed.push_back(i % 3 == 0 ? 1 : int(random() % 40));
    mixed_contexts.push_back(mixed.back() + int(random() % 500));
  }
  const std::vector<Shape> shapes = {
      {"one token", {1}, {1}, 16},          {"64 keys", {1}, {64}, 16},
      {"65 keys", {1}, {65}, 32},           {"1 x 5000", {1}, {5000}, 128},
      {"37 ragged, 128", ones, ragged, 128}, {"37 ragged, 64", ones, ragged, 64},
      {"37 ragged, 16", ones, ragged, 16},  {"37 ragged, 20", ones, ragged, 20},
      {"37 ragged, 8", ones, ragged, 8},    {"37 ragged, 32", ones, ragged, 32},
      {"mixed, 128", mixed, mixed_contexts, 128}, {"mixed, 16", mixed, mixed_contexts, 16},
      {"mixed, 20", mixed, mixed_contexts, 20},   {"mixed, 5", mixed, mixed_contexts, 5},
      {"300 short", times(300, 1), times(300, 33), 16}, {"1100 x 1", times(1100, 1), times(1100, 1), 8},
      {"2 long", {1, 1}, {20000, 70}, 16},
  };
  bool good = true;
  for (const Shape& s : shapes) {
    Run<T> run(s);
    run.compute_expected();
    printf("%-5s %-16s", type, s.name);
    for (int kind : kinds) {
      const double e = run.error(kind, false), again = run.error(kind, false), split = run.error(kind, true);
      const bool ok = std::max(e, split) < (sizeof(T) == 2 && type[0] == 'b' ? 2e-2 : 5e-3) && e == again;
      good &= ok;
      printf("  %d: %.2e %.2e%s", kind, e, split, ok ? "" : " WRONG");
    }
    printf("\n");
    fflush(stdout);
  }
  return good;
}

static void time_all() {
  std::mt19937 random(5);
  std::vector<int> ragged;
  for (int i = 0; i < 64; i++) ragged.push_back(500 + int(random() % 31000));
  const auto batch = [](const char* name, int count, int context, int heads) { return Shape{name, times(count, 1), times(count, context), heads}; };
  const std::vector<Shape> shapes = {
      batch("64 x 16k, 128 heads", 64, 16384, 128), batch("64 x 16k, 64 heads", 64, 16384, 64), batch("64 x 16k, 32 heads", 64, 16384, 32),
      batch("64 x 16k, 16 heads", 64, 16384, 16), batch("64 x 16k, 8 heads", 64, 16384, 8), Shape{"64 ragged, 128", times(64, 1), ragged, 128},
      Shape{"64 ragged, 16", times(64, 1), ragged, 16}, batch("128 x 4k, 128", 128, 4096, 128), batch("128 x 4k, 16", 128, 4096, 16),
      batch("256 x 1k, 128", 256, 1024, 128), batch("256 x 1k, 16", 256, 1024, 16), batch("1 x 16k, 128", 1, 16384, 128),
      batch("1 x 16k, 16", 1, 16384, 16), batch("1 x 1k, 128", 1, 1024, 128), batch("1 x 1k, 16", 1, 1024, 16), batch("8 x 2k, 16", 8, 2048, 16),
      Shape{"64 x 16k, 16, 2 queries", times(64, 2), times(64, 16384), 16}, Shape{"2048 of 8k, 128", {2048}, {8192}, 128},
      Shape{"2048 of 8k, 16", {2048}, {8192}, 16},
  };
  for (const Shape& s : shapes) {
    Run<bf16> run(s);
    for (int kind : kinds) {
      if ((kind == 16 || kind == 32) && s.heads > 64) continue;
      if (kind == 128 && s.heads < 64 && s.counts[0] < 8) continue;
      const double us = run.microseconds(kind, run.flops > 5e11 ? 5 : 20);
      printf("%-24s rows %3d  %9.1f us  %6.1f TFLOP/s  %7.1f GB/s\n", s.name, kind, us, run.flops / us / 1e6, run.bytes / us / 1e3);
      fflush(stdout);
    }
  }
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "all";
  if (argc > 2) kinds.clear();
  for (int i = 2; i < argc; i++) kinds.push_back(atoi(argv[i]));
  bool good = true;
  if (strcmp(what, "time") != 0) good = check_all<bf16>("bf16") && check_all<f16>("f16");
  if (strcmp(what, "check") != 0) time_all();
  printf(good ? "all right\n" : "WRONG\n");
  return good ? 0 : 1;
}
