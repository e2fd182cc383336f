#include "plan.h"

#include <algorithm>
#include <cstring>

#include "check-plan.h"

namespace trtllm {

Status Plan::create(std::shared_ptr<Device> device, PlanSpec spec, std::shared_ptr<Plan>* out) {
  std::shared_ptr<Plan> plan(new Plan(std::move(device)));
  TRTLLM_TRY(check_plan(spec, *plan->device_, &plan->slab_bytes_, &plan->result_bytes_));
  plan->limits_ = spec.limits;
  plan->arena_bytes_ = spec.arena_bytes;
  plan->operands_ = std::move(spec.operands);
  plan->probe_points_.assign(plan->operands_.size(), {-1, -1, -1});

  std::vector<int> uses;
  for (NodeSpec& node : spec.nodes) {
    const int first = static_cast<int>(uses.size());
    const int num_inputs = find_op_rule(node.op)->num_inputs;
    for (size_t i = 0; i < node.operands.size(); i++) {
      const int operand = node.operands[i];
      uses.push_back(operand);
      if (operand < 0) continue;
      ProbePoint& point = plan->probe_points_[static_cast<size_t>(operand)];
      const bool produces = static_cast<int>(i) >= num_inputs;
      if (point.use < 0) point.use = first + static_cast<int>(i);
      point.last_node = static_cast<int>(plan->nodes_.size());
      if (produces) point.after_node = static_cast<int>(plan->nodes_.size());
    }
    plan->nodes_.push_back({nullptr, 0, first, static_cast<int>(node.operands.size()),
                            static_cast<int>(plan->attributes_.size())});
    plan->attributes_.insert(plan->attributes_.end(), node.attributes.begin(), node.attributes.end());
    plan->names_.push_back({std::move(node.op), std::move(node.label)});
  }
  plan->table_ = std::make_unique<OperandTable>(plan->operands_, uses);
  TRTLLM_TRY(Buffer::allocate(plan->device_, static_cast<uint64_t>(plan->arena_bytes_), "plan arena", &plan->arena_));
  plan->deterministic_ = spec.deterministic;
  TRTLLM_TRY(plan->choose_kernels(spec.deterministic));
  TRTLLM_TRY(Buffer::allocate(plan->device_, static_cast<uint64_t>(plan->workspace_bytes_), "plan workspace",
                              &plan->workspace_));
  *out = std::move(plan);
  return Status();
}

Plan::~Plan() {
  for (Recording& recording : recordings_) {
    if (recording.graph != nullptr) device_->backend().destroy_graph(device_->state(), recording.graph);
  }
}

OpCall Plan::call_of(const Node& node) const {
  return {table_->refs() + node.first_use, node.num_uses, attributes_.data() + node.first_attribute};
}

// By the shapes of the largest step: a node has one kernel for all of them.
Status Plan::choose_kernels(bool deterministic) {
  int count = 0;
  const KernelEntry* kernels = device_->backend().kernels(device_->state(), &count);
  table_->resolve(limits_, {arena_->data(), nullptr, nullptr});
  for (size_t n = 0; n < nodes_.size(); n++) {
    Node& node = nodes_[n];
    const auto& [op, label] = names_[n];
    const OpCall call = call_of(node);
    for (int i = 0; i < node.num_uses; i++) node.sizes |= table_->sizes_of(node.first_use + i);
    for (int i = 0; i < count; i++) {
      const KernelEntry& kernel = kernels[i];
      if (op != kernel.op || (node.kernel != nullptr && node.kernel->rank >= kernel.rank)) continue;
      if (deterministic && kernel.row_bits != RowBits::fixed) continue;
      if (kernel.supports == nullptr || kernel.supports(call)) node.kernel = &kernel;
    }
    if (node.kernel == nullptr) {
      return Status::error(Code::unsupported, "%s has no %skernel for this call of %s (%.120s)", device_->backend().name,
                           deterministic ? "deterministic " : "", op.c_str(), label.c_str());
    }
    if (node.kernel->workspace_bytes == nullptr) continue;
    const int64_t bytes = node.kernel->workspace_bytes(call);
    if (bytes > workspace_bytes_) workspace_bytes_ = bytes;
  }
  return Status();
}

std::vector<Plan::Line> Plan::explain() const {
  std::vector<Line> lines;
  lines.reserve(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); i++) lines.push_back({names_[i].op, nodes_[i].kernel->name, names_[i].label});
  return lines;
}

int64_t Plan::probe_bytes(const Probe& probe, const StepSizes& sizes) const {
  if (probe.operand < 0 || probe.operand >= static_cast<int>(operands_.size())) return -1;
  const OperandSpec& spec = operands_[static_cast<size_t>(probe.operand)];
  const ProbePoint& point = probe_points_[static_cast<size_t>(probe.operand)];
  if (point.use < 0 || spec.layout != Layout::strided || spec.rank == 0) return -1;
  if (probe.late && spec.space == Space::arena && point.last_node + 1 < static_cast<int>(nodes_.size())) return -1;
  const int64_t there = spec.shape[0].at(sizes) - probe.first_row;
  const int64_t rows = probe.rows < 0 ? there : probe.rows;
  if (probe.first_row < 0 || rows < 0 || rows > there) return -1;
  int64_t bytes = dtype_bytes(spec.dtype) * rows;
  for (int i = 1; i < spec.rank; i++) bytes *= spec.shape[i].at(sizes);
  return bytes;
}

bool Plan::want_capture(const StepSizes& sizes) {
  if (device_->backend().capture_begin == nullptr) return false;
  std::lock_guard<std::mutex> lock(mutex_);
  if (std::find(wanted_.begin(), wanted_.end(), sizes) == wanted_.end()) wanted_.push_back(sizes);
  return true;
}

// Null where nobody asked for these sizes. Ring entries come and go with their rings: the oldest recording makes room.
Plan::Recording* Plan::recording_for(const StepSizes& sizes, const Bases& bases) {
  constexpr int kMostPerSize = 4;
  if (std::find(wanted_.begin(), wanted_.end(), sizes) == wanted_.end()) return nullptr;
  Recording* oldest = nullptr;
  int count = 0;
  for (Recording& recording : recordings_) {
    if (!(recording.sizes == sizes)) continue;
    if (recording.bases == bases) return &recording;
    if (oldest == nullptr) oldest = &recording;
    count++;
  }
  if (count >= kMostPerSize) {
    if (oldest->graph != nullptr) device_->backend().destroy_graph(device_->state(), oldest->graph);
    recordings_.erase(recordings_.begin() + (oldest - recordings_.data()));
  }
  recordings_.push_back({sizes, bases, 0, nullptr});
  return &recordings_.back();
}

Status Plan::run(StreamState* stream, const StepSizes& sizes, char* slab, char* result, std::vector<Probe>& probes,
                 bool captured) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Bases bases{arena_->data(), slab, result};
  table_->resolve(sizes, bases);
  const bool may_replay =
      captured && std::all_of(probes.begin(), probes.end(), [](const Probe& probe) { return probe.late; });
  Recording* recording = may_replay ? recording_for(sizes, bases) : nullptr;
  if (recording != nullptr) {
    TRTLLM_TRY(replay(stream, *recording));
  } else {
    std::shared_ptr<StepChains> chains;
    if (probes.empty()) TRTLLM_TRY(chains_for(stream, sizes, bases, &chains));  // a chain makes no values to look at
    TRTLLM_TRY(enqueue(stream, probes, chains.get()));
  }
  return take_late_probes(stream, probes);
}

// Chains are for steps of one token; their bits are not those of more rows. Null where the backend or the plan wants none.
Status Plan::chains_for(StreamState* stream, const StepSizes& sizes, const Bases& bases, std::shared_ptr<StepChains>* out) {
  constexpr size_t kMost = 4;
  if (device_->backend().make_chain == nullptr || deterministic_ || sizes.tokens != 1) return Status();
  for (const auto& known : chains_) {
    if (known->serves(sizes, bases)) {
      *out = known;
      return Status();
    }
  }
  std::vector<StepNode> nodes;
  for (size_t i = 0; i < nodes_.size(); i++) {
    nodes.push_back({names_[i].op.c_str(), call_of(nodes_[i]), find_op_rule(names_[i].op)->num_inputs});
  }
  const StepNodes step{nodes.data(), static_cast<int>(nodes.size()), arena_->data(), arena_bytes_};
  TRTLLM_TRY(StepChains::make(device_, stream, step, sizes, bases, out));
  if (chains_.size() == kMost) chains_.erase(chains_.begin());
  chains_.push_back(*out);
  return Status();
}

Status Plan::replay(StreamState* stream, Recording& recording) {
  const Backend& backend = device_->backend();
  std::vector<Probe> none;
  if (recording.graph == nullptr) {
    if (recording.runs++ == 0) {
      TRTLLM_TRY(chains_for(stream, recording.sizes, recording.bases, &recording.chains));
      return enqueue(stream, none, recording.chains.get());
    }
    TRTLLM_TRY(backend.capture_begin(device_->state(), stream));
    const Status recorded = enqueue(stream, none, recording.chains.get());
    // Recording must end even when a node failed, or the stream stays unusable.
    const Status ended = backend.capture_end(device_->state(), stream, &recording.graph);
    TRTLLM_TRY(recorded);
    TRTLLM_TRY(ended);
  }
  device_->count_launches(1);
  return backend.replay(device_->state(), stream, recording.graph);
}

Status Plan::enqueue(StreamState* stream, std::vector<Probe>& probes, const StepChains* chains) {
  int64_t launches = 0;
  const Status status = enqueue_nodes(stream, probes, chains, &launches);
  device_->count_launches(launches);
  return status;
}

Status Plan::failed(size_t node, const Status& status) const {
  return Status::error(status.code, "%s (%.80s): %.150s", names_[node].op.c_str(), names_[node].label.c_str(), status.message);
}

Status Plan::enqueue_nodes(StreamState* stream, std::vector<Probe>& probes, const StepChains* chains, int64_t* launches) {
  const Backend& backend = device_->backend();
  DeviceState* device = device_->state();
  const uint64_t zero_sizes = table_->zero_sizes();
  char* workspace = workspace_->data();
  const bool probing = !probes.empty();
  if (probing) TRTLLM_TRY(take_probes(stream, -1, probes));
  size_t next_chain = 0;
  for (size_t i = 0; i < nodes_.size(); i++) {
    if (chains != nullptr && next_chain < chains->all().size() && chains->all()[next_chain].first == static_cast<int>(i)) {
      const StepChains::Chain& chain = chains->all()[next_chain++];
      const Status status = backend.run_chain(device, stream, chain.state);
      if (!status.ok()) return failed(i, status);
      ++*launches;
      i += static_cast<size_t>(chain.count) - 1;
      continue;
    }
    const Node& node = nodes_[i];
    if ((node.sizes & zero_sizes) == 0) {
      const Status status = backend.launch(device, stream, *node.kernel, call_of(node), workspace, workspace_bytes_);
      if (!status.ok()) return failed(i, status);
      ++*launches;
    }
    if (probing) TRTLLM_TRY(take_probes(stream, static_cast<int>(i), probes));
  }
  return Status();
}

// Rows that lie apart are copied one by one; trailing axes that are contiguous go in one copy.
static Status copy_rows(const Device& device, StreamState* stream, const TensorRef& from, int axis, const char* at,
                        char*& to) {
  const int64_t size = dtype_bytes(from.dtype);
  int64_t run = size;
  bool contiguous = true;
  for (int i = from.rank - 1; i >= axis; i--) {
    contiguous = contiguous && (from.stride[i] * size == run || from.shape[i] == 1);
    run *= from.shape[i];
  }
  if (run == 0) return Status();
  if (contiguous) {
    const Status status = device.backend().copy(device.state(), stream, to, at, static_cast<uint64_t>(run),
                                                CopyKind::device_to_host);
    to += run;
    return status;
  }
  for (int64_t i = 0; i < from.shape[axis]; i++) {
    TRTLLM_TRY(copy_rows(device, stream, from, axis + 1, at + i * from.stride[axis] * size, to));
  }
  return Status();
}

Status Plan::take(StreamState* stream, Probe& probe) {
  TensorRef ref = table_->refs()[probe_points_[static_cast<size_t>(probe.operand)].use];
  ref.shape[0] = probe.rows < 0 ? ref.shape[0] - probe.first_row : probe.rows;
  const char* from = static_cast<const char*>(ref.data) + probe.first_row * ref.stride[0] * dtype_bytes(ref.dtype);
  char* to = probe.bytes.data();
  return copy_rows(*device_, stream, ref, 0, from, to);
}

Status Plan::take_probes(StreamState* stream, int after_node, std::vector<Probe>& probes) {
  for (Probe& probe : probes) {
    if (probe.late || probe_points_[static_cast<size_t>(probe.operand)].after_node != after_node) continue;
    TRTLLM_TRY(take(stream, probe));
  }
  return Status();
}

Status Plan::take_late_probes(StreamState* stream, std::vector<Probe>& probes) {
  for (Probe& probe : probes) {
    if (probe.late) TRTLLM_TRY(take(stream, probe));
  }
  return Status();
}

}  // namespace trtllm
