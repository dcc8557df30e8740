# SPDX-License-Identifier: GPL-3.0-or-later
#
# Fuzzing. Every tests/fuzz/fuzz_NAME.c is a libFuzzer target; `make fuzz` builds all of them
# with clang, ASan and UBSan, and runs each for FUZZ_SECONDS on the seeds in
# tests/fuzz/seeds/NAME. With FUZZ_SECONDS=0 only the seeds are run. FUZZ=NAME runs one.

FUZZ_SECONDS ?= 20
FUZZ         ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CHECKS  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: fuzz fuzz-programs
fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang HARDENING=-fPIE \
	    CFLAGS="-O1 -g -fsanitize=fuzzer-no-link $(FUZZ_CHECKS)" fuzz-programs
	@BUILD=$(BUILD)/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/fuzz/run.sh $(FUZZ)

fuzz-programs: $(FUZZ:%=$(BUILD)/fuzz_%)

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(call lib,$(virtmap_ROOMS))
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(FUZZ_LIBS_$*)

# fuzz_mailpeek_FOO is about a part of mailpeek.
$(BUILD)/fuzz_mailpeek_%: $(BUILD)/tests/fuzz/fuzz_mailpeek_%.o $(call lib,mailpeek $(mailpeek_ROOMS))
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(mailpeek_LIBS)

# fuzz_virtmap_FOO is about a part of virtmap.
$(BUILD)/fuzz_virtmap_%: $(BUILD)/tests/fuzz/fuzz_virtmap_%.o $(call lib,virtmap $(virtmap_ROOMS))
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(virtmap_LIBS)

# fuzz_virtmda_FOO is about a part of virtmda.
$(BUILD)/fuzz_virtmda_%: $(BUILD)/tests/fuzz/fuzz_virtmda_%.o $(call lib,virtmda $(virtmda_ROOMS))
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)
