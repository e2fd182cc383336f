#pragma once
#include <trtllm/ptx/tensor-copy.sm90.cuh>

#include "decode-work.cuh"

// A warp's own ring of boxes in shared memory: 32 tokens by up to 128 bytes of keys or of values. The warp that reads the
// boxes also asks for them: whenever it is done with one it asks for the box that is kBoxes further on, across pages and
// items, so that nothing but the ring's own barriers is ever waited for.
namespace trtllm::cuda {

// The cache as rows of kDim elements, `rows` of them.
struct DecodeMap {
  CUtensorMap cache;
  int32_t rows;
};

template <class C, int kDim, int kWarps>
struct DecodeRing {
  static constexpr int kRowBytes = kDim * static_cast<int>(sizeof(C)), kBlockBytes = kRowBytes < 128 ? kRowBytes : 128;
  static constexpr int kBlocks = kRowBytes / kBlockBytes, kBoxBytes = 32 * kBlockBytes;
  static constexpr int kRoom = (226 * 1024 - 8192) / kWarps / kBoxBytes, kBoxes = kRoom < 12 ? kRoom : 12;
  static constexpr int kBytes = 1024 + kWarps * kBoxes * kBoxBytes;

  // Byte of the 16-byte chunk `chunk` of row `key` in a box.
  static __device__ __forceinline__ uint32_t offset(int key, int chunk) {
    const int swizzled = kBlockBytes == 128 ? chunk ^ (key & 7) : chunk ^ (key >> 1 & 3);
    return static_cast<uint32_t>(key * kBlockBytes + swizzled * 16);
  }
};

// Segments on their way from the warp's asking side to its reading side. Each has two boxes or more, and two segments at most
// have none in the ring yet.
constexpr int kQueuedSegments = 8;

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

// What a warp keeps in shared memory beside its boxes.
template <int kBoxes>
struct DecodeWarp {
  uint64_t full[kBoxes];
  DecodeSegment segments[kQueuedSegments];
};

// The asking side. Up to 32 pages of a segment at a time are known by the lanes, and those after them on their way.
template <class C, int kDim, int kWarps, class Pages>
class DecodeRequests {
 public:
  using Ring = DecodeRing<C, kDim, kWarps>;
  using Warp = DecodeWarp<Ring::kBoxes>;

  __device__ __forceinline__ DecodeRequests(const AttentionOperands& o, const DecodeWork& work, const Pages& pages, const DecodeMap& map, Warp& warp,
                                            unsigned char* boxes, const DecodeCursor& cursor)
      : o_(o), work_(work), pages_(pages), map_(map), warp_(warp), boxes_(boxes), cursor_(cursor) {
    advance();
    advance();
  }

  // Asks for the next box, to be put where `stage` is, if there is one.
  __device__ __forceinline__ void ask(int stage) {
    if (page_ == count_) {
      if (next_count_ == 0) return;
      advance();
    }
    const int32_t page = __shfl_sync(kFullWarp, ids_, page_);
    if ((threadIdx.x & 31) == 0) {
      uint64_t* full = &warp_.full[stage];
      const int part = box_ / Ring::kBlocks, block = box_ % Ring::kBlocks;
      arrive_expecting(full, Ring::kBoxBytes);
      copy_box(boxes_ + stage * Ring::kBoxBytes, &map_.cache, full, block * (Ring::kBlockBytes / static_cast<int>(sizeof(C))),
               page < 0 ? map_.rows : ((page * 2 + part) * o_.kv_heads + kv_head_) * 32);
    }
    if (++box_ == 2 * Ring::kBlocks) box_ = 0, page_++;
  }

  // Segments that were queued so far; the reading side may take those.
  __device__ __forceinline__ int queued() const { return queued_; }

 private:
  // Steps on to the pages that were on their way, and asks the table for those after them.
  __device__ __forceinline__ void advance() {
    ids_ = next_ids_;
    count_ = next_count_;
    kv_head_ = next_head_;
    page_ = 0;
    if (column_ == end_) {
      DecodeSegment segment;
      if (!cursor_.next(o_, work_, segment)) {
        next_count_ = 0;
        return;
      }
      __syncwarp();
      if ((threadIdx.x & 31) == 0) warp_.segments[queued_ % kQueuedSegments] = segment;
      __syncwarp();
      queued_++;
      column_ = segment.begin;
      end_ = segment.end;
      next_head_ = segment.kv_head;
      slot_ = segment.slot;
    }
    next_count_ = end_ - column_ < 32 ? end_ - column_ : 32;
    const int lane = threadIdx.x & 31;
    next_ids_ = lane < next_count_ ? static_cast<int32_t>(pages_.page_in(slot_, column_ + lane)) : -1;
    column_ += next_count_;
  }

  const AttentionOperands& o_;
  const DecodeWork& work_;
  const Pages& pages_;
  const DecodeMap& map_;
  Warp& warp_;
  unsigned char* boxes_;
  DecodeCursor cursor_;
  int64_t slot_ = 0;
  int32_t ids_ = -1, count_ = 0, page_ = 0, box_ = 0, kv_head_ = 0;  // being asked for
  int32_t next_ids_ = -1, next_count_ = 0, next_head_ = 0;           // on their way
  int32_t column_ = 0, end_ = 0, queued_ = 0;
};

#endif

}  // namespace trtllm::cuda
