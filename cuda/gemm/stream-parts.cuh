#pragma once
#include <trtllm/ptx/load-once.cuh>
#include <trtllm/ptx/mma.cuh>
#include <trtllm/vector-io.cuh>
#include <type_traits>

// The pieces of the weight-streaming product (stream-mma.sm80.cuh): operands, the widening of 8-bit weights, what a lane holds
// and how it is multiplied.
//
// An mma takes 16 rows of the weight and 8 rows of x and sums over 16 k. Lane (g, t) reads 16 bytes of weight rows g and g + 8
// and as many elements of row g of x: which k stand at which place of the products is free, as long as both operands agree, so
// that neighbouring bytes of a lane may feed one mma after the other without ever being exchanged between lanes.
namespace trtllm::cuda {

// f8 with a scale for each 128 x 128 of the weight, not for each of its rows.
struct BlockF8 {
  uint8_t bits;
};
__device__ __forceinline__ float to_f32(BlockF8 x) { return to_f32(*reinterpret_cast<const f8*>(&x)); }

struct LinearOperands {
  const void *x, *weight, *bias;  // bias may be null
  const float* weight_scale;      // 8-bit weights: one for each column of y
  int64_t scale_stride;           // BlockF8: from the scales of 128 columns to those of the next
  void* y;
  int64_t rows, in, out;
  int64_t x_stride, weight_stride, y_stride;
};

// Pairs of 16-bit floats of the type M the products run in.
template <int kWords>
struct Words {
  uint32_t at[kWords];
};

__device__ __forceinline__ uint32_t multiply_pair(uint32_t pair, float factor, f16) {
  const __half2 y = __hmul2(*reinterpret_cast<__half2*>(&pair), __float2half2_rn(factor));
  return *reinterpret_cast<const uint32_t*>(&y);
}
__device__ __forceinline__ uint32_t multiply_pair(uint32_t pair, float factor, bf16) {
  const __nv_bfloat162 y = __hmul2(*reinterpret_cast<__nv_bfloat162*>(&pair), __float2bfloat162_rn(factor));
  return *reinterpret_cast<const uint32_t*>(&y);
}

// Four 8-bit floats as pairs of M: the bits move to M's exponent and mantissa, which makes the value too small by the
// difference of the exponents' biases; the product with that power of two is exact, subnormals included. (The two NaN become 480.)
template <class M>
__device__ __forceinline__ void widen(uint32_t four, f8, uint32_t* to) {
  constexpr int kShift = std::is_same_v<M, bf16> ? 4 : 1;  // a byte in the upper half of 16 bits, then right by this
  constexpr float kFactor = std::is_same_v<M, bf16> ? 0x1p120f : 0x1p8f;
  const uint32_t pairs[2] = {__byte_perm(four, 0, 0x1404), __byte_perm(four, 0, 0x3424)};
#pragma unroll
  for (int i = 0; i < 2; i++) {
    to[i] = multiply_pair((pairs[i] & 0x80008000u) | ((pairs[i] & 0x7f007f00u) >> kShift), kFactor, M());
  }
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
template <>
__device__ __forceinline__ void widen<f16>(uint32_t four, f8, uint32_t* to) {
  for (int i = 0; i < 2; i++) {
    const __half2_raw pair = __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(four >> (16 * i)), __NV_E4M3);
    to[i] = pair.x | static_cast<uint32_t>(pair.y) << 16;
  }
}
#endif

// Four signed bytes as f32: 2^23 + 128 + value is an f32 whose low byte is value + 128.
__device__ __forceinline__ void split_bytes(uint32_t four, float (&to)[4]) {
  const uint32_t shifted = four ^ 0x80808080u;
#pragma unroll
  for (int i = 0; i < 4; i++) to[i] = __uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7440 + i)) - 8388736.0f;
}

// ... and as pairs of M.
template <class M>
__device__ __forceinline__ void widen(uint32_t four, i8, uint32_t* to) {
  float value[4];
  split_bytes(four, value);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const M low = from_f32<M>(value[2 * i]), high = from_f32<M>(value[2 * i + 1]);
    to[i] = *reinterpret_cast<const uint16_t*>(&low) | static_cast<uint32_t>(*reinterpret_cast<const uint16_t*>(&high)) << 16;
  }
}

// ... of f16: 1024 + 128 + value is an f16 whose low byte is value + 128.
template <>
__device__ __forceinline__ void widen<f16>(uint32_t four, i8, uint32_t* to) {
  const uint32_t shifted = four ^ 0x80808080u;
  const uint32_t pairs[2] = {__byte_perm(shifted, 0x64646464u, 0x4140), __byte_perm(shifted, 0x64646464u, 0x4342)};
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const __half2 values = __hsub2(*reinterpret_cast<const __half2*>(&pairs[i]), __float2half2_rn(1152.0f));
    to[i] = *reinterpret_cast<const uint32_t*>(&values);
  }
}

// kCount elements of type E, as they lie in 16-byte packs, as pairs of M.
template <class M, class E, int kCount>
__device__ __forceinline__ Words<kCount / 2> pairs_of(const uint4* packs) {
  Words<kCount / 2> words;
  const uint32_t* raw = reinterpret_cast<const uint32_t*>(packs);
  if constexpr (sizeof(E) == 2) {
#pragma unroll
    for (int i = 0; i < kCount / 2; i++) words.at[i] = raw[i];
  } else {
#pragma unroll
    for (int i = 0; i < kCount / 4; i++) widen<M>(raw[i], E(), &words.at[2 * i]);
  }
  return words;
}

// One lane's piece of x for one stretch: kSteps steps of kRowTiles x 8 rows.
template <class W, class X, int kRowTiles, int kSteps>
struct StreamRows {
  static constexpr int kEach = 16 / sizeof(W), kPacks = kEach * sizeof(X) / 16;
  uint4 pack[kSteps][kRowTiles][kPacks];

  // `k` is the lane's first element of the stretch; g its row within a tile.
  __device__ __forceinline__ void load(const LinearOperands& o, int g, int64_t k) {
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
      const int64_t at = k + step * (4 * kEach);
#pragma unroll
      for (int r = 0; r < kRowTiles; r++) {
        const bool live = r * 8 + g < o.rows && at < o.in;
        const X* from = static_cast<const X*>(o.x) + (r * 8 + g) * o.x_stride + at;
#pragma unroll
        for (int p = 0; p < kPacks; p++) {
          const bool inside = live && at + p * (16 / static_cast<int>(sizeof(X))) < o.in;
          pack[step][r][p] = inside ? reinterpret_cast<const uint4*>(from)[p] : uint4{0, 0, 0, 0};
        }
      }
    }
  }
};

// sums += weight piece * x piece for one step.
template <class M, class W, class X, int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void stream_step(float (&sums)[kColumnTiles * kRowTiles][4], const uint4 (&weight)[kColumnTiles][2],
                                            const uint4 (&x)[kRowTiles][16 / sizeof(W) * sizeof(X) / 16]) {
  constexpr int kEach = 16 / sizeof(W);
  Words<kEach / 2> a[kColumnTiles][2];
#pragma unroll
  for (int c = 0; c < kColumnTiles; c++) {
#pragma unroll
    for (int half = 0; half < 2; half++) a[c][half] = pairs_of<M, W, kEach>(&weight[c][half]);
  }
#pragma unroll
  for (int r = 0; r < kRowTiles; r++) {
    const Words<kEach / 2> b = pairs_of<M, X, kEach>(x[r]);
#pragma unroll
    for (int i = 0; i < kEach / 4; i++) {
      const uint32_t rows[2] = {b.at[2 * i], b.at[2 * i + 1]};
#pragma unroll
      for (int c = 0; c < kColumnTiles; c++) {
        const uint32_t columns[4] = {a[c][0].at[2 * i], a[c][1].at[2 * i], a[c][0].at[2 * i + 1], a[c][1].at[2 * i + 1]};
        mma_16x8x16(sums[c * kRowTiles + r], columns, rows, M());
      }
    }
  }
}

template <class M>
__device__ __forceinline__ void widen(uint32_t four, BlockF8, uint32_t* to) {
  widen<M>(four, f8(), to);
}

// BlockF8: the scale of column n at k.
__device__ __forceinline__ float block_scale(const LinearOperands& o, int64_t n, int64_t k) {
  return o.weight_scale[n / 128 * o.scale_stride + k / 128];
}

// One result: scale, bias, rounding.
template <class W, class T, class Y>
__device__ __forceinline__ void store_result(const LinearOperands& o, int64_t row, int64_t column, float sum) {
  if constexpr (sizeof(W) == 1 && !std::is_same_v<W, BlockF8>) sum *= o.weight_scale[column];
  if (o.bias != nullptr) sum += to_f32(static_cast<const T*>(o.bias)[column]);
  static_cast<Y*>(o.y)[row * o.y_stride + column] = from_f32<Y>(sum);
}

}  // namespace trtllm::cuda
