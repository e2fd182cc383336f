#pragma once
#include <attention/tensor-maps.h>
#include <gemm/product-tile.sm90.cuh>

#include "cublaslt.h"
#include "launch.cuh"

// Launching a tiled product (gemm/product-tile.sm90.cuh). x is [rows, in], weight [out, in], y [rows, out]; all
// rows begin at multiples of 16 bytes.
namespace trtllm::cuda {

template <class Tile>
bool describe_operands(const CublasLtLinear& o, ProductOperands* to) {
  constexpr int64_t kSize = sizeof(typename Tile::E), kResult = sizeof(typename Tile::T);
  const auto describe = [](CUtensorMap* map, const TensorRef& t, int64_t element_bytes, uint32_t columns, uint32_t rows) {
    const uint64_t sizes[2] = {static_cast<uint64_t>(t.shape[1]), static_cast<uint64_t>(t.shape[0])};
    const uint64_t strides[1] = {static_cast<uint64_t>(t.stride[0] * element_bytes)};
    const uint32_t box[2] = {columns, rows};
    return make_tensor_map(map, t.data, map_type(element_bytes), 2, sizes, strides, box, 128);
  };
  constexpr uint32_t kBox = Tile::kN / Tile::kBoxes;
  const TensorRef &a = Tile::kWeightFirst ? o.weight : o.x, &b = Tile::kWeightFirst ? o.x : o.weight;
  return describe(&to->a, a, kSize, Tile::kDepth, Tile::kM) && describe(&to->b, b, kSize, Tile::kDepth, kBox) &&
         describe(&to->y, o.y, kResult, 128 / kResult, Tile::kBoxRows);
}

// `halved`: the tiles of the last round are, where they are at most half of a round.
template <class Tile>
Status launch_product(const CublasLtLinear& o, bool halved, cudaStream_t stream) {
  ProductOperands p{};
  if (!describe_operands<Tile>(o, &p)) {
    return Status::error(Code::device, "linear: the driver refuses to describe x, the weight or y to the copy engine");
  }
  constexpr bool kBlocks = Tile::kForm == ProductForm::blocks;
  const float *x_scale = kBlocks ? nullptr : o.x_scale, *weight_scale = kBlocks ? nullptr : o.weight_scale;
  p.a_scale = Tile::kWeightFirst ? weight_scale : x_scale;
  p.b_scale = Tile::kWeightFirst ? x_scale : weight_scale;
  p.run_scale = kBlocks ? o.x_scale : nullptr;
  p.block_scale = kBlocks ? o.weight_scale : nullptr;
  p.bias = o.bias.present() ? o.bias.data : nullptr;
  const int rows = static_cast<int>(o.y.shape[0]), out = static_cast<int>(o.y.shape[1]);
  p.m = Tile::kWeightFirst ? out : rows;
  p.n = Tile::kWeightFirst ? rows : out;
  const auto parts = [](int64_t size, int64_t part) { return static_cast<int>((size + part - 1) / part); };
  p.stretches = parts(o.x.shape[1], Tile::kDepth);
  p.m_tiles = parts(p.m, Tile::kM);
  p.n_tiles = parts(p.n, Tile::kN);
  p.group = 16;
  const int tiles = p.m_tiles * p.n_tiles, places = multiprocessors(), rest = tiles % places;
  const bool halves = Tile::kHalves && halved && rest * 2 <= places;
  p.whole = halves ? tiles - rest : tiles;
  const int items = halves ? tiles + rest : tiles;
  const auto kernel = product_tile_kernel<Tile>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::kBytes);
  kernel<<<static_cast<unsigned>(items < places ? items : places), Tile::kThreads, Tile::kBytes, stream>>>(p);
  return launched("linear");
}

}  // namespace trtllm::cuda
