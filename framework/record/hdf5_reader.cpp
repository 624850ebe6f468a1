#include "record/hdf5_reader.hpp"

#include "base/files.hpp"
#include "base/nearest.hpp"
#include "record/hdf5_handle.hpp"
#include "record/hdf5_layout.hpp"
#include "record/hdf5_stored.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <hdf5.h>
#include <sys/stat.h>

namespace lamina {
namespace {

// Bounds of the walk over a hostile file; far above any real one.
constexpr size_t most_objects = 100'000, deepest = 64, most_attributes = 10'000;
constexpr size_t attribute_limit = 1 << 26;

/// Collects names inside a C callback, where no exception may pass.
struct Names {
  std::vector<std::string> all;
  size_t most;

  int add(const char* name) noexcept try {
    if (all.size() >= most) return -1;
    all.emplace_back(name);
    return 0;
  } catch (...) {
    return -1;
  }
};

std::string normal(const std::string& path) {
  std::string result = path;
  result.erase(0, result.find_first_not_of('/'));
  while (!result.empty() && result.back() == '/') result.pop_back();
  return result;
}

/// Before HDF5 opens it: a FIFO would make that wait for ever.
void check_regular(const std::filesystem::path& path) try { RegularFile file(path); } catch (const std::exception& error) {
  throw FileError(error.what());
}

}  // namespace

struct H5Reader::Impl {
  struct Open {
    Handle dataset;
    Storage storage;
    StoredType type;
    Shape shape;
  };
  std::filesystem::path path;
  ReadLimits limits;
  Handle file;
  int descriptor = -1;  // HDF5's own, so what was checked is what is read
  uint64_t size = 0;
  std::vector<std::string> datasets;
  std::set<std::string> groups{""};
  std::map<std::string, std::string> refused;  // path → why it is not followed

  ~Impl() {
    Hdf5Guard guard;
    file.reset();
  }

  std::string what(const std::string& name) const { return "The dataset \"" + name + "\" of \"" + path.string() + "\""; }

  void walk() {
    struct Pending {
      std::string path;
      size_t depth;
    };
    std::set<haddr_t> seen;  // hard links may form circles
    H5O_info_t root;
    require(H5Oget_info_by_name2(file, "/", &root, H5O_INFO_BASIC, H5P_DEFAULT), "\"" + path.string() + "\" has a damaged root");
    seen.insert(root.addr);
    std::vector<Pending> pending{{"", 0}};
    size_t objects = 0;
    while (!pending.empty()) {
      const Pending here = std::move(pending.back());
      pending.pop_back();
      const std::string shown = "The group \"/" + here.path + "\" of \"" + path.string() + "\"";
      Handle group = opened(H5Gopen2(file, here.path.empty() ? "/" : here.path.c_str(), H5P_DEFAULT), H5Gclose, shown + " is damaged");
      Names names{{}, most_objects};
      hsize_t position = 0;
      require(
          H5Literate(
              group, H5_INDEX_NAME, H5_ITER_INC, &position,
              [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t { return static_cast<Names*>(out)->add(name); }, &names),
          shown + " is damaged or has too many members");
      for (const std::string& name : names.all) {
        if (++objects > most_objects) throw FileError("\"" + path.string() + "\" has more than 100000 objects.");
        const std::string full = here.path.empty() ? name : here.path + "/" + name;
        // HDF5 would take such a name for a path, and walk it over links we have not looked at.
        if (name.empty() || name == "." || name.find('/') != std::string::npos) {
          refused[full] = "has a name that is a path";
          continue;
        }
        H5L_info_t link;
        H5O_info_t object;
        if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0)
          refused[full] = "has a damaged link";
        else if (link.type == H5L_TYPE_SOFT)
          refused[full] = "is a soft link, which Lamina does not follow";
        else if (link.type == H5L_TYPE_EXTERNAL)
          refused[full] = "is an external link, which Lamina does not follow";
        else if (link.type != H5L_TYPE_HARD)
          refused[full] = "is a link of an unknown kind";
        else if (H5Oget_info_by_name2(group, name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
          refused[full] = "has a damaged header";
        else if (object.type == H5O_TYPE_DATASET)
          datasets.push_back(full);
        else if (object.type == H5O_TYPE_GROUP) {
          if (here.depth + 1 >= deepest)
            refused[full] = "lies too deep";
          else if (seen.insert(object.addr).second)
            groups.insert(full), pending.push_back({full, here.depth + 1});
          else
            refused[full] = "is another name of a group";
        }
      }
    }
    std::sort(datasets.begin(), datasets.end());
    // Found twice under one name only in a damaged group.
    datasets.erase(std::unique(datasets.begin(), datasets.end()), datasets.end());
  }

  /// The sentence of a dataset that is not there.
  [[noreturn]] void missing(const std::string& name) const {
    // The refusal may stand above it: soft/link/inside.
    for (size_t end = 0; end != std::string::npos;) {
      end = name.find('/', end + 1);
      const auto found = refused.find(name.substr(0, end));
      if (found != refused.end()) throw FileError("\"" + found->first + "\" of \"" + path.string() + "\" " + found->second + ".");
    }
    const std::string hint = did_you_mean(name, datasets);
    throw FileError("\"" + path.string() + "\" has no dataset \"" + name + "\"" + (hint.empty() ? "." : hint));
  }

  bool has(const std::string& name) const { return std::binary_search(datasets.begin(), datasets.end(), name); }

  Open open_dataset(const std::string& given, bool check_size = true) const {
    const std::string name = normal(given);
    if (!has(name)) missing(name);
    Open open{opened(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, what(name) + " is damaged"), {}, {}, {}};
    open.storage = {open.dataset, descriptor, size, limits.bytes, what(name)};
    refuse_foreign_storage(open.storage);
    Handle space = opened(H5Dget_space(open.dataset), H5Sclose, what(name) + " has a damaged shape");
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind != H5S_SCALAR && kind != H5S_SIMPLE) throw FileError(what(name) + " is empty: it has no shape.");
    hsize_t dims[H5S_MAX_RANK] = {};
    const int rank = H5Sget_simple_extent_dims(space, dims, nullptr);
    require(rank, what(name) + " has a damaged shape");
    for (int axis = 0; axis < rank; ++axis) {
      if (dims[axis] > uint64_t(INT64_MAX)) throw FileError(what(name) + " claims an extent of " + std::to_string(dims[axis]) + ".");
      open.shape.push_back(int64_t(dims[axis]));
    }
    Handle type = opened(H5Dget_type(open.dataset), H5Tclose, what(name) + " has a damaged type");
    open.type = stored_type(type, what(name));
    if (check_size) check_storage(open.storage, open.shape, open.type.size);
    return open;
  }

  /// The stored bytes, once what they turn into (`result` bytes per element) is known to fit the limit as well.
  std::vector<std::byte> bytes_of(const Open& open, size_t result) const {
    if (uint64_t(checked_count(open.shape)) > limits.bytes / std::max<size_t>(result, 1))
      throw FileError(open.storage.what + " of shape " + text_of(open.shape) + " needs more than the limit of " +
                      std::to_string(limits.bytes) + " bytes.");
    return stored_bytes(open.storage, open.shape, open.type.size);
  }

  Handle open_object(const std::string& given) const {
    const std::string name = normal(given);
    if (!groups.count(name) && !has(name)) missing(name);
    return opened(H5Oopen(file, name.empty() ? "/" : name.c_str(), H5P_DEFAULT), H5Oclose,
                  "\"" + name + "\" of \"" + path.string() + "\" is damaged");
  }

  std::string attribute_what(const std::string& object, const std::string& name) const {
    return "The attribute \"" + name + "\" of \"/" + normal(object) + "\" in \"" + path.string() + "\"";
  }

  FileAttribute read_attribute(int64_t object, const std::string& at, const std::string& name) const {
    const std::string what = attribute_what(at, name);
    if (H5Aexists(object, name.c_str()) <= 0) throw FileError(what + " is missing.");
    Handle attribute = opened(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what + " is damaged");
    Handle type = opened(H5Aget_type(attribute), H5Tclose, what + " is damaged");
    const StoredType stored = stored_type(type, what);
    Handle space = opened(H5Aget_space(attribute), H5Sclose, what + " is damaged");
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const int rank = H5Sget_simple_extent_ndims(space);
    if ((kind != H5S_SCALAR && kind != H5S_SIMPLE) || rank > 1 || count < 0) throw FileError(what + " is neither a value nor a list.");
    const uint64_t most = std::min<uint64_t>(attribute_limit, size);
    if (uint64_t(count) > most / stored.size || H5Aget_storage_size(attribute) != uint64_t(count) * stored.size)
      throw FileError(what + " claims more bytes than it has.");
    std::vector<std::byte> bytes(std::max<size_t>(size_t(count) * stored.size, 1));
    // Read in its own type, so the library only copies.
    if (count > 0) require(H5Aread(attribute, type, bytes.data()), what + " cannot be read");
    bytes.resize(size_t(count) * stored.size);
    const bool list = rank == 1;
    if (stored.kind == StoredType::Kind::text) {
      std::vector<std::string> texts = decode_texts(bytes, stored, what);
      return list ? FileAttribute(std::move(texts)) : FileAttribute(std::move(texts[0]));
    }
    if (stored.kind == StoredType::Kind::real) {
      if (count != 1) throw FileError(what + " is a list of reals, which Lamina does not read.");
      return decode_float64(bytes, stored, what)[0];
    }
    std::vector<int64_t> numbers = decode_int64(bytes, stored, what);
    return list ? FileAttribute(std::move(numbers)) : FileAttribute(numbers[0]);
  }
};

H5Reader::H5Reader(std::filesystem::path path, ReadLimits limits) : impl_(std::make_unique<Impl>()) {
  Hdf5Guard guard;
  impl_->path = std::move(path);
  impl_->limits = limits;
  const std::string shown = "\"" + impl_->path.string() + "\"";
  check_regular(impl_->path);
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_sec2(access);  // whatever HDF5_DRIVER says
  H5Pset_file_locking(access, false, true);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  impl_->file = opened(H5Fopen(impl_->path.c_str(), H5F_ACC_RDONLY, access), H5Fclose, shown + " is not a sound HDF5 file");
  close_on_exec(impl_->file);
  int* descriptor = nullptr;
  require(H5Fget_vfd_handle(impl_->file, access, reinterpret_cast<void**>(&descriptor)), shown + " cannot be read");
  impl_->descriptor = *descriptor;
  struct stat status {};
  if (fstat(impl_->descriptor, &status) != 0 || !S_ISREG(status.st_mode)) throw FileError(shown + " is not a regular file.");
  impl_->size = uint64_t(status.st_size);
  impl_->walk();
}

H5Reader::H5Reader(H5Reader&&) noexcept = default;
H5Reader::~H5Reader() = default;

const std::vector<std::string>& H5Reader::names() const { return impl_->datasets; }

bool H5Reader::contains(const std::string& dataset) const { return impl_->has(normal(dataset)); }

std::vector<DatasetInfo> H5Reader::list() const {
  std::vector<DatasetInfo> infos;
  for (const std::string& name : impl_->datasets) try {
      infos.push_back(info(name));
    } catch (const FileError& error) {
      infos.push_back({name, "", {}, {}, error.what()});
    }
  return infos;
}

DatasetInfo H5Reader::info(const std::string& dataset) const {
  Hdf5Guard guard;
  const Impl::Open open = impl_->open_dataset(dataset, false);
  DatasetInfo info{normal(dataset), open.type.name(), open.shape, {}, ""};
  if (open.type.kind != StoredType::Kind::text) info.dtype = read_as(open.type, open.storage.what);
  try {
    check_storage(open.storage, open.shape, open.type.size);
  } catch (const FileError& error) {
    info.problem = error.what();
  }
  return info;
}

Array H5Reader::read(const std::string& dataset) const {
  Hdf5Guard guard;
  Impl::Open open = impl_->open_dataset(dataset);
  const DType dtype = read_as(open.type, open.storage.what);
  std::vector<std::byte> bytes = impl_->bytes_of(open, size_of(dtype));
  const bool as_is = !open.type.big_endian && open.type.kind != StoredType::Kind::boolean && open.type.size == size_of(dtype) &&
                     !(dtype == DType::int32 && !open.type.is_signed);
  return {dtype, open.shape, as_is ? std::move(bytes) : decode(bytes, open.type, open.storage.what)};
}

std::vector<int64_t> H5Reader::read_int64(const std::string& dataset) const {
  Hdf5Guard guard;
  const Impl::Open open = impl_->open_dataset(dataset);
  return decode_int64(impl_->bytes_of(open, sizeof(int64_t)), open.type, open.storage.what);
}

std::vector<double> H5Reader::read_float64(const std::string& dataset) const {
  Hdf5Guard guard;
  const Impl::Open open = impl_->open_dataset(dataset);
  return decode_float64(impl_->bytes_of(open, sizeof(double)), open.type, open.storage.what);
}

std::vector<std::string> H5Reader::read_texts(const std::string& dataset) const {
  Hdf5Guard guard;
  const Impl::Open open = impl_->open_dataset(dataset);
  return decode_texts(impl_->bytes_of(open, sizeof(std::string) + open.type.size), open.type, open.storage.what);
}

std::string H5Reader::read_text(const std::string& dataset) const {
  std::vector<std::string> texts = read_texts(dataset);
  if (texts.size() != 1)
    throw FileError(impl_->what(normal(dataset)) + " holds " + std::to_string(texts.size()) + " texts where one is wanted.");
  return std::move(texts[0]);
}

FileAttributes H5Reader::attributes(const std::string& path) const {
  Hdf5Guard guard;
  Handle object = impl_->open_object(path);
  Names names{{}, most_attributes};
  hsize_t position = 0;
  require(H5Aiterate2(
              object, H5_INDEX_NAME, H5_ITER_INC, &position,
              [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t { return static_cast<Names*>(out)->add(name); }, &names),
          "The attributes of \"/" + normal(path) + "\" in \"" + impl_->path.string() + "\" are damaged or too many");
  FileAttributes attributes;
  for (const std::string& name : names.all) try {
      attributes.emplace_back(name, impl_->read_attribute(object, path, name));
    } catch (const FileError&) {  // a kind that has no place here, such as the references of dimension scales
    }
  return attributes;
}

bool H5Reader::has_attribute(const std::string& path, const std::string& name) const {
  Hdf5Guard guard;
  return H5Aexists(impl_->open_object(path), name.c_str()) > 0;
}

std::string H5Reader::attribute_text(const std::string& path, const std::string& name) const {
  Hdf5Guard guard;
  FileAttribute value = impl_->read_attribute(impl_->open_object(path), path, name);
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  if (auto* texts = std::get_if<std::vector<std::string>>(&value); texts && texts->size() == 1) return std::move(texts->front());
  throw FileError(impl_->attribute_what(path, name) + " is not a text.");
}

double H5Reader::attribute_number(const std::string& path, const std::string& name) const {
  Hdf5Guard guard;
  const FileAttribute value = impl_->read_attribute(impl_->open_object(path), path, name);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value)) return double(*integer);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list && list->size() == 1) return double(list->front());
  throw FileError(impl_->attribute_what(path, name) + " is not a number.");
}

int64_t H5Reader::attribute_integer(const std::string& path, const std::string& name) const {
  Hdf5Guard guard;
  const FileAttribute value = impl_->read_attribute(impl_->open_object(path), path, name);
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value); list && list->size() == 1) return list->front();
  throw FileError(impl_->attribute_what(path, name) + " is not an integer.");
}

}  // namespace lamina
