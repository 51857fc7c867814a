// A library that pretends to have execution providers: it is ONNX Runtime, but accepts CUDA and XNNPACK, and leaves all nodes to the CPU. REAL is the
// path of the library behind it. What it is asked for stands in the file that the environment variable STUB_LOG names.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime_c_api.h"

static OrtApi api;
static const OrtApi* real_api;
static const OrtApiBase* real_base;
static int options; // stands for the options of CUDA

static void note(const char* what, const char* const* keys, const char* const* values, size_t n) {
  FILE* f = fopen(getenv("STUB_LOG"), "a");
  if (!f) abort();
  fprintf(f, "%s", what);
  for (size_t i = 0; i < n; i++) fprintf(f, " %s=%s", keys[i], values[i]);
  fprintf(f, "\n");
  fclose(f);
}

static OrtStatus* ORT_API_CALL create_cuda(OrtCUDAProviderOptionsV2** out) {
  *out = (OrtCUDAProviderOptionsV2*)&options;
  return NULL;
}

static void ORT_API_CALL release_cuda(OrtCUDAProviderOptionsV2* o) { (void)o; }

static OrtStatus* ORT_API_CALL update_cuda(OrtCUDAProviderOptionsV2* o, const char* const* keys, const char* const* values, size_t n) {
  (void)o;
  for (size_t i = 0; i < n; i++)
    if (strcmp(keys[i], "device_id") && strcmp(keys[i], "use_tf32")) return real_api->CreateStatus(ORT_INVALID_ARGUMENT, "no such option");
  note("update", keys, values, n);
  return NULL;
}

static OrtStatus* ORT_API_CALL append_cuda(OrtSessionOptions* s, const OrtCUDAProviderOptionsV2* o) {
  (void)s, (void)o;
  note("cuda", NULL, NULL, 0);
  return NULL;
}

static OrtStatus* ORT_API_CALL append(OrtSessionOptions* s, const char* name, const char* const* keys, const char* const* values, size_t n) {
  if (strcmp(name, "Xnnpack")) return real_api->SessionOptionsAppendExecutionProvider(s, name, keys, values, n);
  note(name, keys, values, n);
  return NULL;
}

static const OrtApi* ORT_API_CALL get_api(uint32_t version) {
  if (!(real_api = real_base->GetApi(version))) return NULL;
  api = *real_api;
  api.CreateCUDAProviderOptions = create_cuda;
  api.ReleaseCUDAProviderOptions = release_cuda;
  api.UpdateCUDAProviderOptions = update_cuda;
  api.SessionOptionsAppendExecutionProvider_CUDA_V2 = append_cuda;
  api.SessionOptionsAppendExecutionProvider = append;
  return &api;
}

static const char* ORT_API_CALL get_version(void) { return real_base->GetVersionString(); }

const OrtApiBase* ORT_API_CALL OrtGetApiBase(void) {
  static OrtApiBase base = {get_api, get_version};
  void* lib = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
  if (!lib) {
    fprintf(stderr, "stub: %s\n", dlerror());
    return NULL;
  }
  real_base = ((const OrtApiBase* (*)(void))dlsym(lib, "OrtGetApiBase"))();
  return &base;
}
