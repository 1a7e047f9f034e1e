// sluice/os/file.hpp: opening, reading and writing files, with errors that name them.
//
// Every function that fails throws std::system_error whose text holds the verb, the path, the number
// and the words of the error; reason() gives the same without the path.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace sluice::detail {

enum class FileKind : unsigned char { regular, directory, symlink, other, unknown };

struct FileStatus {
  FileKind kind = FileKind::unknown;
  std::uint64_t size_bytes = 0;  ///< of a regular file
};

enum class Links : unsigned char { follow, refuse };

/// The path that stands for standard input or output.
inline constexpr std::string_view kStandardStream = "-";
/// What messages call a path: "standard input" for "-".
[[nodiscard]] std::string input_name(const std::string& path);
[[nodiscard]] std::string output_name(const std::string& path);

/// Throws  std::system_error("cannot <verb> <object> (errno 13)"), whose text ends in the words of
///         the error.
[[noreturn]] void throw_os_error(int error, std::string_view verb, const std::string& object);
/// Returns "cannot <verb>: Permission denied (errno 13)".
[[nodiscard]] std::string reason(std::string_view verb, const std::error_code& error);

/// Opens for reading; "-" is standard input. Never waits: a FIFO opens without its writer.
[[nodiscard]] Descriptor open_to_read(const std::string& path, Links links = Links::follow);

enum class WriteMode : unsigned char { truncate, append };
/// Opens for writing and creates the file when it is missing; "-" is standard output.
[[nodiscard]] Descriptor open_to_write(const std::string& path, WriteMode mode);

[[nodiscard]] FileStatus status_of(const std::string& path);
[[nodiscard]] FileStatus status_of(const Descriptor& descriptor, const std::string& name);
/// Of an entry of an open directory, links not followed; `path` is for messages.
[[nodiscard]] FileStatus status_of_entry(int directory, const std::string& name,
                                         const std::string& path);

inline constexpr std::size_t kWouldBlock = ~std::size_t{0};

/// One read. Returns  bytes read, 0 at the end, kWouldBlock when a non-blocking descriptor has none.
[[nodiscard]] std::size_t read_some(const Descriptor& descriptor, std::span<char> to,
                                    const std::string& name);
/// Reads from a position until `to` is full. Returns  bytes read: fewer at the end of the file only.
[[nodiscard]] std::size_t read_at(const Descriptor& descriptor, std::uint64_t offset,
                                  std::span<char> to, const std::string& name);

/// Writes all of it; waits on a non-blocking descriptor. Does not raise SIGPIPE.
/// Throws  std::system_error; its code is EPIPE when the reading end was closed.
void write_all(const Descriptor& descriptor, std::string_view bytes, const std::string& name);

/// Closes a written file and reports what the system says only then.
void close_written(Descriptor descriptor, const std::string& name);

/// Tells the system that the file will be read from front to back.
void advise_sequential(const Descriptor& descriptor) noexcept;

}  // namespace sluice::detail
