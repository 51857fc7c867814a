// arena LIBRARY MODEL runs a model with one float32 input in ONNX Runtime and prints what its arena says, in bytes:
// in use by the session before the first run, and at most in use during runs.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime_c_api.h"

static const OrtApi *api;

static void check(OrtStatus *s) {
	if (s) {
		fprintf(stderr, "%s\n", api->GetErrorMessage(s));
		exit(1);
	}
}

static long long stat(const OrtAllocator *a, const char *key) {
	OrtKeyValuePairs *pairs;
	check(api->AllocatorGetStats(a, &pairs));
	const char *v = api->GetKeyValue(pairs, key);
	long long n = v ? atoll(v) : -1;
	api->ReleaseKeyValuePairs(pairs);
	return n;
}

int main(int argc, char **argv) {
	if (argc < 3)
		return 2;
	void *lib = dlopen(argv[1], RTLD_NOW);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(lib, "OrtGetApiBase");
	api = base()->GetApi(23);
	OrtEnv *env;
	check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "arena", &env));
	OrtSessionOptions *o;
	check(api->CreateSessionOptions(&o));
	check(api->SetIntraOpNumThreads(o, 1));
	check(api->SetInterOpNumThreads(o, 1));
	// An arena that grows by what is asked for and splits every chunk, so that what is in use is what was asked for.
	OrtMemoryInfo *info, *plain;
	check(api->CreateMemoryInfo("Cpu", OrtArenaAllocator, 0, OrtMemTypeDefault, &info));
	if (argc == 3) {
		const char *keys[] = {"arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk"};
		const size_t values[] = {1, 256, 1};
		OrtArenaCfg *cfg;
		check(api->CreateArenaCfgV2(keys, values, 3, &cfg));
		check(api->CreateAndRegisterAllocator(env, info, cfg));
		check(api->AddSessionConfigEntry(o, "session.use_env_allocators", "1"));
	}
	OrtSession *s;
	check(api->CreateSession(env, argv[2], o, &s));
	check(api->CreateMemoryInfo("Cpu", OrtDeviceAllocator, 0, OrtMemTypeDefault, &plain));
	OrtAllocator *arena, *names;
	check(api->CreateAllocator(s, info, &arena));
	check(api->GetAllocatorWithDefaultOptions(&names));
	long long before = stat(arena, "InUse");

	size_t outputs;
	check(api->SessionGetOutputCount(s, &outputs));
	char *in;
	check(api->SessionGetInputName(s, 0, names, &in));
	const char **out = malloc(outputs * sizeof *out);
	for (size_t i = 0; i < outputs; i++)
		check(api->SessionGetOutputName(s, i, names, (char **)&out[i]));
	OrtTypeInfo *type;
	const OrtTensorTypeAndShapeInfo *tensor;
	check(api->SessionGetInputTypeInfo(s, 0, &type));
	check(api->CastTypeInfoToTensorInfo(type, &tensor));
	size_t rank, count = 1;
	int64_t dims[8];
	check(api->GetDimensionsCount(tensor, &rank));
	check(api->GetDimensions(tensor, dims, rank));
	for (size_t i = 0; i < rank; i++) {
		if (dims[i] < 1)
			dims[i] = 1;
		count *= dims[i];
	}
	float *data = calloc(count, sizeof *data);
	OrtValue *x;
	check(api->CreateTensorWithDataAsOrtValue(plain, data, count * sizeof *data, dims, rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
	const char *ins[] = {in};
	const OrtValue *xs[] = {x};
	for (int run = 0; run < 3; run++) {
		OrtValue **y = calloc(outputs, sizeof *y);
		check(api->Run(s, NULL, ins, xs, 1, out, outputs, y));
		for (size_t i = 0; i < outputs; i++)
			api->ReleaseValue(y[i]);
		free(y);
		printf("session=%lld peak=%lld total=%lld reserves=%lld\n", before, stat(arena, "MaxInUse"), stat(arena, "TotalAllocated"), stat(arena, "NumReserves"));
	}
	return 0;
}
