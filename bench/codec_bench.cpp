// bench/codec_bench.cpp: what it takes to make bytes of an item and an item of bytes.
//
// Question: what does crossing a process boundary cost an item before and after its way? The rows
// "memcpy" are the bound: the same number of bytes, copied once.
// SPDX-License-Identifier: MIT
#include <support/payloads.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace sluice::bench;
using sluice::Bytes;
using sluice::SharedBytes;

void count(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

template <class T>
void encode(benchmark::State& state) {
  const T value = payload<T>();
  Bytes bytes;
  for (auto _ : state) {
    bytes.clear();
    benchmark::DoNotOptimize(&value);
    sluice::encode(value, bytes);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count(state, bytes.size());
}

template <class T>
void decode(benchmark::State& state) {
  Bytes bytes;
  sluice::encode(payload<T>(), bytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    T value = sluice::decode<T>(bytes);
    benchmark::DoNotOptimize(value);
  }
  count(state, bytes.size());
}

template <class T>
void copy(benchmark::State& state) {
  Bytes bytes;
  sluice::encode(payload<T>(), bytes);
  std::vector<std::byte> to(bytes.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    std::memcpy(to.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(to.data());
  }
  count(state, bytes.size());
}

void by_reference(benchmark::State& state) {
  const auto block = payload<SharedBytes>();
  LastBlock transport;
  Bytes bytes;
  for (auto _ : state) {
    bytes.clear();
    sluice::encode(block, bytes, &transport);
    benchmark::DoNotOptimize(sluice::decode<SharedBytes>(bytes, &transport));
  }
  count(state, bytes.size());
}

#define SLUICE_BENCH_PAYLOAD(type, name)                  \
  BENCHMARK(encode<type>)->Name("codec/" name "/encode"); \
  BENCHMARK(decode<type>)->Name("codec/" name "/decode"); \
  BENCHMARK(copy<type>)->Name("codec/" name "/memcpy")

SLUICE_BENCH_PAYLOAD(Raw, "64 raw bytes");
SLUICE_BENCH_PAYLOAD(Padded, "padded struct");
SLUICE_BENCH_PAYLOAD(Texts, "two strings");
SLUICE_BENCH_PAYLOAD(Doubles, "512 doubles");
SLUICE_BENCH_PAYLOAD(std::vector<Padded>, "256 padded structs");
SLUICE_BENCH_PAYLOAD(SharedBytes, "1 MiB");
BENCHMARK(by_reference)->Name("codec/1 MiB by reference/both");

}  // namespace

BENCHMARK_MAIN();
