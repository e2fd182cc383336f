#pragma once
#include <cuda_runtime.h>

#include <cstdint>

// The part of cuBLASLt's C interface that `linear` needs, declared here so that building needs no cuBLAS. The numbers are
// those of the library's public header (unchanged from version 11 to 13).
namespace trtllm::cuda::cublaslt {

constexpr int kStatusSuccess = 0;
constexpr int kCompute32F = 68;
constexpr int kOperationTranspose = 1;
constexpr int kOperationNone = 0;
constexpr int kDescTransposeA = 3;
constexpr int kDescTransposeB = 4;
constexpr int kDescEpilogue = 7;
constexpr int kDescBiasPointer = 8;
constexpr int kDescScalePointerA = 17;
constexpr int kDescScalePointerB = 18;
constexpr int kDescFastAccumulation = 25;
constexpr int kDescBiasType = 26;
constexpr int kDescScaleModeA = 31;
constexpr int kDescScaleModeB = 32;
constexpr int kScaleForEachRow = 3;
constexpr int kEpilogueBias = 4;
constexpr int kPreferenceMaxWorkspaceBytes = 1;
constexpr int kPreferenceMinAlignmentA = 5;  // B, C and D follow

using Handle = void*;
using Descriptor = void*;
using MatrixLayout = void*;
using Preference = void*;

struct Algorithm {
  uint64_t data[8];
};

struct HeuristicResult {
  Algorithm algorithm;
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

struct Api {
  int (*create)(Handle*);
  int (*descriptor_create)(Descriptor*, int compute_type, cudaDataType scale_type);
  int (*descriptor_destroy)(Descriptor);
  int (*descriptor_set)(Descriptor, int attribute, const void*, size_t bytes);
  int (*layout_create)(MatrixLayout*, cudaDataType, uint64_t rows, uint64_t columns, int64_t leading);
  int (*layout_destroy)(MatrixLayout);
  int (*preference_create)(Preference*);
  int (*preference_destroy)(Preference);
  int (*preference_set)(Preference, int attribute, const void*, size_t bytes);
  int (*heuristic)(Handle, Descriptor, MatrixLayout a, MatrixLayout b, MatrixLayout c, MatrixLayout d, Preference,
                   int requested, HeuristicResult*, int* returned);
  int (*matmul)(Handle, Descriptor, const void* alpha, const void* a, MatrixLayout, const void* b, MatrixLayout,
                const void* beta, const void* c, MatrixLayout, void* d, MatrixLayout, const Algorithm*, void* workspace,
                size_t workspace_bytes, cudaStream_t);
};

// Null when no version of the library is installed or a function is missing.
const Api* open_api();

}  // namespace trtllm::cuda::cublaslt
