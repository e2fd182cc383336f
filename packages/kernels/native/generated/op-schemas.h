// Written by scripts/generate.mjs (pnpm gen); do not edit.
#pragma once
#include <cstdint>

// What a plan checks of a node before it runs.
namespace trtllm {

constexpr int kMaxOperands = 13;

struct OperandRule {
  const char* name;
  bool optional;
  bool is_weight;   // may be in panel layout
  int8_t updates;   // operand whose storage this result is; -1: its own
  int8_t rank;
  int8_t dims[5];   // per axis: number of the op's named size
  int32_t fixed[5]; // per axis: the size, or -1 where it is named
  const char* dtype;  // "f32", ..., "float", or "=name" of the operand it must equal; "|f32" after it allows f32 too
};

struct OpRule {
  const char* name;
  int num_inputs;
  int num_outputs;
  int num_attributes;
  OperandRule operands[kMaxOperands];
};

inline constexpr OpRule kOpRules[] = {
    {"add", 2, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"z", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"add-rms-norm", 3, 2, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"sum", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
      {"normed", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"all-gather", 1, 1, 2, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"all-reduce", 1, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"apply-deltas", 4, 1, 0, {
      {"deltas", false, false, -1, 2, {0, -1, -1, -1, -1}, {-1, 3, -1, -1, -1}, "i32"},
      {"numDeltas", false, false, -1, 1, {-1, -1, -1, -1, -1}, {1, -1, -1, -1, -1}, "i32"},
      {"data", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slots", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slots", false, false, 3, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=slots"},
    }},
    {"copy-pages", 4, 1, 1, {
      {"copies", false, false, -1, 2, {0, -1, -1, -1, -1}, {-1, 4, -1, -1, -1}, "i32"},
      {"numCopies", false, false, -1, 1, {-1, -1, -1, -1, -1}, {1, -1, -1, -1, -1}, "i32"},
      {"source", false, false, -1, 5, {1, -1, 2, 3, 4}, {-1, 2, -1, -1, -1}, "float"},
      {"cache", false, false, -1, 5, {5, -1, 2, 3, 4}, {-1, 2, -1, -1, -1}, "float"},
      {"cache", false, false, 3, 5, {5, -1, 2, 3, 4}, {-1, 2, -1, -1, -1}, "=cache"},
    }},
    {"embed", 2, 1, 0, {
      {"ids", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"weight", false, true, -1, 2, {1, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=weight"},
    }},
    {"gather-rows", 2, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"index", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"y", false, false, -1, 2, {2, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"gather-tokens", 3, 1, 0, {
      {"tokenSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"positions", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slotTokens", false, false, -1, 2, {1, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"ids", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
    }},
    {"gelu-tanh", 1, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"gelu-tanh-mul", 2, 1, 0, {
      {"gate", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"up", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=gate"},
    }},
    {"head-layer-norm", 2, 1, 1, {
      {"x", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 2, {1, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"y", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"head-rms-norm", 2, 1, 1, {
      {"x", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", true, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"y", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"kv-write", 6, 1, 0, {
      {"k", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"v", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"tokenSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"positions", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"pageTable", false, false, -1, 2, {3, 4, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"cache", false, false, -1, 5, {5, -1, 1, 6, 2}, {-1, 2, -1, -1, -1}, "float"},
      {"cache", false, false, 5, 5, {5, -1, 1, 6, 2}, {-1, 2, -1, -1, -1}, "=cache"},
    }},
    {"layer-norm", 3, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"bias", true, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"linear", 3, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, true, -1, 2, {2, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"bias", true, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x|f32"},
    }},
    {"linear-f8", 4, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, true, -1, 2, {2, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f8"},
      {"weightScale", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"bias", true, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x|f32"},
    }},
    {"linear-i8", 4, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, true, -1, 2, {2, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i8"},
      {"weightScale", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"bias", true, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 2, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x|f32"},
    }},
    {"logprobs", 4, 4, 0, {
      {"logits", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"token", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"rowSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"sampling", false, false, -1, 2, {2, 3, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"chosen", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"rank", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"topIds", false, false, -1, 2, {0, -1, -1, -1, -1}, {-1, 20, -1, -1, -1}, "i32"},
      {"topLogprobs", false, false, -1, 2, {0, -1, -1, -1, -1}, {-1, 20, -1, -1, -1}, "f32"},
    }},
    {"mul", 2, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"z", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"norm-rope-kv-write", 11, 2, 7, {
      {"q", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"k", false, false, -1, 3, {0, 3, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"v", false, false, -1, 3, {0, 3, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"qWeight", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"kWeight", false, false, -1, 1, {2, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"positions", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"inverseFrequencies", false, false, -1, 2, {4, 5, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"variant", true, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"tokenSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"pageTable", false, false, -1, 2, {6, 7, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"cache", false, false, -1, 5, {8, -1, 3, 9, 2}, {-1, 2, -1, -1, -1}, "float"},
      {"q", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=q"},
      {"cache", false, false, 10, 5, {8, -1, 3, 9, 2}, {-1, 2, -1, -1, -1}, "=cache"},
    }},
    {"paged-attention", 7, 1, 3, {
      {"q", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"seqSlot", false, false, -1, 1, {3, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"seqStart", false, false, -1, 1, {4, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"seqContext", false, false, -1, 1, {3, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"pageTable", false, false, -1, 2, {5, 6, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"cache", false, false, -1, 5, {7, -1, 8, 9, 2}, {-1, 2, -1, -1, -1}, "float"},
      {"sinks", true, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"y", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=q"},
    }},
    {"penalize", 6, 1, 0, {
      {"logits", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"rowSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"rowPosition", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slotTokens", false, false, -1, 2, {2, 3, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"sampling", false, false, -1, 2, {2, 4, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"lists", false, false, -1, 2, {2, 5, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"processed", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
    }},
    {"rms-norm", 2, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"rms-norm-add", 3, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"sum", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"rms-norm-add-rms-norm", 4, 2, 2, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"weight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"nextWeight", false, false, -1, 1, {1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"sum", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
      {"normed", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"rope", 4, 1, 6, {
      {"x", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"positions", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"inverseFrequencies", false, false, -1, 2, {3, 4, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"variant", true, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"y", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"rope-kv-write", 9, 2, 6, {
      {"q", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"k", false, false, -1, 3, {0, 3, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"v", false, false, -1, 3, {0, 3, 2, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"positions", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"inverseFrequencies", false, false, -1, 2, {4, 5, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"variant", true, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"tokenSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"pageTable", false, false, -1, 2, {6, 7, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"cache", false, false, -1, 5, {8, -1, 3, 9, 2}, {-1, 2, -1, -1, -1}, "float"},
      {"q", false, false, -1, 3, {0, 1, 2, -1, -1}, {-1, -1, -1, -1, -1}, "=q"},
      {"cache", false, false, 8, 5, {8, -1, 3, 9, 2}, {-1, 2, -1, -1, -1}, "=cache"},
    }},
    {"sample", 6, 2, 0, {
      {"logits", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "f32"},
      {"rowSlot", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"rowPosition", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"rowSample", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"sampling", false, false, -1, 2, {2, 3, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slotTokens", false, false, -1, 2, {2, 4, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"token", false, false, -1, 1, {0, -1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "i32"},
      {"slotTokens", false, false, 5, 2, {2, 4, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=slotTokens"},
    }},
    {"scale", 1, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"silu", 1, 1, 0, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
    {"silu-mul", 2, 1, 0, {
      {"gate", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"up", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=gate"},
    }},
    {"softcap", 1, 1, 1, {
      {"x", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "float"},
      {"y", false, false, -1, 2, {0, 1, -1, -1, -1}, {-1, -1, -1, -1, -1}, "=x"},
    }},
};

}  // namespace trtllm
