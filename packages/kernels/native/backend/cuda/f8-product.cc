#include "f8-product.h"

#include <attention/tensor-maps.h>

#include <algorithm>

namespace trtllm::cuda {

namespace {

int64_t parts(int64_t size, int64_t part) { return (size + part - 1) / part; }

// Microseconds of one round of tiles: stretches of 128 of k, each bound by products or by what shared memory delivers, and an end.
double round_us(double stretches, double columns, double rows) {
  return stretches * std::max(columns * rows / 41600, (columns + rows) / 825) + 1.17;
}

// Of cuBLASLt, whose tiles are 128 x 128 for such scales and whose ends overlap with the next round.
double library_us(int64_t rows, double stretches, int64_t out, int places) {
  return static_cast<double>(parts(parts(out, 128) * parts(rows, 128), places)) * (stretches * 0.36 + 0.49);
}

bool is_packed(const TensorRef& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride[0] * dtype_bytes(t.dtype) % 16 == 0;
}

F8Choice choose(const CublasLtLinear& o) {
  const F8Tiles all = o.y.dtype == DType::bf16 ? f8_tiles_bf16() : o.y.dtype == DType::f16 ? f8_tiles_f16() : F8Tiles{nullptr, 0};
  int device = 0, major = 0, places = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&places, cudaDevAttrMultiProcessorCount, device);
  const bool suits = major == 9 && all.count > 0 && places > 0 && is_packed(o.x) && is_packed(o.weight) && is_packed(o.y) &&
                     tensor_map_encoder() != nullptr;
  if (!suits) return {nullptr, false};
  return choose_f8_product(all.tiles, all.count, o.y.shape[0], o.x.shape[1], o.y.shape[1], places);
}

}  // namespace

F8Choice choose_f8_product(const F8Tile* tiles, int count, int64_t rows, int64_t in, int64_t out, int places) {
  const double stretches = static_cast<double>(parts(in, 128));
  F8Choice best{nullptr, false};
  double least = library_us(rows, stretches, out, places);
  for (int i = 0; i < count; i++) {
    const F8Tile& tile = tiles[i];
    const int64_t number = parts(out, tile.columns) * parts(rows, tile.rows), rest = number % places;
    const bool halved = tile.halves && rest > 0 && rest * 2 <= places;
    const double whole = round_us(stretches, tile.columns, tile.rows);
    const double us = halved ? static_cast<double>(number / places) * whole + round_us(stretches, tile.columns, tile.rows / 2)
                             : static_cast<double>(parts(number, places)) * whole;
    if (us >= least) continue;
    least = us;
    best = {&tile, halved};
  }
  return best;
}

bool f8_product(const CublasLtLinear& o, void* workspace, int64_t workspace_bytes, cudaStream_t stream, Status* status) {
  const F8Choice choice = choose(o);
  if (choice.tile != nullptr) {
    *status = choice.tile->launch(o, choice.halved, stream);
    return true;
  }
  return cublaslt_linear(o, workspace, workspace_bytes, stream, status);
}

}  // namespace trtllm::cuda
