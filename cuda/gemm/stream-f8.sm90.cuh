#pragma once
#include <cooperative_groups.h>
#include <trtllm/ptx/tensor-copy.sm90.cuh>
#include <trtllm/ptx/warpgroup-mma-f8.sm90.cuh>

// y = (x * weight^T) * scales + bias in 8-bit floats on sm_90a, for up to 64 rows: reading the weight takes longer than multiplying.
// The weight is the 64-row operand: a block owns 128 columns of y and all rows, warpgroup i of 0, 1 the columns from 64 i. Warp 8
// keeps the copy engine busy; a stage is 128 k of 128 weight rows and of kRows rows of x. The blocks of a cluster share one tile, each
// taking its stretch of k, so that a weight with few columns still keeps every multiprocessor reading. At the end block i of the
// cluster joins all parts of the i-th slice of rows, in the order of the blocks, through their shared memories.
// Shared memory: kStages x (128 + kRows) rows of 128 bytes, swizzled; two barriers a stage. At the end the ring is the part
// [kRows][132] f32: with 132 the 32 words of a store lie in 32 banks.
// Numerics: f32 sums. A stage's 128 products are summed in the tensor cores (about 14 bits), then join f32 sums in registers, by
// stage, then by part. A result's bits depend on the weight's shape and kRows, not on other rows.
// Grid: x = column tiles * cluster.
namespace trtllm::cuda {

constexpr int kStreamColumns = 128, kStreamDepth = 128, kPartStride = kStreamColumns + 4;

struct StreamF8Operands {
  CUtensorMap x, weight;      // boxes of 128 bytes x kRows and x 128 rows
  const float *x_scale, *weight_scale;
  const void* bias;           // may be null
  void* y;
  int64_t y_stride;
  int rows, out, stretches;   // stretches of k
};

// Two blocks a multiprocessor.
template <int kRows>
struct StreamF8Ring {
  static constexpr int kStageBytes = (kStreamColumns + kRows) * kStreamDepth;
  static constexpr int kStages = 98304 / kStageBytes;
  static constexpr int kBarriers = kStages * kStageBytes, kBytes = kBarriers + kStages * 16 + 1024;  // begins at a multiple of 1,024
  static_assert(kRows * kPartStride * 4 <= kBarriers);
};

template <class T, int kRows>
__global__ void __launch_bounds__(288, 2) linear_stream_f8_kernel(const __grid_constant__ StreamF8Operands o) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using Ring = StreamF8Ring<kRows>;
  extern __shared__ unsigned char memory[];
  unsigned char* ring = memory + (1024 - shared_address(memory) % 1024) % 1024;
  uint64_t *full = reinterpret_cast<uint64_t*>(ring + Ring::kBarriers), *empty = full + Ring::kStages;
  const cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  const int parts = static_cast<int>(cluster.num_blocks()), part = static_cast<int>(cluster.block_rank());
  const int first_column = static_cast<int>(blockIdx.x) / parts * kStreamColumns;
  const int begin = o.stretches * part / parts, end = o.stretches * (part + 1) / parts;
  const int warp = static_cast<int>(threadIdx.x) >> 5, lane = static_cast<int>(threadIdx.x) & 31;
  if (threadIdx.x == 0) {
    for (int i = 0; i < Ring::kStages; i++) {
      init_barrier(&full[i], 1);
      init_barrier(&empty[i], 8);
    }
    publish_barriers();
  }
  __syncthreads();
  int stage = 0;
  uint32_t parity = 0;
  const auto advance = [&] {
    if (++stage == Ring::kStages) {
      stage = 0;
      parity ^= 1;
    }
  };
  float sums[kRows / 2] = {};
  if (warp < 8) {
    for (int i = begin; i < end; i++, advance()) {
      wait_phase(&full[stage], parity);
      const uint32_t base = shared_address(ring + stage * Ring::kStageBytes);
      const uint64_t a = swizzled_rows(base + (warp >> 2) * (64 * kStreamDepth));
      const uint64_t b = swizzled_rows(base + kStreamColumns * kStreamDepth);
      float stretch[kRows / 2];
      order_registers();
#pragma unroll
      for (int step = 0; step < 4; step++) multiply_shared(stretch, a + 2 * step, b + 2 * step, step > 0, f8());  // 32 bytes on
      close_group();
      wait_groups<0>();
      settle(stretch);
      if (lane == 0) arrive(&empty[stage]);
#pragma unroll
      for (int j = 0; j < kRows / 2; j++) sums[j] += stretch[j];
    }
  } else if (lane == 0) {
    for (int i = begin; i < end; i++, advance()) {
      wait_phase(&empty[stage], parity ^ 1);
      unsigned char* to = ring + stage * Ring::kStageBytes;
      arrive_expecting(&full[stage], Ring::kStageBytes);
      copy_box(to, &o.weight, &full[stage], i * kStreamDepth, first_column);
      copy_box(to + kStreamColumns * kStreamDepth, &o.x, &full[stage], i * kStreamDepth, 0);
    }
  }
  __syncthreads();  // everyone is done with the ring
  float* own = reinterpret_cast<float*>(ring);
  if (warp < 8) {
    const int column = warp * 16 + (lane >> 2), row = (lane & 3) * 2;
#pragma unroll
    for (int j = 0; j < kRows / 2; j++) own[(j / 4 * 8 + row + j % 2) * kPartStride + column + j % 4 / 2 * 8] = sums[j];
  }
  cluster.sync();
  const int slice = kRows / parts;
  for (int unit = static_cast<int>(threadIdx.x); unit < slice * 32; unit += 288) {
    const int row = part * slice + unit / 32, column = first_column + unit % 32 * 4;
    if (row >= o.rows || column >= o.out) continue;
    float sum[4] = {};
    for (int i = 0; i < parts; i++) {
      const float4 other = *reinterpret_cast<const float4*>(cluster.map_shared_rank(own, i) + row * kPartStride + unit % 32 * 4);
      sum[0] += other.x, sum[1] += other.y, sum[2] += other.z, sum[3] += other.w;
    }
    const float x_scale = o.x_scale[row];
    T* y = static_cast<T*>(o.y) + row * o.y_stride + column;
#pragma unroll
    for (int e = 0; e < 4; e++) {
      if (column + e >= o.out) break;
      const float bias = o.bias != nullptr ? to_f32(static_cast<const T*>(o.bias)[column + e]) : 0.0f;
      y[e] = from_f32<T>(fmaf(sum[e], x_scale * o.weight_scale[column + e], bias));
    }
  }
  cluster.sync();  // no block leaves while another reads its part
#endif
}

}  // namespace trtllm::cuda
