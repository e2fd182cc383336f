// Written by scripts/generate.mjs (pnpm gen); do not edit.
#pragma once
#include "../core/kernel.h"

// Typed views of an OpCall, one per op. An absent optional operand is !present(). A result that updates an input is
// that input; another result that shares an input's name ends in _out.
// HAZARD: compiled once per ISA, hence always inlined.
namespace trtllm {

struct AddArgs {
  TensorRef x;
  TensorRef y;
  TensorRef z;

  [[gnu::always_inline]] static AddArgs from(const OpCall& call) {
    AddArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.z = call.operands[2];
    return a;
  }
};

struct AddRmsNormArgs {
  TensorRef x;
  TensorRef y;
  TensorRef weight;
  TensorRef sum;
  TensorRef normed;
  float eps;

  [[gnu::always_inline]] static AddRmsNormArgs from(const OpCall& call) {
    AddRmsNormArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.weight = call.operands[2];
    a.sum = call.operands[3];
    a.normed = call.operands[4];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct AddRmsNormLinearF8Args {
  TensorRef x;
  TensorRef added;
  TensorRef norm_weight;
  TensorRef weight;
  TensorRef weight_scale;
  TensorRef bias;
  TensorRef sum;
  TensorRef y;
  float eps;

  [[gnu::always_inline]] static AddRmsNormLinearF8Args from(const OpCall& call) {
    AddRmsNormLinearF8Args a;
    a.x = call.operands[0];
    a.added = call.operands[1];
    a.norm_weight = call.operands[2];
    a.weight = call.operands[3];
    a.weight_scale = call.operands[4];
    a.bias = call.operands[5];
    a.sum = call.operands[6];
    a.y = call.operands[7];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct AllGatherArgs {
  TensorRef x;
  TensorRef y;
  int32_t ranks;
  int32_t whole;

  [[gnu::always_inline]] static AllGatherArgs from(const OpCall& call) {
    AllGatherArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.ranks = static_cast<int32_t>(call.attributes[0]);
    a.whole = static_cast<int32_t>(call.attributes[1]);
    return a;
  }
};

struct AllReduceArgs {
  TensorRef x;
  TensorRef y;
  int32_t ranks;

  [[gnu::always_inline]] static AllReduceArgs from(const OpCall& call) {
    AllReduceArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.ranks = static_cast<int32_t>(call.attributes[0]);
    return a;
  }
};

struct ApplyDeltasArgs {
  TensorRef deltas;
  TensorRef num_deltas;
  TensorRef data;
  TensorRef slots;

  [[gnu::always_inline]] static ApplyDeltasArgs from(const OpCall& call) {
    ApplyDeltasArgs a;
    a.deltas = call.operands[0];
    a.num_deltas = call.operands[1];
    a.data = call.operands[2];
    a.slots = call.operands[3];
    return a;
  }
};

struct ClampedSiluMulArgs {
  TensorRef x;
  TensorRef y;
  TensorRef z;
  float limit;
  float alpha;

  [[gnu::always_inline]] static ClampedSiluMulArgs from(const OpCall& call) {
    ClampedSiluMulArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.z = call.operands[2];
    a.limit = static_cast<float>(call.attributes[0]);
    a.alpha = static_cast<float>(call.attributes[1]);
    return a;
  }
};

struct CombineExpertsArgs {
  TensorRef x;
  TensorRef place;
  TensorRef weights;
  TensorRef y;

  [[gnu::always_inline]] static CombineExpertsArgs from(const OpCall& call) {
    CombineExpertsArgs a;
    a.x = call.operands[0];
    a.place = call.operands[1];
    a.weights = call.operands[2];
    a.y = call.operands[3];
    return a;
  }
};

struct CopyPagesArgs {
  TensorRef copies;
  TensorRef num_copies;
  TensorRef source;
  TensorRef cache;
  int32_t lane;

  [[gnu::always_inline]] static CopyPagesArgs from(const OpCall& call) {
    CopyPagesArgs a;
    a.copies = call.operands[0];
    a.num_copies = call.operands[1];
    a.source = call.operands[2];
    a.cache = call.operands[3];
    a.lane = static_cast<int32_t>(call.attributes[0]);
    return a;
  }
};

struct EmbedArgs {
  TensorRef ids;
  TensorRef weight;
  TensorRef y;

  [[gnu::always_inline]] static EmbedArgs from(const OpCall& call) {
    EmbedArgs a;
    a.ids = call.operands[0];
    a.weight = call.operands[1];
    a.y = call.operands[2];
    return a;
  }
};

struct ExpertLinearArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef order;
  TensorRef offsets;
  TensorRef bias;
  TensorRef scale;
  TensorRef y;
  int32_t width;
  int32_t fan_out;
  int32_t gate;
  float limit;
  float alpha;

  [[gnu::always_inline]] static ExpertLinearArgs from(const OpCall& call) {
    ExpertLinearArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.order = call.operands[2];
    a.offsets = call.operands[3];
    a.bias = call.operands[4];
    a.scale = call.operands[5];
    a.y = call.operands[6];
    a.width = static_cast<int32_t>(call.attributes[0]);
    a.fan_out = static_cast<int32_t>(call.attributes[1]);
    a.gate = static_cast<int32_t>(call.attributes[2]);
    a.limit = static_cast<float>(call.attributes[3]);
    a.alpha = static_cast<float>(call.attributes[4]);
    return a;
  }
};

struct GatherRowsArgs {
  TensorRef x;
  TensorRef index;
  TensorRef y;

  [[gnu::always_inline]] static GatherRowsArgs from(const OpCall& call) {
    GatherRowsArgs a;
    a.x = call.operands[0];
    a.index = call.operands[1];
    a.y = call.operands[2];
    return a;
  }
};

struct GatherTokensArgs {
  TensorRef token_slot;
  TensorRef positions;
  TensorRef slot_tokens;
  TensorRef ids;

  [[gnu::always_inline]] static GatherTokensArgs from(const OpCall& call) {
    GatherTokensArgs a;
    a.token_slot = call.operands[0];
    a.positions = call.operands[1];
    a.slot_tokens = call.operands[2];
    a.ids = call.operands[3];
    return a;
  }
};

struct GeluTanhArgs {
  TensorRef x;
  TensorRef y;

  [[gnu::always_inline]] static GeluTanhArgs from(const OpCall& call) {
    GeluTanhArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    return a;
  }
};

struct GeluTanhMulArgs {
  TensorRef gate;
  TensorRef up;
  TensorRef y;

  [[gnu::always_inline]] static GeluTanhMulArgs from(const OpCall& call) {
    GeluTanhMulArgs a;
    a.gate = call.operands[0];
    a.up = call.operands[1];
    a.y = call.operands[2];
    return a;
  }
};

struct HeadLayerNormArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef y;
  float eps;

  [[gnu::always_inline]] static HeadLayerNormArgs from(const OpCall& call) {
    HeadLayerNormArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.y = call.operands[2];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct HeadRmsNormArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef y;
  float eps;

  [[gnu::always_inline]] static HeadRmsNormArgs from(const OpCall& call) {
    HeadRmsNormArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.y = call.operands[2];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct KvWriteArgs {
  TensorRef k;
  TensorRef v;
  TensorRef token_slot;
  TensorRef positions;
  TensorRef page_table;
  TensorRef cache;
  float key_scale;
  float value_scale;

  [[gnu::always_inline]] static KvWriteArgs from(const OpCall& call) {
    KvWriteArgs a;
    a.k = call.operands[0];
    a.v = call.operands[1];
    a.token_slot = call.operands[2];
    a.positions = call.operands[3];
    a.page_table = call.operands[4];
    a.cache = call.operands[5];
    a.key_scale = static_cast<float>(call.attributes[0]);
    a.value_scale = static_cast<float>(call.attributes[1]);
    return a;
  }
};

struct LatentAttentionArgs {
  TensorRef q;
  TensorRef q_pe;
  TensorRef weight;
  TensorRef seq_slot;
  TensorRef seq_start;
  TensorRef seq_context;
  TensorRef page_table;
  TensorRef cache;
  TensorRef y;
  float scale;
  int32_t value_dim;

  [[gnu::always_inline]] static LatentAttentionArgs from(const OpCall& call) {
    LatentAttentionArgs a;
    a.q = call.operands[0];
    a.q_pe = call.operands[1];
    a.weight = call.operands[2];
    a.seq_slot = call.operands[3];
    a.seq_start = call.operands[4];
    a.seq_context = call.operands[5];
    a.page_table = call.operands[6];
    a.cache = call.operands[7];
    a.y = call.operands[8];
    a.scale = static_cast<float>(call.attributes[0]);
    a.value_dim = static_cast<int32_t>(call.attributes[1]);
    return a;
  }
};

struct LatentWriteArgs {
  TensorRef latent;
  TensorRef pe;
  TensorRef token_slot;
  TensorRef positions;
  TensorRef page_table;
  TensorRef cache;

  [[gnu::always_inline]] static LatentWriteArgs from(const OpCall& call) {
    LatentWriteArgs a;
    a.latent = call.operands[0];
    a.pe = call.operands[1];
    a.token_slot = call.operands[2];
    a.positions = call.operands[3];
    a.page_table = call.operands[4];
    a.cache = call.operands[5];
    return a;
  }
};

struct LayerNormArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef bias;
  TensorRef y;
  float eps;

  [[gnu::always_inline]] static LayerNormArgs from(const OpCall& call) {
    LayerNormArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.bias = call.operands[2];
    a.y = call.operands[3];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct LinearArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef bias;
  TensorRef y;

  [[gnu::always_inline]] static LinearArgs from(const OpCall& call) {
    LinearArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.bias = call.operands[2];
    a.y = call.operands[3];
    return a;
  }
};

struct LinearF8Args {
  TensorRef x;
  TensorRef weight;
  TensorRef weight_scale;
  TensorRef bias;
  TensorRef y;

  [[gnu::always_inline]] static LinearF8Args from(const OpCall& call) {
    LinearF8Args a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.weight_scale = call.operands[2];
    a.bias = call.operands[3];
    a.y = call.operands[4];
    return a;
  }
};

struct LinearF8BlocksArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef weight_scale;
  TensorRef bias;
  TensorRef y;

  [[gnu::always_inline]] static LinearF8BlocksArgs from(const OpCall& call) {
    LinearF8BlocksArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.weight_scale = call.operands[2];
    a.bias = call.operands[3];
    a.y = call.operands[4];
    return a;
  }
};

struct LinearI8Args {
  TensorRef x;
  TensorRef weight;
  TensorRef weight_scale;
  TensorRef bias;
  TensorRef y;

  [[gnu::always_inline]] static LinearI8Args from(const OpCall& call) {
    LinearI8Args a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.weight_scale = call.operands[2];
    a.bias = call.operands[3];
    a.y = call.operands[4];
    return a;
  }
};

struct LogprobsArgs {
  TensorRef logits;
  TensorRef processed;
  TensorRef token;
  TensorRef row_slot;
  TensorRef row_sample;
  TensorRef row_target;
  TensorRef sampling;
  TensorRef chosen;
  TensorRef rank;
  TensorRef top_ids;
  TensorRef top_logprobs;

  [[gnu::always_inline]] static LogprobsArgs from(const OpCall& call) {
    LogprobsArgs a;
    a.logits = call.operands[0];
    a.processed = call.operands[1];
    a.token = call.operands[2];
    a.row_slot = call.operands[3];
    a.row_sample = call.operands[4];
    a.row_target = call.operands[5];
    a.sampling = call.operands[6];
    a.chosen = call.operands[7];
    a.rank = call.operands[8];
    a.top_ids = call.operands[9];
    a.top_logprobs = call.operands[10];
    return a;
  }
};

struct MulArgs {
  TensorRef x;
  TensorRef y;
  TensorRef z;

  [[gnu::always_inline]] static MulArgs from(const OpCall& call) {
    MulArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.z = call.operands[2];
    return a;
  }
};

struct NormRopeKvWriteArgs {
  TensorRef q;
  TensorRef k;
  TensorRef v;
  TensorRef q_weight;
  TensorRef k_weight;
  TensorRef positions;
  TensorRef inverse_frequencies;
  TensorRef variant;
  TensorRef token_slot;
  TensorRef page_table;
  TensorRef cache;
  TensorRef q_out;
  int32_t rotary_dim;
  int32_t interleaved;
  float attention_factor;
  float dynamic_factor;
  int32_t dynamic_length;
  float base;
  float key_scale;
  float value_scale;
  float eps;

  [[gnu::always_inline]] static NormRopeKvWriteArgs from(const OpCall& call) {
    NormRopeKvWriteArgs a;
    a.q = call.operands[0];
    a.k = call.operands[1];
    a.v = call.operands[2];
    a.q_weight = call.operands[3];
    a.k_weight = call.operands[4];
    a.positions = call.operands[5];
    a.inverse_frequencies = call.operands[6];
    a.variant = call.operands[7];
    a.token_slot = call.operands[8];
    a.page_table = call.operands[9];
    a.cache = call.operands[10];
    a.q_out = call.operands[11];
    a.rotary_dim = static_cast<int32_t>(call.attributes[0]);
    a.interleaved = static_cast<int32_t>(call.attributes[1]);
    a.attention_factor = static_cast<float>(call.attributes[2]);
    a.dynamic_factor = static_cast<float>(call.attributes[3]);
    a.dynamic_length = static_cast<int32_t>(call.attributes[4]);
    a.base = static_cast<float>(call.attributes[5]);
    a.key_scale = static_cast<float>(call.attributes[6]);
    a.value_scale = static_cast<float>(call.attributes[7]);
    a.eps = static_cast<float>(call.attributes[8]);
    return a;
  }
};

struct NormRopeLatentWriteArgs {
  TensorRef q_pe;
  TensorRef latent;
  TensorRef pe;
  TensorRef weight;
  TensorRef positions;
  TensorRef inverse_frequencies;
  TensorRef variant;
  TensorRef token_slot;
  TensorRef page_table;
  TensorRef cache;
  TensorRef q_pe_out;
  int32_t rotary_dim;
  int32_t interleaved;
  float attention_factor;
  float dynamic_factor;
  int32_t dynamic_length;
  float base;
  float eps;

  [[gnu::always_inline]] static NormRopeLatentWriteArgs from(const OpCall& call) {
    NormRopeLatentWriteArgs a;
    a.q_pe = call.operands[0];
    a.latent = call.operands[1];
    a.pe = call.operands[2];
    a.weight = call.operands[3];
    a.positions = call.operands[4];
    a.inverse_frequencies = call.operands[5];
    a.variant = call.operands[6];
    a.token_slot = call.operands[7];
    a.page_table = call.operands[8];
    a.cache = call.operands[9];
    a.q_pe_out = call.operands[10];
    a.rotary_dim = static_cast<int32_t>(call.attributes[0]);
    a.interleaved = static_cast<int32_t>(call.attributes[1]);
    a.attention_factor = static_cast<float>(call.attributes[2]);
    a.dynamic_factor = static_cast<float>(call.attributes[3]);
    a.dynamic_length = static_cast<int32_t>(call.attributes[4]);
    a.base = static_cast<float>(call.attributes[5]);
    a.eps = static_cast<float>(call.attributes[6]);
    return a;
  }
};

struct PagedAttentionArgs {
  TensorRef q;
  TensorRef seq_slot;
  TensorRef seq_start;
  TensorRef seq_context;
  TensorRef page_table;
  TensorRef cache;
  TensorRef sinks;
  TensorRef y;
  float scale;
  int32_t window;
  float softcap;
  float key_scale;
  float value_scale;

  [[gnu::always_inline]] static PagedAttentionArgs from(const OpCall& call) {
    PagedAttentionArgs a;
    a.q = call.operands[0];
    a.seq_slot = call.operands[1];
    a.seq_start = call.operands[2];
    a.seq_context = call.operands[3];
    a.page_table = call.operands[4];
    a.cache = call.operands[5];
    a.sinks = call.operands[6];
    a.y = call.operands[7];
    a.scale = static_cast<float>(call.attributes[0]);
    a.window = static_cast<int32_t>(call.attributes[1]);
    a.softcap = static_cast<float>(call.attributes[2]);
    a.key_scale = static_cast<float>(call.attributes[3]);
    a.value_scale = static_cast<float>(call.attributes[4]);
    return a;
  }
};

struct PenalizeArgs {
  TensorRef logits;
  TensorRef row_slot;
  TensorRef row_position;
  TensorRef row_sample;
  TensorRef slot_tokens;
  TensorRef sampling;
  TensorRef lists;
  TensorRef processed;

  [[gnu::always_inline]] static PenalizeArgs from(const OpCall& call) {
    PenalizeArgs a;
    a.logits = call.operands[0];
    a.row_slot = call.operands[1];
    a.row_position = call.operands[2];
    a.row_sample = call.operands[3];
    a.slot_tokens = call.operands[4];
    a.sampling = call.operands[5];
    a.lists = call.operands[6];
    a.processed = call.operands[7];
    return a;
  }
};

struct PositionTemperatureArgs {
  TensorRef positions;
  TensorRef y;
  float strength;
  float stretch;

  [[gnu::always_inline]] static PositionTemperatureArgs from(const OpCall& call) {
    PositionTemperatureArgs a;
    a.positions = call.operands[0];
    a.y = call.operands[1];
    a.strength = static_cast<float>(call.attributes[0]);
    a.stretch = static_cast<float>(call.attributes[1]);
    return a;
  }
};

struct RmsNormArgs {
  TensorRef x;
  TensorRef weight;
  TensorRef y;
  float eps;

  [[gnu::always_inline]] static RmsNormArgs from(const OpCall& call) {
    RmsNormArgs a;
    a.x = call.operands[0];
    a.weight = call.operands[1];
    a.y = call.operands[2];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct RmsNormAddArgs {
  TensorRef x;
  TensorRef y;
  TensorRef weight;
  TensorRef sum;
  float eps;

  [[gnu::always_inline]] static RmsNormAddArgs from(const OpCall& call) {
    RmsNormAddArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.weight = call.operands[2];
    a.sum = call.operands[3];
    a.eps = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct RmsNormAddRmsNormArgs {
  TensorRef x;
  TensorRef y;
  TensorRef weight;
  TensorRef next_weight;
  TensorRef sum;
  TensorRef normed;
  float eps;
  float next_eps;

  [[gnu::always_inline]] static RmsNormAddRmsNormArgs from(const OpCall& call) {
    RmsNormAddRmsNormArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.weight = call.operands[2];
    a.next_weight = call.operands[3];
    a.sum = call.operands[4];
    a.normed = call.operands[5];
    a.eps = static_cast<float>(call.attributes[0]);
    a.next_eps = static_cast<float>(call.attributes[1]);
    return a;
  }
};

struct RopeArgs {
  TensorRef x;
  TensorRef positions;
  TensorRef inverse_frequencies;
  TensorRef variant;
  TensorRef y;
  int32_t rotary_dim;
  int32_t interleaved;
  float attention_factor;
  float dynamic_factor;
  int32_t dynamic_length;
  float base;

  [[gnu::always_inline]] static RopeArgs from(const OpCall& call) {
    RopeArgs a;
    a.x = call.operands[0];
    a.positions = call.operands[1];
    a.inverse_frequencies = call.operands[2];
    a.variant = call.operands[3];
    a.y = call.operands[4];
    a.rotary_dim = static_cast<int32_t>(call.attributes[0]);
    a.interleaved = static_cast<int32_t>(call.attributes[1]);
    a.attention_factor = static_cast<float>(call.attributes[2]);
    a.dynamic_factor = static_cast<float>(call.attributes[3]);
    a.dynamic_length = static_cast<int32_t>(call.attributes[4]);
    a.base = static_cast<float>(call.attributes[5]);
    return a;
  }
};

struct RopeKvWriteArgs {
  TensorRef q;
  TensorRef k;
  TensorRef v;
  TensorRef positions;
  TensorRef inverse_frequencies;
  TensorRef variant;
  TensorRef token_slot;
  TensorRef page_table;
  TensorRef cache;
  TensorRef q_out;
  int32_t rotary_dim;
  int32_t interleaved;
  float attention_factor;
  float dynamic_factor;
  int32_t dynamic_length;
  float base;
  float key_scale;
  float value_scale;

  [[gnu::always_inline]] static RopeKvWriteArgs from(const OpCall& call) {
    RopeKvWriteArgs a;
    a.q = call.operands[0];
    a.k = call.operands[1];
    a.v = call.operands[2];
    a.positions = call.operands[3];
    a.inverse_frequencies = call.operands[4];
    a.variant = call.operands[5];
    a.token_slot = call.operands[6];
    a.page_table = call.operands[7];
    a.cache = call.operands[8];
    a.q_out = call.operands[9];
    a.rotary_dim = static_cast<int32_t>(call.attributes[0]);
    a.interleaved = static_cast<int32_t>(call.attributes[1]);
    a.attention_factor = static_cast<float>(call.attributes[2]);
    a.dynamic_factor = static_cast<float>(call.attributes[3]);
    a.dynamic_length = static_cast<int32_t>(call.attributes[4]);
    a.base = static_cast<float>(call.attributes[5]);
    a.key_scale = static_cast<float>(call.attributes[6]);
    a.value_scale = static_cast<float>(call.attributes[7]);
    return a;
  }
};

struct RouteArgs {
  TensorRef logits;
  TensorRef bias;
  TensorRef experts;
  TensorRef weights;
  TensorRef place;
  TensorRef order;
  TensorRef offsets;
  int32_t chosen;
  int32_t scoring;
  int32_t groups;
  int32_t chosen_groups;
  int32_t group_best;
  int32_t renormalize;
  float factor;

  [[gnu::always_inline]] static RouteArgs from(const OpCall& call) {
    RouteArgs a;
    a.logits = call.operands[0];
    a.bias = call.operands[1];
    a.experts = call.operands[2];
    a.weights = call.operands[3];
    a.place = call.operands[4];
    a.order = call.operands[5];
    a.offsets = call.operands[6];
    a.chosen = static_cast<int32_t>(call.attributes[0]);
    a.scoring = static_cast<int32_t>(call.attributes[1]);
    a.groups = static_cast<int32_t>(call.attributes[2]);
    a.chosen_groups = static_cast<int32_t>(call.attributes[3]);
    a.group_best = static_cast<int32_t>(call.attributes[4]);
    a.renormalize = static_cast<int32_t>(call.attributes[5]);
    a.factor = static_cast<float>(call.attributes[6]);
    return a;
  }
};

struct SampleArgs {
  TensorRef logits;
  TensorRef processed;
  TensorRef row_slot;
  TensorRef row_position;
  TensorRef row_sample;
  TensorRef sampling;
  TensorRef slot_tokens;
  TensorRef token;

  [[gnu::always_inline]] static SampleArgs from(const OpCall& call) {
    SampleArgs a;
    a.logits = call.operands[0];
    a.processed = call.operands[1];
    a.row_slot = call.operands[2];
    a.row_position = call.operands[3];
    a.row_sample = call.operands[4];
    a.sampling = call.operands[5];
    a.slot_tokens = call.operands[6];
    a.token = call.operands[7];
    return a;
  }
};

struct ScaleArgs {
  TensorRef x;
  TensorRef y;
  float factor;

  [[gnu::always_inline]] static ScaleArgs from(const OpCall& call) {
    ScaleArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.factor = static_cast<float>(call.attributes[0]);
    return a;
  }
};

struct ScaleRowsArgs {
  TensorRef x;
  TensorRef factor;
  TensorRef y;

  [[gnu::always_inline]] static ScaleRowsArgs from(const OpCall& call) {
    ScaleRowsArgs a;
    a.x = call.operands[0];
    a.factor = call.operands[1];
    a.y = call.operands[2];
    return a;
  }
};

struct SigmoidArgs {
  TensorRef x;
  TensorRef y;

  [[gnu::always_inline]] static SigmoidArgs from(const OpCall& call) {
    SigmoidArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    return a;
  }
};

struct SiluArgs {
  TensorRef x;
  TensorRef y;

  [[gnu::always_inline]] static SiluArgs from(const OpCall& call) {
    SiluArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    return a;
  }
};

struct SiluMulArgs {
  TensorRef gate;
  TensorRef up;
  TensorRef y;

  [[gnu::always_inline]] static SiluMulArgs from(const OpCall& call) {
    SiluMulArgs a;
    a.gate = call.operands[0];
    a.up = call.operands[1];
    a.y = call.operands[2];
    return a;
  }
};

struct SiluMulLinearF8Args {
  TensorRef gate;
  TensorRef up;
  TensorRef weight;
  TensorRef weight_scale;
  TensorRef bias;
  TensorRef y;

  [[gnu::always_inline]] static SiluMulLinearF8Args from(const OpCall& call) {
    SiluMulLinearF8Args a;
    a.gate = call.operands[0];
    a.up = call.operands[1];
    a.weight = call.operands[2];
    a.weight_scale = call.operands[3];
    a.bias = call.operands[4];
    a.y = call.operands[5];
    return a;
  }
};

struct SoftcapArgs {
  TensorRef x;
  TensorRef y;
  float cap;

  [[gnu::always_inline]] static SoftcapArgs from(const OpCall& call) {
    SoftcapArgs a;
    a.x = call.operands[0];
    a.y = call.operands[1];
    a.cap = static_cast<float>(call.attributes[0]);
    return a;
  }
};

}  // namespace trtllm
