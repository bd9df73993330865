// Notes in each file of the store which dictionaries its records need.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace rocksdb {
class TablePropertiesCollectorFactory;
}  // namespace rocksdb

namespace larder {

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> MakeDictionaryCollector();

// The property's name, and what it says. False: not as the collector writes it.
inline constexpr char kDictionariesProperty[] = "larder.dictionaries";
bool ReadDictionariesProperty(const std::string& property, std::set<std::uint64_t>& ids);

}  // namespace larder
