#pragma once
#include "latent-decode.sm90.cuh"
#include "latent-stream.sm90.cuh"
#include "tensor-maps.h"

// Launches of the sm_90a kernels of latent attention and of what joins their pieces.
namespace trtllm::cuda {

// Memory of a slice: queries [tokens, heads, 576], sums [tokens, heads, 512], and room for pieces.
template <class T>
struct LatentRoom {
  T *queries, *sums;
  void* pieces;
};

// Rows that a kernel takes together: 16 and 32 are streamed past, 64 is a block and 128 two that share what they copy.
inline int32_t latent_rows_together(int64_t rows_a_sequence) {
  return rows_a_sequence <= 16 ? 16 : rows_a_sequence <= 32 ? 32 : rows_a_sequence <= 64 ? 64 : 128;
}

// Enough for any number of rows together.
inline int64_t latent_room_bytes(int64_t processors) { return latent_piece_bytes(processors, kLatentRows, kLatentRank); }

template <class T, class Pages>
bool make_latent_maps(LatentMaps* maps, const LatentOperands& o, const Pages& pages, const T* queries, int32_t box_rows) {
  maps->rows = static_cast<int32_t>(pages.num_pages * 32);
  const uint64_t stride[1] = {kLatentWidth * sizeof(T)}, cache_size[2] = {kLatentWidth, static_cast<uint64_t>(maps->rows)};
  const uint64_t query_size[2] = {kLatentWidth, static_cast<uint64_t>(o.tokens * o.heads)};
  const uint32_t cache_box[2] = {64, 32}, query_box[2] = {64, static_cast<uint32_t>(box_rows)};
  return make_tensor_map(&maps->cache, pages.cache, map_type(sizeof(T)), 2, cache_size, stride, cache_box, 128) &&
         make_tensor_map(&maps->queries, queries, map_type(sizeof(T)), 2, query_size, stride, query_box, 128);
}

// `kernel` on every multiprocessor, `bytes` of shared memory for each block.
template <class Kernel, class... Operands>
cudaError_t launch_latent(Kernel kernel, int blocks, int threads, int bytes, cudaStream_t stream, const Operands&... operands) {
  const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (allowed != cudaSuccess) return allowed;
  kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), static_cast<size_t>(bytes), stream>>>(operands...);
  return cudaGetLastError();
}

// From the queries of a slice to its sums, of sequences of `least` to `most` queries; tokens of no sequence get zeros.
// cudaErrorInvalidValue: the driver does not describe the operands to the copy engine.
template <class T, class Pages>
cudaError_t attend_latents(const LatentOperands& o, const Pages& pages, const LatentRoom<T>& room, int32_t rows_together, int32_t least,
                           int32_t most, int processors, cudaStream_t stream) {
  LatentPieces pieces{};
  pieces.workers = rows_together == 128 ? processors / 2 : processors;
  pieces.rows_together = rows_together;
  pieces.least = least;
  pieces.most = most;
  pieces.values = static_cast<float*>(room.pieces);
  pieces.masses = reinterpret_cast<float2*>(pieces.values + int64_t{2} * pieces.workers * rows_together * kLatentRank);
  LatentMaps maps{};
  if (!make_latent_maps(&maps, o, pages, room.queries, rows_together < kLatentRows ? rows_together : kLatentRows)) return cudaErrorInvalidValue;
  const auto launch = [&](auto kernel, int cluster, int threads, int bytes) {
    return launch_latent(kernel, pieces.workers * cluster, threads, bytes, stream, o, pieces, pages, maps, room.sums);
  };
  const cudaError_t error =
      rows_together == 16   ? launch(latent_stream_kernel<T, Pages, 16>, 1, kLatentStreamThreads, LatentStream<16>::kBytes)
      : rows_together == 32 ? launch(latent_stream_kernel<T, Pages, 32>, 1, kLatentStreamThreads, LatentStream<32>::kBytes)
      : rows_together == 64 ? launch(latent_decode_kernel<T, Pages, 1>, 1, kLatentDecodeThreads, kLatentDecodeBytes + 2048)
                            : launch(latent_decode_kernel<T, Pages, 2>, 2, kLatentDecodeThreads, kLatentDecodeBytes + 2048);
  if (error != cudaSuccess) return error;
  const int64_t rows = o.tokens * o.heads, together = int64_t{8} * processors;
  if (rows <= together) {
    latent_join_kernel<T, kLatentRank, 8><<<static_cast<unsigned>(rows), 256, 0, stream>>>(o, pieces, room.sums);
  } else {
    const int64_t blocks = (rows + 7) / 8 < together ? (rows + 7) / 8 : together;
    latent_join_kernel<T, kLatentRank, 1><<<static_cast<unsigned>(blocks), 256, 0, stream>>>(o, pieces, room.sums);
  }
  return cudaGetLastError();
}

}  // namespace trtllm::cuda
