// dictionary_ratio: how small answers get with a dictionary that the engine trains itself, and
// what RocksDB's own compression of blocks makes of the same.
//
//   dictionary_ratio DIRECTORY    of .jsonl files of lmarena/arena-hard-auto (Apache-2.0)
//
// Half of the answers are stored in a cache, which trains; the other half is stored afterwards and
// counted. Once as bare text, once as the chat completion around it. RocksDB gets the second half
// as well, in blocks of 4 and 16 KiB, without a dictionary and with one a file. The same keys and
// no index: bytes of files, memtables flushed and merged.
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <xxhash.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "answers.h"
#include "codec.h"
#include "dictionary_trainer.h"
#include "temp_dir.h"

namespace larder {
namespace {

using Bodies = std::vector<std::string>;

std::uint64_t Sum(const Bodies& bodies) {
  std::uint64_t sum = 0;
  for (const std::string& body : bodies) sum += body.size();
  return sum;
}

std::uint64_t PayloadBytes(const Bodies& bodies, Codec& codec) {
  std::string scratch;
  std::uint64_t sum = 0;
  for (const std::string& body : bodies) sum += codec.Compress(body, scratch).bytes.size();
  return sum;
}

std::uint64_t RocksBytes(const Bodies& bodies, std::size_t block, unsigned dictionary_bytes) {
  const testing::TempDir directory;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kZSTD;
  options.compression_opts.level = 3;
  options.compression_opts.max_dict_bytes = dictionary_bytes;
  options.compression_opts.zstd_max_train_bytes = 100 * dictionary_bytes;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = block;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, directory / "db", &opened).ok()) return 0;
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (const std::string& body : bodies) {
    const std::uint64_t key = XXH3_64bits(body.data(), body.size());
    db->Put({}, {reinterpret_cast<const char*>(&key), sizeof(key)}, body);
  }
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  db->CompactRange(all, nullptr, nullptr);
  std::uint64_t bytes = 0;
  db->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
  return bytes;
}

void Report(const char* what, const Bodies& first, const Bodies& second) {
  const testing::TempDir directory;
  DictionaryShelf shelf(directory / "dict", 3, nullptr);
  DictionaryTrainer trainer(3);
  for (const std::string& body : first) trainer.Note(body);
  Codec without(3, shelf, false);
  Codec with(3, shelf, true);
  DictionaryTrainer::Outcome outcome = trainer.Train(nullptr);
  if (outcome.adopted.has_value()) static_cast<void>(shelf.Adopt(*std::move(outcome.adopted)));
  const auto raw = static_cast<double>(Sum(second));
  const double plain = raw / static_cast<double>(PayloadBytes(second, without));
  const double trained = raw / static_cast<double>(PayloadBytes(second, with));
  std::printf("%s: %zu bodies of %.0f bytes\n", what, second.size(),
              raw / static_cast<double>(second.size()));
  std::printf("  a record by itself            1/%.2f\n", plain);
  std::printf("  ... with our dictionary       1/%.2f (%.2f times better)\n", trained,
              trained / plain);
  for (const std::size_t block : {4096, 16384}) {
    for (const unsigned dictionary : {0u, 16384u, 112640u}) {
      std::printf("  RocksDB, blocks of %2zu KiB, dictionary of %3u KiB: 1/%.2f\n", block / 1024,
                  dictionary / 1024,
                  raw / static_cast<double>(RocksBytes(second, block, dictionary)));
    }
  }
}

int Run(const std::string& directory) {
  const Bodies answers = bench::ReadAnswers(directory);
  Bodies text[2];
  Bodies chat[2];
  for (const std::string& answer : answers) {
    const std::size_t half = bench::IsHeldOut(answer) ? 1 : 0;
    text[half].push_back(answer);
    chat[half].push_back(bench::ChatCompletion(answer));
  }
  if (text[1].empty()) {
    std::cerr << "dictionary_ratio: no answers in " << directory << '\n';
    return 1;
  }
  Report("chat completions", chat[0], chat[1]);
  Report("bare text", text[0], text[1]);
  return 0;
}

}  // namespace
}  // namespace larder

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: dictionary_ratio DIRECTORY\n";
    return 2;
  }
  return larder::Run(argv[1]);
}
