#pragma once
#include <cuda_runtime.h>

#include "../../core/status.h"
#include "../../generated/op-args.h"

namespace trtllm::cuda {

// linear_few_rows (few-rows.cuh) for weights in f8 with a scale for each row, in an object that several ops share.
// `packed`: as there.
Status linear_few_rows_f8(const char* op, const LinearF8Args&, bool packed, cudaStream_t);

}  // namespace trtllm::cuda
