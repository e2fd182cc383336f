#pragma once
#include <cstdint>

#include "dtype.h"

namespace trtllm {

constexpr int kMaxRank = 5;

// How the elements of a matrix operand lie in memory.
//   strided: element (i, j, ...) at data + i*stride[0] + j*stride[1] + ... elements.
//   panel:   a weight [rows, columns] packed for the CPU GEMM, 16 rows a panel (see backend/cpu/panel.h);
//            strides mean nothing. With three axes it is a stack of such matrices, one behind the other.
enum class Layout : uint8_t { strided = 0, panel = 1 };

// A concrete operand of one op call. Owns nothing. A null `data` with rank 0 is an absent optional operand.
struct TensorRef {
  void* data = nullptr;
  DType dtype = DType::f32;
  Layout layout = Layout::strided;
  int8_t rank = 0;
  int64_t shape[kMaxRank] = {0, 0, 0, 0, 0};
  int64_t stride[kMaxRank] = {0, 0, 0, 0, 0};  // in elements

  [[gnu::always_inline]] bool present() const { return rank != 0; }
  template <class T>
  [[gnu::always_inline]] T* as() const {
    return static_cast<T*>(data);
  }
};

}  // namespace trtllm
