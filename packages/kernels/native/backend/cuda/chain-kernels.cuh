#pragma once
#include <chain/chain.sm90.cuh>

#include "chain.h"

namespace trtllm::cuda {

template <class T>
const void* chain_kernel_of(int head_dim) {
  switch (head_dim) {
    case 0: return reinterpret_cast<const void*>(chain_kernel<T, 0>);
    case 64: return reinterpret_cast<const void*>(chain_kernel<T, 64>);
    case 128: return reinterpret_cast<const void*>(chain_kernel<T, 128>);
    case 256: return reinterpret_cast<const void*>(chain_kernel<T, 256>);
    default: return nullptr;
  }
}

}  // namespace trtllm::cuda
