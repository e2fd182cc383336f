#pragma once
#include <trtllm/ptx/named-barrier.cuh>
#include <trtllm/ptx/tensor-copy.sm90.cuh>
#include <trtllm/ptx/tensor-store.sm90.cuh>
#include <trtllm/ptx/warpgroup-product.sm90.cuh>

#include <type_traits>

// The pieces of the tiled product (product-tile.sm90.cuh): operands, tile shapes, shared memory, the order of tiles.
namespace trtllm::cuda {

// plain: y = a * b^T. blocks: each run of 128 k of a row of x has a scale, and each 128 x 128 of the weight.
enum class ProductForm { plain, blocks };

// `a` is the operand whose rows an instruction takes 64 at a time, `b` the other: x and the weight, or the weight and x. m, n: their rows.
struct ProductOperands {
  CUtensorMap a, b, y;
  const float *a_scale, *b_scale;         // one a row; null: 1
  const float *run_scale, *block_scale;   // blocks: [rows of x, stretches], [out / 128, stretches]
  const void* bias;                       // may be null
  int m, n, stretches;                    // stretches of 128 bytes of k
  int m_tiles, n_tiles, group, whole;     // whole: tiles that are not halved, the first ones
};

// E: elements of x and weight. T: of y and bias. A tile is kM x kN; of kN, warpgroup i has kM / kGroups rows of a from kM / kGroups * i.
template <class E_, class T_, int kM_, int kN_, int kGroups_, bool kWeightFirst_, ProductForm kForm_ = ProductForm::plain, bool kHalves_ = false>
struct ProductTile {
  using E = E_;
  using T = T_;
  static constexpr int kM = kM_, kN = kN_, kGroups = kGroups_;
  static constexpr bool kWeightFirst = kWeightFirst_;  // a is the weight
  static constexpr bool kHalves = kHalves_;            // the last tiles may be halved along n
  static constexpr ProductForm kForm = kForm_;
  static constexpr bool kRowScales = sizeof(E) == 1 && kForm != ProductForm::blocks;
  static constexpr int kDepth = 128 / sizeof(E), kTiles = kM / (64 * kGroups), kBoxes = kHalves ? 2 : 1;
  static constexpr int kThreads = (kGroups + 1) * 128;
  // y leaves through buffers of 128-byte rows: a warp's own 16 rows of y, or 16 or 32 rows and the 64 columns of a warpgroup.
  static constexpr int kUnits = kWeightFirst ? kGroups : kGroups * 4;
  static constexpr int kChunk = !kWeightFirst ? 64 : kN % 32 != 0 || (kHalves && kN % 64 != 0) ? 16 : 32;
  static constexpr int kBoxRows = kWeightFirst ? kChunk : 16, kBufferBytes = kBoxRows * 128;
  static constexpr int kStageBytes = (kM + kN) * 128, kStaging = kUnits * 2 * kBufferBytes;
  static constexpr int kColumns = kWeightFirst ? kM : kN, kInfoBytes = (kM + kN + kColumns + 4) * 4;
  static constexpr int kRoom = 232448 - kStaging - 2 * kInfoBytes - 256;
  static constexpr int kStages = kRoom / kStageBytes > 12 ? 12 : kRoom / kStageBytes;
  static constexpr int kInfo = kStages * kStageBytes + kStaging, kBarriers = kInfo + 2 * kInfoBytes;
  static constexpr int kBytes = kBarriers + kStages * 16 + 32;
  static_assert(kBytes <= 232448 && kM % (64 * kGroups) == 0 && kN % 16 == 0);
  static_assert(kForm != ProductForm::blocks || (kWeightFirst ? kM : kN) <= 128);
  static_assert(kWeightFirst || (kN % 64 == 0 && (!kHalves || kN % 128 == 0)));
};

// Where a tile lies: rows of a and b, and how many of b.
struct ProductPlace {
  int m0, n0, width;
};

// Tiles run along the rows of y first, `group` of them at a time, so that what runs at once shares operands in L2.
template <class Tile>
__device__ __forceinline__ ProductPlace place_of(const ProductOperands& o, int item) {
  const bool half = Tile::kHalves && item >= o.whole;
  const int tile = half ? o.whole + (item - o.whole) / 2 : item;
  const int inner = Tile::kWeightFirst ? o.n_tiles : o.m_tiles, outer = Tile::kWeightFirst ? o.m_tiles : o.n_tiles;
  const int first = tile / (o.group * outer) * o.group, size = min(o.group, inner - first), rest = tile - first * outer;
  const int row = first + rest % size, column = rest / size;
  ProductPlace place{(Tile::kWeightFirst ? column : row) * Tile::kM, (Tile::kWeightFirst ? row : column) * Tile::kN, Tile::kN};
  if (half) {
    place.width = Tile::kN / 2;
    place.n0 += (item - o.whole) % 2 * place.width;
  }
  return place;
}

template <class Tile>
__device__ __forceinline__ int product_items(const ProductOperands& o) {
  const int tiles = o.m_tiles * o.n_tiles;
  return Tile::kHalves ? 2 * tiles - o.whole : tiles;
}

// Shared memory: stages of kM + kN rows of 128 bytes, swizzled; buffers of y; for two tiles scales of m, scales of n, bias of columns and
// the place; two barriers for each.
template <class Tile>
struct ProductMemory {
  unsigned char* ring;
  __device__ __forceinline__ unsigned char* stage(int i) const { return ring + i * Tile::kStageBytes; }
  __device__ __forceinline__ unsigned char* buffers(int unit) const {
    return ring + Tile::kStages * Tile::kStageBytes + unit * 2 * Tile::kBufferBytes;
  }
  __device__ __forceinline__ float* info(int slot) const { return reinterpret_cast<float*>(ring + Tile::kInfo + slot * Tile::kInfoBytes); }
  __device__ __forceinline__ uint64_t* full(int i) const { return reinterpret_cast<uint64_t*>(ring + Tile::kBarriers) + i; }
  __device__ __forceinline__ uint64_t* empty(int i) const { return full(Tile::kStages + i); }
  __device__ __forceinline__ uint64_t* known(int slot) const { return full(2 * Tile::kStages + slot); }
  __device__ __forceinline__ uint64_t* written(int slot) const { return full(2 * Tile::kStages + 2 + slot); }
};

// A stage of the ring and the parity of its turn.
template <int kStages>
struct RingCursor {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

template <class T>
__device__ __forceinline__ uint32_t pack_pair(float low, float high) {
  const T a = from_f32<T>(low), b = from_f32<T>(high);
  return *reinterpret_cast<const uint16_t*>(&a) | static_cast<uint32_t>(*reinterpret_cast<const uint16_t*>(&b)) << 16;
}
template <>
__device__ __forceinline__ uint32_t pack_pair<bf16>(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

}  // namespace trtllm::cuda
