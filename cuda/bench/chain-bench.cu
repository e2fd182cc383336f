// Runs a decode step of one row of Llama's shapes node by node, by the ops' own kernels, and as chains, and compares both: logits,
// cache, time; and whether chains give the same bits each time. What plans do (native/plan), without Node.
// Build: sh cuda/bench/chain-bench.sh chain-bench
// Run:   ./chain-bench [layers]
#include "backend/cuda/chain.h"
#include "llama-step.cuh"

struct Bench {
  StepMemory& memory;
  LlamaStep& m;
  StepNodes step;
  StreamState stream{};
  DeviceState device{};
  void* workspace = nullptr;
  int64_t workspace_bytes = 128 << 20;
  std::vector<ChainState*> chains;
  std::vector<int> firsts, counts;

  Bench(StepMemory& memory, LlamaStep& m, const char* name) : memory(memory), m(m), step(m.nodes()) {
    check(cudaDeviceSynchronize(), "filling");
    cudaStreamCreate(&stream.handle);
    workspace = memory.allocate(workspace_bytes);
    for (int node = 0; node < step.count;) {
      ChainState* chain = nullptr;
      int count = 0;
      uint64_t bytes = 0;
      check(make_chain(&device, step, node, &chain, &count, &bytes));
      if (chain == nullptr) {
        node++;
        continue;
      }
      check(place_chain(&device, &stream, chain, memory.allocate(static_cast<int64_t>(bytes))));
      printf("%-8s chain of nodes %d to %d of %d: %d links, %.1f MB\n", name, node, node + count - 1, step.count, chain->program.num_links, double(bytes) * 1e-6);
      chains.push_back(chain), firsts.push_back(node), counts.push_back(count);
      node += count;
    }
  }
  void run(bool chained) {
    size_t next = 0;
    for (int i = 0; i < step.count; i++) {
      if (chained && next < chains.size() && firsts[next] == i) {
        check(run_chain(&device, &stream, chains[next]));
        i += counts[next++] - 1;
        continue;
      }
      LaunchContext context;
      context.stream = stream.handle, context.workspace = workspace, context.workspace_bytes = workspace_bytes;
      check(kernel_of(step.nodes[i].op)->launch(step.nodes[i].call, context));
    }
  }
  std::vector<float> logits(bool chained) {
    check(cudaMemset(m.logits.data, 0xff, static_cast<size_t>(m.logits.shape[1]) * 4), "memset");
    run(chained);
    check(cudaStreamSynchronize(stream.handle), "step");
    std::vector<float> result(static_cast<size_t>(m.logits.shape[1]));
    check(cudaMemcpy(result.data(), m.logits.data, result.size() * 4, cudaMemcpyDeviceToHost), "logits");
    return result;
  }
  std::vector<uint16_t> cache(size_t layer) {
    const TensorRef& t = m.caches[layer];
    std::vector<uint16_t> result(static_cast<size_t>(t.shape[0] * t.stride[0]));
    check(cudaMemcpy(result.data(), t.data, result.size() * 2, cudaMemcpyDeviceToHost), "cache");
    return result;
  }
  double microseconds(bool chained) {
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    check(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "capture");
    run(chained);
    check(cudaStreamEndCapture(stream.handle, &graph), "capture");
    check(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    cudaEvent_t a, b;
    cudaEventCreate(&a), cudaEventCreate(&b);
    for (int i = 0; i < 3; i++) cudaGraphLaunch(exec, stream.handle);
    cudaEventRecord(a, stream.handle);
    for (int i = 0; i < 20; i++) cudaGraphLaunch(exec, stream.handle);
    cudaEventRecord(b, stream.handle);
    check(cudaStreamSynchronize(stream.handle), "timing");
    float ms = 0;
    cudaEventElapsedTime(&ms, a, b);
    cudaGraphExecDestroy(exec), cudaGraphDestroy(graph);
    return ms * 1000 / 20;
  }
};

static double error_of(const std::vector<float>& a, const std::vector<float>& b) {
  double d = 0, n = 0;
  for (size_t i = 0; i < a.size(); i++) d += double(a[i] - b[i]) * (a[i] - b[i]), n += double(b[i]) * b[i];
  return std::sqrt(d / n);
}

int main(int argc, char** argv) {
  const int64_t layers = argc > 1 ? atoi(argv[1]) : 0;
  constexpr int kRuns = 20;
  cublaslt_prepare(0);
  const LlamaShape shapes[] = {{"1B bf16", 16, 2048, 32, 8, 64, 8192, 128256, false}, {"8B f8", 32, 4096, 32, 8, 128, 14336, 128256, true},
                            {"8B bf16", 32, 4096, 32, 8, 128, 14336, 128256, false}};
  for (const LlamaShape& c : shapes) {
    for (const int64_t some : {int64_t{1}, layers > 0 ? layers : c.layers}) {
      LlamaShape part = c;
      part.layers = some;
      GpuStepMemory memory;
      LlamaStep m(memory, part, 384);
      Bench bench(memory, m, c.name);
      const auto apart = bench.logits(false);
      const auto key = bench.cache(0);
      const auto chained = bench.logits(true);
      const auto chained_key = bench.cache(0);
      int others = 0;
      for (int i = 0; i < kRuns; i++) others += bench.logits(true) != chained ? 1 : 0;
      size_t other = 0;
      for (size_t i = 0; i < key.size(); i++) other += key[i] != chained_key[i] ? 1 : 0;
      printf("%-8s %2lld layers: logits differ by %.2e, other bits in %d of %d runs; %zu elements of layer 0's cache differ; node by node %.1f us, chained %.1f us (%.0f GB/s)\n", c.name,
             static_cast<long long>(some), error_of(chained, apart), others, kRuns, other, bench.microseconds(false),
             bench.microseconds(true), m.weight_bytes / bench.microseconds(true) * 1e-3);
      fflush(stdout);
    }
  }
}
