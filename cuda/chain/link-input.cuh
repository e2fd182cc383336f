#pragma once
#include "chain-block.cuh"

// The vector of a linear, made by every block for itself in shared memory as M: the type of the products. For 8-bit weights that
// is f16, and a warp's part of a bf16 vector is multiplied by the power of two that brings its largest element to [2^14, 2^15):
// exact but for elements below 2^-29 of the largest, which lose bits. A warp makes the elements that it multiplies itself
// (WarpPieces), so that warps need not meet but for a norm's sum. Numerics: the sum and each norm are rounded to T, as by separate
// nodes.
namespace trtllm::cuda {

// Packs of eight elements that a lane asks for before it uses any of them: with norms, and plain.
constexpr int kNormAhead = 2, kPlainAhead = 4;

__device__ __forceinline__ float factor_to_f16(float largest) {
  const int exponent = static_cast<int>(__float_as_uint(largest) >> 23) - 127;
  const int up = 14 - exponent < 110 ? 14 - exponent : 110;
  return largest > 0 && largest < __builtin_inff() ? __uint_as_float(static_cast<uint32_t>(up + 127) << 23) : 1.0f;
}

template <class T>
struct InputPack {
  float at[8];

  __device__ __forceinline__ explicit InputPack(const uint4& v) {
    const T* elements = reinterpret_cast<const T*>(&v);
#pragma unroll
    for (int j = 0; j < 8; j++) at[j] = to_f32(elements[j]);
  }
  __device__ __forceinline__ float squares() const {
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) sum = fmaf(at[j], at[j], sum);
    return sum;
  }
  __device__ __forceinline__ float top() const {
    float top = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) top = fmaxf(top, fabsf(at[j]));
    return top;
  }
  __device__ __forceinline__ float top_of_products(const float (&w)[8]) const {
    float top = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) top = fmaxf(top, fabsf(at[j] * w[j]));
    return top;
  }
  __device__ __forceinline__ void norm(float scale, const float (&w)[8]) {
#pragma unroll
    for (int j = 0; j < 8; j++) at[j] = to_f32(from_f32<T>(at[j] * scale * w[j]));
  }
  __device__ __forceinline__ void add(const InputPack& other) {
#pragma unroll
    for (int j = 0; j < 8; j++) at[j] += other.at[j];
  }
  template <class M>
  __device__ __forceinline__ uint4 rounded(float factor) const {
    Pack<M> pack;
#pragma unroll
    for (int j = 0; j < 8; j++) pack.at[j] = from_f32<M>(at[j] * factor);
    return *reinterpret_cast<const uint4*>(&pack);
  }
};

__device__ __forceinline__ void load_eight(const float* from, float (&w)[8]) {
  const float4 low = *reinterpret_cast<const float4*>(from), high = *reinterpret_cast<const float4*>(from + 4);
  w[0] = low.x, w[1] = low.y, w[2] = low.z, w[3] = low.w, w[4] = high.x, w[5] = high.y, w[6] = high.z, w[7] = high.w;
}

// A lane's packs, of those of its warp, which are numbered chunk by chunk. kRatio: bytes of M over bytes of W.
template <int kRatio>
struct LanePacks {
  const RowCut& cut;
  int each, all, count;  // a warp's in a chunk, in the vector; this lane's

  __device__ __forceinline__ explicit LanePacks(const RowCut& rows) : cut(rows), each(rows.chunk_bytes / (16 * kChainWarps) * kRatio) {
    all = (rows.row_bytes + rows.chunk_bytes - 1) / rows.chunk_bytes * each;
    count = (all + 31) / 32;
  }

  // Where the i-th pack stands in the vector; -1: this lane has none there.
  __device__ __forceinline__ int place(int i) const {
    const int number = i * 32 + static_cast<int>(threadIdx.x & 31);
    if (number >= all) return -1;
    const int chunk = number / each, n = number % each, at = chunk * cut.chunk_bytes;
    const WarpPieces pieces(cut, at);
    return n < pieces.count * 4 * kRatio ? at / 16 * kRatio + pieces.first * 4 * kRatio + n : -1;
  }
};

// kAhead packs of x from the `first`-th on. PERF: all that are absent are asked for at once: one after the other each would cost
// the way to L2.
template <int kAhead, class Packs>
__device__ __forceinline__ void take_packs(const uint4* handed, const uint4* memory, const Packs& packs, int first, int (&place)[kAhead],
                                           uint4 (&raw)[kAhead]) {
#pragma unroll
  for (int n = 0; n < kAhead; n++) place[n] = packs.place(first + n), raw[n] = uint4{0, 0, 0, 0};
  if (handed == nullptr) {
#pragma unroll
    for (int n = 0; n < kAhead; n++) {
      if (place[n] >= 0 && memory != nullptr) raw[n] = memory[place[n]];
    }
    return;
  }
#pragma unroll
  for (int n = 0; n < kAhead; n++) {
    if (place[n] >= 0) raw[n] = read_exchanged_pack(handed + place[n]);
  }
  for (bool again = true; again;) {
    again = false;
#pragma unroll
    for (int n = 0; n < kAhead; n++) {
      if (has_absent(raw[n])) raw[n] = read_exchanged_pack(handed + place[n]), again = true;
    }
  }
}

// HAZARD: a warp may come here while others still multiply the x before: it writes its own elements alone.
template <class T, class M, int kRatio>
__device__ __forceinline__ void load_input(const LinkInput& in, const RowCut& cut, int length, ChainBlock& block) {
  constexpr bool kScales = !std::is_same_v<M, T>;
  const LanePacks<kRatio> packs(cut);
  uint4 *x = reinterpret_cast<uint4*>(block.x()), *residual = reinterpret_cast<uint4*>(block.residual());
  const uint4 *handed = in.x.at != 0 ? block.now<uint4>(in.x) : nullptr, *memory = static_cast<const uint4*>(in.memory);
  const float *norm = in.norm, *x_norm = in.x_norm;
  const LinkResidual kind = in.residual;
  const bool keeps = in.keep;
  float factor = 1;
  if (norm == nullptr && kind == LinkResidual::none && !keeps) {
    float top = 0;
#pragma unroll 1
    for (int first = 0; first < packs.count; first += kPlainAhead) {
      int place[kPlainAhead];
      uint4 raw[kPlainAhead];
      take_packs(handed, memory, packs, first, place, raw);
#pragma unroll
      for (int n = 0; n < kPlainAhead; n++) {
        if (place[n] >= 0) x[place[n]] = raw[n];
        if (kScales) top = fmaxf(top, InputPack<T>(raw[n]).top());
      }
    }
    if (kScales) {
      factor = factor_to_f16(warp_reduce(top, Max()));
#pragma unroll 1
      for (int i = 0; i < packs.count; i++) {
        const int place = packs.place(i);
        if (place >= 0) x[place] = InputPack<T>(x[place]).template rounded<M>(factor);
      }
    }
    block.input_factor = factor;
    __syncwarp();
    return;
  }
  // PERF: before waiting, they may be far away. Those of later rounds come late.
  float weights[kNormAhead][8];
  const auto load_weights = [&](int first) {
    if (norm == nullptr) return;
#pragma unroll
    for (int n = 0; n < kNormAhead; n++) {
      const int place = packs.place(first + n);
      if (place >= 0) load_eight(norm + place * 8, weights[n]);
    }
  };
  load_weights(0);
  const uint4* residual_memory = static_cast<const uint4*>(in.residual_memory);
  uint4* sum_memory = static_cast<uint4*>(in.sum);
  const bool is_row = in.row == nullptr || *in.row == 0;
  float x_scale = 1;
  if (x_norm != nullptr) {
    float squares = 0;
#pragma unroll 1
    for (int first = 0; first < packs.count; first += kNormAhead) {
      int place[kNormAhead];
      uint4 raw[kNormAhead];
      take_packs(handed, memory, packs, first, place, raw);
#pragma unroll
      for (int n = 0; n < kNormAhead; n++) {
        if (place[n] >= 0) x[place[n]] = raw[n];
        squares += InputPack<T>(raw[n]).squares();
      }
    }
    x_scale = 1.0f / sqrtf(sum_of_consumers(0, squares) / static_cast<float>(length) + in.x_eps);
    handed = nullptr, memory = x;
  }
  float squares = 0, top = 0;
#pragma unroll 1
  for (int first = 0; first < packs.count; first += kNormAhead) {
    int place[kNormAhead];
    uint4 raw[kNormAhead];
    take_packs(handed, memory, packs, first, place, raw);
    if (kScales && first > 0) load_weights(first);
#pragma unroll
    for (int n = 0; n < kNormAhead; n++) {
      if (place[n] < 0) continue;
      InputPack<T> v(raw[n]);
      if (x_norm != nullptr) {
        float w[8];
        load_eight(x_norm + place[n] * 8, w);
        v.norm(x_scale, w);
      }
      if (kind != LinkResidual::none) v.add(InputPack<T>(kind == LinkResidual::kept ? residual[place[n]] : residual_memory[place[n]]));
      const uint4 sum = v.template rounded<T>(1);
      if (sum_memory != nullptr && place[n] % static_cast<int>(gridDim.x) == static_cast<int>(blockIdx.x)) sum_memory[place[n]] = sum;
      const uint4 own = is_row ? sum : uint4{0, 0, 0, 0};
      if (keeps) residual[place[n]] = own;
      x[place[n]] = own;
      v = InputPack<T>(own);
      squares += v.squares();
      if (kScales) top = fmaxf(top, norm != nullptr ? v.top_of_products(weights[n]) : v.top());
    }
  }
  const float all = sum_of_consumers(1, squares);
  const float scale = norm != nullptr ? 1.0f / sqrtf(all / static_cast<float>(length) + in.eps) : 1.0f;
  if (kScales) factor = factor_to_f16(warp_reduce(top, Max()) * scale);
  if (kScales && packs.count > kNormAhead) load_weights(0);
#pragma unroll 1
  for (int first = 0; first < packs.count; first += kNormAhead) {
    if (first > 0) load_weights(first);
#pragma unroll
    for (int n = 0; n < kNormAhead; n++) {
      const int place = packs.place(first + n);
      if (place < 0) continue;
      InputPack<T> v(x[place]);
      if (norm != nullptr) v.norm(scale, weights[n]);
      x[place] = v.template rounded<M>(factor);
    }
  }
  block.input_factor = factor;
  __syncwarp();
}

}  // namespace trtllm::cuda
