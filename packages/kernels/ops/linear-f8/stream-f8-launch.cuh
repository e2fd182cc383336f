#pragma once
#include <attention/tensor-maps.h>
#include <gemm/stream-f8.sm90.cuh>

#include "../../native/backend/cuda/few-rows.cuh"

// Launching the f8 stream of sm_90a (gemm/stream-f8.sm90.cuh): whether a call suits it, and how it is cut into blocks.
namespace trtllm::cuda {

constexpr int64_t kMaxStreamF8Rows = 64;

// Blocks of a cluster that share a tile's k: the number that leaves the fewest stretches on the longest path through the
// multiprocessors, with two for joining at each doubling. A block takes four at least.
inline int stream_f8_parts(int64_t tiles, int64_t stretches, int64_t places) {
  int best = 1;
  int64_t least = INT64_MAX;
  for (int parts = 1, joins = 0; parts <= 8 && (parts == 1 || stretches / parts >= 4); parts *= 2, joins++) {
    const int64_t path = (tiles * parts + places - 1) / places * ((stretches + parts - 1) / parts) + 2 * joins;
    if (path >= least) continue;
    least = path;
    best = parts;
  }
  return best;
}

struct StreamF8Cut {
  int64_t tiles, stretches;
  int parts;
  bool suits;
};

// Suits where all blocks are on the multiprocessors at once and most of the places are taken: there it beats cuBLASLt, which
// does not split such sums.
inline StreamF8Cut cut_stream_f8(int64_t rows, int64_t in, int64_t out) {
  StreamF8Cut cut{(out + kStreamColumns - 1) / kStreamColumns, (in + kStreamDepth - 1) / kStreamDepth, 1, false};
#ifdef TRTLLM_SM90A
  int device = 0, major = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  const int64_t places = multiprocessors() / 4 * 4 * 2;
  cut.parts = stream_f8_parts(cut.tiles, cut.stretches, places);
  const int64_t blocks = cut.tiles * cut.parts;
  cut.suits = rows <= kMaxStreamF8Rows && major == 9 && in <= INT32_MAX && blocks <= places && blocks * 10 >= places * 7 &&
              tensor_map_encoder() != nullptr;
#else
  (void)rows;
#endif
  return cut;
}

template <class T, int kRows>
Status run_stream_f8(const StreamF8Cut& cut, StreamF8Operands& o, const void* x, const void* weight, int64_t in,
                     int64_t weight_stride, cudaStream_t stream) {
  const uint64_t x_sizes[2] = {static_cast<uint64_t>(in), static_cast<uint64_t>(o.rows)};
  const uint64_t sizes[2] = {static_cast<uint64_t>(in), static_cast<uint64_t>(o.out)};
  const uint64_t x_strides[1] = {static_cast<uint64_t>(in)}, strides[1] = {static_cast<uint64_t>(weight_stride)};
  const uint32_t x_box[2] = {kStreamDepth, kRows}, box[2] = {kStreamDepth, kStreamColumns};
  if (!make_tensor_map(&o.x, x, map_type(1), 2, x_sizes, x_strides, x_box, 128) ||
      !make_tensor_map(&o.weight, weight, map_type(1), 2, sizes, strides, box, 128)) {
    return Status::error(Code::device, "linear-f8: the driver refuses to describe x or the weight to the copy engine");
  }
  const auto kernel = linear_stream_f8_kernel<T, kRows>;
  constexpr int kBytes = StreamF8Ring<kRows>::kBytes;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = static_cast<unsigned>(cut.parts);
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = static_cast<unsigned>(cut.tiles * cut.parts);
  config.blockDim = 288;
  config.dynamicSmemBytes = kBytes;
  config.stream = stream;
  config.attrs = &cluster;
  config.numAttrs = 1;
  cudaLaunchKernelEx(&config, kernel, o);
  return launched("linear-f8");
}

}  // namespace trtllm::cuda
