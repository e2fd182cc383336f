#pragma once
#include "launch.cuh"

// y[i] = table[index[i]] for contiguous rows of any element size; a row outside the table is zero (the device cannot
// report an error in the middle of a step). One block a row, grid stride; 16 bytes a thread where rows are aligned, else
// one unit of the element size.
namespace trtllm::cuda {

template <class Unit>
__global__ void __launch_bounds__(128) gather_kernel(const Unit* table, const int32_t* index, Unit* y, int64_t count,
                                                     int64_t table_rows, int64_t units, int64_t table_stride,
                                                     int64_t y_stride) {
  for (int64_t row = blockIdx.x; row < count; row += gridDim.x) {
    const int64_t from = index[row];
    const bool known = from >= 0 && from < table_rows;
    for (int64_t i = threadIdx.x; i < units; i += blockDim.x) {
      y[row * y_stride + i] = known ? table[from * table_stride + i] : Unit{};
    }
  }
}

inline Status gather(const char* op, const TensorRef& table, const TensorRef& index, const TensorRef& y,
                     const LaunchContext& context) {
  const int64_t count = index.shape[0], dim = table.shape[1], size = dtype_bytes(table.dtype);
  if (count == 0 || dim == 0) return Status();
  const auto run = [&](auto* type) {
    using Unit = std::remove_pointer_t<decltype(type)>;
    const int64_t width = static_cast<int64_t>(sizeof(Unit)) / size;
    gather_kernel<Unit><<<grid_of(count), 128, 0, stream_of(context)>>>(
        table.as<Unit>(), index.as<int32_t>(), y.as<Unit>(), count, table.shape[0], dim / width,
        table.stride[0] / width, y.stride[0] / width);
    return launched(op);
  };
  if (dim * size % 16 == 0 && rows_are_packed(table) && rows_are_packed(y)) return run(static_cast<uint4*>(nullptr));
  return size == 4 ? run(static_cast<uint32_t*>(nullptr)) : run(static_cast<uint16_t*>(nullptr));
}

}  // namespace trtllm::cuda
