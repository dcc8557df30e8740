# virtmda: local delivery agent for sendmail hosts with many mail domains.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU make and pkg-config, not recursive. Each room of src/ becomes an archive, each
# program links the rooms it may see. Everything made goes to $(BUILD).

VERSION   := 0.1.0
BUILD     ?= build
PREFIX    ?= /usr/local
SBINDIR   ?= $(PREFIX)/sbin
MANDIR    ?= $(PREFIX)/share/man
BASHDIR   ?= $(PREFIX)/share/bash-completion/completions
DOCDIR    ?= $(PREFIX)/share/doc/virtmda
SENDMAIL_CF ?= $(firstword $(wildcard /usr/share/sendmail/cf /usr/share/sendmail-cf) $(PREFIX)/share/sendmail/cf)
INSTALL   ?= install
PKG_CONFIG ?= pkg-config
AR        ?= ar

CC        ?= cc
# `make V=1` shows the commands.
Q         := $(if $(V),,@)
CFLAGS    ?= -O2 -g
WARNINGS  := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
ifdef WERROR
WARNINGS  += -Werror
endif
HARDENING ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE

# The agent starts once a message, so virtmda is linked statically, libc too: mapping shared objects
# costs more than the delivery, and a loader in trouble ends with 127, at which sendmail bounces. NSS
# does not work in there, so what needs it is asked of virtmda-getpwnam (include/nss.h). The other
# programs have the small libraries linked in, and libc shared. `make SHARED=1` links all of them
# shared, and so do sanitizers, which cannot do without.
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags libbsd-overlay libidn2 2>/dev/null)
LIBS_SHARED := -lgdbm -lbsd -lmd -lidn2 -lunistring -lxxhash
ifneq (,$(SHARED)$(findstring sanitize,$(CFLAGS) $(LDFLAGS)))
LIBS      := $(LIBS_SHARED)
virtmda_LDFLAGS := -pie
else
LIBS      := -Wl,-Bstatic $(LIBS_SHARED) -Wl,-Bdynamic
virtmda_LDFLAGS := -static-pie
virtmda_LIBS := $(LIBS_SHARED)
endif
PEEK_CFLAGS = $(shell $(PKG_CONFIG) --cflags gmime-3.0 jansson)
PEEK_LIBS   = $(shell $(PKG_CONFIG) --libs gmime-3.0 jansson)
JSON_LIBS   = $(shell $(PKG_CONFIG) --libs jansson)
CHECK_LIBS  = $(shell $(PKG_CONFIG) --libs check)

# LIBBSD_NETBSD_VIS: of libbsd's two strnvis the one with NetBSD's order of arguments.
CPPFLAGS_ALL = -D_GNU_SOURCE -DLIBBSD_NETBSD_VIS -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DVIRTMDA_VERSION='"$(VERSION)"' -Iinclude $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   = -std=c11 $(WARNINGS) $(HARDENING) $(CFLAGS)
LDFLAGS_ALL  = $(or $($(@F)_LDFLAGS),-pie) -Wl,--as-needed -Wl,-z,now,-z,relro -Wl,--gc-sections $(LDFLAGS)

# ---- rooms ---------------------------------------------------------------------------------

ROOMS    := base address table map nss nss_apart account resolve message mailbox admission
PROGRAMS := virtmda virtmda-getpwnam virtmap mailpeek
lib       = $(patsubst %,$(BUILD)/lib/lib%.a,$(1))
objects   = $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/$(1)/*.c))

# What each program links, in the order of the arrows.
virtmda_ROOMS  := admission mailbox resolve map account nss_apart table message address base
virtmap_ROOMS  := admission mailbox resolve map account nss table message address base
mailpeek_ROOMS := mailbox resolve map account nss table message address base
virtmda-getpwnam_ROOMS := nss
virtmda_LIBS  ?= $(LIBS)
virtmap_LIBS   = $(LIBS) $(JSON_LIBS)
mailpeek_LIBS  = $(LIBS) $(PEEK_LIBS)

.PHONY: all
all: $(PROGRAMS:%=$(BUILD)/%)

define room_rule
$(BUILD)/lib/lib$(1).a: $$(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# A program's own parts are an archive too, so that its unit tests can link them without main.
define program_rule
$(BUILD)/lib/lib$(1).a: $$(filter-out %/main.o,$$(call objects,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
$(BUILD)/$(1): $(BUILD)/src/$(1)/main.o $$(call lib,$(1) $$($(1)_ROOMS))
	@$$(if $$(Q),echo "  LD    $$@")
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS_ALL) -o $$@ $$^ $$($(1)_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

$(BUILD)/src/mailpeek/%.o: CPPFLAGS_ALL += $(PEEK_CFLAGS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC    $<")
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

# ---- unit tests: one program a module --------------------------------------------------------

UNIT_SOURCES := $(wildcard tests/unit/check_*.c)
UNIT_TESTS   := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

$(BUILD)/tests/check_%: $(BUILD)/tests/unit/check_%.o $(call lib,admission mailbox resolve map account nss table message address base)
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(CHECK_LIBS)

# check_virtmda_FOO tests a part of the program virtmda.
$(BUILD)/tests/check_virtmda_%: $(BUILD)/tests/unit/check_virtmda_%.o $(call lib,virtmda $(virtmda_ROOMS))
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(CHECK_LIBS)

# check_virtmap_FOO tests a part of virtmap.
$(BUILD)/tests/check_virtmap_%: $(BUILD)/tests/unit/check_virtmap_%.o $(call lib,virtmap $(virtmap_ROOMS))
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(virtmap_LIBS) $(CHECK_LIBS)

# check_mailpeek_FOO tests a part of mailpeek.
$(BUILD)/tests/check_mailpeek_%: $(BUILD)/tests/unit/check_mailpeek_%.o $(call lib,mailpeek $(mailpeek_ROOMS))
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(mailpeek_LIBS) $(CHECK_LIBS)

$(BUILD)/tests/check_nss_apart: $(BUILD)/tests/unit/check_nss_apart.o $(call lib,nss_apart base)
	@mkdir -p $(@D)
	@$(if $(Q),echo "  LD    $@")
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(CHECK_LIBS)

.PHONY: unit-programs
unit-programs: $(UNIT_TESTS)
.SECONDARY:

# ---- what people call ------------------------------------------------------------------------

.PHONY: deps check unit demo lint asan valgrind bench clean install uninstall
deps:
	@sh tests/deps.sh

# deps may install the headers that pkg-config answers for, so the build runs in a make of
# its own, after it.
check: deps
	@$(MAKE) --no-print-directory all unit-programs
	@BUILD=$(BUILD) sh tests/run.sh

unit: unit-programs
	@BUILD=$(BUILD) sh tests/run.sh unit

demo: deps
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) sh tests/e2e/demo.sh

lint:
	@sh tests/lint.sh

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan: deps
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan CFLAGS="-O1 -g $(SANITIZE)" HARDENING=-fPIE all unit-programs
	@BUILD=$(BUILD)/asan sh tests/run.sh unit e2e

valgrind: deps
	@$(MAKE) --no-print-directory all unit-programs
	@BUILD=$(BUILD) VALGRIND=1 sh tests/run.sh unit

bench: all
	@BUILD=$(BUILD) tests/bench/delivery
	@BUILD=$(BUILD) tests/bench/lmtp
	@BUILD=$(BUILD) sh tests/bench/map
	@BUILD=$(BUILD) sh tests/bench/verify
	@BUILD=$(BUILD) sh tests/bench/scan

include tests/fuzz/fuzz.mk

clean:
	rm -rf $(BUILD)

# Where there is a sendmail cf tree the m4 files go into it, so that FEATURE(`virtmap') and
# MAILER(`virtmda') are found; elsewhere under PREFIX, for `m4 -I`.
MAN5 := $(wildcard man/*.5)
MAN8 := $(wildcard man/*.8)
SAMPLES := $(wildcard samples/*)

install: all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR)/samples $(DESTDIR)$(BASHDIR) \
	    $(DESTDIR)$(SENDMAIL_CF)/mailer $(DESTDIR)$(SENDMAIL_CF)/feature
	$(INSTALL) -m 755 $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(SBINDIR)
	ln -sf virtmap $(DESTDIR)$(SBINDIR)/vnewvirtmaps
	$(INSTALL) -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8
	ln -sf virtmap.8 $(DESTDIR)$(MANDIR)/man8/vnewvirtmaps.8
	rm -rf $(BUILD)/install
	mkdir -p $(BUILD)/install/samples
	cp -r sendmail-cf/mailer sendmail-cf/feature $(BUILD)/install
	cp $(SAMPLES) $(BUILD)/install/samples
	sed -i 's|/usr/local/sbin/virtm|$(SBINDIR)/virtm|g' $(BUILD)/install/*/*
	$(INSTALL) -m 644 $(BUILD)/install/mailer/*.m4 $(DESTDIR)$(SENDMAIL_CF)/mailer
	$(INSTALL) -m 644 $(BUILD)/install/feature/*.m4 $(DESTDIR)$(SENDMAIL_CF)/feature
	$(INSTALL) -m 644 $(BUILD)/install/samples/* $(DESTDIR)$(DOCDIR)/samples
	$(INSTALL) -m 644 completions/virtmap.bash $(DESTDIR)$(BASHDIR)/virtmap
	ln -sf virtmap $(DESTDIR)$(BASHDIR)/mailpeek
	$(INSTALL) -m 644 README.md CHANGELOG.md LICENSE $(DESTDIR)$(DOCDIR)
	@[ -n "$(DESTDIR)" ] || echo "Installed. If there is a map already: run virtmap build, then virtmap check."

uninstall:
	rm -f $(addprefix $(DESTDIR)$(SBINDIR)/,$(PROGRAMS) vnewvirtmaps)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/,$(MAN5:man/%=man5/%) $(MAN8:man/%=man8/%) man8/vnewvirtmaps.8)
	rm -f $(addprefix $(DESTDIR)$(SENDMAIL_CF)/,$(patsubst sendmail-cf/%,%,$(wildcard sendmail-cf/*/*.m4)))
	rm -f $(DESTDIR)$(BASHDIR)/virtmap $(DESTDIR)$(BASHDIR)/mailpeek
	rm -rf $(DESTDIR)$(DOCDIR)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
