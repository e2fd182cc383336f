#pragma once
#include <cstdint>

namespace trtllm {

// Functions in this folder are static or always inlined: the headers are compiled once per ISA (backend/cpu/register.h).

// Order is ABI: packages/kernels/src/dtype.ts lists the same names.
enum class DType : uint8_t { f32 = 0, f16 = 1, bf16 = 2, i32 = 3, u8 = 4, f8 = 5, i8 = 6 };

static inline int64_t dtype_bytes(DType t) {
  switch (t) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::u8:
    case DType::f8:
    case DType::i8:
      return 1;
  }
  return 0;
}

static inline const char* dtype_name(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
    case DType::f8: return "f8";
    case DType::i8: return "i8";
  }
  return "?";
}

}  // namespace trtllm
