#include "mapped-file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace trtllm {

Status MappedFile::open(const std::string& path, std::shared_ptr<MappedFile>* out) {
  const auto fail = [&](const char* what) {
    return Status::error(Code::io, "%s: %s: %s", path.c_str(), what, strerror(errno));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail("cannot open");
  struct stat about;
  if (fstat(descriptor, &about) != 0) {
    const Status status = fail("cannot stat");
    ::close(descriptor);
    return status;
  }
  if (!S_ISREG(about.st_mode)) {
    ::close(descriptor);
    return Status::error(Code::io, "%s: expected a regular file", path.c_str());
  }
  const auto size = static_cast<uint64_t>(about.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) {
      const Status status = fail("cannot map");
      ::close(descriptor);
      return status;
    }
  }
  out->reset(new MappedFile(path, descriptor, data, size));
  return Status();
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
  ::close(descriptor_);
}

Status MappedFile::check_range(uint64_t offset, uint64_t bytes) const {
  if (offset > size_ || bytes > size_ - offset) {
    return Status::error(Code::io, "%s: bytes %llu to %llu asked for, the file has %llu: it is truncated or its header is wrong",
                         path_.c_str(), static_cast<unsigned long long>(offset),
                         static_cast<unsigned long long>(offset + bytes), static_cast<unsigned long long>(size_));
  }
  struct stat about;
  if (fstat(descriptor_, &about) != 0 || static_cast<uint64_t>(about.st_size) < size_) {
    return Status::error(Code::io, "%s: the file became shorter than the %llu bytes it had when it was opened",
                         path_.c_str(), static_cast<unsigned long long>(size_));
  }
  return Status();
}

void MappedFile::will_read(uint64_t offset, uint64_t bytes) const {
  const uint64_t start = offset / 4096 * 4096;
  if (bytes > 0) madvise(static_cast<char*>(data_) + start, bytes + (offset - start), MADV_WILLNEED);
}

}  // namespace trtllm
