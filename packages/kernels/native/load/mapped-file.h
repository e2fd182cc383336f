#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "../core/status.h"

namespace trtllm {

// A file mapped for reading. HAZARD: reading bytes that a truncation took away ends the process (SIGBUS); `check_range`
// compares with the file's size of this moment and must come before every read.
class MappedFile {
 public:
  static Status open(const std::string& path, std::shared_ptr<MappedFile>* out);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  uint64_t size() const { return size_; }
  const char* data() const { return static_cast<const char*>(data_); }
  Status check_range(uint64_t offset, uint64_t bytes) const;

  // Tells the system that these bytes will be read soon, in order.
  void will_read(uint64_t offset, uint64_t bytes) const;

 private:
  MappedFile(std::string path, int descriptor, void* data, uint64_t size)
      : path_(std::move(path)), descriptor_(descriptor), data_(data), size_(size) {}

  std::string path_;
  int descriptor_;
  void* data_;
  uint64_t size_;
};

}  // namespace trtllm
