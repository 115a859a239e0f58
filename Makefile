# SPDX-License-Identifier: GPL-2.0-or-later
#
# netpold: NetworkPolicy enforcement through NFQUEUE.
# `make help` lists the targets; V=1 shows the commands.

# ---- settings ----------------------------------------------------------------

VERSION := 0.1.0

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= cc
CLANG ?= clang
CFLAGS ?= -O2 -g
PYTHON ?= python3

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wundef \
	-Wvla -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wwrite-strings -Wformat=2
ifdef CI
WARNINGS += -Werror
endif

HARDENING := -fstack-protector-strong -fPIE
OUR_CFLAGS := -std=gnu11 $(WARNINGS) $(HARDENING) -MMD -MP -D_GNU_SOURCE \
	-Iinclude -DNETPOLD_VERSION='"$(VERSION)"'
OUR_LDFLAGS := -pie -Wl,-z,relro,-z,now

# Sanitizers and coverage come in through SANITIZE, into a build folder of
# their own: `make asan` is `make BUILD=build/asan SANITIZE=…`.
SANITIZE ?=

POLICY_LIBS := -lyaml
DAEMON_LIBS := -ljansson -lpcap -lnetfilter_queue -lmnl -lurcu -lpthread
TEST_LIBS := -lcmocka

# What has to be there to build, to run and to test, as Debian and Ubuntu name
# it. One list, for people and for CI.
PACKAGES := \
	clang \
	clang-format \
	clang-tidy \
	conntrack \
	cppcheck \
	ethtool \
	gcc \
	git \
	iproute2 \
	ipset \
	iptables \
	iputils-ping \
	iwyu \
	kmod \
	libc6-dev \
	libclang-rt-14-dev \
	libcmocka-dev \
	libjansson-dev \
	libmnl-dev \
	libnetfilter-queue-dev \
	libpcap-dev \
	liburcu-dev \
	libyaml-dev \
	llvm \
	make \
	perl \
	procps \
	python3

ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

# ---- sources -----------------------------------------------------------------

POLICY_SOURCES := $(sort $(wildcard policy/*.c))
DAEMON_SOURCES := $(sort $(wildcard daemon/*.c daemon/*/*.c))
POLICY_TESTS := $(sort $(wildcard tests/policy/*_test.c))
DAEMON_TESTS := $(sort $(wildcard tests/daemon/*_test.c))

POLICY_OBJECTS := $(POLICY_SOURCES:%.c=$(BUILD)/%.o)
DAEMON_OBJECTS := $(DAEMON_SOURCES:%.c=$(BUILD)/%.o)
UNIT_TESTS := $(POLICY_TESTS:%.c=$(BUILD)/%) $(DAEMON_TESTS:%.c=$(BUILD)/%)

# ---- build -------------------------------------------------------------------

.PHONY: all
all: $(BUILD)/netpold ## build build/netpold

$(BUILD)/netpold: $(DAEMON_OBJECTS) $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(POLICY_LIBS) $(DAEMON_LIBS)

$(BUILD)/libnetpold.a: $(POLICY_OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/daemon/%.o: OUR_CFLAGS += -Idaemon
$(BUILD)/policy/%.o: OUR_CFLAGS += -Ipolicy
$(BUILD)/tests/%.o: OUR_CFLAGS += -Ipolicy -Idaemon -Itests

# A policy test links the library and nothing else: policy/ code that reached
# into daemon/ would not link.
$(BUILD)/tests/policy/%_test: $(BUILD)/tests/policy/%_test.o $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(POLICY_LIBS) $(TEST_LIBS)

.PHONY: deps
deps: ## install the Debian or Ubuntu packages that are missing
	$(Q)missing=$$(for p in $(PACKAGES); do \
		dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | \
		grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qy --no-install-recommends $$missing; \
	fi

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
