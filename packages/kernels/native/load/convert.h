#pragma once
#include "../core/dtype.h"

namespace trtllm {

// Whether elements are numbers that `convert` reads and writes: all but i32 and u8.
bool is_convertible(DType dtype);

// Converts `count` elements between those types, rounding to nearest even; equal types (any) are copied. Addresses need
// no alignment. False when the pair is not supported.
bool convert(void* to, DType to_dtype, const void* from, DType from_dtype, int64_t count);

}  // namespace trtllm
