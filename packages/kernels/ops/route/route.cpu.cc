#include <cstring>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/backend/cpu/vec.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

constexpr int64_t kMostExperts = 1024;
constexpr float kLowest = -__builtin_inff();

// The number of the largest of `count` values that is not taken: NaN counts as -inf, equal ones go by number.
static int64_t best_of(const float* values, const bool* taken, int64_t count) {
  int64_t best = -1;
  for (int64_t i = 0; i < count; i++) {
    if (taken[i]) continue;
    if (best < 0 || values[i] > values[best] || (values[best] != values[best] && values[i] == values[i])) best = i;
  }
  return best;
}

// softmax or sigmoid of one token's logits.
static void score(const float* logits, int64_t count, bool sigmoid, float* scores) {
  if (sigmoid) {
    for_stretches(count, [&](int64_t i, int n) {
      store_stretch(scores + i, ISA_NS::sigmoid(load_stretch(logits + i, n)), n);
    });
    return;
  }
  float largest = kLowest, total = 0;
  for (int64_t i = 0; i < count; i++) largest = logits[i] > largest ? logits[i] : largest;
  for_stretches(count, [&](int64_t i, int n) {
    store_stretch(scores + i, exp(sub(load_stretch(logits + i, n), set(largest))), n);
  });
  for (int64_t i = 0; i < count; i++) total += scores[i];
  for (int64_t i = 0; i < count; i++) scores[i] /= total;
}

// Takes the members of all groups but the best out of the choice.
static void keep_groups(const RouteArgs& o, const float* choice, int64_t count, bool* taken) {
  const int64_t size = count / o.groups;
  float marks[kMostExperts];
  bool kept[kMostExperts] = {};
  for (int64_t g = 0; g < o.groups; g++) {
    bool seen[kMostExperts] = {};
    marks[g] = 0;
    for (int i = 0; i < o.group_best; i++) {
      const int64_t best = best_of(choice + g * size, seen, size);
      seen[best] = true;
      marks[g] += choice[g * size + best];
    }
  }
  for (int i = 0; i < o.chosen_groups; i++) kept[best_of(marks, kept, o.groups)] = true;
  for (int64_t e = 0; e < count; e++) taken[e] = !kept[e / size];
}

static void choose(const RouteArgs& o, int64_t token) {
  const int64_t count = o.logits.shape[1];
  const float* logits = row_of<float>(o.logits, token);
  int32_t* experts = row_of<int32_t>(o.experts, token);
  float* weights = row_of<float>(o.weights, token);
  float scores[kMostExperts], sums[kMostExperts];
  bool taken[kMostExperts] = {};
  score(logits, count, o.scoring == 1, scores);
  const float* choice = logits;
  if (o.bias.present() || o.groups > 1) {
    for (int64_t e = 0; e < count; e++) sums[e] = scores[e] + (o.bias.present() ? o.bias.as<float>()[e] : 0.0f);
    choice = sums;
  }
  if (o.groups > 1) keep_groups(o, choice, count, taken);
  float total = 0;
  for (int j = 0; j < o.chosen; j++) {
    const int64_t best = best_of(choice, taken, count);
    taken[best] = true;
    experts[j] = static_cast<int32_t>(best);
    weights[j] = scores[best];
    total += scores[best];
  }
  const float divisor = o.renormalize != 0 ? total + 1e-20f : 1.0f;
  for (int j = 0; j < o.chosen; j++) weights[j] = weights[j] / divisor * o.factor;
}

// Counts, then places: pairs of one expert keep their order.
static void order_by_expert(const RouteArgs& o) {
  const int64_t tokens = o.logits.shape[0], count = o.logits.shape[1];
  int32_t* offsets = o.offsets.as<int32_t>();
  int32_t* order = o.order.as<int32_t>();
  int32_t next[kMostExperts];
  memset(offsets, 0, sizeof(int32_t) * static_cast<size_t>(count + 1));
  for (int64_t t = 0; t < tokens; t++) {
    for (int j = 0; j < o.chosen; j++) offsets[row_of<int32_t>(o.experts, t)[j] + 1]++;
  }
  for (int64_t e = 0; e < count; e++) {
    next[e] = offsets[e];
    offsets[e + 1] += offsets[e];
  }
  for (int64_t t = 0; t < tokens; t++) {
    for (int j = 0; j < o.chosen; j++) {
      const int32_t place = next[row_of<int32_t>(o.experts, t)[j]]++;
      row_of<int32_t>(o.place, t)[j] = place;
      order[place] = static_cast<int32_t>(t * o.chosen + j);
    }
  }
}

static Status launch_route(const OpCall& call, LaunchContext& context) {
  const auto o = RouteArgs::from(call);
  const int64_t count = o.logits.shape[1];
  if (count > kMostExperts || o.chosen < 1 || o.chosen != o.experts.shape[1]) {
    return Status::error(Code::unsupported, "route: %d of %lld experts; expected at most %lld", o.chosen,
                         static_cast<long long>(count), static_cast<long long>(kMostExperts));
  }
  const int64_t size = o.groups > 0 ? count / o.groups : 0;
  if (o.groups < 1 || count % o.groups != 0 || o.chosen_groups < 1 || o.chosen_groups > o.groups || o.group_best < 1 ||
      o.group_best > size || o.chosen > (o.groups > 1 ? o.chosen_groups * size : count)) {
    return Status::error(Code::invalid, "route: %d of %lld experts in %d of %d groups by their %d best", o.chosen,
                         static_cast<long long>(count), o.chosen_groups, o.groups, o.group_best);
  }
  context.pool->for_each(o.logits.shape[0], row_grain(16 * count), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; token++) choose(o, token);
  });
  order_by_expert(o);
  return Status();
}

TRTLLM_CPU_KERNEL(route, "route", launch_route)

}  // namespace ISA_NS
}  // namespace trtllm
