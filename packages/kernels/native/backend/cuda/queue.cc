#include "queue.h"

namespace trtllm::cuda {

Status open_stream(DeviceState* device, StreamState** out) {
  *out = nullptr;
  TRTLLM_TRY(use(device));
  cudaStream_t handle = nullptr;
  TRTLLM_TRY(status_of(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "creating a stream"));
  *out = new StreamState{handle};
  return Status();
}

void close_stream(DeviceState* device, StreamState* stream) {
  if (stream == nullptr) return;
  if (use(device).ok()) cudaStreamDestroy(stream->handle);
  delete stream;
}

Status synchronize(DeviceState* device, StreamState* stream) {
  TRTLLM_TRY(use(device));
  return status_of(cudaStreamSynchronize(stream->handle), "waiting for a stream");
}

Status create_event(DeviceState* device, EventState** out) {
  *out = nullptr;
  TRTLLM_TRY(use(device));
  cudaEvent_t handle = nullptr;
  TRTLLM_TRY(status_of(cudaEventCreateWithFlags(&handle, cudaEventBlockingSync), "creating an event"));
  *out = new EventState{handle};
  return Status();
}

void destroy_event(DeviceState* device, EventState* event) {
  if (event == nullptr) return;
  if (use(device).ok()) cudaEventDestroy(event->handle);
  delete event;
}

Status record_event(DeviceState* device, StreamState* stream, EventState* event) {
  TRTLLM_TRY(use(device));
  return status_of(cudaEventRecord(event->handle, stream->handle), "recording an event");
}

Status wait_event(DeviceState* device, EventState* event) {
  TRTLLM_TRY(use(device));
  return status_of(cudaEventSynchronize(event->handle), "waiting for an event");
}

Status elapsed(DeviceState* device, EventState* from, EventState* to, double* microseconds) {
  TRTLLM_TRY(use(device));
  float milliseconds = 0;
  TRTLLM_TRY(status_of(cudaEventElapsedTime(&milliseconds, from->handle, to->handle), "timing events"));
  *microseconds = 1000.0 * static_cast<double>(milliseconds);
  return Status();
}

// Thread-local mode: other threads may go on allocating while this one captures.
Status capture_begin(DeviceState* device, StreamState* stream) {
  TRTLLM_TRY(use(device));
  return status_of(cudaStreamBeginCapture(stream->handle, cudaStreamCaptureModeThreadLocal), "beginning a capture");
}

Status capture_end(DeviceState* device, StreamState* stream, GraphState** out) {
  *out = nullptr;
  TRTLLM_TRY(use(device));
  cudaGraph_t graph = nullptr;
  TRTLLM_TRY(status_of(cudaStreamEndCapture(stream->handle, &graph), "ending a capture"));
  cudaGraphExec_t handle = nullptr;
  const Status status = status_of(cudaGraphInstantiate(&handle, graph, 0), "instantiating a graph");
  cudaGraphDestroy(graph);
  TRTLLM_TRY(status);
  *out = new GraphState{handle};
  return Status();
}

Status replay(DeviceState* device, StreamState* stream, GraphState* graph) {
  TRTLLM_TRY(use(device));
  return status_of(cudaGraphLaunch(graph->handle, stream->handle), "replaying a graph");
}

void destroy_graph(DeviceState* device, GraphState* graph) {
  if (graph == nullptr) return;
  if (use(device).ok()) cudaGraphExecDestroy(graph->handle);
  delete graph;
}

}  // namespace trtllm::cuda
