// Rotary embedding of every head of a token; see native/backend/cuda/rotary.cuh. One block a token: its threads fill
// cosine[half] and sine[half] in shared memory, then stride over (head, pair or copied element).
#include "../../native/backend/cuda/register.h"
#include "../../native/backend/cuda/rotary.cuh"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(128) rope_kernel(RotaryStep step, const T* x, T* y, int64_t tokens, int32_t heads, int32_t dim,
                                                   int64_t x_stride, int64_t x_head, int64_t y_stride, int64_t y_head) {
  __shared__ float cosine[kMaxRotaryHalf], sine[kMaxRotaryHalf];
  const int32_t units = dim - step.half;
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    __syncthreads();
    rotary_table(step, t, cosine, sine);
    __syncthreads();
    for (int32_t i = threadIdx.x; i < heads * units; i += blockDim.x) {
      const int32_t head = i / units;
      rotate_unit(step, x + t * x_stride + head * x_head, y + t * y_stride + head * y_head, i - head * units, cosine, sine);
    }
  }
}

static Status launch_rope(const OpCall& call, LaunchContext& context) {
  const auto o = RopeArgs::from(call);
  const int64_t tokens = o.x.shape[0];
  RotaryStep step;
  TRTLLM_TRY(rotary_step("rope", o, o.x.shape[2], &step));
  if (tokens == 0) return Status();
  return by_float("rope", o.x.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    rope_kernel<T><<<grid_of(tokens), 128, 0, stream_of(context)>>>(
        step, o.x.as<T>(), o.y.as<T>(), tokens, static_cast<int32_t>(o.x.shape[1]), static_cast<int32_t>(o.x.shape[2]),
        o.x.stride[0], o.x.stride[1], o.y.stride[0], o.y.stride[1]);
    return launched("rope");
  });
}

TRTLLM_CUDA_KERNELS(rope, {"rope", "rope.cuda", 0, nullptr, nullptr, launch_rope, RowBits::fixed})

}  // namespace trtllm::cuda
