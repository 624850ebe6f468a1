#include "record/hdf5.hpp"

#include "record/hdf5_handle.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

namespace lamina {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little endian and written without conversion");

constexpr size_t attribute_limit = 64000;  // an object header message holds 64 KiB
constexpr hsize_t chunk_bytes = 1 << 20;   // the size of HDF5's chunk cache, so readers do not decode a chunk twice

/// Fixed-length text type. Dimension scales are recognised by NUL at the end and ASCII; all others are padded UTF-8.
Handle text_type(size_t longest, bool of_scale = false) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, of_scale ? longest + 1 : std::max<size_t>(longest, 1));
  H5Tset_strpad(type, of_scale ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
  if (!of_scale) H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Handle simple_space(const std::vector<hsize_t>& dims) {
  if (dims.empty()) return Handle(H5Screate(H5S_SCALAR), H5Sclose);
  return Handle(H5Screate_simple(int(dims.size()), dims.data(), nullptr), H5Sclose);
}

Handle file_type(DType dtype, const std::string& path) {
  switch (dtype) {
    case DType::float32:
      return Handle(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
    case DType::float64:
      return Handle(H5Tcopy(H5T_IEEE_F64LE), H5Tclose);
    case DType::int32:
      return Handle(H5Tcopy(H5T_STD_I32LE), H5Tclose);
    case DType::uint32:
      return Handle(H5Tcopy(H5T_STD_U32LE), H5Tclose);
    case DType::uint8:
      return Handle(H5Tcopy(H5T_STD_U8LE), H5Tclose);
    case DType::boolean: {
      Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
      int8_t value = 0;
      H5Tenum_insert(type, "FALSE", &value);
      value = 1;
      H5Tenum_insert(type, "TRUE", &value);
      return type;
    }
    default:
      break;
  }
  throw FileError("The dataset \"" + path + "\" cannot be written: files hold no " + name_of(dtype) + "; cast it to float32.");
}

std::string joined(const std::vector<std::string>& texts, size_t width) {
  for (const std::string& text : texts)
    if (text.find('\0') != std::string::npos)
      throw FileError("A text with a NUL byte inside cannot be written: \"" + std::string(text.c_str()) + "\".");
  std::string bytes(std::max<size_t>(width * texts.size(), 1), '\0');
  for (size_t i = 0; i < texts.size(); ++i) texts[i].copy(bytes.data() + i * width, width);
  return bytes;
}

size_t longest_of(const std::vector<std::string>& texts) {
  size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  return longest;
}

/// "/a//b/" → "a/b"; refuses what HDF5 would understand differently.
std::string normal_path(const std::string& path) {
  std::string normal;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part == "." || part == ".." || part.find('\0') != std::string::npos) throw FileError("\"" + path + "\" is no path of a dataset.");
    if (!part.empty()) normal += (normal.empty() ? "" : "/") + part;
    begin = end + 1;
  }
  return normal;
}

void sync_path(const std::filesystem::path& path, const std::string& shown) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = file >= 0 && fsync(file) == 0;
  const std::string reason = std::strerror(errno);
  if (file >= 0) close(file);
  if (!done) throw FileError("Cannot bring \"" + shown + "\" to disk: " + reason + ".");
}

}  // namespace

struct H5Writer::Impl {
  struct Attached {
    std::vector<std::vector<std::string>> scales;  // [axis]: paths
  };
  std::filesystem::path target, temporary;
  Handle file, group_properties;
  std::map<std::string, Attached> attached;                    // by dataset; written at the end, when all references are known
  std::map<std::string, std::vector<std::string>> axis_names;  // by dataset: labels per axis

  ~Impl() {
    Hdf5Guard guard;
    file.reset();
    if (temporary.empty()) return;
    // A file that HDF5 failed to close stays open until the process ends, and would keep the space of a full disk.
    [[maybe_unused]] const int emptied = truncate(temporary.c_str(), 0);
    unlink(temporary.c_str());
  }

  std::string at(const std::string& path) const { return "\"" + path + "\" of \"" + target.string() + "\""; }

  Handle open_object(const std::string& path) const {
    const std::string normal = normal_path(path);
    return opened(H5Oopen(file, normal.empty() ? "/" : normal.c_str(), H5P_DEFAULT), H5Oclose, "There is no " + at(path));
  }

  void make_groups(const std::string& normal) const {
    for (size_t end = 0; !normal.empty() && end != std::string::npos;) {
      end = normal.find('/', end + 1);
      const std::string part = normal.substr(0, end);
      if (H5Lexists(file, part.c_str(), H5P_DEFAULT) > 0) continue;
      opened(H5Gcreate2(file, part.c_str(), H5P_DEFAULT, group_properties, H5P_DEFAULT), H5Gclose, "Cannot make the group " + at(part));
    }
  }

  void write(const std::string& path, int64_t type, const std::vector<hsize_t>& dims, const void* data, bool compress) const {
    const std::string normal = normal_path(path);
    if (normal.empty()) throw FileError("A dataset of \"" + target.string() + "\" has no name.");
    const size_t slash = normal.rfind('/');
    if (slash != std::string::npos) make_groups(normal.substr(0, slash));
    Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(properties, false);  // equal content, equal bytes
    const bool empty = std::find(dims.begin(), dims.end(), 0u) != dims.end();
    if (compress && !dims.empty() && !empty) {
      std::vector<hsize_t> chunk = dims;
      hsize_t bytes = H5Tget_size(type);
      for (hsize_t extent : dims) bytes *= extent;
      for (size_t axis = 0; axis < chunk.size() && bytes > chunk_bytes; ++axis) {
        const hsize_t per_index = bytes / chunk[axis];
        chunk[axis] = std::clamp<hsize_t>(chunk_bytes / per_index, 1, chunk[axis]);
        bytes = per_index * chunk[axis];
      }
      H5Pset_chunk(properties, int(chunk.size()), chunk.data());
      H5Pset_shuffle(properties);
      H5Pset_deflate(properties, 4);
    }
    Handle space = simple_space(dims);
    Handle dataset = opened(H5Dcreate2(file, normal.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
                            "Cannot make the dataset " + at(path));
    if (!empty) require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "Cannot write the dataset " + at(path));
  }

  void write_attribute(int64_t object, const std::string& path, const std::string& name, int64_t type, const std::vector<hsize_t>& dims,
                       const void* data) const {
    Handle space = simple_space(dims);
    const std::string what = "the attribute \"" + name + "\" of " + at(path);
    Handle attribute = opened(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, "Cannot make " + what);
    require(H5Awrite(attribute, type, data), "Cannot write " + what);
  }

  int rank_of(const std::string& path) const {
    Handle dataset = opened(H5Dopen2(file, normal_path(path).c_str(), H5P_DEFAULT), H5Dclose, "There is no dataset " + at(path));
    Handle space(H5Dget_space(dataset), H5Sclose);
    return H5Sget_simple_extent_ndims(space);
  }

  void check_axis(const std::string& path, int axis) const {
    const int rank = rank_of(path);
    if (axis < 0 || axis >= rank)
      throw FileError("The dataset " + at(path) + " has " + std::to_string(rank) + " axes, so there is no axis " + std::to_string(axis) +
                      ".");
  }

  void write_axes() const;
};

H5Writer::H5Writer(std::filesystem::path target) : impl_(std::make_unique<Impl>()) {
  static std::atomic<unsigned> count = 0;
  Hdf5Guard guard;
  impl_->target = std::move(target);
  const std::filesystem::path temporary = impl_->target.parent_path() / ("." + impl_->target.filename().string() + "." +
                                                                         std::to_string(getpid()) + "." + std::to_string(count++) + ".tmp");
  Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose), access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  impl_->group_properties = Handle(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  for (int64_t properties : {int64_t(creation), int64_t(impl_->group_properties)}) {
    H5Pset_link_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(properties, false);
  }
  H5Pset_fapl_sec2(access);
  H5Pset_file_locking(access, false, true);  // the name is ours alone, and some network file systems know no locks
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  impl_->file =
      opened(H5Fcreate(temporary.c_str(), H5F_ACC_EXCL, creation, access), H5Fclose, "Cannot write \"" + impl_->target.string() + "\"");
  impl_->temporary = temporary;
  close_on_exec(impl_->file);
}

H5Writer::H5Writer(H5Writer&&) noexcept = default;
H5Writer::~H5Writer() = default;

void H5Writer::group(const std::string& path, const FileAttributes& attributes) {
  Hdf5Guard guard;
  impl_->make_groups(normal_path(path));
  for (const auto& [name, value] : attributes) attribute(path, name, value);
}

void H5Writer::write(const std::string& path, DType dtype, const Shape& shape, const void* row_major, WriteOptions options) {
  Hdf5Guard guard;
  checked_count(shape);
  impl_->write(path, file_type(dtype, path), {shape.begin(), shape.end()}, row_major, options.compress);
}

void H5Writer::write(const std::string& path, const Array& array, WriteOptions options) {
  if (array.bytes.size() != size_t(checked_count(array.shape)) * size_of(array.dtype))
    throw FileError("The dataset \"" + path + "\" of shape " + text_of(array.shape) + " and type " + name_of(array.dtype) + " came with " +
                    std::to_string(array.bytes.size()) + " bytes.");
  write(path, array.dtype, array.shape, array.bytes.data(), options);
}

void H5Writer::write_int64(const std::string& path, const Shape& shape, std::span<const int64_t> row_major) {
  Hdf5Guard guard;
  if (checked_count(shape) != int64_t(row_major.size()))
    throw FileError("The dataset \"" + path + "\" of shape " + text_of(shape) + " came with " + std::to_string(row_major.size()) +
                    " values.");
  impl_->write(path, H5T_STD_I64LE, {shape.begin(), shape.end()}, row_major.data(), false);
}

void H5Writer::write_text(const std::string& path, const std::string& text) {
  Hdf5Guard guard;
  const std::string bytes = joined({text}, std::max<size_t>(text.size(), 1));
  impl_->write(path, text_type(text.size()), {}, bytes.data(), false);
}

void H5Writer::write_texts(const std::string& path, const std::vector<std::string>& texts) {
  Hdf5Guard guard;
  const size_t width = longest_of(texts);
  const std::string bytes = joined(texts, width);
  impl_->write(path, text_type(width), {texts.size()}, bytes.data(), false);
}

void H5Writer::attribute(const std::string& path, const std::string& name, const FileAttribute& value) {
  Hdf5Guard guard;
  Handle object = impl_->open_object(path);
  const auto put = [&](int64_t type, const std::vector<hsize_t>& dims, const void* data) {
    hsize_t bytes = H5Tget_size(type);
    for (hsize_t extent : dims) bytes *= extent;
    if (bytes > attribute_limit)
      throw FileError("The attribute \"" + name + "\" of " + impl_->at(path) + " has " + std::to_string(bytes) +
                      " bytes; an attribute holds at most 64000, so write a dataset.");
    impl_->write_attribute(object, path, name, type, dims, data);
  };
  struct Visitor {
    decltype(put)& store;
    void operator()(const std::string& text) const {
      const std::string bytes = joined({text}, std::max<size_t>(text.size(), 1));
      store(text_type(text.size()), {}, bytes.data());
    }
    void operator()(int64_t number) const { store(H5T_STD_I64LE, {}, &number); }
    void operator()(double number) const { store(H5T_IEEE_F64LE, {}, &number); }
    void operator()(const std::vector<std::string>& texts) const {
      const std::string bytes = joined(texts, longest_of(texts));
      store(text_type(longest_of(texts)), {texts.size()}, bytes.data());
    }
    void operator()(const std::vector<int64_t>& numbers) const { store(H5T_STD_I64LE, {numbers.size()}, numbers.data()); }
  };
  std::visit(Visitor{put}, value);
}

void H5Writer::scale(const std::string& dataset_path, const std::string& axis_name) {
  Hdf5Guard guard;
  Handle dataset = impl_->open_object(dataset_path);
  impl_->write_attribute(dataset, dataset_path, "CLASS", text_type(15, true), {}, "DIMENSION_SCALE");
  impl_->write_attribute(dataset, dataset_path, "NAME", text_type(axis_name.size(), true), {}, axis_name.c_str());
}

void H5Writer::attach(const std::string& dataset_path, int axis, const std::string& scale_path) {
  Hdf5Guard guard;
  impl_->check_axis(dataset_path, axis);
  Handle scale = impl_->open_object(scale_path);
  if (H5Aexists(scale, "CLASS") <= 0) throw FileError("The dataset " + impl_->at(scale_path) + " is not a dimension scale.");
  auto& axes = impl_->attached[normal_path(dataset_path)].scales;
  if (axes.size() <= size_t(axis)) axes.resize(size_t(axis) + 1);
  axes[size_t(axis)].push_back(normal_path(scale_path));
}

void H5Writer::label(const std::string& dataset_path, int axis, const std::string& name) {
  Hdf5Guard guard;
  impl_->check_axis(dataset_path, axis);
  auto& names = impl_->axis_names[normal_path(dataset_path)];
  if (names.size() <= size_t(axis)) names.resize(size_t(axis) + 1);
  names[size_t(axis)] = name;
}

/// The attributes of the HDF5 dimension scale specification (DIMENSION_LIST, REFERENCE_LIST, DIMENSION_LABELS): sixty lines here
/// spare the program the high-level library.
void H5Writer::Impl::write_axes() const {
  struct Back {
    hobj_ref_t dataset;
    unsigned axis;
  };
  std::map<std::string, std::vector<Back>> back;  // by scale: who uses it
  Handle list_type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose);
  for (const auto& [path, used] : attached) {
    std::vector<std::vector<hobj_ref_t>> references(size_t(rank_of(path)));
    hobj_ref_t self;
    require(H5Rcreate(&self, file, path.c_str(), H5R_OBJECT, -1), "Cannot refer to " + at(path));
    for (size_t axis = 0; axis < used.scales.size(); ++axis)
      for (const std::string& scale : used.scales[axis]) {
        require(H5Rcreate(&references[axis].emplace_back(), file, scale.c_str(), H5R_OBJECT, -1), "Cannot refer to " + at(scale));
        back[scale].push_back({self, unsigned(axis)});
      }
    std::vector<hvl_t> lists;
    for (auto& axis : references) lists.push_back({axis.size(), axis.data()});
    write_attribute(open_object(path), path, "DIMENSION_LIST", list_type, {lists.size()}, lists.data());
  }
  Handle back_type(H5Tcreate(H5T_COMPOUND, sizeof(Back)), H5Tclose);
  H5Tinsert(back_type, "dataset", offsetof(Back, dataset), H5T_STD_REF_OBJ);
  H5Tinsert(back_type, "dimension", offsetof(Back, axis), H5T_NATIVE_INT);
  for (const auto& [path, users] : back)
    write_attribute(open_object(path), path, "REFERENCE_LIST", back_type, {users.size()}, users.data());
  Handle label_type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(label_type, H5T_VARIABLE);
  for (const auto& [path, names] : axis_names) {
    std::vector<const char*> texts;
    for (const std::string& name : names) texts.push_back(name.c_str());
    texts.resize(size_t(rank_of(path)), "");
    write_attribute(open_object(path), path, "DIMENSION_LABELS", label_type, {texts.size()}, texts.data());
  }
}

void H5Writer::commit() {
  Hdf5Guard guard;
  const std::unique_ptr<Impl> impl = std::move(impl_);
  if (!impl) throw FileError("A file was committed twice.");
  impl->write_axes();
  const std::string shown = impl->target.string();
  require(H5Fflush(impl->file, H5F_SCOPE_GLOBAL), "Cannot write \"" + shown + "\"");
  if (!impl->file.reset()) throw FileError("Cannot write \"" + shown + "\"" + hdf5_reason() + ".");
  sync_path(impl->temporary, shown);
  if (std::rename(impl->temporary.c_str(), impl->target.c_str()) != 0)
    throw FileError("Cannot put \"" + shown + "\" in its place: " + std::strerror(errno) + ".");
  impl->temporary.clear();
  const std::filesystem::path folder = impl->target.parent_path();
  sync_path(folder.empty() ? "." : folder, folder.string());
}

}  // namespace lamina
