#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operand-table.h"
#include "plan-spec.h"
#include "step-chains.h"

namespace trtllm {

// A copy of rows of an operand to the host.
struct Probe {
  int operand = 0;
  int64_t first_row = 0;
  int64_t rows = -1;  // along the first axis; -1: all from first_row on
  // Copied when all nodes have run, which a recorded graph allows; else right after the node that produced it.
  bool late = false;
  std::vector<char> bytes;  // row-major, filled when the step is done
};

// Nodes with kernels chosen, operands laid out and memory for intermediates. Runs any step within its limits by
// enqueuing its nodes in order on a stream. One step at a time: `run` locks.
class Plan {
 public:
  static Status create(std::shared_ptr<Device> device, PlanSpec spec, std::shared_ptr<Plan>* out);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  struct Line {
    const std::string& op;
    const char* kernel;
    const std::string& label;
  };
  std::vector<Line> explain() const;
  uint64_t arena_bytes() const { return static_cast<uint64_t>(arena_bytes_); }
  uint64_t workspace_bytes() const { return static_cast<uint64_t>(workspace_bytes_); }
  const StepSizes& limits() const { return limits_; }
  int64_t slab_bytes() const { return slab_bytes_; }
  int64_t result_bytes() const { return result_bytes_; }
  const std::shared_ptr<Device>& device() const { return device_; }

  // Bytes that a probe copies in a step of these sizes, row-major without gaps; -1 when no node uses its operand, it is
  // packed, its rows do not exist, or it is late and the operand's memory may be used again before the end.
  int64_t probe_bytes(const Probe& probe, const StepSizes& sizes) const;

  // Asks for a recorded graph of these sizes. False when the backend records none. Recording happens at a later run
  // that asks for a replay: the first such run warms up, the second records.
  bool want_capture(const StepSizes& sizes);

  // Enqueues a step. With `captured` and a graph wanted for these sizes the graph is replayed; probes that are not late
  // prevent that.
  Status run(StreamState* stream, const StepSizes& sizes, char* slab, char* result, std::vector<Probe>& probes,
             bool captured);

 private:
  struct Node {  // PERF: what a step reads, close together
    const KernelEntry* kernel;
    uint64_t sizes;  // it does nothing when one of these is zero
    int first_use;
    int num_uses;
    int first_attribute;
  };
  struct Name {
    std::string op, label;
  };
  struct ProbePoint {
    int after_node;  // -1: before the first
    int use;         // -1: not in the plan
    int last_node;   // the last one that uses it
  };
  // A graph holds addresses: each ring entry that a step of some size comes from has a recording of its own.
  struct Recording {
    StepSizes sizes;
    Bases bases;
    int runs = 0;
    GraphState* graph = nullptr;
    std::shared_ptr<StepChains> chains;  // whose memory the graph names
  };

  explicit Plan(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  Status choose_kernels(bool deterministic);
  Status enqueue(StreamState* stream, std::vector<Probe>& probes, const StepChains* chains);
  Status enqueue_nodes(StreamState* stream, std::vector<Probe>& probes, const StepChains* chains, int64_t* launches);
  Status chains_for(StreamState* stream, const StepSizes& sizes, const Bases& bases, std::shared_ptr<StepChains>* out);
  Status failed(size_t node, const Status& status) const;
  Status take_probes(StreamState* stream, int after_node, std::vector<Probe>& probes);
  Status take_late_probes(StreamState* stream, std::vector<Probe>& probes);
  Status take(StreamState* stream, Probe& probe);
  Recording* recording_for(const StepSizes& sizes, const Bases& bases);
  Status replay(StreamState* stream, Recording& recording);
  OpCall call_of(const Node& node) const;

  std::shared_ptr<Device> device_;
  StepSizes limits_;
  int64_t arena_bytes_ = 0, workspace_bytes_ = 0, slab_bytes_ = 0, result_bytes_ = 0;
  std::vector<OperandSpec> operands_;  // keeps the buffers
  std::vector<Node> nodes_;
  std::vector<Name> names_;  // of nodes_
  std::vector<double> attributes_;
  std::vector<ProbePoint> probe_points_;  // by operand
  std::unique_ptr<OperandTable> table_;
  std::shared_ptr<Buffer> arena_, workspace_;
  std::mutex mutex_;  // guards table_, wanted_, recordings_ and chains_
  std::vector<StepSizes> wanted_;
  std::vector<Recording> recordings_;
  std::vector<std::shared_ptr<StepChains>> chains_;
  bool deterministic_ = false;
};

}  // namespace trtllm
