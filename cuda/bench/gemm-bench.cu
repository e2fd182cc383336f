// Sweeps matrix products on one GPU at the linears of 8 B and 70 B models: our tiles (gemm/product-tile.sm90.cuh) beside cuBLASLt. What
// is timed is first checked at sampled elements against sums in f64. Weights take turns among copies that L2 does not hold.
// Build: nvcc -std=c++17 -O2 -gencode=arch=compute_90a,code=sm_90a -Icuda -Icuda/include -Ipackages/kernels/native -o gemm-bench
//        cuda/bench/gemm-bench.cu packages/kernels/native/backend/cuda/cublaslt{,-api}.cc -ldl
// Run:   ./gemm-bench f8|bf16 8b|70b|sustained results.json [milliseconds of each timing]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "backend/cuda/product-launch.cuh"
#include "gemm-bench-parts.cuh"

using namespace trtllm;
using namespace trtllm::cuda;

static cudaStream_t stream;
static int places;
static char* workspace;
static double* error_sums;
static FILE* json;

struct Problem {
  DType type;
  int rows, in, out;
  std::vector<void*> weights;
  void *x, *y;
  float *x_scale, *w_scale, *run_scale, *block_scale;

  CublasLtLinear call(int turn, bool blocks) const {
    const bool is_f8 = type == DType::f8;
    return {matrix(x, type, rows, in),
            matrix(weights[static_cast<size_t>(turn) % weights.size()], type, out, in),
            TensorRef{},
            matrix(y, DType::bf16, rows, out),
            !is_f8 ? nullptr : blocks ? run_scale : x_scale,
            !is_f8 ? nullptr : blocks ? block_scale : w_scale};
  }
};

// False where the variant does not apply. mode 1: the tiles of the last round are halved.
using Launch = std::function<bool(const Problem&, int turn, int mode)>;

struct Variant {
  std::string name;
  DType type;
  ProductForm form;
  int min_rows, max_rows;
  Launch launch;
};

template <class Tile>
static bool run_tile(const Problem& p, int turn, int mode) {
  const int columns = Tile::kWeightFirst ? Tile::kM : Tile::kN, rows = Tile::kWeightFirst ? Tile::kN : Tile::kM;
  const int rest = (p.out + columns - 1) / columns * ((p.rows + rows - 1) / rows) % places;
  if (mode == 1 && (!Tile::kHalves || rest == 0 || rest * 2 > places)) return false;
  check(launch_product<Tile>(p.call(turn, Tile::kForm == ProductForm::blocks), mode == 1, stream));
  return true;
}

static bool run_cublas(const Problem& p, int turn, int mode) {
  Status status;
  const bool ran = mode == 0 && cublaslt_linear(p.call(turn, false), workspace, kCublasLtWorkspaceBytes, stream, &status);
  check(status);
  return ran;
}

template <class E, int kM, int kN, int kGroups, bool kWeightFirst, ProductForm kForm = ProductForm::plain, bool kHalves = false>
static void add(std::vector<Variant>& to, int min_rows, int max_rows) {
  using Tile = ProductTile<E, bf16, kM, kN, kGroups, kWeightFirst, kForm, kHalves>;
  const char* form = kForm == ProductForm::blocks ? "blocks " : "";
  const std::string name = std::string(form) + (kWeightFirst ? "w" : "x") + std::to_string(kM) + "x" + std::to_string(kN);
  to.push_back({name, sizeof(E) == 1 ? DType::f8 : DType::bf16, kForm, min_rows, max_rows, run_tile<Tile>});
}

template <class E>
static void add_all(std::vector<Variant>& to) {
  constexpr ProductForm kPlain = ProductForm::plain;
  add<E, 64, 16, 1, true>(to, 1, 16);
  add<E, 64, 32, 1, true>(to, 1, 64);
  add<E, 64, 64, 1, true>(to, 17, 256);
  add<E, 64, 96, 1, true>(to, 65, 256);
  add<E, 64, 128, 1, true, kPlain, true>(to, 65, 512);
  add<E, 128, 16, 2, true>(to, 1, 16);
  add<E, 128, 32, 2, true, kPlain, true>(to, 1, 64);
  add<E, 128, 64, 2, true, kPlain, true>(to, 17, 256);
  add<E, 128, 96, 2, true, kPlain, true>(to, 65, 512);
  add<E, 128, 128, 2, true, kPlain, true>(to, 65, 2048);
  add<E, 128, 160, 2, true, kPlain, true>(to, 129, 1024);
  add<E, 128, 192, 2, true, kPlain, true>(to, 129, 1024);
  add<E, 128, 208, 2, true>(to, 129, 1024);
  add<E, 128, 224, 2, true, kPlain, true>(to, 129, 1024);
  add<E, 128, 256, 2, true, kPlain, true>(to, 129, 8192);
  add<E, 192, 64, 3, true>(to, 33, 512);
  add<E, 192, 96, 3, true>(to, 65, 768);
  add<E, 192, 128, 3, true, kPlain, true>(to, 65, 2048);
  add<E, 256, 64, 2, true, kPlain, true>(to, 33, 512);
  add<E, 256, 96, 2, true>(to, 65, 768);
  add<E, 256, 128, 2, true, kPlain, true>(to, 65, 2048);
  add<E, 128, 256, 2, false, kPlain, true>(to, 256, 8192);
}

struct Timing {
  double us, watts, megahertz;
};

static Meter meter;

static Timing time_calls(const Problem& p, const Variant& v, int mode, double seconds) {
  const int calls = p.weights.size() > 8 ? static_cast<int>(p.weights.size()) : 8;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaEvent_t begin, end;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < calls; i++) v.launch(p, i, mode);
  CHECK(cudaStreamEndCapture(stream, &graph));
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  const auto run = [&](int replays) {
    CHECK(cudaEventRecord(begin, stream));
    for (int i = 0; i < replays; i++) CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaEventRecord(end, stream));
  };
  const auto elapsed = [&] {
    float ms = 0;
    CHECK(cudaEventSynchronize(end));
    CHECK(cudaEventElapsedTime(&ms, begin, end));
    return ms * 1e-3;
  };
  run(1);
  elapsed();
  run(1);
  const int replays = 2 + static_cast<int>(seconds / elapsed());
  run(replays);
  const Timing seen = seconds > 0.3 ? Timing{0, meter.average(end, seconds), 0} : Timing{0, 0, 0};
  const double us = elapsed() * 1e6 / replays / calls;
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return {us, seen.watts, meter.megahertz_seen};
}

// Root of squares at 4,096 elements; results start as NaN.
static double error_of(const Problem& p, const Variant& v, int mode) {
  CHECK(cudaMemsetAsync(p.y, 0xff, size_t{2} * p.rows * p.out, stream));
  CHECK(cudaMemsetAsync(error_sums, 0, 16, stream));
  if (!v.launch(p, 0, mode)) return -1;
  const bool blocks = v.form == ProductForm::blocks;
  const CublasLtLinear o = p.call(0, blocks);
  const SampledProduct sampled{o.x.data, o.weight.data, o.x_scale, o.weight_scale, p.rows, p.in, static_cast<int>(o.y.shape[1]), blocks};
  const auto kernel = p.type == DType::f8 ? compare_samples<f8> : compare_samples<bf16>;
  kernel<<<512, 256, 0, stream>>>(sampled, static_cast<const bf16*>(p.y), error_sums);
  double sums[2];
  CHECK(cudaMemcpyAsync(sums, error_sums, 16, cudaMemcpyDeviceToHost, stream));
  CHECK(cudaStreamSynchronize(stream));
  return sqrt(sums[0] / sums[1]);
}

struct Shape {
  const char* name;
  int out, in;
};

static Problem make_problem(DType type, const Shape& shape, int most_rows) {
  const int64_t count = int64_t{shape.out} * shape.in, size = dtype_bytes(type);
  Problem p{type, 0, shape.in, shape.out, {}, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  for (int64_t i = 0; i < 2 || i * count * size < 300000000; i++) {
    p.weights.push_back(device_memory(count * size));
    fill_gaussian(p.weights.back(), type, count, type == DType::f8 ? 75 : 0.02f, 11 + static_cast<uint64_t>(i), stream);
  }
  p.x = device_memory(int64_t{most_rows} * shape.in * size);
  p.y = device_memory(int64_t{most_rows} * shape.out * 2);
  fill_gaussian(p.x, type, int64_t{most_rows} * shape.in, type == DType::f8 ? 110 : 1, 5, stream);
  p.x_scale = uniform(most_rows, 0.5f / 110, 1.5f / 110, 1, stream);
  p.w_scale = uniform(shape.out, 0.01f / 75, 0.03f / 75, 2, stream);
  p.run_scale = uniform(int64_t{most_rows} * (shape.in / 128), 0.5f / 110, 1.5f / 110, 3, stream);
  p.block_scale = uniform(int64_t{shape.out / 128} * (shape.in / 128), 0.01f / 75, 0.03f / 75, 4, stream);
  return p;
}

static void give_back(const Problem& p) {
  for (void* weight : p.weights) cudaFree(weight);
  for (void* m : {p.x, p.y, static_cast<void*>(p.x_scale), static_cast<void*>(p.w_scale), static_cast<void*>(p.run_scale),
                  static_cast<void*>(p.block_scale)}) {
    cudaFree(m);
  }
}

int main(int argc, char** argv) {
  const DType type = argc > 1 && strcmp(argv[1], "bf16") == 0 ? DType::bf16 : DType::f8;
  const std::string what = argc > 2 ? argv[2] : "8b";
  json = fopen(argc > 3 ? argv[3] : "/dev/null", "w");
  const bool sustained = what == "sustained";
  const double seconds = argc > 4 ? atof(argv[4]) * 1e-3 : sustained ? 0.6 : 0.006;
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  places = properties.multiProcessorCount;
  CHECK(cudaStreamCreate(&stream));
  cublaslt_prepare(0);
  workspace = static_cast<char*>(device_memory(kCublasLtWorkspaceBytes));
  error_sums = static_cast<double*>(device_memory(16));
  std::vector<Variant> variants = {{"cublasLt", type, ProductForm::plain, 1, 8192, run_cublas}};
  if (type == DType::bf16) {
    add_all<bf16>(variants);
  } else {
    add_all<f8>(variants);
    add<f8, 64, 32, 1, true, ProductForm::blocks>(variants, 1, 64);
    add<f8, 64, 64, 1, true, ProductForm::blocks>(variants, 33, 256);
    add<f8, 128, 64, 2, true, ProductForm::blocks>(variants, 33, 512);
    add<f8, 128, 128, 2, false, ProductForm::blocks>(variants, 65, 8192);
  }
  std::vector<Shape> shapes = {{"8B qkv", 6144, 4096}, {"8B o", 4096, 4096}, {"8B gate-up", 28672, 4096}, {"8B down", 4096, 14336}};
  std::vector<int> row_counts = {1, 8, 16, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048};
  if (what == "70b") {
    shapes = {{"70B qkv", 10240, 8192}, {"70B o", 8192, 8192}, {"70B gate-up", 57344, 8192}, {"70B down", 8192, 28672}};
    row_counts = {16, 64, 128, 200, 256, 384, 512, 1024};
  }
  if (sustained) row_counts = {8192};
  for (const Shape& shape : shapes) {
    Problem p = make_problem(type, shape, row_counts.back());
    for (int rows : row_counts) {
      p.rows = rows;
      const double flops = 2.0 * rows * p.in * p.out, size = static_cast<double>(dtype_bytes(type));
      const double bytes = size * p.in * (p.out + rows) + 2.0 * rows * p.out;
      const double bound = fmax(bytes / 4.3e6, flops / (type == DType::f8 ? 1450e6 : 795e6));
      printf("\n%s, %d rows: bound %.1f us\n", shape.name, rows, bound);
      for (const Variant& v : variants) {
        if (rows < v.min_rows || rows > v.max_rows) continue;
        for (int mode = 0; mode < (sustained ? 1 : 2); mode++) {
          const double error = error_of(p, v, mode);
          if (error < 0) continue;
          const bool right = error < 0.02;
          const Timing t = right ? time_calls(p, v, mode, seconds) : Timing{0, 0, 0};
          printf("  %-18s %d %9.2f us %5.1f %% %6.0f TFLOP/s  %4.0f W %4.0f MHz  error %.2e%s\n", v.name.c_str(), mode, t.us, 100 * bound / t.us,
                 flops / t.us * 1e-6, t.watts, t.megahertz, error, right ? "" : " WRONG");
          fprintf(json, "{\"shape\":\"%s\",\"rows\":%d,\"name\":\"%s\",\"mode\":%d,\"us\":%.3f,\"bound_us\":%.3f,\"error\":%.3e,\"watts\":%.0f,\"mhz\":%.0f}\n",
                  shape.name, rows, v.name.c_str(), mode, t.us, bound, error, t.watts, t.megahertz);
          fflush(stdout);
          fflush(json);
        }
      }
    }
    give_back(p);
  }
  printf("done\n");
  return 0;
}
