#include "bindings.h"
#include "bound-executor.h"
#include "handle.h"
#include "step-sizes.h"

namespace trtllm {
namespace {

// (device, slabWords, resultWords, depth) -> ring
Napi::Value create_ring(const Napi::CallbackInfo& info) {
  std::shared_ptr<StepRing> ring;
  check(StepRing::create(unwrap<Device>(info[0]), to_integer(info[1], "slabWords"), to_integer(info[2], "resultWords"),
                         to_int(info[3], "depth"), &ring));
  return wrap(info.Env(), std::move(ring));
}

// Once an entry: the memory stays until the ArrayBuffer is collected or detached, whatever becomes of the ring.
Napi::Value host_array(Napi::Env env, const std::shared_ptr<HostMemoryBlock>& block) {
  auto* owner = new std::shared_ptr<HostMemoryBlock>(block);
  return Napi::ArrayBuffer::New(
      env, block->data(), block->bytes(),
      [](Napi::Env, void*, std::shared_ptr<HostMemoryBlock>* dead) { delete dead; }, owner);
}

int to_entry(const Napi::CallbackInfo& info, const StepRing& ring) {
  const int entry = to_int(info[1], "ring entry");
  if (entry < 0 || entry >= ring.depth()) {
    check(Status::error(Code::invalid, "ring entry %d of %d", entry, ring.depth()));
  }
  return entry;
}

Napi::Value ring_slab(const Napi::CallbackInfo& info) {
  const auto ring = unwrap<StepRing>(info[0]);
  return host_array(info.Env(), ring->slab(to_entry(info, *ring)));
}

Napi::Value ring_results(const Napi::CallbackInfo& info) {
  const auto ring = unwrap<StepRing>(info[0]);
  return host_array(info.Env(), ring->results(to_entry(info, *ring)));
}

// (arrayBuffer): its memory is no longer JavaScript's to touch.
Napi::Value detach(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  if (!buffer.IsDetached()) buffer.Detach();
  return info.Env().Undefined();
}

// (device, ring, onDone) -> executor
Napi::Value create_executor(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), BoundExecutor::create(info.Env(), unwrap<Device>(info[0]), unwrap<StepRing>(info[1]),
                                                info[2].As<Napi::Function>()));
}

// { plan, tokens, rows, seqs, captured, probes: [operand, firstRow, rows, late][], probeBytes: number[] }
ProgramItem to_item(const Napi::Object& from) {
  ProgramItem item;
  item.plan = unwrap<Plan>(from.Get("plan"));
  item.sizes = to_step_sizes(from);
  item.captured = from.Get("captured").ToBoolean();
  const auto probes = from.Get("probes").As<Napi::Array>();
  const auto sizes = from.Get("probeBytes").As<Napi::Array>();
  for (uint32_t i = 0; i < probes.Length(); i++) {
    const auto given = probes.Get(i).As<Napi::Array>();
    Probe probe;
    probe.operand = to_int(given.Get(0u), "probe operand");
    probe.first_row = to_int(given.Get(1u), "first row of a probe");
    probe.rows = to_int(given.Get(2u), "rows of a probe");
    probe.late = given.Get(3u).ToBoolean();
    const int64_t bytes = item.plan->probe_bytes(probe, item.sizes);
    const uint64_t room = to_size(sizes.Get(i), "probe bytes");
    if (bytes < 0) {
      check(Status::error(Code::invalid,
                          "operand %d cannot be probed: no node uses it, it is packed, it has no rows %lld and on, or its "
                          "memory is used again before the end of the step",
                          probe.operand, static_cast<long long>(probe.first_row)));
    }
    if (static_cast<uint64_t>(bytes) > room) {
      check(Status::error(Code::invalid, "probe of operand %d needs %lld bytes, got room for %llu",
                                      probe.operand, static_cast<long long>(bytes),
                                      static_cast<unsigned long long>(room)));
    }
    probe.bytes.resize(static_cast<size_t>(bytes));
    item.probes.push_back(std::move(probe));
  }
  return item;
}

// (executor, ticket, entry, items)
Napi::Value submit(const Napi::CallbackInfo& info) {
  const auto executor = unwrap<BoundExecutor>(info[0]);
  auto step = std::make_unique<Step>();
  step->ticket = info[1].As<Napi::Number>().Uint32Value();
  step->entry = to_int(info[2], "ring entry");
  const auto items = info[3].As<Napi::Array>();
  for (uint32_t i = 0; i < items.Length(); i++) step->program.push_back(to_item(items.Get(i).As<Napi::Object>()));
  executor->submit(info.Env(), std::move(step));
  return info.Env().Undefined();
}

Napi::Value close_executor(const Napi::CallbackInfo& info) {
  Handle& handle = handle_of(info[0]);
  if (handle.object != nullptr) unwrap<BoundExecutor>(info[0])->close();
  handle.object.reset();
  return info.Env().Undefined();
}

}  // namespace

void bind_steps(Napi::Env env, Napi::Object exports) {
  add_function<create_ring>(env, exports, "createRing");
  add_function<ring_slab>(env, exports, "ringSlab");
  add_function<ring_results>(env, exports, "ringResults");
  add_function<detach>(env, exports, "detach");
  add_function<create_executor>(env, exports, "createExecutor");
  add_function<submit>(env, exports, "submit");
  add_function<close_executor>(env, exports, "closeExecutor");
}

}  // namespace trtllm
