#include "convert.h"

#include <cstring>

#include "../backend/cpu/float8.h"

namespace trtllm {
namespace {

template <class S, class T>
void convert_elements(void* to, const void* from, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    S source;
    T target;
    memcpy(&source, static_cast<const char*>(from) + i * static_cast<int64_t>(sizeof(S)), sizeof(S));
    put_f32(&target, to_f32(source));
    memcpy(static_cast<char*>(to) + i * static_cast<int64_t>(sizeof(T)), &target, sizeof(T));
  }
}

template <class S>
bool convert_from(void* to, DType to_dtype, const void* from, int64_t count) {
  switch (to_dtype) {
    case DType::f32: convert_elements<S, float>(to, from, count); return true;
    case DType::f16: convert_elements<S, F16>(to, from, count); return true;
    case DType::bf16: convert_elements<S, Bf16>(to, from, count); return true;
    case DType::f8: convert_elements<S, F8>(to, from, count); return true;
    case DType::i8: convert_elements<S, I8>(to, from, count); return true;
    default: return false;
  }
}

}  // namespace

bool is_convertible(DType dtype) { return dtype != DType::i32 && dtype != DType::u8; }

bool convert(void* to, DType to_dtype, const void* from, DType from_dtype, int64_t count) {
  if (to_dtype == from_dtype) {
    memcpy(to, from, static_cast<size_t>(count * dtype_bytes(to_dtype)));
    return true;
  }
  switch (from_dtype) {
    case DType::f32: return convert_from<float>(to, to_dtype, from, count);
    case DType::f16: return convert_from<F16>(to, to_dtype, from, count);
    case DType::bf16: return convert_from<Bf16>(to, to_dtype, from, count);
    case DType::f8: return convert_from<F8>(to, to_dtype, from, count);
    case DType::i8: return convert_from<I8>(to, to_dtype, from, count);
    default: return false;
  }
}

}  // namespace trtllm
