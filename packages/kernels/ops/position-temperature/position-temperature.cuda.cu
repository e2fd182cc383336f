// y[t] = 1 + strength * ln(1 + floor((positions[t] + 1) / stretch)) in f32. One thread a token. No shared memory.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

__global__ void __launch_bounds__(256) position_temperature_kernel(const int32_t* positions, float* y, int64_t tokens, int64_t y_stride,
                                                                   float strength, float stretch) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= tokens) return;
  y[t * y_stride] = 1.0f + strength * log1pf(floorf((static_cast<float>(positions[t]) + 1.0f) / stretch));
}

static Status launch_position_temperature(const OpCall& call, LaunchContext& context) {
  const auto o = PositionTemperatureArgs::from(call);
  const int64_t tokens = o.positions.shape[0];
  if (tokens == 0) return Status();
  position_temperature_kernel<<<static_cast<unsigned>((tokens + 255) / 256), 256, 0, stream_of(context)>>>(
      o.positions.as<int32_t>(), o.y.as<float>(), tokens, o.y.stride[0], o.strength, o.stretch);
  return launched("position-temperature");
}

TRTLLM_CUDA_KERNELS(position_temperature, {"position-temperature", "position-temperature.cuda", 0, nullptr, nullptr,
                                           launch_position_temperature, RowBits::fixed})

}  // namespace trtllm::cuda
