// Answers requests to a SavedModel as TensorFlow Serving does: TensorFlow's
// C++ runtime and TF Text's op libraries, and neither Python nor Keras.
//
//   serve_requests VERSION LIBRARY... [-- REQUESTS ANSWERS]
//
// VERSION is the folder of one version; each LIBRARY holds ops that it needs.
// Writes to the standard output what was loaded, a line each, tabs between:
//
//   signature  NAME  METHOD
//   input      NAME  KEY  DTYPE  SHAPE
//   output     NAME  KEY  DTYPE  SHAPE
//
// REQUESTS and ANSWERS are TFRecord files of serialized NodeDef, which is a
// name, an `op` and a map of named values. In a request `op` is the signature
// and `attr` holds the tensor of each input. Its answer is the same with the
// tensor of each output, or with the error, of any bytes, under the name "".
// An answer is in the file before the next request is read, so that a request
// that ends the process is the one that has no answer.
//
// At the end, a line for each file that is mapped into the process:
//
//   mapped     PATH

// Status and errors go by the names that TensorFlow 2.12 has, too.

#include <dlfcn.h>

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/framework/types.h"
#include "tensorflow/core/lib/io/record_reader.h"
#include "tensorflow/core/lib/io/record_writer.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/errors.h"
#include "tensorflow/core/public/version.h"

#if TF_MAJOR_VERSION > 2 || TF_MINOR_VERSION >= 16
#define HAS_DEFAULTS  // SignatureDef.defaults, which TensorFlow 2.12 lacks
#endif

using tensorflow::NodeDef;
using tensorflow::SavedModelBundle;
using tensorflow::Status;
using tensorflow::Tensor;

namespace {

void Require(const Status& status) {
  if (status.ok()) return;
  std::cerr << status.ToString() << std::endl;
  std::exit(1);
}

void PrintSide(
    const std::string& side, const std::string& signature,
    const google::protobuf::Map<std::string, tensorflow::TensorInfo>& tensors) {
  std::map<std::string, tensorflow::TensorInfo> sorted(tensors.begin(),
                                                       tensors.end());
  for (const auto& [key, info] : sorted) {
    std::cout << side << '\t' << signature << '\t' << key << '\t'
              << tensorflow::DataTypeString(info.dtype()) << '\t'
              << tensorflow::PartialTensorShape::DebugString(
                     info.tensor_shape())
              << '\n';
  }
}

void PrintSignatures(const SavedModelBundle& bundle) {
  const auto& found = bundle.GetSignatures();
  std::map<std::string, tensorflow::SignatureDef> sorted(found.begin(),
                                                         found.end());
  for (const auto& [name, signature] : sorted) {
    std::cout << "signature\t" << name << '\t' << signature.method_name()
              << '\n';
    PrintSide("input", name, signature.inputs());
    PrintSide("output", name, signature.outputs());
  }
}

// Checks names, and leaves dtypes and shapes to the session, as the server
// does: what a graph does not refuse, reaches its kernels.
Status Answer(const SavedModelBundle& bundle, const NodeDef& request,
                    NodeDef* answer) {
  const auto& signatures = bundle.GetSignatures();
  const auto signature = signatures.find(request.op());
  if (signature == signatures.end()) {
    return tensorflow::errors::NotFound("No signature ", request.op());
  }
  const auto& inputs = signature->second.inputs();
  std::vector<std::pair<std::string, Tensor>> feeds;
  for (const auto& [key, value] : request.attr()) {
    if (!inputs.contains(key)) {
      return tensorflow::errors::InvalidArgument("No input ", key);
    }
    Tensor tensor;
    if (!tensor.FromProto(value.tensor())) {
      return tensorflow::errors::InvalidArgument("Not a tensor: ", key);
    }
    feeds.emplace_back(inputs.at(key).name(), std::move(tensor));
  }
  for (const auto& [key, info] : inputs) {
    if (request.attr().contains(key)) continue;
#ifdef HAS_DEFAULTS
    const auto& defaults = signature->second.defaults();
    if (defaults.contains(key)) {
      Tensor tensor;
      if (tensor.FromProto(defaults.at(key))) {
        feeds.emplace_back(info.name(), std::move(tensor));
        continue;
      }
    }
#endif
    return tensorflow::errors::InvalidArgument("Missing input ", key);
  }

  std::vector<std::string> keys, names;
  for (const auto& [key, info] : signature->second.outputs()) {
    keys.push_back(key);
    names.push_back(info.name());
  }
  std::vector<Tensor> outputs;
  TF_RETURN_IF_ERROR(bundle.GetSession()->Run(feeds, names, {}, &outputs));
  for (size_t i = 0; i < keys.size(); ++i) {
    auto* tensor = (*answer->mutable_attr())[keys[i]].mutable_tensor();
    outputs[i].AsProtoField(tensor);
  }
  return Status();
}

Status AnswerAll(const SavedModelBundle& bundle,
                       const std::string& requests,
                       const std::string& answers) {
  tensorflow::Env* env = tensorflow::Env::Default();
  std::unique_ptr<tensorflow::RandomAccessFile> in;
  TF_RETURN_IF_ERROR(env->NewRandomAccessFile(requests, &in));
  std::unique_ptr<tensorflow::WritableFile> out;
  TF_RETURN_IF_ERROR(env->NewWritableFile(answers, &out));
  tensorflow::io::RecordReader reader(in.get());
  tensorflow::io::RecordWriter writer(out.get());

  tensorflow::tstring record;
  uint64_t offset = 0;
  while (true) {
    const Status read = reader.ReadRecord(&offset, &record);
    if (tensorflow::errors::IsOutOfRange(read)) return writer.Close();
    TF_RETURN_IF_ERROR(read);
    NodeDef request, answer;
    if (!request.ParseFromArray(record.data(), record.size())) {
      return tensorflow::errors::DataLoss("Not a request: ", requests);
    }
    answer.set_op(request.op());
    const Status status = Answer(bundle, request, &answer);
    if (!status.ok()) {
      (*answer.mutable_attr())[""].set_s(status.ToString());
    }
    TF_RETURN_IF_ERROR(writer.WriteRecord(answer.SerializeAsString()));
    TF_RETURN_IF_ERROR(writer.Flush());
    TF_RETURN_IF_ERROR(out->Flush());
  }
}

void PrintMappedFiles() {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> paths;
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path != std::string::npos) paths.insert(line.substr(path));
  }
  for (const auto& path : paths) std::cout << "mapped\t" << path << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: serve_requests VERSION LIBRARY... "
                 "[-- REQUESTS ANSWERS]"
              << std::endl;
    return 2;
  }
  int next = 2;
  for (; next < argc && std::string(argv[next]) != "--"; ++next) {
    if (dlopen(argv[next], RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      std::cerr << dlerror() << std::endl;
      return 1;
    }
  }

  SavedModelBundle bundle;
  Require(tensorflow::LoadSavedModel({}, {}, argv[1],
                                     {"serve"},
                                     &bundle));
  PrintSignatures(bundle);
  std::cout << std::flush;
  if (next + 2 < argc) {
    Require(AnswerAll(bundle, argv[next + 1], argv[next + 2]));
  }
  PrintMappedFiles();
  return 0;
}
