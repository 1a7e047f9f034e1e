// sluice/codec/rows.hpp: how arrays, sequences, maps and sets are written and read.
//
// A length, unless the type has it, then the elements. The reader makes room for no more elements
// than the bytes that are left can hold. Elements that all take the same number of bytes are checked
// for room once, together.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/codec/bytes.hpp>
#include <sluice/codec/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// To, From: Writer and Reader, or FixedWriter and FixedReader for what has a fixed size.
template <class T, class To>
void write_value(const T& value, To& to);
template <class T, class From>
[[nodiscard]] T read_value(From& from);

/// Writes where the room is known to be enough.
class FixedWriter {
 public:
  explicit FixedWriter(std::byte* at) noexcept : at_(at) {}
  void put_raw(const void* from, std::size_t count) noexcept {
    if (count > 0) __builtin_memcpy(at_, from, count);
    at_ += count;
  }

 private:
  std::byte* at_;
};

/// Reads what is known to be there.
class FixedReader {
 public:
  FixedReader(const Reader& whole, const std::byte* at) noexcept : whole_(whole), at_(at) {}
  void get_raw(void* to, std::size_t count) noexcept {
    if (count > 0) __builtin_memcpy(to, at_, count);
    at_ += count;
  }
  [[noreturn]] void fail(std::string_view what) const { whole_.fail_at(at_, what); }

 private:
  const Reader& whole_;
  const std::byte* at_;
};

/// One more level of a value that may contain values of its own type.
template <class Side>
class Level {
 public:
  explicit Level(Reader& side) : side_(side) { side.enter(); }
  Level(Writer& side, std::string_view type) : side_(side) { side.enter(type); }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  ~Level() { side_.leave(); }

 private:
  Side& side_;
};

/// Elements that are written one by one, and all take the same number of bytes.
template <class V>
inline constexpr bool kFixedElements = kFixed<V>&& kMinSize<V> > 0;

template <class V>
void write_element(const V& value, Writer& to) {
  if constexpr (kMinSize<V> == 0) to.put_raw("", 1);  // so that a length can be compared with bytes
  write_value<V>(value, to);
}
template <class V>
V read_element(Reader& from) {
  if constexpr (kMinSize<V> == 0) {
    unsigned char filler = 0;
    from.get_raw(&filler, 1);
  }
  return read_value<V>(from);
}

template <class V, std::size_t N, class To>
void write_row(const V (&row)[N], To& to) {
  if constexpr (kBulk<V>) {
    to.put_raw(row, sizeof row);
  } else {
    for (const V& value : row) write_value<V>(value, to);
  }
}

/// Overwrites a value that is there already.
template <class T, class From>
void read_over(T& value, From& from) {
  if constexpr (std::is_array_v<T>) {
    if constexpr (kBulk<T>) {
      from.get_raw(&value, sizeof value);
    } else {
      for (auto& element : value) read_over(element, from);
    }
  } else {
    value = read_value<T>(from);
  }
}

template <class C>
void write_sequence(const C& row, Writer& to) {
  using V = typename C::value_type;
  to.put_count(row.size());
  if constexpr (kBulkRow<C>) {
    to.put_raw(row.data(), row.size() * sizeof(V));
  } else if constexpr (kFixedElements<V>) {
    FixedWriter fixed(to.put_room(row.size() * kMinSize<V>));
    for (const V& value : row) write_value<V>(value, fixed);
  } else {
    const Level<Writer> level(to, type_name<C>());
    for (const V& value : row) write_element<V>(value, to);
  }
}

template <class C>
void make_room(C& container, std::size_t count, std::size_t size, const Reader& from) {
  if constexpr (requires { container.reserve(count); }) {
    container.reserve(from.believable(count, size));
  }
}

/// A row of the elements that lie at `from`, without being filled first, as by a resize. Where they
/// are not aligned they come by way of a few that are.
template <class C>
C bulk_row(const std::byte* from, std::size_t count) {
  using V = typename C::value_type;
  if (reinterpret_cast<std::uintptr_t>(from) % alignof(V) == 0) {
    const V* const first = reinterpret_cast<const V*>(from);
    return C(first, first + count);
  }
  constexpr std::size_t kStep = sizeof(V) < 2048 ? 2048 / sizeof(V) : 1;
  alignas(V) std::byte aligned[kStep * sizeof(V)];
  C row;
  row.reserve(count);
  while (count > 0) {
    const std::size_t step = count < kStep ? count : kStep;
    __builtin_memcpy(aligned, from, step * sizeof(V));
    const V* const first = reinterpret_cast<const V*>(aligned);
    row.insert(row.end(), first, first + step);
    from += step * sizeof(V);
    count -= step;
  }
  return row;
}

template <class C>
C read_bulk_row(Reader& from, std::size_t count) {
  using V = typename C::value_type;
  if (count == 0) return C();
  if constexpr (requires(C row, const V* elements) {
                  C(elements, elements);
                  row.reserve(count);
                  row.insert(row.end(), elements, elements);
                }) {
    return bulk_row<C>(from.get_view(count * sizeof(V)), count);
  } else {
    C row;
    row.resize(count);
    from.get_raw(row.data(), count * sizeof(V));
    return row;
  }
}

template <class C>
C read_sequence(Reader& from) {
  using V = typename C::value_type;
  const std::size_t count = from.get_count(kLeastElement<V>);
  if constexpr (kBulkRow<C>) {
    return read_bulk_row<C>(from, count);
  } else if constexpr (kFixedElements<V>) {
    C row;
    make_room(row, count, sizeof(V), from);
    FixedReader fixed(from, from.get_view(count * kMinSize<V>));
    for (std::size_t i = 0; i < count; ++i) row.push_back(read_value<V>(fixed));
    return row;
  } else {
    C row;
    const Level<Reader> level(from);
    make_room(row, count, sizeof(V), from);
    for (std::size_t i = 0; i < count; ++i) row.push_back(read_element<V>(from));
    return row;
  }
}

template <class C>
void write_keyed(const C& container, Writer& to) {
  const Level<Writer> level(to, type_name<C>());
  to.put_count(container.size());
  for (const auto& entry : container) {
    if constexpr (Map<C>) {
      write_element<typename C::key_type>(entry.first, to);
      write_value<typename C::mapped_type>(entry.second, to);
    } else {
      write_element<typename C::key_type>(entry, to);
    }
  }
}

template <class C>
C read_keyed(Reader& from) {
  using K = typename C::key_type;
  const Level<Reader> level(from);
  C container;
  const std::size_t count = from.get_count(kLeastElement<K>);
  make_room(container, count, sizeof(typename C::value_type), from);
  for (std::size_t i = 0; i < count; ++i) {
    K key = read_element<K>(from);
    if constexpr (Map<C>) {
      container.emplace_hint(container.end(), std::move(key),
                             read_value<typename C::mapped_type>(from));
    } else {
      container.emplace_hint(container.end(), std::move(key));
    }
  }
  return container;
}

}  // namespace sluice::detail
