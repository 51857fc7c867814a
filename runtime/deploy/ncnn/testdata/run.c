/* Runs a model in NCNN itself: run MODEL.param MODEL.bin PACKING [[C [D]] H] W < input > output, floats without padding on both sides. */
#include <ncnn/c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
  fprintf(stderr, "%s failed\n", what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 5 || argc > 8) return fail("usage");
  int rank = argc - 4, w = atoi(argv[argc - 1]), h = rank > 1 ? atoi(argv[argc - 2]) : 1, d = rank > 3 ? atoi(argv[5]) : 1, c = rank > 2 ? atoi(argv[4]) : 1;
  ncnn_option_t o = ncnn_option_create();
  ncnn_option_set_num_threads(o, 1);
  ncnn_option_set_use_packing_layout(o, atoi(argv[3]));
  ncnn_option_set_use_fp16_packed(o, 0);
  ncnn_option_set_use_fp16_storage(o, 0);
  ncnn_option_set_use_fp16_arithmetic(o, 0);
  ncnn_option_set_use_bf16_storage(o, 0);
  ncnn_net_t net = ncnn_net_create();
  ncnn_net_set_option(net, o);
  if (ncnn_net_load_param(net, argv[1])) return fail("load_param");
  if (ncnn_net_load_model(net, argv[2])) return fail("load_model");
  ncnn_mat_t in = rank == 1 ? ncnn_mat_create_1d(w, 0) : rank == 2 ? ncnn_mat_create_2d(w, h, 0) : rank == 3 ? ncnn_mat_create_3d(w, h, c, 0) : ncnn_mat_create_4d(w, h, d, c, 0), out;
  size_t each = (size_t)w * h * d;
  for (int i = 0; i < c; i++)
    if (fread(ncnn_mat_get_channel_data(in, i), sizeof(float), each, stdin) != each) return fail("reading the input");
  ncnn_extractor_t e = ncnn_extractor_create(net);
  if (ncnn_extractor_input_index(e, ncnn_net_get_input_index(net, 0), in)) return fail("input");
  if (ncnn_extractor_extract_index(e, ncnn_net_get_output_index(net, 0), &out)) return fail("extract");
  int dims = ncnn_mat_get_dims(out), channels = dims < 3 ? 1 : ncnn_mat_get_c(out);
  size_t plane = (size_t)ncnn_mat_get_w(out) * (dims < 2 ? 1 : ncnn_mat_get_h(out)) * (dims < 4 ? 1 : ncnn_mat_get_d(out));
  for (int i = 0; i < channels; i++)
    if (fwrite(ncnn_mat_get_channel_data(out, i), sizeof(float), plane, stdout) != plane) return fail("writing the output");
  return 0;
}
