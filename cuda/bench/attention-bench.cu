// Checks and times the sm_90 attention kernels by themselves against the simplest one, without an engine around them.
// Build: nvcc -std=c++17 -O2 -gencode arch=compute_90a,code=sm_90a -I cuda -I cuda/include -I packages/kernels/native
//          cuda/bench/attention-bench.cu -o attention-bench
// Run:   ./attention-bench [check|time] [decode|prefill]
#include <attention/paged-decode.sm90.cuh>
#include <attention/paged-prefill-f8.sm90.cuh>
#include <attention/paged-prefill.sm90.cuh>
#include <attention/paged-rows.cuh>
#include <attention/tensor-maps.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>

#include "attention-bench-parts.cuh"
#include "backend/cuda/paged-cache.cuh"

using namespace trtllm::cuda;

constexpr int kWarps = 8;

struct Shape {
  const char* name;
  std::vector<int> counts, contexts;
  int heads, kv_heads, dim, window;
  float softcap;
  bool sinks;
};

template <class T, class C, int kDim>
struct Run {
  AttentionOperands o{};
  PagedCache<C> pages{};
  T *q, *y, *expected;
  DecodeWork work{};
  DecodePieces pieces{};
  DecodeRest* rests = nullptr;
  unsigned* counter;
  int blocks = 132;
  std::vector<void*> memory;

  explicit Run(const Shape& s) {
    std::vector<int32_t> start{0}, slots, contexts(s.contexts.begin(), s.contexts.end());
    int64_t columns = 1;
    for (size_t i = 0; i < s.counts.size(); i++) {
      start.push_back(start.back() + s.counts[i]);
      slots.push_back(static_cast<int32_t>(s.counts.size() - 1 - i));
      columns = std::max<int64_t>(columns, (s.contexts[i] + 31) / 32);
    }
    const int64_t seqs = static_cast<int64_t>(s.counts.size()), num_pages = seqs * columns + 3;
    std::vector<int32_t> table(static_cast<size_t>(seqs * columns));
    for (size_t i = 0; i < table.size(); i++) table[i] = static_cast<int32_t>(i + 1);
    std::shuffle(table.begin(), table.end(), std::mt19937(7));
    o = AttentionOperands{uploaded(slots), uploaded(start), uploaded(contexts), start.back(), seqs, s.heads, s.kv_heads, kDim, s.window,
                          1.0f / std::sqrt(static_cast<float>(kDim)), s.softcap, int64_t(s.heads) * kDim, kDim, int64_t(s.heads) * kDim, kDim, nullptr, 1.0f};
    if (s.sinks) o.sinks = filled<float>(static_cast<size_t>(s.heads), 3, 5);
    const int64_t page_elements = 2ll * s.kv_heads * 32 * kDim;
    C* cache = filled<C>(static_cast<size_t>(num_pages * page_elements), 1, 1);
    // What no token was written to may be anything: NaN here.
    for (int64_t i = 0; i < seqs; i++) {
      const int64_t context = contexts[i];
      if (context % 32 == 0) continue;
      const int64_t page = table[static_cast<size_t>(slots[i] * columns + context / 32)];
      for (int part = 0; part < 2 * s.kv_heads; part++) {
        C* at = cache + page * page_elements + (part * 32 + context % 32) * kDim;
        check(cudaMemset(at, 0xff, static_cast<size_t>((32 - context % 32) * kDim) * sizeof(C)), "memset");
      }
    }
    pages = PagedCache<C>{uploaded(table), seqs, columns, columns, cache, num_pages, page_elements, page_elements / 2, 32 * kDim, kDim};
    const size_t elements = static_cast<size_t>(o.tokens) * s.heads * kDim;
    q = filled<T>(elements, 1.5f, 3);
    check(cudaMalloc(&y, elements * sizeof(T)), "malloc");
    check(cudaMemset(y, 0xff, elements * sizeof(T)), "memset");
    work = DecodeWork{o.tokens > o.seqs ? 1 : 0, o.kv_heads * decode_parts(o), kLeastStretch};
    const int64_t rows = std::min(o.heads / o.kv_heads, kDecodeRows);
    void* left_over = nullptr;
    check(cudaMalloc(&left_over, static_cast<size_t>(piece_bytes(blocks, kWarps, rows, kDim))), "malloc");
    pieces = place_pieces(left_over, blocks, kWarps, rows, kDim, &rests);
    check(cudaMalloc(&counter, 4), "malloc");
    memory = {cache, q, y, left_over};
  }
  ~Run() {
    for (void* p : memory) cudaFree(p);
  }

  void prefill(int32_t min_queries) {
    constexpr bool kIsF8 = sizeof(C) == 1;
    if constexpr (kIsF8 && kDim > 128) return;
    PrefillMaps maps{};
    const int64_t group = o.heads / o.kv_heads;
    maps.rows = static_cast<int32_t>(pages.num_pages * 2 * o.kv_heads * 32);
    if (!make_cache_map(&maps.cache, pages.cache, maps.rows, kDim, sizeof(C)) ||
        !make_query_map(&maps.q, q, o.tokens, o.heads, kDim, o.q_stride, o.q_head, group, kPrefillRows / group)) {
      printf("tensor map refused\n"), exit(1);
    }
    cudaMemsetAsync(counter, 0, 4);
    if constexpr (kIsF8 && kDim <= 128) {
      const auto kernel = paged_prefill_f8_kernel<T, PagedCache<C>, kDim>;
      check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, PrefillTileF8<kDim>::kBytes), "smem");
      kernel<<<blocks, kPrefillThreads, PrefillTileF8<kDim>::kBytes>>>(o, pages, maps, y, counter, min_queries);
    } else if constexpr (!kIsF8) {
      const auto kernel = paged_prefill_kernel<T, PagedCache<C>, kDim>;
      check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, PrefillTile<kDim>::kBytes), "smem");
      kernel<<<blocks, kPrefillThreads, PrefillTile<kDim>::kBytes>>>(o, pages, maps, y, counter, min_queries);
    }
    check(cudaGetLastError(), "prefill");
  }
  void decode() {
    using M = std::conditional_t<sizeof(C) == 1, f16, T>;
    using Ring = DecodeRing<C, kDim, kWarps>;
    const auto kernel = paged_decode_kernel<T, M, C, PagedCache<C>, kDim, kWarps>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Ring::kBytes), "smem");
    DecodeMap map{};
    map.rows = static_cast<int32_t>(pages.num_pages * 2 * o.kv_heads * 32);
    if (!make_cache_map(&map.cache, pages.cache, map.rows, kDim, sizeof(C))) printf("tensor map refused\n"), exit(1);
    kernel<<<blocks, kWarps * 32, Ring::kBytes>>>(o, work, pages, map, pieces, rests, q, y);
    check(cudaGetLastError(), "decode");
    join();
  }
  void join() {
    paged_join_pieces_kernel<T, kDim><<<dim3(unsigned(blocks), unsigned(pieces.rows)), kJoinWarps * 32>>>(o, pieces, rests, blocks, y);
    check(cudaGetLastError(), "join");
  }
  void run() {
    decode();
    if (o.tokens > o.seqs) prefill(2);
  }

  // Largest difference from the plain kernel, over the scale of the results.
  void compare(const char* name) {
    const size_t elements = static_cast<size_t>(o.tokens) * o.heads * kDim;
    check(cudaMemset(y, 0xff, elements * sizeof(T)), "memset");
    run();
    check(cudaDeviceSynchronize(), name);
    std::vector<T> got(elements), want(elements);
    check(cudaMemcpy(got.data(), y, elements * sizeof(T), cudaMemcpyDeviceToHost), "download");
    paged_rows_kernel<T, PagedCache<C>, (kDim + 31) / 32><<<dim3(unsigned(o.tokens), unsigned(o.heads)), 256>>>(o, pages, q, y);
    check(cudaDeviceSynchronize(), "reference");
    check(cudaMemcpy(want.data(), y, elements * sizeof(T), cudaMemcpyDeviceToHost), "download");
    double error = 0, squares = 0, largest = 0;
    size_t worst = 0, wrong = 0;
    for (size_t i = 0; i < elements; i++) {
      const double a = static_cast<double>(static_cast<float>(got[i])), b = static_cast<double>(static_cast<float>(want[i]));
      const double d = std::isfinite(a) ? std::fabs(a - b) : 1e9;
      const double allowed = sizeof(C) == 1 && o.tokens > o.seqs ? 0.2 : 0.03;  // queries and weights in f8
      if (d > allowed * std::max(1.0, std::fabs(b))) wrong++;
      if (d > largest) largest = d, worst = i;
      error += d * d, squares += b * b;
    }
    printf("%-34s dim %3d cache %d: relative %.2e, largest %.2e at token %zu head %zu, %zu wrong %s\n", name, kDim, int(sizeof(C)),
           std::sqrt(error / squares), largest, worst / (o.heads * kDim), worst / kDim % o.heads, wrong, wrong == 0 ? "" : "WRONG");
  }

  template <class F>
  double time_us(F&& f, int repeats) {
    cudaEvent_t from, to;
    cudaEventCreate(&from), cudaEventCreate(&to);
    constexpr int kTogether = 5;  // the host's part of a launch hides behind the launch before
    std::vector<float> times;
    for (int i = 0; i < repeats + 2; i++) {
      cudaEventRecord(from);
      for (int k = 0; k < kTogether; k++) f();
      cudaEventRecord(to);
      check(cudaEventSynchronize(to), "timing");
      float ms = 0;
      cudaEventElapsedTime(&ms, from, to);
      if (i >= 2) times.push_back(ms);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2] * 1e3 / kTogether;
  }
};

static bool is_wanted(const char* part);  // "decode" or "prefill"

template <class T, class C, int kDim>
static void compare(const Shape& s) {
  const bool decodes = *std::max_element(s.counts.begin(), s.counts.end()) == 1;
  if (!is_wanted(decodes ? "decode" : "prefill")) return;
  Run<T, C, kDim>(s).compare(s.name);
}

static std::vector<int> all(int count, int value) { return std::vector<int>(static_cast<size_t>(count), value); }

// 1 to `most`, in an order that mixes them.
static std::vector<int> mixed(int count, int most) {
  std::vector<int> values;
  for (int i = 0; i < count; i++) values.push_back(i * 37 % most + 1);
  return values;
}

template <class T, class C, int kDim>
static void compare_all() {
  compare<T, C, kDim>({"one query", {1}, {1}, 1, 1, kDim, 0, 0, false});
  compare<T, C, kDim>({"decode of 7, ragged", all(7, 1), {1, 31, 32, 33, 1000, 2500, 77}, 8, 2, kDim, 0, 0, false});
  compare<T, C, kDim>({"decode of 5, window, sinks, 20 a kv", all(5, 1), {5, 700, 3000, 129, 128}, 20, 1, kDim, 500, 0, true});
  compare<T, C, kDim>({"decode of 70, several items a block", all(70, 1), all(70, 3001), 16, 8, kDim, 0, 0, false});
  compare<T, C, kDim>({"decode of 300, a page or two", all(300, 1), mixed(300, 70), 8, 2, kDim, 0, 0, false});
  compare<T, C, kDim>({"decode of 90, one page, sinks, softcap", all(90, 1), mixed(90, 32), 16, 4, kDim, 0, 5, true});
  compare<T, C, kDim>({"decode of 3, softcap", all(3, 1), {5000, 700, 64}, 16, 4, kDim, 0, 5, false});
  if (sizeof(C) == 1 && kDim > 128) return;
  compare<T, C, kDim>({"whole prompt of 300", {300}, {300}, 8, 2, kDim, 0, 0, false});
  compare<T, C, kDim>({"prompt of 1,025, 1 head a kv", {1025}, {1025}, 2, 2, kDim, 0, 0, false});
  compare<T, C, kDim>({"mixed, 7 heads a kv", {1, 130, 5, 0, 64, 1, 333}, {900, 1130, 5, 17, 4000, 33, 999}, 14, 2, kDim, 0, 0, false});
  compare<T, C, kDim>({"chunks, window 100, sinks", {50, 200, 300}, {1050, 200, 777}, 16, 1, kDim, 100, 0, true});
  compare<T, C, kDim>({"softcap 5", {77, 200}, {177, 200}, 4, 4, kDim, 0, 5, true});
}

constexpr double kBytesPerUs = 4.35e6, kFlopsPerUs = 790e6, kFlopsPerUsF8 = 1450e6;  // what one H200 reaches

struct Heads {
  int heads, kv_heads;
};

template <class T, class C, int kDim>
static void time_prefill(int count, int length, Heads h) {
  Run<T, C, kDim> run({"", all(count, length), all(count, length), h.heads, h.kv_heads, kDim, 0, 0, false});
  const double flops = 2.0 * h.heads * kDim * length * double(length) * count;
  const double bound = flops / (sizeof(C) == 1 ? kFlopsPerUsF8 : kFlopsPerUs);
  const double us = run.time_us([&] { run.prefill(2); }, 10);
  printf("prefill %2d x %5d, %d over %d of %d, %s: %8.1f us  %6.1f TFLOP/s  %3.0f %%\n", count, length, h.heads, h.kv_heads, kDim,
         sizeof(C) == 1 ? "f8  " : "bf16", us, flops / us / 1e6, 100 * bound / us);
}

static void time_prefills() {
  for (const int length : {128, 1024, 4096, 16384}) time_prefill<bf16, bf16, 128>(16384 / length, length, {64, 4});
  for (const int length : {128, 1024, 2048, 8192}) time_prefill<bf16, bf16, 128>(8192 / length, length, {32, 8});
  time_prefill<bf16, bf16, 64>(1, 8192, {32, 8});
  for (const int length : {128, 1024, 4096, 16384}) time_prefill<bf16, f8, 128>(16384 / length, length, {64, 4});
  for (const int length : {128, 1024, 2048, 8192}) time_prefill<bf16, f8, 128>(8192 / length, length, {32, 8});
  time_prefill<bf16, f8, 64>(1, 8192, {32, 8});
}

template <class T, class C, int kDim>
static void time_decode(const char* name, const std::vector<int>& contexts, Heads h) {
  const int seqs = static_cast<int>(contexts.size());
  Run<T, C, kDim> run({"", all(seqs, 1), contexts, h.heads, h.kv_heads, kDim, 0, 0, false});
  double keys = 0;
  for (const int context : contexts) keys += context;
  const double bytes = 2.0 * h.kv_heads * kDim * keys * sizeof(C);
  const double us = run.time_us([&] { run.decode(); }, 20), join = run.time_us([&] { run.join(); }, 10);
  printf("decode %4d x %-12s %d over %d, %s: %7.1f us (join %5.1f) %5.0f GB/s  %3.0f %%\n", seqs, name, h.heads, h.kv_heads,
         sizeof(C) == 1 ? "f8  " : "bf16", us, join, bytes / us / 1e3, 100 * bytes / kBytesPerUs / us);
}

// Contexts of a step in the middle of many requests of `in` tokens and `out` more: from in to in + out, mixed.
static std::vector<int> between(int seqs, int in, int out) {
  std::vector<int> values;
  for (int i = 0; i < seqs; i++) values.push_back(in + static_cast<int>(int64_t{i} * 7919 % out) + 1);
  return values;
}

static void time_decodes() {
  const struct {
    const char* name;
    std::vector<int> contexts;
    Heads heads;
  } decodes[] = {{"16384", all(64, 16384), {64, 4}},
                 {"65536", all(16, 65536), {64, 4}},
                 {"128+128", between(2048, 128, 128), {32, 8}},
                 {"128+128", between(1024, 128, 128), {32, 8}},
                 {"128+128", between(400, 128, 128), {32, 8}},
                 {"128+2048", between(1024, 128, 2048), {32, 8}},
                 {"128+2048", between(512, 128, 2048), {32, 8}},
                 {"1000+1000", between(512, 1000, 1000), {32, 8}},
                 {"1000+1000", between(1024, 1000, 1000), {32, 8}},
                 {"2048+128", between(256, 2048, 128), {32, 8}},
                 {"12", all(1024, 12), {32, 8}},
                 {"131072", all(1, 131072), {32, 8}},
                 {"2048", all(1, 2048), {32, 8}},
                 {"640", all(1, 640), {32, 8}},
                 {"4096", all(16, 4096), {32, 8}}};
  for (const auto& d : decodes) {
    time_decode<bf16, bf16, 128>(d.name, d.contexts, d.heads);
    time_decode<bf16, f8, 128>(d.name, d.contexts, d.heads);
  }
}

static const char* wanted_part = "";
static bool is_wanted(const char* part) { return *wanted_part == 0 || strcmp(wanted_part, part) == 0; }

int main(int argc, char** argv) {
  const char* wanted = argc > 1 ? argv[1] : "";
  if (argc > 2) wanted_part = argv[2];
  if (strcmp(wanted, "time") != 0) {
    compare_all<bf16, bf16, 128>();
    compare_all<bf16, bf16, 64>();
    compare_all<bf16, bf16, 256>();
    compare_all<f16, f16, 128>();
    compare_all<bf16, f8, 128>();
    compare<bf16, f8, 128>({"long prompt", {40}, {20000}, 8, 2, 128, 0, 0, false});
    compare_all<bf16, f8, 64>();
    compare_all<f16, f8, 256>();
  }
  if (strcmp(wanted, "check") == 0) return 0;
  if (is_wanted("prefill")) time_prefills();
  if (is_wanted("decode")) time_decodes();
  return 0;
}
