#pragma once
// Memory on the GPU for the steps of llama-step.h, and the ops' own kernels; for chain-bench.cu.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <trtllm/convert.cuh>

#include "backend/cuda/cublaslt.h"
#include "llama-step.h"

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

class GpuStepMemory final : public StepMemory {
 public:
  ~GpuStepMemory() override {
    for (void* p : memory_) cudaFree(p);
  }
  char* allocate(int64_t bytes) override {
    void* p = nullptr;
    check(cudaMalloc(&p, static_cast<size_t>(bytes)), "malloc");
    memory_.push_back(p);
    return static_cast<char*>(p);
  }
  TensorRef filled(DType dtype, const std::vector<int64_t>& shape, float deviation, float mean) override {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    const TensorRef t = shaped(dtype, shape, allocate(count * dtype_bytes(dtype)));
    const auto fill = [&](auto* to) { fill_kernel<<<1024, 256>>>(to, static_cast<size_t>(count), deviation, mean, seed_++); };
    if (dtype == DType::f8) fill(t.as<f8>());
    else if (dtype == DType::bf16) fill(t.as<bf16>());
    else fill(t.as<float>());
    return t;
  }
  TensorRef integers(const std::vector<int32_t>& values, const std::vector<int64_t>& shape) override { return uploaded(DType::i32, values, shape); }
  TensorRef floats(const std::vector<float>& values, const std::vector<int64_t>& shape) override { return uploaded(DType::f32, values, shape); }

 private:
  template <class T>
  TensorRef uploaded(DType dtype, const std::vector<T>& values, const std::vector<int64_t>& shape) {
    const size_t bytes = values.size() * sizeof(T);
    const TensorRef t = shaped(dtype, shape, allocate(static_cast<int64_t>(bytes)));
    check(cudaMemcpy(t.data, values.data(), bytes, cudaMemcpyHostToDevice), "upload");
    return t;
  }

  std::vector<void*> memory_;
  uint32_t seed_ = 1;
};
