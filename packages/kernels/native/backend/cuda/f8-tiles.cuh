#pragma once
#include "f8-product.h"
#include "product-launch.cuh"

// The tiles that f8_product chooses among, for y in T. Chosen so that of 78 pairs of shape and rows (docs/kernels/gemm.md) each has one
// within a percent of the best of 22. HAZARD: an object for each T; together they would take nvcc minutes.
namespace trtllm::cuda {

template <class T, int kColumns, int kRows, int kGroups, bool kHalves = false>
constexpr F8Tile f8_tile() {
  return {kColumns, kRows, kHalves, launch_product<ProductTile<f8, T, kColumns, kRows, kGroups, true, ProductForm::plain, kHalves>>};
}

template <class T>
F8Tiles f8_tiles() {
#ifdef TRTLLM_SM90A
  static constexpr F8Tile kTiles[] = {
      f8_tile<T, 64, 16, 1>(),        f8_tile<T, 64, 32, 1>(),        f8_tile<T, 64, 64, 1>(),        f8_tile<T, 64, 96, 1>(),
      f8_tile<T, 128, 64, 2, true>(), f8_tile<T, 128, 96, 2, true>(), f8_tile<T, 128, 128, 2, true>(), f8_tile<T, 128, 192, 2, true>(),
      f8_tile<T, 128, 224, 2, true>(), f8_tile<T, 128, 256, 2, true>(), f8_tile<T, 192, 64, 3>(),     f8_tile<T, 192, 96, 3>(),
      f8_tile<T, 192, 128, 3, true>(),
  };
  return {kTiles, sizeof kTiles / sizeof *kTiles};
#else
  return {nullptr, 0};
#endif
}

}  // namespace trtllm::cuda
