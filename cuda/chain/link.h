#pragma once
#include <attention/rotary-step.h>

// What a chain is made of: the work of a decode step of one row, in order, as one resident kernel runs it
// (chain.sm90.cuh). All pointers are device memory.
namespace trtllm::cuda {

enum class LinkKind : int32_t { linear, attention };
enum class LinkWeight : int32_t { floats, f8, i8 };
enum class LinkGate : int32_t { none, silu, gelu_tanh };
enum class LinkResidual : int32_t { none, kept, memory };

// A vector that links hand over: elements that nobody has written yet are absent (chain-block.cuh). There are two of each,
// for even and odd launches, ChainProgram::flip_bytes apart: a launch clears those of the one before.
struct HandedOver {
  int64_t at;  // bytes from ChainProgram::handed; 0: none
};

// The vector a linear multiplies: v = x, residual + x, or residual + norm(x); then norm(v) where there is a weight for it;
// norm(v) = v / sqrt(mean(v^2) + eps) * weight. Every block makes it for itself and keeps v as the next residual: a row is
// small, and a meeting of all blocks costs more.
struct LinkInput {
  HandedOver x;             // or
  const void* memory;       // x as it was before the launch; neither: x is nothing
  LinkResidual residual;
  const void* residual_memory;
  const float *x_norm, *norm;  // may be null
  void* sum;                // where v is stored for nodes behind the chain; null: nowhere
  const int32_t* row;       // where this is not 0, x is not the row asked for, and v = 0; null: it is
  float x_eps, eps;
  bool same;                // the input of the link before, which was a linear too; nothing else counts then
  bool keep;                // v is the next residual
};

// y = v * weight^T + bias, or gate(first half of that) * second half.
struct LinearLink {
  LinkInput input;
  const void* weight;         // [out, in], rows `row_bytes` apart
  const float* weight_scale;  // one for each column of y: 8-bit weights only
  const void* bias;           // may be null
  HandedOver y;               // to the next link
  void* result;               // to memory; null: nowhere
  int64_t row_bytes;
  LinkWeight weight_kind;
  LinkGate gate;
  int32_t in, out;            // `out` counts both halves of a gated linear
  int32_t tiles, first_tile;  // of kTileColumns columns; tile i is the work of block (first_tile + i) % blocks
  bool f32_result;
};

// The one query of a sequence: q and k are normed where there are weights for it, and rotated; k and v are written to the
// sequence's page; y = softmax(scale * q k^T) v over its pages. Heads lie one after the other.
struct AttentionLink {
  HandedOver q, k, v, y;
  void* result;                  // y to memory; null: nowhere
  const float *q_norm, *k_norm;  // for one head; both or none
  float norm_eps;
  int32_t rotary;                // which table of the program; -1: not rotated
  const int32_t *token_slot, *position;               // where k and v go
  const int32_t *seq_slot, *seq_start, *seq_context;  // what is read
  const int32_t* table;
  int64_t slots, columns, table_stride;
  void* cache;
  int64_t num_pages, page_stride, part_stride, head_stride;  // elements; the tokens of a page lie together
  const float* sinks;
  int32_t heads, kv_heads, parts, window;  // a part: up to kPartHeads heads that share a kv head
  float scale, softcap;
  int32_t max_splits;
  HandedOver values, masses;     // of splits, f32: [kv_heads * parts][max_splits][part heads][head_dim], the same of two
};

struct alignas(16) Link {
  LinkKind kind;
  union {
    LinearLink linear;
    AttentionLink attention;
  };
};

constexpr int kTileColumns = 16, kPartHeads = 8, kMaxSplits = 16, kMaxRotaryTables = 2, kMaxChainHalf = 128;

struct ChainProgram {
  const Link* links;
  int32_t num_links;
  unsigned char* handed;  // absent everywhere, before the first launch
  int64_t flip_bytes;
  uint32_t* launches;     // how many there were, for each block
  int32_t stages, flight;             // of the ring; how many may be on their way
  int32_t input_offset, ring_offset;  // in shared memory
  int32_t num_rotary;
  RotaryStep rotary[kMaxRotaryTables];
};

}  // namespace trtllm::cuda
