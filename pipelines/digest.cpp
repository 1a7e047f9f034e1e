// pipelines/digest.cpp
// SPDX-License-Identifier: MIT
#include <digest.hpp>

#include <openssl/evp.h>

#include <cstring>
#include <stdexcept>

namespace sluice::samples {
namespace {

struct FreeDigest {
  void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

[[noreturn]] void fail() {
  throw std::runtime_error("OpenSSL gives no BLAKE2b-512; is it limited to FIPS algorithms?");
}

}  // namespace

struct DigestMaker::State {
  std::unique_ptr<EVP_MD, FreeDigest> algorithm{EVP_MD_fetch(nullptr, "BLAKE2B-512", nullptr)};
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

std::string Digest::text() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 15U]);
  }
  return text;
}

DigestMaker::DigestMaker() : state_(std::make_unique<State>()) {
  if (state_->algorithm == nullptr || state_->context == nullptr) fail();
}
DigestMaker::DigestMaker(DigestMaker&&) noexcept = default;
DigestMaker& DigestMaker::operator=(DigestMaker&&) noexcept = default;
DigestMaker::~DigestMaker() = default;

Digest DigestMaker::operator()(std::string_view bytes) {
  EVP_MD_CTX* const context = state_->context.get();
  unsigned char whole[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const bool made = EVP_DigestInit_ex2(context, state_->algorithm.get(), nullptr) == 1 &&
                    EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context, whole, &size) == 1;
  Digest digest;
  if (!made || size < digest.bytes.size()) fail();
  std::memcpy(digest.bytes.data(), whole, digest.bytes.size());
  return digest;
}

Digest digest_of(std::string_view bytes) { return DigestMaker()(bytes); }

}  // namespace sluice::samples
