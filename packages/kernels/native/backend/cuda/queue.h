#pragma once
#include "device.h"

// Streams, events and captured graphs.
namespace trtllm::cuda {

Status open_stream(DeviceState*, StreamState**);
void close_stream(DeviceState*, StreamState*);
Status synchronize(DeviceState*, StreamState*);

Status create_event(DeviceState*, EventState**);
void destroy_event(DeviceState*, EventState*);
Status record_event(DeviceState*, StreamState*, EventState*);
Status wait_event(DeviceState*, EventState*);
Status elapsed(DeviceState*, EventState* from, EventState* to, double* microseconds);

Status capture_begin(DeviceState*, StreamState*);
Status capture_end(DeviceState*, StreamState*, GraphState**);
Status replay(DeviceState*, StreamState*, GraphState*);
void destroy_graph(DeviceState*, GraphState*);

}  // namespace trtllm::cuda
