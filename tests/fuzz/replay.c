/*
 * Runs a fuzz target without a fuzzer: once on every file of its corpus folder, then on a bounded
 * number of seeded mutations of each, so that an ordinary test run explores a little and always the
 * same. Each input is copied to the end of its own allocation, where a sanitizer sees an over-read.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS_PER_FILE 400
#define INPUT_MAX          (1u << 17)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t s_state = 0x9e3779b97f4a7c15u;

static uint32_t next_random(void)
{
	s_state ^= s_state << 13;
	s_state ^= s_state >> 7;
	s_state ^= s_state << 17;
	return (uint32_t)(s_state >> 32);
}

static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static size_t mutate(uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	for (uint32_t change = 1 + next_random() % 4; change > 0; change--)
		data[next_random() % size] = (uint8_t)next_random();
	return next_random() % 4 ? size : next_random() % size + 1;
}

static int run_file(const char *path)
{
	static uint8_t original[INPUT_MAX], changed[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	size_t size = fread(original, 1, sizeof(original), file);
	fclose(file);
	run_exact(original, size);
	for (int round = 0; round < MUTATIONS_PER_FILE; round++) {
		memcpy(changed, original, size);
		run_exact(changed, mutate(changed, size));
	}
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0, files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		struct dirent *entry;

		if (!folder) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(folder))) {
			char path[4096];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			failed |= run_file(path);
			files++;
		}
		closedir(folder);
	}
	printf("%d files replayed\n", files);
	return failed || files == 0;
}
