// y[t] = sum over j of weights[t, j] * x[place[t, j]] in f32, in the order of j, rounded once. One thread makes one 16-byte pack
// of a row (or one element where rows are not aligned), grid stride. No shared memory.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct CombineOperands {
  const int32_t* place;
  const float* weights;  // or null
  int64_t tokens, chosen, pairs, dim;
  int64_t place_stride, weights_stride, x_stride, y_stride;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(256) combine_experts_kernel(const T* x, T* y, CombineOperands o) {
  const int64_t units = o.dim / kWidth, step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < o.tokens * units; i += step) {
    const int64_t token = i / units, at = (i - token * units) * kWidth;
    float sums[kWidth] = {};
#pragma unroll 4
    for (int64_t j = 0; j < o.chosen; j++) {
      const int64_t place = o.place[token * o.place_stride + j];
      if (place < 0 || place >= o.pairs) continue;
      const float weight = o.weights != nullptr ? o.weights[token * o.weights_stride + j] : 1.0f;
      const T* from = x + place * o.x_stride + at;
      if constexpr (kWidth == 1) {
        sums[0] = fmaf(weight, to_f32(*from), sums[0]);
      } else {
        const Pack<T> pack = load_pack(from);
#pragma unroll
        for (int k = 0; k < kWidth; k++) sums[k] = fmaf(weight, to_f32(pack.at[k]), sums[k]);
      }
    }
    T* to = y + token * o.y_stride + at;
    if constexpr (kWidth == 1) {
      *to = from_f32<T>(sums[0]);
    } else {
      Pack<T> result;
#pragma unroll
      for (int k = 0; k < kWidth; k++) result.at[k] = from_f32<T>(sums[k]);
      store_pack(to, result);
    }
  }
}

static Status launch_combine_experts(const OpCall& call, LaunchContext& context) {
  const auto args = CombineExpertsArgs::from(call);
  const CombineOperands o{args.place.as<int32_t>(),
                          args.weights.present() ? args.weights.as<float>() : nullptr,
                          args.place.shape[0],
                          args.place.shape[1],
                          args.x.shape[0],
                          args.x.shape[1],
                          args.place.stride[0],
                          args.weights.stride[0],
                          args.x.stride[0],
                          args.y.stride[0]};
  if (o.tokens == 0 || o.dim == 0) return Status();
  return by_float("combine-experts", args.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const bool packed = o.dim % Pack<T>::kSize == 0 && rows_are_packed(args.x) && rows_are_packed(args.y);
    const unsigned grid = grid_of((o.tokens * (packed ? o.dim / Pack<T>::kSize : o.dim) + 255) / 256);
    const auto kernel = packed ? combine_experts_kernel<T, Pack<T>::kSize> : combine_experts_kernel<T, 1>;
    kernel<<<grid, 256, 0, stream_of(context)>>>(args.x.as<T>(), args.y.as<T>(), o);
    return launched("combine-experts");
  });
}

TRTLLM_CUDA_KERNELS(combine_experts, {"combine-experts", "combine-experts.cuda", 0, nullptr, nullptr, launch_combine_experts,
                                      RowBits::fixed})

}  // namespace trtllm::cuda
