// llm.c's CPU trainer at a chosen shape and batch: its own train_gpt2.c, included where it was
// fetched to, with a main that makes random weights in the format of its checkpoints, takes steps
// on random tokens and prints one JSON line. `llmc-train` builds and runs it.
#define TESTING
#include "train_gpt2.c"

static void write_random_checkpoint(const char *path, const int *shape) {
    int header[256] = {20240326, 3};
    memcpy(header + 2, shape, 6 * sizeof(int));  // max_seq_len, vocab, layers, heads, dim, padded
    GPT2 sizes = {0};
    sizes.config = (GPT2Config){.max_seq_len = shape[0], .vocab_size = shape[1], .num_layers = shape[2],
                                .num_heads = shape[3], .channels = shape[4], .padded_vocab_size = shape[5]};
    fill_in_parameter_sizes(sizes.param_sizes, sizes.config);
    size_t count = 0;
    for (int i = 0; i < NUM_PARAMETER_TENSORS; i++) count += sizes.param_sizes[i];
    FILE *file = fopen(path, "wb");
    fwrite(header, sizeof header, 1, file);
    unsigned long long state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        float value = ((float)(state >> 40) / 16777216.0f - 0.5f) * 0.07f;
        fwrite(&value, sizeof value, 1, file);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: llmc_train SHAPE(gpt2|tiny) BATCH CONTEXT SECONDS CHECKPOINT\n");
        return 2;
    }
    const int gpt2[6] = {1024, 50257, 12, 12, 768, 50304}, tiny[6] = {256, 96, 6, 6, 384, 128};
    const int B = atoi(argv[2]), T = atoi(argv[3]);
    const double seconds = atof(argv[4]);
    write_random_checkpoint(argv[5], strcmp(argv[1], "gpt2") == 0 ? gpt2 : tiny);
    GPT2 model;
    gpt2_build_from_checkpoint(&model, argv[5]);
    int *tokens = mallocCheck(sizeof(int) * (size_t)(B * T + 1));
    for (int i = 0; i <= B * T; i++) tokens[i] = (int)((i * 7919ll) % model.config.vocab_size);
    static double speeds[100000];
    int steps = 0;
    double total = 0;
    for (int step = 0; steps < 2 || total < seconds; step++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        gpt2_forward(&model, tokens, tokens + 1, B, T);
        gpt2_zero_grad(&model);
        gpt2_backward(&model);
        gpt2_update(&model, 1e-4f, 0.9f, 0.999f, 1e-8f, 0.0f, step + 1);
        clock_gettime(CLOCK_MONOTONIC, &end);
        const double took = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
        if (step == 0) continue;  // takes memory
        total += took;
        speeds[steps++] = B * T / took;
        if (steps == 100000) break;
    }
    printf("\n{\"peer\": \"llm.c\", \"shape\": \"%s\", \"batch\": %d, \"context\": %d, \"parameters\": %zu, \"loss\": %.4f, \"all\": [",
           argv[1], B, T, model.num_parameters, model.mean_loss);
    for (int i = 0; i < steps; i++) printf("%s%.3f", i == 0 ? "" : ", ", speeds[i]);
    printf("]}\n");
    return 0;
}
