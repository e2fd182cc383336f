#include "../load/convert.h"
#include "../load/load-matrix.h"
#include "../load/load-quantized.h"
#include "../load/mapped-file.h"
#include "bindings.h"
#include "handle.h"

namespace trtllm {
namespace {

// (device, bytes, label) -> buffer
Napi::Value allocate(const Napi::CallbackInfo& info) {
  std::shared_ptr<Buffer> buffer;
  check(Buffer::allocate(unwrap<Device>(info[0]), to_size(info[1], "bytes"), to_text(info[2], "label"), &buffer));
  return wrap(info.Env(), std::move(buffer));
}

// Releases any handle; twice is harmless.
Napi::Value dispose(const Napi::CallbackInfo& info) {
  handle_of(info[0]).object.reset();
  return info.Env().Undefined();
}

// (buffer, offset, view)
Napi::Value write(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const uint64_t offset = to_size(info[1], "offset");
  const ByteSpan span = to_bytes(info[2], "source");
  check(buffer->check_range("write", offset, span.bytes));
  check(buffer->device()->write(buffer->data() + offset, span.data, span.bytes));
  return info.Env().Undefined();
}

Napi::Value read(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const uint64_t offset = to_size(info[1], "offset");
  const ByteSpan span = to_bytes(info[2], "target");
  check(buffer->check_range("read", offset, span.bytes));
  check(buffer->device()->read(span.data, buffer->data() + offset, span.bytes));
  return info.Env().Undefined();
}

// (buffer, byte)
Napi::Value fill(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const auto value = static_cast<uint8_t>(to_int(info[1], "byte"));
  check(buffer->device()->fill(buffer->data(), value, buffer->bytes()));
  return info.Env().Undefined();
}

// (buffer, offset, dtype, count, standardDeviation, seed)
Napi::Value fill_gaussian(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const uint64_t offset = to_size(info[1], "offset"), count = to_size(info[3], "count");
  const DType dtype = to_dtype(info[2]);
  const auto size = static_cast<uint64_t>(dtype_bytes(dtype));
  if (!is_convertible(dtype) || offset % size != 0 || count > UINT64_MAX / 8) {
    check(Status::error(Code::invalid, "fillGaussian: expected a float type and an aligned offset"));
  }
  check(buffer->check_range("fillGaussian", offset, count * size));
  check(buffer->device()->fill_gaussian(buffer->data() + offset, dtype, count,
                                                    info[4].As<Napi::Number>().DoubleValue(),
                                                    static_cast<uint64_t>(to_integer(info[5], "seed"))));
  return info.Env().Undefined();
}

// Host data of a load: from arguments (rows, columns, values) or (rows, columns, file, offset, dtype, rowStride,
// columnStart, columnStride). Checks that all of it lies in the file.
HostMatrix to_host_matrix(const Napi::CallbackInfo& info, size_t at) {
  HostMatrix matrix{};
  matrix.rows = static_cast<int64_t>(to_size(info[at], "source rows"));
  matrix.columns = static_cast<int64_t>(to_size(info[at + 1], "source columns"));
  const Napi::Value from = info[at + 2];
  if (!from.IsExternal()) {
    const ByteSpan span = to_bytes(from, "values");
    matrix.data = span.data;
    matrix.dtype = DType::f32;
    matrix.row_stride = matrix.columns;
    int64_t elements = 0;
    if (__builtin_mul_overflow(matrix.rows, matrix.columns, &elements) ||
        static_cast<uint64_t>(elements) > span.bytes / 4) {
      check(Status::error(Code::invalid, "load: values has %llu elements, expected %lld x %lld",
                                      static_cast<unsigned long long>(span.bytes / 4),
                                      static_cast<long long>(matrix.rows), static_cast<long long>(matrix.columns)));
    }
    return matrix;
  }
  const auto file = unwrap<MappedFile>(from);
  const uint64_t offset = to_size(info[at + 3], "source offset");
  matrix.dtype = to_dtype(info[at + 4]);
  matrix.row_stride = static_cast<int64_t>(to_size(info[at + 5], "rowStride"));
  const auto first = static_cast<int64_t>(to_size(info[at + 6], "columnStart"));
  matrix.column_stride = static_cast<int64_t>(to_size(info[at + 7], "columnStride"));
  const int64_t size = dtype_bytes(matrix.dtype);
  int64_t last_row = 0, last_column = 0, elements = 0;
  if (matrix.rows == 0 || matrix.columns == 0) return matrix;
  const bool row_major = matrix.column_stride == 1;
  if ((row_major && (matrix.columns > matrix.row_stride || first > matrix.row_stride - matrix.columns)) ||
      __builtin_mul_overflow(matrix.rows - 1, matrix.row_stride, &last_row) ||
      __builtin_mul_overflow(matrix.columns - 1, matrix.column_stride, &last_column) ||
      __builtin_add_overflow(last_row, last_column, &elements) || elements > INT64_MAX / 16 || first > INT64_MAX / 16) {
    check(Status::error(Code::invalid, "load: columns %lld to %lld of rows of %lld elements",
                                    static_cast<long long>(first), static_cast<long long>(first + matrix.columns),
                                    static_cast<long long>(matrix.row_stride)));
  }
  elements += first + 1;
  check(file->check_range(offset, static_cast<uint64_t>(elements * size)));
  file->will_read(offset, static_cast<uint64_t>(elements * size));
  matrix.data = file->data() + offset + first * size;
  return matrix;
}

// Arguments 1 to 5: offset, dtype, rows, columns, firstRow.
MatrixTarget to_matrix_target(const Napi::CallbackInfo& info, Buffer* buffer) {
  return MatrixTarget{buffer,
                      static_cast<int64_t>(to_size(info[1], "offset")),
                      to_dtype(info[2]),
                      static_cast<int64_t>(to_size(info[3], "rows")),
                      static_cast<int64_t>(to_size(info[4], "columns")),
                      static_cast<int64_t>(to_size(info[5], "firstRow")),
                      true};
}

// (buffer, offset, dtype, rows, columns, firstRow, ...source)
Napi::Value load_device_matrix(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const MatrixTarget target = to_matrix_target(info, buffer.get());
  check(load_matrix(target, to_host_matrix(info, 6)));
  return info.Env().Undefined();
}

// (buffer, offset, dtype, rows, columns, firstRow, scaleOffset, ...source)
Napi::Value load_quantized_matrix(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const MatrixTarget target = to_matrix_target(info, buffer.get());
  check(load_quantized(target, static_cast<int64_t>(to_size(info[6], "scaleOffset")), to_host_matrix(info, 7)));
  return info.Env().Undefined();
}

// (buffer, offset, dtype, rows, columns, firstRow, scales, scaleRows, scaleColumns, blockRows, blockColumns, fromRow, fromColumn,
// ...source)
Napi::Value load_scaled_matrix(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const MatrixTarget target = to_matrix_target(info, buffer.get());
  const ByteSpan values = to_bytes(info[6], "scales");
  const BlockScales scales{reinterpret_cast<const float*>(values.data),
                           static_cast<int64_t>(to_size(info[7], "scaleRows")),
                           static_cast<int64_t>(to_size(info[8], "scaleColumns")),
                           static_cast<int64_t>(to_size(info[9], "blockRows")),
                           static_cast<int64_t>(to_size(info[10], "blockColumns")),
                           static_cast<int64_t>(to_size(info[11], "fromRow")),
                           static_cast<int64_t>(to_size(info[12], "fromColumn"))};
  if (scales.columns > 0 && scales.rows > static_cast<int64_t>(values.bytes / 4) / scales.columns) {
    check(Status::error(Code::invalid, "load: %lld x %lld scales, found %lld values", static_cast<long long>(scales.rows),
                        static_cast<long long>(scales.columns), static_cast<long long>(values.bytes / 4)));
  }
  check(load_scaled(target, to_host_matrix(info, 13), scales));
  return info.Env().Undefined();
}

// (buffer, offset, dtype, ...source)
Napi::Value load_vector(const Napi::CallbackInfo& info) {
  const auto buffer = unwrap<Buffer>(info[0]);
  const HostMatrix source = to_host_matrix(info, 3);
  const MatrixTarget target{buffer.get(),   static_cast<int64_t>(to_size(info[1], "offset")),
                            to_dtype(info[2]), source.rows, source.columns, 0, false};
  check(load_matrix(target, source));
  return info.Env().Undefined();
}

}  // namespace

void bind_buffers(Napi::Env env, Napi::Object exports) {
  add_function<allocate>(env, exports, "allocate");
  add_function<dispose>(env, exports, "dispose");
  add_function<write>(env, exports, "bufferWrite");
  add_function<read>(env, exports, "bufferRead");
  add_function<fill>(env, exports, "bufferFill");
  add_function<fill_gaussian>(env, exports, "fillGaussian");
  add_function<load_device_matrix>(env, exports, "loadMatrix");
  add_function<load_quantized_matrix>(env, exports, "loadQuantized");
  add_function<load_scaled_matrix>(env, exports, "loadScaled");
  add_function<load_vector>(env, exports, "loadVector");
}

}  // namespace trtllm
