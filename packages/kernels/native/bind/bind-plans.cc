#include "../plan/plan.h"
#include "bindings.h"
#include "handle.h"
#include "step-sizes.h"

namespace trtllm {
namespace {

Napi::Object object_at(const Napi::Object& owner, const char* key) {
  const Napi::Value value = owner.Get(key);
  if (!value.IsObject()) check(Status::error(Code::invalid, "plan: expected an object at '%s'", key));
  return value.As<Napi::Object>();
}

Napi::Array array_at(const Napi::Object& owner, const char* key) {
  const Napi::Value value = owner.Get(key);
  if (!value.IsArray()) check(Status::error(Code::invalid, "plan: expected an array at '%s'", key));
  return value.As<Napi::Array>();
}

Space to_space(const Napi::Value& value) {
  const std::string name = to_text(value, "space");
  if (name == "arena") return Space::arena;
  if (name == "buffer") return Space::buffer;
  if (name == "slab") return Space::slab;
  if (name == "result") return Space::result;
  throw_status(Status::error(Code::invalid, "space '%.40s': expected arena, buffer, slab or result", name.c_str()));
}

OperandSpec to_operand(const Napi::Object& from) {
  OperandSpec operand;
  operand.space = to_space(from.Get("space"));
  if (operand.space == Space::buffer) operand.buffer = unwrap<Buffer>(from.Get("buffer"));
  operand.offset = to_integer(from.Get("offset"), "offset");
  operand.dtype = to_dtype(from.Get("dtype"));
  operand.layout = to_layout(from.Get("layout"));
  const Napi::Array shape = array_at(from, "shape"), strides = array_at(from, "strides");
  if (shape.Length() < 1 || shape.Length() > kMaxRank || (strides.Length() != 0 && strides.Length() != shape.Length())) {
    check(Status::error(Code::invalid, "operand: expected 1 to %d axes and as many strides or none", kMaxRank));
  }
  operand.rank = static_cast<int>(shape.Length());
  operand.contiguous = strides.Length() == 0;
  for (uint32_t i = 0; i < shape.Length(); i++) {
    const Napi::Object dim = shape.Get(i).As<Napi::Object>();
    const StepSizes factors = to_step_sizes(dim);
    operand.shape[i] = {to_integer(dim.Get("constant"), "constant"), factors.tokens, factors.rows, factors.seqs};
    if (!operand.contiguous) operand.stride[i] = to_integer(strides.Get(i), "stride");
  }
  return operand;
}

NodeSpec to_node(const Napi::Object& from) {
  NodeSpec node;
  node.op = to_text(from.Get("op"), "op");
  node.label = to_text(from.Get("label"), "label");
  const Napi::Array operands = array_at(from, "operands"), attributes = array_at(from, "attributes");
  for (uint32_t i = 0; i < operands.Length(); i++) node.operands.push_back(to_int(operands.Get(i), "operand"));
  for (uint32_t i = 0; i < attributes.Length(); i++) {
    const Napi::Value value = attributes.Get(i);
    if (!value.IsNumber()) check(Status::error(Code::invalid, "attributes of %s: expected numbers", node.op.c_str()));
    node.attributes.push_back(value.As<Napi::Number>().DoubleValue());
  }
  return node;
}

// (device, spec) -> plan
Napi::Value create_plan(const Napi::CallbackInfo& info) {
  const auto device = unwrap<Device>(info[0]);
  const auto from = info[1].As<Napi::Object>();
  PlanSpec spec;
  spec.limits = to_step_sizes(object_at(from, "limits"));
  spec.arena_bytes = to_integer(from.Get("arenaBytes"), "arenaBytes");
  spec.deterministic = from.Get("deterministic").ToBoolean();
  const Napi::Array operands = array_at(from, "operands"), nodes = array_at(from, "nodes");
  for (uint32_t i = 0; i < operands.Length(); i++) {
    const Napi::HandleScope scope(info.Env());
    spec.operands.push_back(to_operand(operands.Get(i).As<Napi::Object>()));
  }
  for (uint32_t i = 0; i < nodes.Length(); i++) {
    const Napi::HandleScope scope(info.Env());
    spec.nodes.push_back(to_node(nodes.Get(i).As<Napi::Object>()));
  }
  std::shared_ptr<Plan> plan;
  check(Plan::create(device, std::move(spec), &plan));
  return wrap(info.Env(), std::move(plan));
}

Napi::Value plan_memory(const Napi::CallbackInfo& info) {
  const auto plan = unwrap<Plan>(info[0]);
  auto out = Napi::Object::New(info.Env());
  out["arenaBytes"] = Napi::Number::New(info.Env(), static_cast<double>(plan->arena_bytes()));
  out["workspaceBytes"] = Napi::Number::New(info.Env(), static_cast<double>(plan->workspace_bytes()));
  return out;
}

Napi::Value explain_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto plan = unwrap<Plan>(info[0]);
  auto lines = Napi::Array::New(env);
  for (const Plan::Line& line : plan->explain()) {
    auto entry = Napi::Object::New(env);
    entry["op"] = Napi::String::New(env, line.op);
    entry["kernel"] = Napi::String::New(env, line.kernel);
    entry["label"] = Napi::String::New(env, line.label);
    lines[lines.Length()] = entry;
  }
  return lines;
}

// (plan, sizes) -> boolean
Napi::Value capture_plan(const Napi::CallbackInfo& info) {
  const auto plan = unwrap<Plan>(info[0]);
  return Napi::Boolean::New(info.Env(), plan->want_capture(to_step_sizes(info[1].As<Napi::Object>())));
}

}  // namespace

void bind_plans(Napi::Env env, Napi::Object exports) {
  add_function<create_plan>(env, exports, "createPlan");
  add_function<plan_memory>(env, exports, "planMemory");
  add_function<explain_plan>(env, exports, "explainPlan");
  add_function<capture_plan>(env, exports, "capturePlan");
}

}  // namespace trtllm
