// destination[i] = gaussian(seed, i) * deviation. One thread an element, grid stride. The integers and the two f32
// products are those of the other backends: same bits.
#include "../../core/gaussian.h"
#include "device.h"
#include "launch.cuh"

namespace trtllm::cuda {

template <class T>
__global__ void __launch_bounds__(256) fill_gaussian_kernel(T* destination, int64_t count, float deviation, uint64_t seed) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    destination[i] = from_f32<T>(gaussian_at(seed, static_cast<uint64_t>(i)) * deviation);
  }
}

Status fill_gaussian(DeviceState* device, StreamState* stream, void* destination, DType dtype, uint64_t count,
                     double standard_deviation, uint64_t seed) {
  if (count == 0) return Status();
  TRTLLM_TRY(use(device));
  const auto fill = [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const int64_t total = static_cast<int64_t>(count);
    fill_gaussian_kernel<T><<<grid_of((total + 255) / 256), 256, 0, stream->handle>>>(
        static_cast<T*>(destination), total, static_cast<float>(standard_deviation), seed);
    return launched("fill-gaussian");
  };
  if (dtype == DType::f8) return fill(static_cast<f8*>(nullptr));
  if (dtype == DType::i8) return fill(static_cast<i8*>(nullptr));
  return by_float("fill-gaussian", dtype, fill);
}

}  // namespace trtllm::cuda
