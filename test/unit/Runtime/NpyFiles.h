//===- NpyFiles.h - Files for the readers' tests ----------------*- C++ -*-===//

#ifndef SPARSEACCEL_TEST_UNIT_RUNTIME_NPYFILES_H
#define SPARSEACCEL_TEST_UNIT_RUNTIME_NPYFILES_H

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sparseaccel::runtime {

inline std::vector<uint8_t> toBytes(const std::string &text) { return {text.begin(), text.end()}; }

/// A file of version 1 whose header is `dictionary`, padded as NumPy pads it.
inline std::vector<uint8_t> npy(std::string dictionary, const std::vector<uint8_t> &data, uint8_t version = 1) {
  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  dictionary += "\n";
  bytes.push_back(uint8_t(dictionary.size()));
  bytes.push_back(uint8_t(dictionary.size() >> 8));
  if (version > 1)
    bytes.insert(bytes.end(), {0, 0});
  bytes.insert(bytes.end(), dictionary.begin(), dictionary.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

inline void put16(std::vector<uint8_t> &to, unsigned value) {
  to.insert(to.end(), {uint8_t(value), uint8_t(value >> 8)});
}
inline void put32(std::vector<uint8_t> &to, uint32_t value) {
  put16(to, value & 0xffff);
  put16(to, value >> 16);
}

struct Member {
  std::string name;
  std::vector<uint8_t> content;
  bool deflate = false;
};

/// An archive, its members stored or deflated.
inline std::vector<uint8_t> zip(const std::vector<Member> &members) {
  std::vector<uint8_t> bytes, directory;
  for (const Member &member : members) {
    std::vector<uint8_t> packed = member.content;
    if (member.deflate) {
      z_stream stream{};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      packed.resize(deflateBound(&stream, member.content.size()));
      stream.next_in = const_cast<Bytef *>(member.content.data());
      stream.avail_in = member.content.size();
      stream.next_out = packed.data();
      stream.avail_out = packed.size();
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
    }
    uint32_t crc = crc32(0, member.content.data(), member.content.size()), local = bytes.size();
    auto common = [&](std::vector<uint8_t> &to) {
      put16(to, 20);
      put16(to, 0);
      put16(to, member.deflate ? 8 : 0);
      put32(to, 0);
      put32(to, crc);
      put32(to, packed.size());
      put32(to, member.content.size());
      put16(to, member.name.size());
    };
    put32(bytes, 0x04034b50);
    common(bytes);
    put16(bytes, 4); // an extra field that only the local header has
    bytes.insert(bytes.end(), member.name.begin(), member.name.end());
    put32(bytes, 0);
    bytes.insert(bytes.end(), packed.begin(), packed.end());
    put32(directory, 0x02014b50);
    put16(directory, 20);
    common(directory);
    put16(directory, 0);
    put16(directory, 0);
    put16(directory, 0);
    put16(directory, 0);
    put32(directory, 0);
    put32(directory, local);
    directory.insert(directory.end(), member.name.begin(), member.name.end());
  }
  uint32_t start = bytes.size();
  bytes.insert(bytes.end(), directory.begin(), directory.end());
  put32(bytes, 0x06054b50);
  put32(bytes, 0);
  put16(bytes, members.size());
  put16(bytes, members.size());
  put32(bytes, directory.size());
  put32(bytes, start);
  put16(bytes, 0);
  return bytes;
}

} // namespace sparseaccel::runtime

#endif // SPARSEACCEL_TEST_UNIT_RUNTIME_NPYFILES_H
