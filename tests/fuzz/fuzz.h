/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every fuzz target needs: libFuzzer's entry and a check that no build leaves out.
 */
#ifndef VIRTMDA_FUZZ_H
#define VIRTMDA_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
