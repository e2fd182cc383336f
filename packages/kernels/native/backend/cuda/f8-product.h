#pragma once
#include "cublaslt.h"

// y = x * weight^T with x and weight in f8, a scale for each row of both: by tiles of our own on Hopper or by cuBLASLt, whichever is
// expected to be faster.
namespace trtllm::cuda {

// One shape of gemm/product-tile.sm90.cuh with the weight as its first operand: columns of y, rows of y.
struct F8Tile {
  int columns, rows;
  bool halves;  // its last round may be of half tiles
  Status (*launch)(const CublasLtLinear&, bool halved, cudaStream_t);
};

// A tile (null: cuBLASLt) and whether the last round is halved.
struct F8Choice {
  const F8Tile* tile;
  bool halved;
};

// What is expected to take least time on `places` multiprocessors.
F8Choice choose_f8_product(const F8Tile* tiles, int count, int64_t rows, int64_t in, int64_t out, int places);

// The shapes that a build has, by type of y. Empty without sm_90a.
struct F8Tiles {
  const F8Tile* tiles;
  int count;
};
F8Tiles f8_tiles_bf16();
F8Tiles f8_tiles_f16();

// Runs it on the current device; false where neither can. Enqueues nothing then.
bool f8_product(const CublasLtLinear&, void* workspace, int64_t workspace_bytes, cudaStream_t, Status*);

}  // namespace trtllm::cuda
