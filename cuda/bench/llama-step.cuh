#pragma once
// A decode step of one row of Llama's shapes, with random weights, as the nodes a plan would have; for chain-bench.cu.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cuda/cublaslt.h"
#include <trtllm/convert.cuh>
#include "core/step-nodes.h"

namespace trtllm::cuda {
#define TRTLLM_NEEDED(ident)                  \
  extern const KernelEntry ident##_kernels[]; \
  extern const int ident##_kernel_count;
TRTLLM_NEEDED(linear)
TRTLLM_NEEDED(linear_f8)
TRTLLM_NEEDED(rms_norm)
TRTLLM_NEEDED(add_rms_norm)
TRTLLM_NEEDED(add)
TRTLLM_NEEDED(gather_rows)
TRTLLM_NEEDED(rope_kv_write)
TRTLLM_NEEDED(paged_attention)
TRTLLM_NEEDED(silu_mul)
}  // namespace trtllm::cuda

using namespace trtllm;
using namespace trtllm::cuda;

static void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  printf("%s: %s\n", what, cudaGetErrorString(error));
  exit(1);
}
static void check(const Status& status) {
  if (status.ok()) return;
  printf("%s\n", status.message);
  exit(1);
}

static const KernelEntry* kernel_of(std::string_view op) {
  const KernelEntry* const all[] = {linear_kernels, linear_f8_kernels, rms_norm_kernels, add_rms_norm_kernels, add_kernels, gather_rows_kernels,
                                    rope_kv_write_kernels, paged_attention_kernels, silu_mul_kernels};
  const int counts[] = {linear_kernel_count, linear_f8_kernel_count, rms_norm_kernel_count, add_rms_norm_kernel_count, add_kernel_count,
                        gather_rows_kernel_count, rope_kv_write_kernel_count, paged_attention_kernel_count, silu_mul_kernel_count};
  for (size_t i = 0; i < 9; i++) {
    const KernelEntry* best = nullptr;
    for (int k = 0; k < counts[i]; k++) {
      if (op == all[i][k].op && (best == nullptr || all[i][k].rank > best->rank)) best = &all[i][k];
    }
    if (best != nullptr) return best;
  }
  printf("no kernel of %s\n", std::string(op).c_str());
  exit(1);
}

template <class T>
__global__ void fill_kernel(T* to, size_t count, float deviation, float mean, uint32_t seed) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
    uint32_t h = static_cast<uint32_t>(i) * 2654435761u ^ static_cast<uint32_t>(i >> 32) ^ seed * 747796405u;
    float sum = 0;
    for (int k = 0; k < 4; k++) {
      h ^= h >> 16, h *= 0x7feb352du, h ^= h >> 15, h *= 0x846ca68bu, h ^= h >> 16;
      sum += static_cast<float>(h >> 8) * 0x1p-24f - 0.5f;
    }
    to[i] = from_f32<T>(sum * 1.73f * deviation + mean);
  }
}

struct Config {
  const char* name;
  int64_t layers, hidden, heads, kv, dim, ffn, vocab;
  bool f8;
};

struct Model {
  Config c;
  std::vector<void*> memory;
  char* arena;
  int64_t arena_bytes = 0;
  std::vector<std::vector<TensorRef>> operands;
  std::vector<std::vector<double>> attributes;
  std::vector<const char*> ops;
  std::vector<int> inputs;
  std::vector<StepNode> nodes;
  std::vector<TensorRef> caches;
  TensorRef logits;
  double weight_bytes = 0;
  uint32_t seed = 1;

  void* allocate(int64_t bytes) {
    void* p = nullptr;
    check(cudaMalloc(&p, static_cast<size_t>(bytes)), "malloc");
    memory.push_back(p);
    return p;
  }
  static TensorRef shaped(DType dtype, std::vector<int64_t> shape, void* data) {
    TensorRef t;
    t.dtype = dtype, t.rank = static_cast<int8_t>(shape.size()), t.data = data;
    int64_t stride = 1;
    for (int i = t.rank - 1; i >= 0; i--) t.shape[i] = shape[static_cast<size_t>(i)], t.stride[i] = stride, stride *= t.shape[i];
    return t;
  }
  template <class T>
  TensorRef filled(DType dtype, std::vector<int64_t> shape, float deviation, float mean = 0) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    TensorRef t = shaped(dtype, shape, allocate(count * dtype_bytes(dtype)));
    fill_kernel<<<1024, 256>>>(t.as<T>(), static_cast<size_t>(count), deviation, mean, seed++);
    return t;
  }
  TensorRef integers(std::vector<int32_t> values, std::vector<int64_t> shape) {
    TensorRef t = shaped(DType::i32, shape, allocate(static_cast<int64_t>(values.size()) * 4));
    check(cudaMemcpy(t.data, values.data(), values.size() * 4, cudaMemcpyHostToDevice), "upload");
    return t;
  }
  // Values take turns in a few places, as an arena lays them out: a place is a value's until it was read for the last time.
  TensorRef value(int place, std::vector<int64_t> shape, DType dtype = DType::bf16) { return shaped(dtype, shape, arena + place * (1 << 20)); }
  TensorRef section(const TensorRef& t, int64_t from, std::vector<int64_t> shape) { return shaped(t.dtype, shape, t.as<char>() + from * 2); }

  void node(const char* op, std::vector<TensorRef> all, int num_inputs, std::vector<double> values = {}) {
    ops.push_back(op), operands.push_back(std::move(all)), attributes.push_back(std::move(values)), inputs.push_back(num_inputs);
  }
  void linear(const TensorRef& x, int64_t in, int64_t out, const TensorRef& y, bool in_f8) {
    weight_bytes += double(in * out) * (in_f8 ? 1 : 2);
    if (in_f8) {
      const TensorRef w = filled<f8>(DType::f8, {out, in}, 60);
      const TensorRef scale = filled<float>(DType::f32, {out}, 0.0005f / sqrtf(float(in)), 1.0f / (60.0f * sqrtf(float(in))));
      node("linear-f8", {x, w, scale, TensorRef{}, y}, 4);
    } else {
      node("linear", {x, filled<bf16>(DType::bf16, {out, in}, 1.0f / sqrtf(float(in))), TensorRef{}, y}, 3);
    }
  }

  Model(const Config& config, int32_t position) : c(config) {
    arena_bytes = 8 << 20;
    arena = static_cast<char*>(allocate(arena_bytes));
    const int64_t columns = 32, pages = columns + 3, q_dim = c.heads * c.dim, kv_dim = c.kv * c.dim;
    std::vector<int32_t> pages_of(static_cast<size_t>(2 * columns));
    for (size_t i = 0; i < pages_of.size(); i++) pages_of[i] = static_cast<int32_t>((i * 11) % static_cast<size_t>(pages));  // 11 and 35: no page twice in a row of the table
    const TensorRef table = integers(pages_of, {2, columns}), slot = integers({1}, {1}), start = integers({0, 1}, {2});
    const TensorRef positions = integers({position}, {1}), context = integers({position + 1}, {1}), row = integers({0}, {1});
    std::vector<float> inverse(static_cast<size_t>(c.dim / 2));
    for (int64_t i = 0; i < c.dim / 2; i++) inverse[static_cast<size_t>(i)] = powf(500000.0f, -2.0f * float(i) / float(c.dim));
    TensorRef frequencies = filled<float>(DType::f32, {1, c.dim / 2}, 1);
    check(cudaMemcpy(frequencies.data, inverse.data(), inverse.size() * 4, cudaMemcpyHostToDevice), "upload");
    TensorRef x = filled<bf16>(DType::bf16, {1, c.hidden}, 1), normed = value(2, {1, c.hidden});
    const auto norm = [&] { return filled<float>(DType::f32, {c.hidden}, 0.1f, 1); };
    node("rms-norm", {x, norm(), normed}, 2, {1e-5});
    for (int64_t i = 0; i < c.layers; i++) {
      const TensorRef qkv = value(3, {1, q_dim + 2 * kv_dim}), q = value(4, {1, c.heads, c.dim}), y = value(2, {1, c.heads, c.dim});
      linear(normed, c.hidden, q_dim + 2 * kv_dim, qkv, c.f8);
      const TensorRef cache = filled<bf16>(DType::bf16, {pages, 2, c.kv, 32, c.dim}, 1);
      caches.push_back(cache);
      node("rope-kv-write", {section(qkv, 0, {1, c.heads, c.dim}), section(qkv, q_dim, {1, c.kv, c.dim}), section(qkv, q_dim + kv_dim, {1, c.kv, c.dim}),
                             positions, frequencies, TensorRef{}, slot, table, cache, q}, 9, {double(c.dim), 0, 1, 0, 0, 500000, 1, 1});
      node("paged-attention", {q, slot, start, context, table, cache, TensorRef{}, y}, 7, {1 / std::sqrt(double(c.dim)), 0, 0, 1, 1});
      const TensorRef o = value(3, {1, c.hidden}), sum = value(i % 2, {1, c.hidden});
      linear(shaped(DType::bf16, {1, q_dim}, y.data), q_dim, c.hidden, o, c.f8);
      node("add-rms-norm", {x, o, norm(), sum, normed}, 3, {1e-5});
      const TensorRef gate_up = value(3, {1, 2 * c.ffn}), gated = value(2, {1, c.ffn}), down = value(3, {1, c.hidden});
      linear(normed, c.hidden, 2 * c.ffn, gate_up, c.f8);
      node("silu-mul", {section(gate_up, 0, {1, c.ffn}), section(gate_up, c.ffn, {1, c.ffn}), gated}, 2);
      linear(gated, c.ffn, c.hidden, down, c.f8);
      const TensorRef next = value(6, {1, c.hidden});
      if (i + 1 < c.layers) {
        node("add-rms-norm", {sum, down, norm(), next, normed}, 3, {1e-5});
      } else {
        node("add", {sum, down, next}, 2);
      }
      x = next;
    }
    const TensorRef gathered = value(0, {1, c.hidden});
    node("gather-rows", {x, row, gathered}, 2);
    node("rms-norm", {gathered, norm(), normed}, 2, {1e-5});
    logits = shaped(DType::f32, {1, c.vocab}, allocate(c.vocab * 4));
    linear(normed, c.hidden, c.vocab, logits, false);
    for (size_t i = 0; i < ops.size(); i++) {
      nodes.push_back({ops[i], OpCall{operands[i].data(), static_cast<int>(operands[i].size()), attributes[i].data()}, inputs[i]});
    }
    check(cudaDeviceSynchronize(), "model");
  }
  ~Model() {
    for (void* p : memory) cudaFree(p);
  }
};
