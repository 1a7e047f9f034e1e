// sluice/codec/bindings.hpp: names for the members of an aggregate, up to 64 of them.
//
// A structured binding says how many names it has, so there is one for each number of members. The
// macros spell out rows of eight names and their types; none is left when this file ends.
// Layer: codec. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sluice::detail {

template <class... Ts>
struct TypeList {};

inline constexpr std::size_t kMaxMembers = 64;

// NOLINTBEGIN: the names of a structured binding can be spelled out in no other way
#define SLUICE_M8 m0, m1, m2, m3, m4, m5, m6, m7
#define SLUICE_T8                                                                     \
  decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5), \
      decltype(m6), decltype(m7)
#define SLUICE_M16 SLUICE_M8, m8, m9, m10, m11, m12, m13, m14, m15
#define SLUICE_T16                                                                    \
  SLUICE_T8, decltype(m8), decltype(m9), decltype(m10), decltype(m11), decltype(m12), \
      decltype(m13), decltype(m14), decltype(m15)
#define SLUICE_M24 SLUICE_M16, m16, m17, m18, m19, m20, m21, m22, m23
#define SLUICE_T24                                                                       \
  SLUICE_T16, decltype(m16), decltype(m17), decltype(m18), decltype(m19), decltype(m20), \
      decltype(m21), decltype(m22), decltype(m23)
#define SLUICE_M32 SLUICE_M24, m24, m25, m26, m27, m28, m29, m30, m31
#define SLUICE_T32                                                                       \
  SLUICE_T24, decltype(m24), decltype(m25), decltype(m26), decltype(m27), decltype(m28), \
      decltype(m29), decltype(m30), decltype(m31)
#define SLUICE_M40 SLUICE_M32, m32, m33, m34, m35, m36, m37, m38, m39
#define SLUICE_T40                                                                       \
  SLUICE_T32, decltype(m32), decltype(m33), decltype(m34), decltype(m35), decltype(m36), \
      decltype(m37), decltype(m38), decltype(m39)
#define SLUICE_M48 SLUICE_M40, m40, m41, m42, m43, m44, m45, m46, m47
#define SLUICE_T48                                                                       \
  SLUICE_T40, decltype(m40), decltype(m41), decltype(m42), decltype(m43), decltype(m44), \
      decltype(m45), decltype(m46), decltype(m47)
#define SLUICE_M56 SLUICE_M48, m48, m49, m50, m51, m52, m53, m54, m55
#define SLUICE_T56                                                                       \
  SLUICE_T48, decltype(m48), decltype(m49), decltype(m50), decltype(m51), decltype(m52), \
      decltype(m53), decltype(m54), decltype(m55)
#define SLUICE_M64 SLUICE_M56, m56, m57, m58, m59, m60, m61, m62, m63
#define SLUICE_T64                                                                       \
  SLUICE_T56, decltype(m56), decltype(m57), decltype(m58), decltype(m59), decltype(m60), \
      decltype(m61), decltype(m62), decltype(m63)
// NOLINTEND

/// Returns  f(TypeList of the members' declared types, the members...) for a T of Count members.
template <std::size_t Count, class T, class F>
constexpr decltype(auto) bind_members(T& value, F&& f) {
  static_assert(Count <= kMaxMembers);
  if constexpr (Count == 1) {
    auto& [m0] = value;
    return f(TypeList<decltype(m0)>(), m0);
  } else if constexpr (Count == 2) {
    auto& [m0, m1] = value;
    return f(TypeList<decltype(m0), decltype(m1)>(), m0, m1);
  } else if constexpr (Count == 3) {
    auto& [m0, m1, m2] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2)>(), m0, m1, m2);
  } else if constexpr (Count == 4) {
    auto& [m0, m1, m2, m3] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3)>(), m0, m1, m2, m3);
  } else if constexpr (Count == 5) {
    auto& [m0, m1, m2, m3, m4] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4)>(), m0,
             m1, m2, m3, m4);
  } else if constexpr (Count == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5)>(),
             m0, m1, m2, m3, m4, m5);
  } else if constexpr (Count == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = value;
    return f(TypeList<decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6)>(),
             m0, m1, m2, m3, m4, m5, m6);
  } else if constexpr (Count == 8) {
    auto& [SLUICE_M8] = value;
    return f(TypeList<SLUICE_T8>(), SLUICE_M8);
  } else if constexpr (Count == 9) {
    auto& [SLUICE_M8, m8] = value;
    return f(TypeList<SLUICE_T8, decltype(m8)>(), SLUICE_M8, m8);
  } else if constexpr (Count == 10) {
    auto& [SLUICE_M8, m8, m9] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9)>(), SLUICE_M8, m8, m9);
  } else if constexpr (Count == 11) {
    auto& [SLUICE_M8, m8, m9, m10] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9), decltype(m10)>(), SLUICE_M8, m8, m9,
             m10);
  } else if constexpr (Count == 12) {
    auto& [SLUICE_M8, m8, m9, m10, m11] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9), decltype(m10), decltype(m11)>(),
             SLUICE_M8, m8, m9, m10, m11);
  } else if constexpr (Count == 13) {
    auto& [SLUICE_M8, m8, m9, m10, m11, m12] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9), decltype(m10), decltype(m11),
                      decltype(m12)>(),
             SLUICE_M8, m8, m9, m10, m11, m12);
  } else if constexpr (Count == 14) {
    auto& [SLUICE_M8, m8, m9, m10, m11, m12, m13] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9), decltype(m10), decltype(m11),
                      decltype(m12), decltype(m13)>(),
             SLUICE_M8, m8, m9, m10, m11, m12, m13);
  } else if constexpr (Count == 15) {
    auto& [SLUICE_M8, m8, m9, m10, m11, m12, m13, m14] = value;
    return f(TypeList<SLUICE_T8, decltype(m8), decltype(m9), decltype(m10), decltype(m11),
                      decltype(m12), decltype(m13), decltype(m14)>(),
             SLUICE_M8, m8, m9, m10, m11, m12, m13, m14);
  } else if constexpr (Count == 16) {
    auto& [SLUICE_M16] = value;
    return f(TypeList<SLUICE_T16>(), SLUICE_M16);
  } else if constexpr (Count == 17) {
    auto& [SLUICE_M16, m16] = value;
    return f(TypeList<SLUICE_T16, decltype(m16)>(), SLUICE_M16, m16);
  } else if constexpr (Count == 18) {
    auto& [SLUICE_M16, m16, m17] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17)>(), SLUICE_M16, m16, m17);
  } else if constexpr (Count == 19) {
    auto& [SLUICE_M16, m16, m17, m18] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17), decltype(m18)>(), SLUICE_M16, m16,
             m17, m18);
  } else if constexpr (Count == 20) {
    auto& [SLUICE_M16, m16, m17, m18, m19] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17), decltype(m18), decltype(m19)>(),
             SLUICE_M16, m16, m17, m18, m19);
  } else if constexpr (Count == 21) {
    auto& [SLUICE_M16, m16, m17, m18, m19, m20] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20)>(),
             SLUICE_M16, m16, m17, m18, m19, m20);
  } else if constexpr (Count == 22) {
    auto& [SLUICE_M16, m16, m17, m18, m19, m20, m21] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20), decltype(m21)>(),
             SLUICE_M16, m16, m17, m18, m19, m20, m21);
  } else if constexpr (Count == 23) {
    auto& [SLUICE_M16, m16, m17, m18, m19, m20, m21, m22] = value;
    return f(TypeList<SLUICE_T16, decltype(m16), decltype(m17), decltype(m18), decltype(m19),
                      decltype(m20), decltype(m21), decltype(m22)>(),
             SLUICE_M16, m16, m17, m18, m19, m20, m21, m22);
  } else if constexpr (Count == 24) {
    auto& [SLUICE_M24] = value;
    return f(TypeList<SLUICE_T24>(), SLUICE_M24);
  } else if constexpr (Count == 25) {
    auto& [SLUICE_M24, m24] = value;
    return f(TypeList<SLUICE_T24, decltype(m24)>(), SLUICE_M24, m24);
  } else if constexpr (Count == 26) {
    auto& [SLUICE_M24, m24, m25] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25)>(), SLUICE_M24, m24, m25);
  } else if constexpr (Count == 27) {
    auto& [SLUICE_M24, m24, m25, m26] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25), decltype(m26)>(), SLUICE_M24, m24,
             m25, m26);
  } else if constexpr (Count == 28) {
    auto& [SLUICE_M24, m24, m25, m26, m27] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25), decltype(m26), decltype(m27)>(),
             SLUICE_M24, m24, m25, m26, m27);
  } else if constexpr (Count == 29) {
    auto& [SLUICE_M24, m24, m25, m26, m27, m28] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25), decltype(m26), decltype(m27),
                      decltype(m28)>(),
             SLUICE_M24, m24, m25, m26, m27, m28);
  } else if constexpr (Count == 30) {
    auto& [SLUICE_M24, m24, m25, m26, m27, m28, m29] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25), decltype(m26), decltype(m27),
                      decltype(m28), decltype(m29)>(),
             SLUICE_M24, m24, m25, m26, m27, m28, m29);
  } else if constexpr (Count == 31) {
    auto& [SLUICE_M24, m24, m25, m26, m27, m28, m29, m30] = value;
    return f(TypeList<SLUICE_T24, decltype(m24), decltype(m25), decltype(m26), decltype(m27),
                      decltype(m28), decltype(m29), decltype(m30)>(),
             SLUICE_M24, m24, m25, m26, m27, m28, m29, m30);
  } else if constexpr (Count == 32) {
    auto& [SLUICE_M32] = value;
    return f(TypeList<SLUICE_T32>(), SLUICE_M32);
  } else if constexpr (Count == 33) {
    auto& [SLUICE_M32, m32] = value;
    return f(TypeList<SLUICE_T32, decltype(m32)>(), SLUICE_M32, m32);
  } else if constexpr (Count == 34) {
    auto& [SLUICE_M32, m32, m33] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33)>(), SLUICE_M32, m32, m33);
  } else if constexpr (Count == 35) {
    auto& [SLUICE_M32, m32, m33, m34] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33), decltype(m34)>(), SLUICE_M32, m32,
             m33, m34);
  } else if constexpr (Count == 36) {
    auto& [SLUICE_M32, m32, m33, m34, m35] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33), decltype(m34), decltype(m35)>(),
             SLUICE_M32, m32, m33, m34, m35);
  } else if constexpr (Count == 37) {
    auto& [SLUICE_M32, m32, m33, m34, m35, m36] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33), decltype(m34), decltype(m35),
                      decltype(m36)>(),
             SLUICE_M32, m32, m33, m34, m35, m36);
  } else if constexpr (Count == 38) {
    auto& [SLUICE_M32, m32, m33, m34, m35, m36, m37] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33), decltype(m34), decltype(m35),
                      decltype(m36), decltype(m37)>(),
             SLUICE_M32, m32, m33, m34, m35, m36, m37);
  } else if constexpr (Count == 39) {
    auto& [SLUICE_M32, m32, m33, m34, m35, m36, m37, m38] = value;
    return f(TypeList<SLUICE_T32, decltype(m32), decltype(m33), decltype(m34), decltype(m35),
                      decltype(m36), decltype(m37), decltype(m38)>(),
             SLUICE_M32, m32, m33, m34, m35, m36, m37, m38);
  } else if constexpr (Count == 40) {
    auto& [SLUICE_M40] = value;
    return f(TypeList<SLUICE_T40>(), SLUICE_M40);
  } else if constexpr (Count == 41) {
    auto& [SLUICE_M40, m40] = value;
    return f(TypeList<SLUICE_T40, decltype(m40)>(), SLUICE_M40, m40);
  } else if constexpr (Count == 42) {
    auto& [SLUICE_M40, m40, m41] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41)>(), SLUICE_M40, m40, m41);
  } else if constexpr (Count == 43) {
    auto& [SLUICE_M40, m40, m41, m42] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41), decltype(m42)>(), SLUICE_M40, m40,
             m41, m42);
  } else if constexpr (Count == 44) {
    auto& [SLUICE_M40, m40, m41, m42, m43] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41), decltype(m42), decltype(m43)>(),
             SLUICE_M40, m40, m41, m42, m43);
  } else if constexpr (Count == 45) {
    auto& [SLUICE_M40, m40, m41, m42, m43, m44] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41), decltype(m42), decltype(m43),
                      decltype(m44)>(),
             SLUICE_M40, m40, m41, m42, m43, m44);
  } else if constexpr (Count == 46) {
    auto& [SLUICE_M40, m40, m41, m42, m43, m44, m45] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41), decltype(m42), decltype(m43),
                      decltype(m44), decltype(m45)>(),
             SLUICE_M40, m40, m41, m42, m43, m44, m45);
  } else if constexpr (Count == 47) {
    auto& [SLUICE_M40, m40, m41, m42, m43, m44, m45, m46] = value;
    return f(TypeList<SLUICE_T40, decltype(m40), decltype(m41), decltype(m42), decltype(m43),
                      decltype(m44), decltype(m45), decltype(m46)>(),
             SLUICE_M40, m40, m41, m42, m43, m44, m45, m46);
  } else if constexpr (Count == 48) {
    auto& [SLUICE_M48] = value;
    return f(TypeList<SLUICE_T48>(), SLUICE_M48);
  } else if constexpr (Count == 49) {
    auto& [SLUICE_M48, m48] = value;
    return f(TypeList<SLUICE_T48, decltype(m48)>(), SLUICE_M48, m48);
  } else if constexpr (Count == 50) {
    auto& [SLUICE_M48, m48, m49] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49)>(), SLUICE_M48, m48, m49);
  } else if constexpr (Count == 51) {
    auto& [SLUICE_M48, m48, m49, m50] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49), decltype(m50)>(), SLUICE_M48, m48,
             m49, m50);
  } else if constexpr (Count == 52) {
    auto& [SLUICE_M48, m48, m49, m50, m51] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49), decltype(m50), decltype(m51)>(),
             SLUICE_M48, m48, m49, m50, m51);
  } else if constexpr (Count == 53) {
    auto& [SLUICE_M48, m48, m49, m50, m51, m52] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49), decltype(m50), decltype(m51),
                      decltype(m52)>(),
             SLUICE_M48, m48, m49, m50, m51, m52);
  } else if constexpr (Count == 54) {
    auto& [SLUICE_M48, m48, m49, m50, m51, m52, m53] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49), decltype(m50), decltype(m51),
                      decltype(m52), decltype(m53)>(),
             SLUICE_M48, m48, m49, m50, m51, m52, m53);
  } else if constexpr (Count == 55) {
    auto& [SLUICE_M48, m48, m49, m50, m51, m52, m53, m54] = value;
    return f(TypeList<SLUICE_T48, decltype(m48), decltype(m49), decltype(m50), decltype(m51),
                      decltype(m52), decltype(m53), decltype(m54)>(),
             SLUICE_M48, m48, m49, m50, m51, m52, m53, m54);
  } else if constexpr (Count == 56) {
    auto& [SLUICE_M56] = value;
    return f(TypeList<SLUICE_T56>(), SLUICE_M56);
  } else if constexpr (Count == 57) {
    auto& [SLUICE_M56, m56] = value;
    return f(TypeList<SLUICE_T56, decltype(m56)>(), SLUICE_M56, m56);
  } else if constexpr (Count == 58) {
    auto& [SLUICE_M56, m56, m57] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57)>(), SLUICE_M56, m56, m57);
  } else if constexpr (Count == 59) {
    auto& [SLUICE_M56, m56, m57, m58] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57), decltype(m58)>(), SLUICE_M56, m56,
             m57, m58);
  } else if constexpr (Count == 60) {
    auto& [SLUICE_M56, m56, m57, m58, m59] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57), decltype(m58), decltype(m59)>(),
             SLUICE_M56, m56, m57, m58, m59);
  } else if constexpr (Count == 61) {
    auto& [SLUICE_M56, m56, m57, m58, m59, m60] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57), decltype(m58), decltype(m59),
                      decltype(m60)>(),
             SLUICE_M56, m56, m57, m58, m59, m60);
  } else if constexpr (Count == 62) {
    auto& [SLUICE_M56, m56, m57, m58, m59, m60, m61] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57), decltype(m58), decltype(m59),
                      decltype(m60), decltype(m61)>(),
             SLUICE_M56, m56, m57, m58, m59, m60, m61);
  } else if constexpr (Count == 63) {
    auto& [SLUICE_M56, m56, m57, m58, m59, m60, m61, m62] = value;
    return f(TypeList<SLUICE_T56, decltype(m56), decltype(m57), decltype(m58), decltype(m59),
                      decltype(m60), decltype(m61), decltype(m62)>(),
             SLUICE_M56, m56, m57, m58, m59, m60, m61, m62);
  } else if constexpr (Count == 64) {
    auto& [SLUICE_M64] = value;
    return f(TypeList<SLUICE_T64>(), SLUICE_M64);
  } else {
    static_cast<void>(value);
    return f(TypeList<>());
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
#undef SLUICE_M64
#undef SLUICE_T64

}  // namespace sluice::detail
