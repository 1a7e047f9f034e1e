// sluice/codec/bindings.hpp: names for the members of an aggregate, up to 64 of them.
//
// A structured binding says how many names it has, so there is one for each number of members. The
// macros spell them out, a row of eight at a time; none is left when this file ends.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

template <class... Ts>
struct TypeList {};

inline constexpr std::size_t kMaxMembers = 64;

// NOLINTBEGIN: the names of a structured binding can be spelled out in no other way
// clang-format off
// The names of the full rows in front of the last one, and their types; a comma ends each.
#define SLUICE_M8 m0, m1, m2, m3, m4, m5, m6, m7,
#define SLUICE_T8 decltype(m0), decltype(m1), decltype(m2), decltype(m3), \
  decltype(m4), decltype(m5), decltype(m6), decltype(m7),
#define SLUICE_M16 SLUICE_M8 m8, m9, m10, m11, m12, m13, m14, m15,
#define SLUICE_T16 SLUICE_T8 decltype(m8), decltype(m9), decltype(m10), decltype(m11), \
  decltype(m12), decltype(m13), decltype(m14), decltype(m15),
#define SLUICE_M24 SLUICE_M16 m16, m17, m18, m19, m20, m21, m22, m23,
#define SLUICE_T24 SLUICE_T16 decltype(m16), decltype(m17), decltype(m18), decltype(m19), \
  decltype(m20), decltype(m21), decltype(m22), decltype(m23),
#define SLUICE_M32 SLUICE_M24 m24, m25, m26, m27, m28, m29, m30, m31,
#define SLUICE_T32 SLUICE_T24 decltype(m24), decltype(m25), decltype(m26), decltype(m27), \
  decltype(m28), decltype(m29), decltype(m30), decltype(m31),
#define SLUICE_M40 SLUICE_M32 m32, m33, m34, m35, m36, m37, m38, m39,
#define SLUICE_T40 SLUICE_T32 decltype(m32), decltype(m33), decltype(m34), decltype(m35), \
  decltype(m36), decltype(m37), decltype(m38), decltype(m39),
#define SLUICE_M48 SLUICE_M40 m40, m41, m42, m43, m44, m45, m46, m47,
#define SLUICE_T48 SLUICE_T40 decltype(m40), decltype(m41), decltype(m42), decltype(m43), \
  decltype(m44), decltype(m45), decltype(m46), decltype(m47),
#define SLUICE_M56 SLUICE_M48 m48, m49, m50, m51, m52, m53, m54, m55,
#define SLUICE_T56 SLUICE_T48 decltype(m48), decltype(m49), decltype(m50), decltype(m51), \
  decltype(m52), decltype(m53), decltype(m54), decltype(m55),
// The names of the last row, of one to eight, and their types.
#define SLUICE_N1 n1
#define SLUICE_U1 decltype(n1)
#define SLUICE_N2 SLUICE_N1, n2
#define SLUICE_U2 SLUICE_U1, decltype(n2)
#define SLUICE_N3 SLUICE_N2, n3
#define SLUICE_U3 SLUICE_U2, decltype(n3)
#define SLUICE_N4 SLUICE_N3, n4
#define SLUICE_U4 SLUICE_U3, decltype(n4)
#define SLUICE_N5 SLUICE_N4, n5
#define SLUICE_U5 SLUICE_U4, decltype(n5)
#define SLUICE_N6 SLUICE_N5, n6
#define SLUICE_U6 SLUICE_U5, decltype(n6)
#define SLUICE_N7 SLUICE_N6, n7
#define SLUICE_U7 SLUICE_U6, decltype(n7)
#define SLUICE_N8 SLUICE_N7, n8
#define SLUICE_U8 SLUICE_U7, decltype(n8)
#define SLUICE_ROW(full, names, types) \
  } else if constexpr (Count == full + 1) { \
    auto& [names SLUICE_N1] = value; \
    return f(TypeList<types SLUICE_U1>(), names SLUICE_N1); \
  } else if constexpr (Count == full + 2) { \
    auto& [names SLUICE_N2] = value; \
    return f(TypeList<types SLUICE_U2>(), names SLUICE_N2); \
  } else if constexpr (Count == full + 3) { \
    auto& [names SLUICE_N3] = value; \
    return f(TypeList<types SLUICE_U3>(), names SLUICE_N3); \
  } else if constexpr (Count == full + 4) { \
    auto& [names SLUICE_N4] = value; \
    return f(TypeList<types SLUICE_U4>(), names SLUICE_N4); \
  } else if constexpr (Count == full + 5) { \
    auto& [names SLUICE_N5] = value; \
    return f(TypeList<types SLUICE_U5>(), names SLUICE_N5); \
  } else if constexpr (Count == full + 6) { \
    auto& [names SLUICE_N6] = value; \
    return f(TypeList<types SLUICE_U6>(), names SLUICE_N6); \
  } else if constexpr (Count == full + 7) { \
    auto& [names SLUICE_N7] = value; \
    return f(TypeList<types SLUICE_U7>(), names SLUICE_N7); \
  } else if constexpr (Count == full + 8) { \
    auto& [names SLUICE_N8] = value; \
    return f(TypeList<types SLUICE_U8>(), names SLUICE_N8);

/// Returns  f(TypeList of the members' declared types, the members...) for a T of Count members.
template <std::size_t Count, class T, class F>
constexpr decltype(auto) bind_members(T& value, F&& f) {
  static_assert(Count <= kMaxMembers);
  if constexpr (Count == 0) {
    static_cast<void>(value);
    return f(TypeList<>());
  SLUICE_ROW(0, , )
  SLUICE_ROW(8, SLUICE_M8, SLUICE_T8)
  SLUICE_ROW(16, SLUICE_M16, SLUICE_T16)
  SLUICE_ROW(24, SLUICE_M24, SLUICE_T24)
  SLUICE_ROW(32, SLUICE_M32, SLUICE_T32)
  SLUICE_ROW(40, SLUICE_M40, SLUICE_T40)
  SLUICE_ROW(48, SLUICE_M48, SLUICE_T48)
  SLUICE_ROW(56, SLUICE_M56, SLUICE_T56)
  }
}

#undef SLUICE_M8
#undef SLUICE_T8
#undef SLUICE_M16
#undef SLUICE_T16
#undef SLUICE_M24
#undef SLUICE_T24
#undef SLUICE_M32
#undef SLUICE_T32
#undef SLUICE_M40
#undef SLUICE_T40
#undef SLUICE_M48
#undef SLUICE_T48
#undef SLUICE_M56
#undef SLUICE_T56
#undef SLUICE_N1
#undef SLUICE_U1
#undef SLUICE_N2
#undef SLUICE_U2
#undef SLUICE_N3
#undef SLUICE_U3
#undef SLUICE_N4
#undef SLUICE_U4
#undef SLUICE_N5
#undef SLUICE_U5
#undef SLUICE_N6
#undef SLUICE_U6
#undef SLUICE_N7
#undef SLUICE_U7
#undef SLUICE_N8
#undef SLUICE_U8
#undef SLUICE_ROW
// clang-format on
// NOLINTEND

}  // namespace sluice::detail
