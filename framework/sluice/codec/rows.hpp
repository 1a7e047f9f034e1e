// sluice/codec/rows.hpp: how arrays, sequences, maps and sets are written and read.
//
// A length, unless the type has it, then the elements. The reader makes room for no more elements
// than the bytes that are left can hold.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/codec/layout.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class T>
void write_value(const T& value, Writer& to);
template <class T>
[[nodiscard]] T read_value(Reader& from);

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

template <class V, std::size_t N>
void write_row(const V (&row)[N], Writer& to) {
  if constexpr (kBulk<V>) {
    to.put_raw(row, sizeof row);
  } else {
    for (const V& value : row) write_value<V>(value, to);
  }
}

/// Overwrites a value that is there already.
template <class T>
void read_over(T& value, Reader& from) {
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

template <class C>
C read_sequence(Reader& from) {
  using V = typename C::value_type;
  C row;
  const std::size_t count = from.get_count(kLeastElement<V>);
  if constexpr (kBulkRow<C>) {
    row.resize(count);
    from.get_raw(row.data(), count * sizeof(V));
  } else {
    const Level<Reader> level(from);
    make_room(row, count, sizeof(V), from);
    for (std::size_t i = 0; i < count; ++i) row.push_back(read_element<V>(from));
  }
  return row;
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
