# SPDX-License-Identifier: GPL-2.0-or-later
#
# netpold: NetworkPolicy enforcement through NFQUEUE.
# `make help` lists the targets; V=1 shows the commands.

# ---- settings ----------------------------------------------------------------

VERSION := 0.1.0
# What `netpold --version` calls the commit. COMMIT=… says it where there is no
# git repository.
COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' \
	2>/dev/null || echo unknown)

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
# Instrumented code makes gcc warn of what is not there: only the plain build
# has to be without warnings.
ifdef CI
ifeq ($(SANITIZE),)
WARNINGS += -Werror
endif
endif

# FAULTS=1 is a build for tests, in which races can be made to happen
# (daemon/fault.h); it goes into a folder of its own, too.
FAULTS ?=

# What makes a mistake in memory an end, and not a way in. A compiler that does
# not know one of these, or an architecture that has no such thing, does without.
# What is fortified has to be optimized, and sanitizers look at the same calls.
takes = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo $(1))
HARDENING := -fPIE -fstack-protector-strong
HARDENING += $(call takes,-fstack-clash-protection)
HARDENING += $(call takes,-fcf-protection)
HARDENING += $(call takes,-mbranch-protection=standard)
ifeq ($(SANITIZE),)
ifneq ($(filter-out -O0,$(filter -O%,$(CFLAGS))),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
endif
# Where it is built leaves no trace: two builds give the same bytes.
OUR_CFLAGS := -std=gnu11 $(WARNINGS) $(HARDENING) -MMD -MP -D_GNU_SOURCE \
	-Iinclude -DNETPOLD_VERSION=$(VERSION) -ffile-prefix-map=$(CURDIR)=.
ifneq ($(FAULTS),)
OUR_CFLAGS += -DNETPOLD_FAULTS
endif
OUR_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack

# Sanitizers and coverage come in through SANITIZE, into a build folder of
# their own: `make asan` is `make BUILD=build/asan SANITIZE=…`.
SANITIZE ?=

POLICY_LIBS := -lyaml
DAEMON_LIBS := -lcap-ng -lcurl -lgnutls -ljansson -lmicrohttpd -lpcap -lnetfilter_queue -lmnl \
	-lseccomp -lurcu -lpthread
TEST_LIBS := -lcmocka

# What has to be there to build, to run and to test, as Debian and Ubuntu name
# it. One list, for people and for CI.
PACKAGES := \
	apache2-bin \
	ca-certificates \
	clang \
	clang-format \
	clang-tidy \
	conntrack \
	cppcheck \
	dnsmasq-base \
	dpkg-dev \
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
	libcap-ng-dev \
	libclang-rt-dev \
	libcmocka-dev \
	libcurl4-openssl-dev \
	libgnutls28-dev \
	libjansson-dev \
	libmicrohttpd-dev \
	libmnl-dev \
	libnetfilter-queue-dev \
	libpcap-dev \
	libseccomp-dev \
	liburcu-dev \
	libyaml-dev \
	lintian \
	llvm \
	make \
	mandoc \
	mount \
	openssl \
	perl \
	procps \
	python3 \
	python3-yaml \
	redis-tools \
	util-linux

# Some tests look at a page in a browser. CHROMIUM=PROGRAM names one that is
# there already. Ubuntu has it as a snap only: there one has to be.
ON_UBUNTU := $(shell grep -sx ID=ubuntu /etc/os-release)
PACKAGES += $(if $(CHROMIUM)$(ON_UBUNTU),,chromium)

# To build it is enough to have these.
BUILD_PACKAGES := gcc libc6-dev make \
	$(filter-out libclang-rt-dev libcmocka-dev,$(filter lib%-dev,$(PACKAGES)))

# An image is built and run with these (make test-image).
IMAGE_PACKAGES := \
	binutils \
	buildah \
	golang-github-containers-common \
	mmdebstrap \
	runc

ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

# ---- sources -----------------------------------------------------------------

POLICY_SOURCES := \
	policy/addr.c \
	policy/advice.c \
	policy/api/cut.c \
	policy/api/item.c \
	policy/api/list.c \
	policy/api/narrow.c \
	policy/api/prune.c \
	policy/api/reader.c \
	policy/api/span.c \
	policy/api/status.c \
	policy/api/watch.c \
	policy/arena.c \
	policy/cover.c \
	policy/err.c \
	policy/fingerprint.c \
	policy/flow_cache.c \
	policy/flow_table.c \
	policy/fragments.c \
	policy/grid/bundle.c \
	policy/grid/bundling.c \
	policy/grid/cell.c \
	policy/grid/example.c \
	policy/grid/grid.c \
	policy/grid/group.c \
	policy/grid/label_keys.c \
	policy/grid/line.c \
	policy/grid/signature.c \
	policy/grid/slot_set.c \
	policy/grid/unit.c \
	policy/grid/unit_list.c \
	policy/hash.c \
	policy/judge.c \
	policy/manifest/anchors.c \
	policy/manifest/builder.c \
	policy/manifest/decode.c \
	policy/manifest/decode_policy.c \
	policy/manifest/document.c \
	policy/manifest/finding.c \
	policy/manifest/json_reader.c \
	policy/manifest/json_scanner.c \
	policy/manifest/json_tree.c \
	policy/manifest/kind.c \
	policy/manifest/manifest.c \
	policy/manifest/plot.c \
	policy/manifest/report.c \
	policy/manifest/scalar.c \
	policy/manifest/schema.c \
	policy/manifest/schema_kinds.c \
	policy/manifest/syntax.c \
	policy/manifest/text.c \
	policy/manifest/timestamp.c \
	policy/manifest/tree.c \
	policy/manifest/utf8.c \
	policy/manifest/validate.c \
	policy/manifest/validate_cidr.c \
	policy/manifest/validate_metadata.c \
	policy/manifest/validate_policy.c \
	policy/manifest/validate_selector.c \
	policy/manifest/write.c \
	policy/manifest/yaml_reader.c \
	policy/object.c \
	policy/onset.c \
	policy/packet.c \
	policy/reach/bits.c \
	policy/reach/change.c \
	policy/reach/column.c \
	policy/reach/crowd.c \
	policy/reach/cuts.c \
	policy/reach/grant.c \
	policy/reach/identity_index.c \
	policy/reach/outside.c \
	policy/reach/own_node.c \
	policy/reach/partition.c \
	policy/reach/pods.c \
	policy/reach/reach.c \
	policy/reach/rule.c \
	policy/reach/sort.c \
	policy/reach/sort_names.c \
	policy/reach/term.c \
	policy/reach/walk.c \
	policy/redundant.c \
	policy/selector.c \
	policy/slot.c \
	policy/store/assign.c \
	policy/store/bundle.c \
	policy/store/changes.c \
	policy/store/cluster.c \
	policy/store/departure.c \
	policy/store/intern.c \
	policy/store/object_equal.c \
	policy/store/policy_copy.c \
	policy/store/record.c \
	policy/store/scope.c \
	policy/store/staging.c \
	policy/suggest/grant.c \
	policy/suggest/label.c \
	policy/suggest/name.c \
	policy/suggest/outside.c \
	policy/suggest/pods.c \
	policy/suggest/port.c \
	policy/suggest/rule.c \
	policy/suggest/sight.c \
	policy/suggest/suggest.c \
	policy/suggest/unit.c \
	policy/suggest/use.c \
	policy/survey.c \
	policy/survey_ask.c \
	policy/table/address_map.c \
	policy/table/block_set.c \
	policy/table/claim.c \
	policy/table/compile.c \
	policy/table/credit.c \
	policy/table/explain.c \
	policy/table/identity.c \
	policy/table/identity_view.c \
	policy/table/label_index.c \
	policy/table/match.c \
	policy/table/namespace.c \
	policy/table/parts.c \
	policy/table/peer_set.c \
	policy/table/placement.c \
	policy/table/rule.c \
	policy/table/rule_grant.c \
	policy/table/rule_layout.c \
	policy/table/rule_lookup.c \
	policy/table/rule_member.c \
	policy/table/rule_node.c \
	policy/table/rule_table.c \
	policy/table/rule_table_build.c \
	policy/table/selection.c \
	policy/table/snapshot.c \
	policy/table/table.c \
	policy/table/tables.c \
	policy/track.c \
	policy/workload.c

DAEMON_SOURCES := \
	daemon/boot.c \
	daemon/build_facts.c \
	daemon/burst.c \
	daemon/command/check.c \
	daemon/command/check_report.c \
	daemon/command/check_sarif.c \
	daemon/command/clean.c \
	daemon/command/config.c \
	daemon/command/diff.c \
	daemon/command/diff_example.c \
	daemon/command/diff_json.c \
	daemon/command/diff_lines.c \
	daemon/command/diff_markdown.c \
	daemon/command/diff_seen.c \
	daemon/command/diff_seen_json.c \
	daemon/command/diff_seen_markdown.c \
	daemon/command/diff_seen_text.c \
	daemon/command/diff_seen_words.c \
	daemon/command/diff_sides.c \
	daemon/command/diff_text.c \
	daemon/command/diff_words.c \
	daemon/command/diff_worlds.c \
	daemon/command/duration.c \
	daemon/command/environment.c \
	daemon/command/explain.c \
	daemon/command/explain_flows.c \
	daemon/command/explain_live.c \
	daemon/command/flags.c \
	daemon/command/grouping.c \
	daemon/command/hindrances.c \
	daemon/command/matrix.c \
	daemon/command/matrix_body.c \
	daemon/command/matrix_dot.c \
	daemon/command/matrix_html.c \
	daemon/command/matrix_html_rules.c \
	daemon/command/matrix_json.c \
	daemon/command/matrix_text.c \
	daemon/command/pause.c \
	daemon/command/queue_table.c \
	daemon/command/receipt_list.c \
	daemon/command/replay.c \
	daemon/command/replay_csv.c \
	daemon/command/replay_json.c \
	daemon/command/replay_options.c \
	daemon/command/replay_report.c \
	daemon/command/replay_summary.c \
	daemon/command/replay_text.c \
	daemon/command/run.c \
	daemon/command/setting.c \
	daemon/command/settings.c \
	daemon/command/settings_table.c \
	daemon/command/source_page.c \
	daemon/command/status.c \
	daemon/command/status_client.c \
	daemon/command/status_page.c \
	daemon/command/suggest.c \
	daemon/command/suggest_counts.c \
	daemon/command/suggest_denials.c \
	daemon/command/suggest_flows.c \
	daemon/command/suggest_json.c \
	daemon/command/suggest_output.c \
	daemon/command/suggest_report.c \
	daemon/command/suggest_report_json.c \
	daemon/command/suggest_report_text.c \
	daemon/command/suggest_staged.c \
	daemon/command/suggest_yaml.c \
	daemon/command/test.c \
	daemon/command/told_pool.c \
	daemon/command/told.c \
	daemon/command/top.c \
	daemon/command/top_live.c \
	daemon/command/usage.c \
	daemon/command/wait.c \
	daemon/command/wait_report.c \
	daemon/confine.c \
	daemon/confine_calls.c \
	daemon/controller.c \
	daemon/controller_change.c \
	daemon/controller_cluster.c \
	daemon/controller_handover.c \
	daemon/controller_pause.c \
	daemon/controller_privilege.c \
	daemon/controller_question.c \
	daemon/controller_unknown.c \
	daemon/controller_warm.c \
	daemon/current.c \
	daemon/datapath/address_list.c \
	daemon/datapath/answer.c \
	daemon/datapath/audit_text.c \
	daemon/datapath/batch.c \
	daemon/datapath/bridge.c \
	daemon/datapath/conntrack.c \
	daemon/datapath/conntrack_ends.c \
	daemon/datapath/conntrack_message.c \
	daemon/datapath/conntrack_setting.c \
	daemon/datapath/copies.c \
	daemon/datapath/copy_prefix.c \
	daemon/datapath/discovery_text.c \
	daemon/datapath/divert.c \
	daemon/datapath/dual_set.c \
	daemon/datapath/errand.c \
	daemon/datapath/feature.c \
	daemon/datapath/held.c \
	daemon/datapath/ipset.c \
	daemon/datapath/ipset_message.c \
	daemon/datapath/iptables.c \
	daemon/datapath/local.c \
	daemon/datapath/mark.c \
	daemon/datapath/mark_use.c \
	daemon/datapath/memo.c \
	daemon/datapath/memo_growth.c \
	daemon/datapath/memo_ring.c \
	daemon/datapath/memo_set.c \
	daemon/datapath/memo_table.c \
	daemon/datapath/memory.c \
	daemon/datapath/netlink.c \
	daemon/datapath/orders.c \
	daemon/datapath/pod_range.c \
	daemon/datapath/queue.c \
	daemon/datapath/queue_status.c \
	daemon/datapath/recall.c \
	daemon/datapath/reject.c \
	daemon/datapath/rejection.c \
	daemon/datapath/rejudge.c \
	daemon/datapath/repair.c \
	daemon/datapath/restore_text.c \
	daemon/datapath/round.c \
	daemon/datapath/rule_counter.c \
	daemon/datapath/rules.c \
	daemon/datapath/rules_text.c \
	daemon/datapath/runner.c \
	daemon/datapath/sight.c \
	daemon/datapath/standing.c \
	daemon/datapath/sweep.c \
	daemon/datapath/tally_ring.c \
	daemon/datapath/unclaimed.c \
	daemon/datapath/verdict_counts.c \
	daemon/datapath/walker.c \
	daemon/datapath/worker.c \
	daemon/decision_json.c \
	daemon/decision_text.c \
	daemon/descriptors.c \
	daemon/enforcement.c \
	daemon/enforcement_handover.c \
	daemon/enforcement_start.c \
	daemon/enforcement_watch.c \
	daemon/explain_json.c \
	daemon/explain_text.c \
	daemon/flow_words.c \
	daemon/flowlog/flow_counts.c \
	daemon/flowlog/flow_credit.c \
	daemon/flowlog/flow_end.c \
	daemon/flowlog/flow_explain.c \
	daemon/flowlog/flow_file.c \
	daemon/flowlog/flow_fold.c \
	daemon/flowlog/flow_hit.c \
	daemon/flowlog/flow_likeness.c \
	daemon/flowlog/flow_limit.c \
	daemon/flowlog/flow_log.c \
	daemon/flowlog/flow_namer.c \
	daemon/flowlog/flow_rate.c \
	daemon/flowlog/flow_record.c \
	daemon/flowlog/flow_ring.c \
	daemon/flowlog/flow_rows.c \
	daemon/flowlog/flow_sink.c \
	daemon/flowlog/flow_stream.c \
	daemon/flowlog/flow_target.c \
	daemon/flowlog/flow_teller.c \
	daemon/flowlog/flow_watch.c \
	daemon/flowlog/hit_ring.c \
	daemon/flowlog/hit_watch.c \
	daemon/flowlog/line_buffer.c \
	daemon/grid_json.c \
	daemon/grid_text.c \
	daemon/guard.c \
	daemon/handover/desk.c \
	daemon/handover/giver.c \
	daemon/handover/place.c \
	daemon/handover/taker.c \
	daemon/handover/terms.c \
	daemon/handover/wire.c \
	daemon/instance.c \
	daemon/intake.c \
	daemon/json_text.c \
	daemon/kube/access.c \
	daemon/kube/backoff.c \
	daemon/kube/base64.c \
	daemon/kube/http.c \
	daemon/kube/http_call.c \
	daemon/kube/http_failure.c \
	daemon/kube/http_options.c \
	daemon/kube/http_socket.c \
	daemon/kube/kube_read.c \
	daemon/kube/kube_source.c \
	daemon/kube/kube_source_state.c \
	daemon/kube/kube_status.c \
	daemon/kube/kube_store.c \
	daemon/kube/kubeconfig.c \
	daemon/kube/kubeconfig_access.c \
	daemon/kube/kubeconfig_reader.c \
	daemon/kube/name_set.c \
	daemon/kube/reflector.c \
	daemon/kube/reflector_end.c \
	daemon/kube/resource.c \
	daemon/kube/retry_after.c \
	daemon/kube/server_url.c \
	daemon/kube/service_account.c \
	daemon/kube/token.c \
	daemon/label_text.c \
	daemon/list_pool.c \
	daemon/list_text.c \
	daemon/log.c \
	daemon/main.c \
	daemon/memory_text.c \
	daemon/miss_text.c \
	daemon/observe/client.c \
	daemon/observe/control_metrics.c \
	daemon/observe/datapath_metrics.c \
	daemon/observe/denied.c \
	daemon/observe/exposition.c \
	daemon/observe/flow_log_metrics.c \
	daemon/observe/flows_json.c \
	daemon/observe/health.c \
	daemon/observe/histogram.c \
	daemon/observe/live_pages.c \
	daemon/observe/live_pods.c \
	daemon/observe/live_policy.c \
	daemon/observe/live_side.c \
	daemon/observe/live_state.c \
	daemon/observe/live_view.c \
	daemon/observe/local_reach.c \
	daemon/observe/metrics.c \
	daemon/observe/metrics_json.c \
	daemon/observe/observer.c \
	daemon/observe/pause_desk.c \
	daemon/observe/policy_counts.c \
	daemon/observe/policy_tally.c \
	daemon/observe/question_desk.c \
	daemon/observe/recall_metrics.c \
	daemon/observe/receipt_request.c \
	daemon/observe/receipt_table.c \
	daemon/observe/receipts.c \
	daemon/observe/request.c \
	daemon/observe/source_metrics.c \
	daemon/observe/stall.c \
	daemon/observe/status_board.c \
	daemon/observe/status_json.c \
	daemon/observe/status_server.c \
	daemon/observe/status_socket.c \
	daemon/observe/unjudged.c \
	daemon/observe/verdict_metrics.c \
	daemon/observe/watchdog.c \
	daemon/observe/web_address.c \
	daemon/observe/web_page.c \
	daemon/observe/web_pages.c \
	daemon/observe/web_secrets.c \
	daemon/observe/web_server.c \
	daemon/observe/web_tls.c \
	daemon/observe/web_token.c \
	daemon/outside_text.c \
	daemon/page/page.c \
	daemon/pause.c \
	daemon/pause_switch.c \
	daemon/pid_namespace.c \
	daemon/plain_text.c \
	daemon/planned.c \
	daemon/port_text.c \
	daemon/privilege.c \
	daemon/probe.c \
	daemon/process.c \
	daemon/progress.c \
	daemon/question.c \
	daemon/records/record_fields.c \
	daemon/records/record_reader.c \
	daemon/records/record_time.c \
	daemon/records/record_world.c \
	daemon/records/workload_name.c \
	daemon/rule_text.c \
	daemon/slot_text.c \
	daemon/source/ahead.c \
	daemon/source/capture.c \
	daemon/source/flow_line.c \
	daemon/source/folder.c \
	daemon/source/frame.c \
	daemon/source/lines.c \
	daemon/source/manifests.c \
	daemon/source/objects.c \
	daemon/source/offline.c \
	daemon/source/origins.c \
	daemon/source/pcap_file.c \
	daemon/source/pcapng.c \
	daemon/source/pcapng_file.c \
	daemon/source/playback.c \
	daemon/source/shelf.c \
	daemon/source/timeline.c \
	daemon/source/warm_file.c \
	daemon/source/window.c \
	daemon/state_file.c \
	daemon/suite/coverage.c \
	daemon/suite/fields.c \
	daemon/suite/flow_case.c \
	daemon/suite/matrix_case.c \
	daemon/suite/node.c \
	daemon/suite/pcap_case.c \
	daemon/suite/pod_line.c \
	daemon/suite/report.c \
	daemon/suite/report_github.c \
	daemon/suite/report_json.c \
	daemon/suite/report_junit.c \
	daemon/suite/report_tap.c \
	daemon/suite/report_text.c \
	daemon/suite/result.c \
	daemon/suite/rewrite.c \
	daemon/suite/run.c \
	daemon/suite/run_flows.c \
	daemon/suite/run_pcap.c \
	daemon/suite/suite.c \
	daemon/suite/suite_files.c \
	daemon/suite/watch.c \
	daemon/suite/world.c \
	daemon/time_text.c \
	daemon/top/terminal.c \
	daemon/top/top_choice.c \
	daemon/top/top_columns.c \
	daemon/top/top_keys.c \
	daemon/top/top_numbers.c \
	daemon/top/top_page.c \
	daemon/top/top_rows.c \
	daemon/warm.c \
	daemon/who.c \
	daemon/who_text.c \
	daemon/whole_file.c \
	daemon/wrap_text.c

POLICY_TESTS := \
	tests/policy/addr_test.c \
	tests/policy/advice_test.c \
	tests/policy/api/bounds_test.c \
	tests/policy/api/cut_test.c \
	tests/policy/api/memory_test.c \
	tests/policy/api/narrow_test.c \
	tests/policy/api/prune_test.c \
	tests/policy/api/reader_test.c \
	tests/policy/api/status_test.c \
	tests/policy/api/twin_test.c \
	tests/policy/cover_proof_test.c \
	tests/policy/cover_test.c \
	tests/policy/explain_test.c \
	tests/policy/fingerprint_test.c \
	tests/policy/flow_cache_test.c \
	tests/policy/hash_test.c \
	tests/policy/judge_test.c \
	tests/policy/manifest/decode_test.c \
	tests/policy/manifest/json_reader_test.c \
	tests/policy/manifest/manifest_test.c \
	tests/policy/manifest/schema_test.c \
	tests/policy/manifest/validate_test.c \
	tests/policy/manifest/write_test.c \
	tests/policy/manifest/yaml_reader_test.c \
	tests/policy/onset_test.c \
	tests/policy/packet_test.c \
	tests/policy/rules_engine_test.c \
	tests/policy/selector_test.c \
	tests/policy/snapshot_test.c \
	tests/policy/store/bundle_history_test.c \
	tests/policy/store/bundle_test.c \
	tests/policy/store/cluster_test.c \
	tests/policy/store/intern_test.c \
	tests/policy/suggest/suggest_test.c \
	tests/policy/suggest/twin_test.c \
	tests/policy/survey_test.c \
	tests/policy/table/address_map_test.c \
	tests/policy/table/block_set_test.c \
	tests/policy/table/claim_test.c \
	tests/policy/table/compiler_memory_test.c \
	tests/policy/table/compiler_test.c \
	tests/policy/table/failure_test.c \
	tests/policy/table/identity_test.c \
	tests/policy/table/label_index_test.c \
	tests/policy/table/match_test.c \
	tests/policy/table/namespace_test.c \
	tests/policy/table/parts_test.c \
	tests/policy/table/peer_set_test.c \
	tests/policy/table/peer_set_twin_test.c \
	tests/policy/table/rule_table_size_test.c \
	tests/policy/table/rule_table_test.c \
	tests/policy/track_test.c \
	tests/policy/twin/change_test.c \
	tests/policy/twin/engine_vectors_test.c \
	tests/policy/twin/grid_test.c \
	tests/policy/twin/history_test.c \
	tests/policy/twin/incremental_test.c \
	tests/policy/twin/nearest_test.c \
	tests/policy/twin/oracle_test.c \
	tests/policy/twin/property_test.c \
	tests/policy/twin/reach_test.c \
	tests/policy/twin/readers_test.c \
	tests/policy/twin/redundant_test.c \
	tests/policy/twin/unevaluable_test.c \
	tests/policy/twin/write_test.c \
	tests/policy/workload_test.c

DAEMON_TESTS := \
	tests/daemon/audit_text_test.c \
	tests/daemon/bridge_test.c \
	tests/daemon/burst_test.c \
	tests/daemon/capture_test.c \
	tests/daemon/conntrack_ends_test.c \
	tests/daemon/conntrack_test.c \
	tests/daemon/copies_test.c \
	tests/daemon/errand_test.c \
	tests/daemon/flowlog/flow_end_test.c \
	tests/daemon/flowlog/flow_fold_test.c \
	tests/daemon/flowlog/flow_hit_test.c \
	tests/daemon/flowlog/flow_limit_test.c \
	tests/daemon/flowlog/flow_log_test.c \
	tests/daemon/flowlog/flow_namer_test.c \
	tests/daemon/flowlog/flow_rate_test.c \
	tests/daemon/flowlog/flow_record_test.c \
	tests/daemon/flowlog/flow_ring_test.c \
	tests/daemon/flowlog/flow_rows_test.c \
	tests/daemon/flowlog/flow_sink_test.c \
	tests/daemon/flowlog/flow_teller_test.c \
	tests/daemon/flowlog/flow_watch_test.c \
	tests/daemon/flowlog/line_buffer_test.c \
	tests/daemon/folder_test.c \
	tests/daemon/handover/terms_test.c \
	tests/daemon/handover/wire_test.c \
	tests/daemon/held_test.c \
	tests/daemon/ipset_test.c \
	tests/daemon/json_text_test.c \
	tests/daemon/kube/access_test.c \
	tests/daemon/kube/base64_test.c \
	tests/daemon/kube/http_test.c \
	tests/daemon/kube/kubeconfig_test.c \
	tests/daemon/kube/retry_after_test.c \
	tests/daemon/kube/server_url_test.c \
	tests/daemon/kube/token_test.c \
	tests/daemon/lines_test.c \
	tests/daemon/kube/backoff_test.c \
	tests/daemon/kube/kube_source_test.c \
	tests/daemon/kube/reflector_list_test.c \
	tests/daemon/kube/reflector_test.c \
	tests/daemon/kube/reflector_watch_test.c \
	tests/daemon/kube/resource_test.c \
	tests/daemon/local_test.c \
	tests/daemon/malformed_capture_test.c \
	tests/daemon/mark_test.c \
	tests/daemon/mark_use_test.c \
	tests/daemon/memo_growth_test.c \
	tests/daemon/memo_ring_test.c \
	tests/daemon/memo_table_test.c \
	tests/daemon/miss_text_test.c \
	tests/daemon/netlink_test.c \
	tests/daemon/observe/client_test.c \
	tests/daemon/observe/exposition_test.c \
	tests/daemon/observe/health_test.c \
	tests/daemon/observe/live_pages_test.c \
	tests/daemon/observe/local_reach_test.c \
	tests/daemon/observe/metrics_test.c \
	tests/daemon/observe/pause_desk_test.c \
	tests/daemon/observe/policy_counts_test.c \
	tests/daemon/observe/question_desk_test.c \
	tests/daemon/observe/receipt_request_test.c \
	tests/daemon/observe/receipts_test.c \
	tests/daemon/observe/request_test.c \
	tests/daemon/observe/source_metrics_test.c \
	tests/daemon/observe/stall_test.c \
	tests/daemon/observe/status_server_test.c \
	tests/daemon/observe/status_socket_test.c \
	tests/daemon/observe/status_test.c \
	tests/daemon/observe/unjudged_test.c \
	tests/daemon/observe/verdict_metrics_test.c \
	tests/daemon/observe/web_address_test.c \
	tests/daemon/observe/web_pages_test.c \
	tests/daemon/observe/web_server_test.c \
	tests/daemon/observe/web_tls_test.c \
	tests/daemon/observe/web_token_test.c \
	tests/daemon/orders_test.c \
	tests/daemon/pause_switch_test.c \
	tests/daemon/pause_test.c \
	tests/daemon/pod_range_test.c \
	tests/daemon/progress_test.c \
	tests/daemon/queue_status_test.c \
	tests/daemon/recall_test.c \
	tests/daemon/records/record_reader_test.c \
	tests/daemon/records/record_world_test.c \
	tests/daemon/reject_test.c \
	tests/daemon/rejection_test.c \
	tests/daemon/rule_counter_test.c \
	tests/daemon/rule_text_test.c \
	tests/daemon/runner_test.c \
	tests/daemon/settings_test.c \
	tests/daemon/shelf_history_test.c \
	tests/daemon/shelf_test.c \
	tests/daemon/sight_test.c \
	tests/daemon/slot_text_test.c \
	tests/daemon/state_file_test.c \
	tests/daemon/suite/pod_line_test.c \
	tests/daemon/suite/suite_test.c \
	tests/daemon/sweep_aim_test.c \
	tests/daemon/sweep_test.c \
	tests/daemon/tally_ring_test.c \
	tests/daemon/top/top_choice_test.c \
	tests/daemon/top/top_keys_test.c \
	tests/daemon/top/top_numbers_test.c \
	tests/daemon/top/top_page_test.c \
	tests/daemon/top/top_rows_test.c \
	tests/daemon/unclaimed_test.c \
	tests/daemon/verdict_counts_test.c \
	tests/daemon/warm_file_test.c \
	tests/daemon/warm_test.c

SCRIPT_TESTS := \
	tests/daemon/check_test.py \
	tests/daemon/completion_test.py \
	tests/daemon/config_test.py \
	tests/daemon/diff_records_test.py \
	tests/daemon/diff_test.py \
	tests/daemon/diff_twin_test.py \
	tests/daemon/explain_live_test.py \
	tests/daemon/explain_test.py \
	tests/daemon/explain_twin_test.py \
	tests/daemon/exposition_test.py \
	tests/daemon/hardened_test.py \
	tests/daemon/kube/http2_test.py \
	tests/daemon/kubeconfig_refused_test.py \
	tests/daemon/kubeconfig_test.py \
	tests/daemon/live_page_test.py \
	tests/daemon/matrix_test.py \
	tests/daemon/monitoring_test.py \
	tests/daemon/page_test.py \
	tests/daemon/pause_test.py \
	tests/daemon/refused_test.py \
	tests/daemon/replay_inner_test.py \
	tests/daemon/replay_memory_test.py \
	tests/daemon/replay_output_test.py \
	tests/daemon/replay_test.py \
	tests/daemon/replay_timeline_test.py \
	tests/daemon/staged_test.py \
	tests/daemon/status_test.py \
	tests/daemon/suggest_recipes_test.py \
	tests/daemon/suggest_test.py \
	tests/daemon/suite_test.py \
	tests/daemon/top_test.py \
	tests/daemon/wait_test.py \
	tests/docs_test.py \
	tests/e2e/announced_test.py \
	tests/e2e/audit_outage_test.py \
	tests/e2e/audit_test.py \
	tests/e2e/bad_input_test.py \
	tests/e2e/before_sync_test.py \
	tests/e2e/bulk_test.py \
	tests/e2e/burst_test.py \
	tests/e2e/capture_test.py \
	tests/e2e/check_node_test.py \
	tests/e2e/cluster_test.py \
	tests/e2e/confined_test.py \
	tests/e2e/cut_test.py \
	tests/e2e/edit_test.py \
	tests/e2e/explain_live_test.py \
	tests/e2e/failure_test.py \
	tests/e2e/fake_access_test.py \
	tests/e2e/fake_api_test.py \
	tests/e2e/fake_faults_test.py \
	tests/e2e/fake_health_test.py \
	tests/e2e/fake_history_test.py \
	tests/e2e/fake_http2_test.py \
	tests/e2e/fake_outage_test.py \
	tests/e2e/fake_pause_test.py \
	tests/e2e/fake_requests_test.py \
	tests/e2e/fake_staged_test.py \
	tests/e2e/fake_stream_test.py \
	tests/e2e/fake_wait_test.py \
	tests/e2e/family_test.py \
	tests/e2e/flood_test.py \
	tests/e2e/flow_ends_test.py \
	tests/e2e/flow_log_test.py \
	tests/e2e/flow_still_test.py \
	tests/e2e/flow_trial_test.py \
	tests/e2e/folder_test.py \
	tests/e2e/forget_test.py \
	tests/e2e/guard_test.py \
	tests/e2e/handover_crash_test.py \
	tests/e2e/handover_refused_test.py \
	tests/e2e/handover_test.py \
	tests/e2e/header_test.py \
	tests/e2e/health_test.py \
	tests/e2e/helper_test.py \
	tests/e2e/history_test.py \
	tests/e2e/hold_test.py \
	tests/e2e/ipvs_test.py \
	tests/e2e/live_page_test.py \
	tests/e2e/lock_test.py \
	tests/e2e/lookup_test.py \
	tests/e2e/mark_test.py \
	tests/e2e/metrics_test.py \
	tests/e2e/metrics_tls_test.py \
	tests/e2e/modules_test.py \
	tests/e2e/node_test.py \
	tests/e2e/outage_test.py \
	tests/e2e/overrun_test.py \
	tests/e2e/pause_test.py \
	tests/e2e/queue_test.py \
	tests/e2e/race_test.py \
	tests/e2e/recall_test.py \
	tests/e2e/refusing_test.py \
	tests/e2e/reject_test.py \
	tests/e2e/repair_test.py \
	tests/e2e/restart_test.py \
	tests/e2e/revoke_test.py \
	tests/e2e/service_test.py \
	tests/e2e/staged_test.py \
	tests/e2e/stalls_test.py \
	tests/e2e/start_test.py \
	tests/e2e/starts_test.py \
	tests/e2e/state_test.py \
	tests/e2e/status_socket_test.py \
	tests/e2e/status_test.py \
	tests/e2e/stop_test.py \
	tests/e2e/suggest_test.py \
	tests/e2e/systemd_test.py \
	tests/e2e/top_test.py \
	tests/e2e/truth_test.py \
	tests/e2e/unknown_test.py \
	tests/e2e/verdict_test.py \
	tests/e2e/wait_test.py \
	tests/e2e/warm_test.py \
	tests/e2e/watchdog_test.py \
	tests/embed/example_test.py \
	tests/man_test.py \
	tests/package_test.py \
	tests/reproducible_test.py \
	tests/rules_test.py

# Against a real API server: `make test-kube`.
KUBE_TESTS := \
	tests/e2e/kube_access_test.py \
	tests/e2e/kube_docs_test.py \
	tests/e2e/kube_manifests_test.py \
	tests/e2e/kube_offline_test.py \
	tests/e2e/kube_outage_test.py \
	tests/e2e/kube_pod_test.py \
	tests/e2e/kube_policy_test.py \
	tests/e2e/kube_taint_test.py \
	tests/e2e/kube_token_test.py

# The image, alone and on nodes: `make test-image`.
IMAGE_TESTS := \
	tests/e2e/container_test.py \
	tests/e2e/image_test.py

POLICY_OBJECTS := $(POLICY_SOURCES:%.c=$(BUILD)/%.o)
DAEMON_OBJECTS := $(DAEMON_SOURCES:%.c=$(BUILD)/%.o)
ifneq ($(FAULTS),)
DAEMON_OBJECTS += $(BUILD)/daemon/fault.o
endif
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

# Who makes another commit builds one file anew.
.PHONY: FORCE
FORCE:
$(BUILD)/commit: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(BUILD)/daemon/build_facts.o: $(BUILD)/commit
$(BUILD)/daemon/build_facts.o: OUR_CFLAGS += -DNETPOLD_COMMIT=$(COMMIT)

# The assembler takes these files in.
$(BUILD)/daemon/page/page.o: $(wildcard daemon/page/*.css daemon/page/*.html \
	daemon/page/*.js)

$(BUILD)/daemon/%.o: OUR_CFLAGS += -Idaemon
$(BUILD)/policy/%.o: OUR_CFLAGS += -Ipolicy
$(BUILD)/tests/%.o: OUR_CFLAGS += -Ipolicy -Idaemon -Itests -Itests/policy

# A policy test links the library and nothing else: policy/ code that reached
# into daemon/ would not link.
$(BUILD)/tests/policy/%_test: $(BUILD)/tests/policy/%_test.o $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(POLICY_LIBS) $(TEST_LIBS)

# The naive twin of the engine, with a decoder of its own, and random worlds.
TWIN := \
	edit \
	engine \
	oracle \
	oracle_addr \
	oracle_decode \
	oracle_events \
	random \
	twin \
	vectors \
	vectors_table \
	world \
	world_policy \
	world_write
TWIN_TESTS := $(patsubst %,$(BUILD)/tests/policy/twin/%_test,\
	change engine_vectors grid history incremental nearest oracle \
	property reach readers redundant unevaluable write)
TWIN_TESTS += $(BUILD)/tests/policy/api/twin_test
$(TWIN_TESTS): $(TWIN:%=$(BUILD)/tests/policy/twin/%.o)
$(TWIN_TESTS): TEST_LIBS += -ljansson

$(patsubst %,$(BUILD)/tests/policy/twin/%_test,change grid): \
	$(BUILD)/tests/policy/twin/mutation.o
$(BUILD)/tests/policy/twin/reach_test: $(BUILD)/tests/policy/twin/endpoint_class.o

# Rules are compared with random ones, too, and the structures of a table with
# their twins.
$(patsubst %,$(BUILD)/tests/policy/%_test,api/cut cover cover_proof $(addprefix table/,\
	address_map block_set claim identity label_index match parts peer_set \
	peer_set_twin rule_table rule_table_size)): \
	$(BUILD)/tests/policy/twin/random.o
$(patsubst %,$(BUILD)/tests/policy/table/%_test,block_set label_index match \
	peer_set peer_set_twin rule_table rule_table_size): \
	$(BUILD)/tests/policy/table/random_objects.o
# This one stands between the code and its memory.
$(BUILD)/tests/policy/table/failure_test: OUR_LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray \
	-Wl,--wrap=aligned_alloc,--wrap=free \
	-Wl,--wrap=arena_alloc,--wrap=arena_array

$(BUILD)/tests/policy/suggest/twin_test: $(BUILD)/tests/policy/twin/random.o

# Files of a folder come and go by chance, and memory runs out.
$(BUILD)/tests/policy/store/bundle_history_test: \
	$(BUILD)/tests/policy/twin/random.o
FAILING_MEMORY := $(patsubst %,$(BUILD)/tests/%_test,\
	daemon/shelf daemon/shelf_history policy/api/memory \
	policy/store/bundle_history)
$(FAILING_MEMORY): $(BUILD)/tests/failing_memory.o
$(FAILING_MEMORY): OUR_LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray

# A daemon test links the library and the modules that it names.
$(BUILD)/tests/daemon/%_test: $(BUILD)/tests/daemon/%_test.o $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(POLICY_LIBS) $(DAEMON_LIBS) \
		$(TEST_LIBS)

daemon_test = $(BUILD)/tests/daemon/$(1)_test: $(2:%=$(BUILD)/daemon/datapath/%.o)
NETLINK := netlink address_list
PAUSE := $(patsubst %,$(BUILD)/daemon/%.o,boot pause state_file)
# What the rules are written by.
RULES_TEXT := audit_text copy_prefix discovery_text mark restore_text \
	rules_text standing
$(eval $(call daemon_test,audit_text,$(RULES_TEXT)))
ifneq ($(FAULTS),)
$(BUILD)/tests/daemon/audit_text_test: $(BUILD)/daemon/fault.o
endif
$(eval $(call daemon_test,copies,copies copy_prefix mark))
$(eval $(call daemon_test,bridge,bridge $(NETLINK)))
$(BUILD)/tests/daemon/burst_test: $(BUILD)/daemon/burst.o
$(eval $(call daemon_test,conntrack,conntrack conntrack_message $(NETLINK)))
$(eval $(call daemon_test,conntrack_ends,conntrack_ends conntrack_message \
	conntrack_setting netlink))
$(BUILD)/tests/daemon/folder_test: $(patsubst %,$(BUILD)/daemon/source/%.o,folder manifests)
$(eval $(call daemon_test,ipset,ipset ipset_message $(NETLINK)))
$(BUILD)/tests/daemon/json_text_test: $(BUILD)/daemon/json_text.o
$(BUILD)/tests/daemon/slot_text_test: $(BUILD)/daemon/slot_text.o
$(BUILD)/tests/daemon/lines_test: $(BUILD)/daemon/source/lines.o
$(eval $(call daemon_test,held,held))
$(BUILD)/tests/daemon/held_test: $(BUILD)/tests/policy/twin/random.o
$(eval $(call daemon_test,local,local $(NETLINK)))
$(eval $(call daemon_test,mark,mark))
$(eval $(call daemon_test,mark_use,mark_use))
$(patsubst %,$(BUILD)/tests/daemon/%_text_test,miss rule): \
	$(patsubst %,$(BUILD)/daemon/%_text.o,label list miss port rule)
$(eval $(call daemon_test,netlink,$(NETLINK)))
$(eval $(call daemon_test,orders,orders))
PAUSE_TESTS := $(patsubst %,$(BUILD)/tests/daemon/%_test,pause pause_switch)
$(PAUSE_TESTS): $(PAUSE)
$(PAUSE_TESTS): OUR_LDFLAGS += -Wl,--wrap=clock_gettime
$(BUILD)/tests/daemon/progress_test: $(BUILD)/daemon/progress.o
$(BUILD)/tests/daemon/progress_test: OUR_LDFLAGS += -Wl,--wrap=clock_gettime
$(BUILD)/tests/daemon/pause_switch_test: $(patsubst %,$(BUILD)/daemon/%.o,log \
	observe/pause_desk pause_switch time_text)
$(eval $(call daemon_test,pod_range,pod_range))
$(eval $(call daemon_test,queue_status,queue_status))
# Who runs iptables.
RUN_IPTABLES := process $(addprefix datapath/,errand iptables runner)
ifneq ($(FAULTS),)
RUN_IPTABLES += fault
endif
$(eval $(call daemon_test,rule_counter,rule_counter))
$(patsubst %,$(BUILD)/tests/daemon/%_test,errand rule_counter runner): \
	$(RUN_IPTABLES:%=$(BUILD)/daemon/%.o)
$(eval $(call daemon_test,errand,$(RULES_TEXT)))
SETTINGS := $(patsubst %,$(BUILD)/daemon/command/%.o,\
	config environment setting settings settings_table usage) \
	$(patsubst %,$(BUILD)/daemon/datapath/%.o,mark pod_range) \
	$(patsubst %,$(BUILD)/daemon/%.o,flowlog/flow_target observe/web_address \
	whole_file)
$(BUILD)/tests/daemon/settings_test: $(SETTINGS)
$(BUILD)/tests/daemon/state_file_test: $(BUILD)/daemon/state_file.o
$(eval $(call daemon_test,reject,reject rejection))
$(eval $(call daemon_test,rejection,rejection))
SHELF_TESTS := $(patsubst %,$(BUILD)/tests/daemon/%_test,shelf shelf_history)
$(SHELF_TESTS): $(patsubst %,$(BUILD)/daemon/source/%.o,manifests shelf)
$(SHELF_TESTS): $(BUILD)/tests/daemon/shelf_watch.o
$(SHELF_TESTS): OUR_LDFLAGS += -Wl,--wrap=manifest_open,--wrap=clock_gettime
$(BUILD)/tests/daemon/shelf_history_test: $(BUILD)/tests/policy/twin/random.o
# What recall.c stands on, without workers.
RECALL_MODULES := fault log $(addprefix datapath/,address_list conntrack \
	conntrack_message ipset ipset_message local memo memo_ring memo_set \
	memo_table memory netlink pod_range recall rejudge unclaimed $(RULES_TEXT))
ifeq ($(FAULTS),)
RECALL_MODULES := $(filter-out fault,$(RECALL_MODULES))
endif
$(BUILD)/tests/daemon/recall_test: $(RECALL_MODULES:%=$(BUILD)/daemon/%.o) \
	$(TWIN:%=$(BUILD)/tests/policy/twin/%.o)
$(eval $(call daemon_test,memo_growth,memo memo_growth))
$(BUILD)/tests/daemon/memo_growth_test: $(BUILD)/tests/policy/twin/random.o
$(eval $(call daemon_test,memo_ring,memo memo_ring))
$(eval $(call daemon_test,memo_table,memo memo_table))
$(BUILD)/tests/daemon/memo_table_test: $(BUILD)/tests/policy/twin/random.o
$(foreach t,sweep sweep_aim,$(eval $(call daemon_test,$t,sweep walker rejudge unclaimed pod_range memo conntrack conntrack_message local mark $(NETLINK))))
WARM := $(patsubst %,$(BUILD)/daemon/%.o,boot source/warm_file state_file)
$(BUILD)/tests/daemon/warm_file_test: $(WARM)
$(BUILD)/tests/daemon/warm_test: $(WARM) $(BUILD)/daemon/log.o $(BUILD)/daemon/warm.o
$(BUILD)/tests/daemon/warm_test: OUR_LDFLAGS += -Wl,--wrap=clock_gettime
$(patsubst %,$(BUILD)/tests/daemon/%_test,bridge conntrack conntrack_ends copies ipset \
	local netlink recall reject rule_counter runner sweep sweep_aim): \
	$(BUILD)/tests/daemon/netns.o
$(BUILD)/tests/daemon/sweep_aim_test $(BUILD)/tests/daemon/sweep_test: \
	$(BUILD)/tests/daemon/insert.o $(BUILD)/tests/daemon/sweep_world.o
$(BUILD)/tests/daemon/sweep_aim_test: OUR_LDFLAGS += -Wl,--wrap=conntrack_dump
$(eval $(call daemon_test,tally_ring,tally_ring))
$(eval $(call daemon_test,unclaimed,unclaimed pod_range address_list))
$(eval $(call daemon_test,verdict_counts,verdict_counts))

# Random clusters and flows, with the twin's answers, for explain_twin_test.py
# and diff_twin_test.py.
RANDOM_WORLDS := $(patsubst %,$(BUILD)/tests/daemon/%,random_edit random_flows)
$(RANDOM_WORLDS): %: %.o \
	$(patsubst %,$(BUILD)/tests/policy/twin/%.o,oracle oracle_addr \
	oracle_decode oracle_events random world world_policy world_write)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		-ljansson
$(BUILD)/tests/daemon/random_edit: $(BUILD)/tests/policy/twin/mutation.o

# The flow log: parts, and the whole of it.
COMMA := ,
flowlog_test = $(BUILD)/tests/daemon/flowlog/$(1)_test: $(2:%=$(BUILD)/daemon/%.o)
RECORD_TEXT := decision_json decision_text flowlog/flow_credit json_text planned \
	$(addsuffix _text,label list miss port rule)
FLOW_SINK := log $(addprefix flowlog/,flow_counts flow_file flow_ring flow_sink \
	flow_stream hit_ring line_buffer)
FLOW_NAMER := plain_text $(addprefix flowlog/,flow_explain flow_namer)
FLOW_WATCH := datapath/memo $(FLOW_NAMER) $(addprefix flowlog/,flow_hit flow_likeness \
	flow_rate flow_rows flow_watch)
$(eval $(call flowlog_test,flow_end,datapath/mark json_text flowlog/flow_end))
$(eval $(call flowlog_test,flow_fold,flowlog/flow_fold flowlog/flow_likeness))
$(eval $(call flowlog_test,flow_hit,datapath/memo flowlog/flow_hit))
$(eval $(call flowlog_test,flow_limit,flowlog/flow_limit))
$(eval $(call flowlog_test,flow_log,$(FLOW_SINK) $(RECORD_TEXT) $(FLOW_WATCH) current \
	$(addprefix datapath/,conntrack_ends conntrack_message conntrack_setting mark \
	netlink) $(addprefix flowlog/,flow_end flow_fold flow_limit flow_log \
	flow_record flow_teller)))
$(BUILD)/tests/daemon/flowlog/flow_log_test: OUR_LDFLAGS += -Wl,--wrap=write \
	$(addprefix -Wl$(COMMA)--wrap=conntrack_ends_,open join leave read close)
$(eval $(call flowlog_test,flow_namer,$(FLOW_NAMER)))
$(eval $(call flowlog_test,flow_rate,flowlog/flow_rate))
$(eval $(call flowlog_test,flow_record,$(RECORD_TEXT) datapath/mark \
	$(addprefix flowlog/,flow_end flow_explain flow_fold flow_likeness flow_record)))
$(eval $(call flowlog_test,flow_ring,flowlog/flow_ring))
$(eval $(call flowlog_test,flow_rows,flowlog/flow_rate flowlog/flow_rows))
$(eval $(call flowlog_test,flow_sink,$(FLOW_SINK)))
$(eval $(call flowlog_test,flow_teller,$(FLOW_SINK) $(RECORD_TEXT) \
	$(addprefix datapath/,mark memo) $(addprefix flowlog/,flow_end flow_explain \
	flow_fold flow_hit flow_likeness flow_limit flow_record flow_teller)))
$(eval $(call flowlog_test,flow_watch,$(FLOW_WATCH)))
$(eval $(call flowlog_test,line_buffer,flowlog/line_buffer))
$(eval $(call daemon_test,sight,sight))

# Records, read back.
RECORDS := $(patsubst %,$(BUILD)/daemon/%.o,flow_words plain_text \
	$(addprefix records/record_,fields reader time))
$(BUILD)/tests/daemon/records/record_reader_test: $(RECORDS)
$(BUILD)/tests/daemon/records/record_world_test: \
	$(patsubst %,$(BUILD)/daemon/records/%.o,record_world workload_name)

# What people see of it.
top_test = $(BUILD)/tests/daemon/top/$(1)_test: $(2:%=$(BUILD)/daemon/%.o)
$(eval $(call top_test,top_choice,top/top_choice top/top_keys))
$(eval $(call top_test,top_keys,top/top_keys))
$(eval $(call top_test,top_numbers,command/told top/top_numbers))
STATUS_PAGE := $(addprefix command/,hindrances queue_table source_page status_page \
	told)
$(eval $(call top_test,top_page,$(STATUS_PAGE) plain_text top/top_choice \
	top/top_columns top/top_page))
$(eval $(call top_test,top_rows,command/told plain_text top/top_rows))

# Observers: a module needs what it stands on.
observe_test = $(BUILD)/tests/daemon/observe/$(1)_test: $(2:%=$(BUILD)/daemon/%.o)
$(eval $(call observe_test,client,observe/client))
EXPOSITION := observe/exposition observe/histogram observe/metrics
$(eval $(call observe_test,exposition,$(EXPOSITION)))
$(eval $(call observe_test,health,$(RUN_IPTABLES) kube/kube_status \
	observe/health time_text))
$(eval $(call observe_test,live_pages,current json_text label_text list_text port_text rule_text \
	observe/live_pages observe/live_pods observe/live_side observe/local_reach \
	observe/web_page))
$(eval $(call observe_test,local_reach,observe/local_reach))
$(eval $(call observe_test,metrics,observe/histogram observe/metrics observe/metrics_json))
$(eval $(call observe_test,pause_desk,boot observe/pause_desk pause state_file))
$(eval $(call observe_test,policy_counts,datapath/verdict_counts \
	observe/histogram observe/metrics observe/policy_counts))
$(eval $(call observe_test,question_desk,observe/question_desk))
RECEIPTS := kube/name_set observe/receipt_table observe/receipts time_text
$(eval $(call observe_test,receipt_request,observe/receipt_request $(RECEIPTS)))
$(eval $(call observe_test,receipts,$(RECEIPTS)))
$(eval $(call observe_test,request,observe/request))
$(eval $(call observe_test,source_metrics,$(EXPOSITION) kube/kube_status \
	observe/source_metrics))
$(eval $(call observe_test,stall,observe/stall))
$(eval $(call observe_test,status,datapath/conntrack_setting $(RUN_IPTABLES) observe/status_board \
	$(addprefix flowlog/,flow_counts flow_ring hit_ring) kube/kube_status \
	observe/health observe/status_json time_text))
# What threads stand on that are told what they may do.
CONFINED := confine confine_calls log $(if $(FAULTS),fault)
$(eval $(call observe_test,status_server,observe/client observe/request \
	observe/status_server observe/status_socket $(CONFINED)))
$(BUILD)/tests/daemon/observe/status_server_test: \
	OUR_LDFLAGS += -Wl,--wrap=clock_gettime,--wrap=pthread_join
$(eval $(call observe_test,status_socket,observe/status_socket))
$(eval $(call observe_test,unjudged,observe/unjudged))
$(eval $(call observe_test,verdict_metrics,$(EXPOSITION) datapath/verdict_counts \
	observe/verdict_metrics))
$(eval $(call observe_test,web_address,observe/web_address))
WEB_TOKEN := kube/token observe/web_token whole_file
$(eval $(call observe_test,web_pages,$(EXPOSITION) $(RUN_IPTABLES) \
	kube/kube_status observe/health observe/status_board observe/web_page \
	observe/web_pages time_text $(WEB_TOKEN)))
WEB_TLS := log observe/web_tls whole_file
$(eval $(call observe_test,web_server,observe/web_address observe/web_server \
	$(CONFINED) $(WEB_TLS)))
$(BUILD)/tests/daemon/observe/web_server_test: \
	OUR_LDFLAGS += -Wl,--wrap=clock_gettime
$(eval $(call observe_test,web_tls,$(WEB_TLS)))
$(eval $(call observe_test,web_token,$(WEB_TOKEN)))
$(patsubst %,$(BUILD)/tests/daemon/observe/web_%_test,address server): \
	$(BUILD)/tests/daemon/netns.o

# The API server: the test is the server, and the clock.
$(BUILD)/tests/daemon/kube/backoff_test: $(BUILD)/daemon/kube/backoff.o
$(BUILD)/tests/daemon/kube/resource_test: $(BUILD)/daemon/kube/resource.o
REFLECTOR := $(patsubst %,$(BUILD)/daemon/%.o,log plain_text \
	$(addprefix kube/,backoff kube_status name_set reflector reflector_end \
		resource))
REFLECTOR_TESTS := $(patsubst %,$(BUILD)/tests/daemon/kube/%_test,reflector \
	reflector_list reflector_watch)
$(REFLECTOR_TESTS): $(REFLECTOR) $(BUILD)/tests/daemon/kube/reflector_talk.o
$(BUILD)/tests/daemon/kube/kube_source_test: $(REFLECTOR) \
	$(patsubst %,$(BUILD)/daemon/kube/%.o,kube_source kube_source_state \
		kube_store)
$(REFLECTOR_TESTS): OUR_LDFLAGS += -Wl,--wrap=clock_gettime

# The API server: how it is found, and asked.
KUBE_ACCESS := plain_text whole_file $(addprefix kube/,access base64 kubeconfig \
	kubeconfig_access kubeconfig_reader server_url service_account)
KUBE_HTTP := $(KUBE_ACCESS) $(addprefix kube/,http http_call http_failure \
	http_options http_socket retry_after token)
kube_test = $(BUILD)/tests/daemon/kube/$(1)_test: $(2:%=$(BUILD)/daemon/%.o)
$(eval $(call kube_test,access,$(KUBE_ACCESS)))
$(eval $(call kube_test,base64,kube/base64))
$(eval $(call kube_test,http,$(KUBE_HTTP)))
$(eval $(call kube_test,kubeconfig,$(KUBE_ACCESS)))
$(eval $(call kube_test,retry_after,kube/retry_after))
$(eval $(call kube_test,server_url,kube/server_url plain_text))
$(eval $(call kube_test,token,kube/token whole_file))
$(patsubst %,$(BUILD)/tests/daemon/kube/%_test,access kubeconfig): \
	$(BUILD)/tests/daemon/kube/access_words.o

# Asks what http2_test.py wants to be asked.
ASKER := $(BUILD)/tests/daemon/kube/asker
$(ASKER): $(BUILD)/tests/daemon/kube/asker.o $(KUBE_HTTP:%=$(BUILD)/daemon/%.o) \
	$(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) \
		-Wl,--wrap=clock_gettime -o $@ $^ $(POLICY_LIBS) -lcurl

# Captures, as they are read and played.
CAPTURE := $(patsubst %,$(BUILD)/daemon/source/%.o,\
	capture frame pcap_file pcapng_file window)
$(BUILD)/tests/daemon/capture_test: $(CAPTURE) $(BUILD)/tests/policy/twin/random.o
PLAYED := $(CAPTURE) $(BUILD)/tests/daemon/played_bytes.o \
	$(patsubst %,$(BUILD)/daemon/%.o,decision_text miss_text port_text label_text \
	list_text rule_text progress source/ahead source/playback)
$(BUILD)/tests/daemon/malformed_capture_test: $(PLAYED) \
	$(BUILD)/tests/policy/twin/random.o

# Suites: how they are read, and written anew.
SUITE := $(patsubst %,$(BUILD)/daemon/%.o,flow_words plain_text whole_file \
	$(addprefix suite/,fields flow_case matrix_case node pcap_case pod_line \
		result rewrite suite))
$(patsubst %,$(BUILD)/tests/daemon/suite/%_test,pod_line suite): $(SUITE)

# Hand-over: what is agreed upon, and what is said.
$(BUILD)/tests/daemon/handover/terms_test: $(patsubst %,$(BUILD)/daemon/%.o,\
	handover/terms $(RUN_IPTABLES))
$(BUILD)/tests/daemon/handover/wire_test: $(patsubst %,$(BUILD)/daemon/%.o,\
	descriptors handover/wire)

# The example embeds the library as anybody would: public headers only.
EXAMPLE := $(BUILD)/tests/embed/example
$(EXAMPLE): tests/embed/example.c $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -std=gnu11 $(WARNINGS) -Iinclude -o $@ $^ \
		$(POLICY_LIBS)

# ---- set up, try, test -------------------------------------------------------

.PHONY: deps
deps: ## install the Debian or Ubuntu packages that are missing
	$(Q)missing=$$(for p in $(PACKAGES); do \
		dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | \
		grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qy --no-install-recommends $$missing; \
	fi

.PHONY: build-deps
build-deps: ## install what it takes to build, and no more
	$(Q)$(MAKE) --no-print-directory deps PACKAGES='$(BUILD_PACKAGES)'

.PHONY: demo
demo: deps ## show it at work: a node, some pods, real connections
	$(Q)$(MAKE) --no-print-directory all
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) $(PYTHON) tests/e2e/demo.py

# Tests wait more than they work, and know nothing of each other.
TEST_JOBS ?= 2

.PHONY: test
test: deps ## all tests: units, properties, and end to end in namespaces
	$(Q)$(MAKE) --no-print-directory all unit-tests
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/faults FAULTS=1 all
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) EXAMPLE=$(abspath $(EXAMPLE)) \
		FAULTY=$(abspath $(BUILD)/faults/netpold) CMOCKA_MESSAGE_OUTPUT=TAP \
		prove --failures --comments --timer --jobs $(TEST_JOBS) -e '' $(UNIT_TESTS) \
		$(SCRIPT_TESTS)

# KUBEBUILDER_ASSETS=FOLDER names an etcd, a kube-apiserver, a kubectl, and a `chart` of
# ours; otherwise they are built, the first time in nine minutes, by a Go that is fetched
# where there is none (tests/e2e/kube). They are the same for every build of ours.
KUBE_PROGRAMS := $(addprefix build/kube/,chart etcd kube-apiserver kubectl)
KUBE_SOURCES := $(wildcard tests/e2e/chart/* tests/e2e/kube/* tests/e2e/kube/*/*.go)

.PHONY: test-kube
test-kube: deps ## netpold on nodes of a real kube-apiserver
	$(Q)$(MAKE) --no-print-directory all \
		$(if $(KUBEBUILDER_ASSETS),,$(KUBE_PROGRAMS))
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) \
		prove --failures --comments --timer --jobs $(TEST_JOBS) -e '' $(KUBE_TESTS)

$(KUBE_PROGRAMS) &: $(KUBE_SOURCES)
	$(say) GO build/kube
	$(Q)$(PYTHON) -B tests/e2e/kube/build.py build/kube
	$(Q)touch $(KUBE_PROGRAMS)

# No registry is asked: the base is made here.
IMAGE_SOURCES := .dockerignore LICENSE Makefile manifests/Dockerfile \
	tests/e2e/image/build.py \
	$(shell find daemon include policy -type f 2>/dev/null)

.PHONY: image
image: ## build the image of manifests/Dockerfile into build/image
	$(Q)$(MAKE) --no-print-directory deps PACKAGES='$(PACKAGES) $(IMAGE_PACKAGES)'
	$(Q)$(MAKE) --no-print-directory build/image/image.json

.PHONY: test-image
test-image: image ## run the image on nodes of a real kube-apiserver
	$(Q)$(MAKE) --no-print-directory all \
		$(if $(KUBEBUILDER_ASSETS),,$(KUBE_PROGRAMS))
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) \
		prove --failures --comments --timer --jobs $(TEST_JOBS) -e '' $(IMAGE_TESTS)

build/image/image.json: $(IMAGE_SOURCES) $(BUILD)/commit
	$(say) IMAGE build/image
	$(Q)$(PYTHON) -B tests/e2e/image/build.py build/image '$(COMMIT)'

# NETPOLD_KERNEL_CACHE=off in the environment: the same, and all of tests/e2e,
# without a kernel that remembers.
SOAK_SECONDS ?= 600

.PHONY: soak
soak: deps ## traffic, edits and trouble at once, SOAK_SECONDS long
	$(Q)$(MAKE) --no-print-directory all
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) SOAK_SECONDS=$(SOAK_SECONDS) \
		$(PYTHON) -B tests/e2e/soak.py

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS) $(EXAMPLE) $(RANDOM_WORLDS) $(ASKER)

# Unit tests, and the daemon under traffic, with the sanitizers watching.
SANITIZED_SCRIPTS := tests/daemon/config_test.py tests/daemon/explain_test.py \
	tests/daemon/explain_twin_test.py tests/daemon/kube/http2_test.py \
	tests/daemon/kubeconfig_refused_test.py tests/daemon/kubeconfig_test.py \
	tests/daemon/replay_inner_test.py tests/daemon/replay_output_test.py \
	tests/daemon/replay_test.py tests/daemon/replay_timeline_test.py \
	tests/daemon/status_test.py tests/daemon/suggest_test.py \
	tests/daemon/suite_test.py tests/daemon/top_test.py \
	tests/e2e/bad_input_test.py tests/e2e/edit_test.py \
	tests/e2e/fake_faults_test.py tests/e2e/fake_history_test.py \
	tests/e2e/fake_http2_test.py tests/e2e/flow_log_test.py \
	tests/e2e/handover_refused_test.py \
	tests/e2e/handover_test.py tests/e2e/metrics_tls_test.py \
	tests/e2e/pause_test.py \
	tests/e2e/status_socket_test.py tests/e2e/stop_test.py \
	tests/e2e/top_test.py tests/e2e/wait_test.py tests/e2e/warm_test.py

ASAN := BUILD=$(BUILD)/asan CFLAGS='-O1 -g' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'
TSAN := BUILD=$(BUILD)/tsan CFLAGS='-O1 -g' SANITIZE=-fsanitize=thread

.PHONY: asan asan-build
asan: deps ## unit tests and daemon under AddressSanitizer and UBSan
	$(Q)$(MAKE) --no-print-directory $(ASAN) sanitized

asan-build: deps # what asan runs
	$(Q)$(MAKE) --no-print-directory $(ASAN) all unit-tests

# What has threads of its own.
THREADED_TESTS := $(patsubst %,$(BUILD)/tests/%_test,daemon/flowlog/flow_log \
	daemon/flowlog/flow_ring daemon/memo_ring \
	daemon/observe/metrics daemon/observe/question_desk \
	daemon/observe/receipt_request daemon/observe/receipts \
	daemon/observe/stall daemon/observe/status_server \
	daemon/observe/web_server \
	daemon/orders daemon/sweep daemon/warm \
	policy/twin/readers)
THREADED_SCRIPTS := tests/e2e/edit_test.py tests/e2e/fake_health_test.py \
	tests/e2e/fake_wait_test.py tests/e2e/flow_log_test.py \
	tests/e2e/handover_test.py tests/e2e/metrics_test.py \
	tests/e2e/status_socket_test.py tests/e2e/stop_test.py \
	tests/e2e/top_test.py tests/e2e/wait_test.py

.PHONY: tsan tsan-build
tsan: deps ## what has threads, and the daemon under churn, under ThreadSanitizer
	$(Q)$(MAKE) --no-print-directory $(TSAN) threaded
	$(Q)NETPOLD=$(abspath $(BUILD)/tsan/netpold) SOAK_SECONDS=45 \
		SOAK_MAX_GROWTH_KIB=131072 $(PYTHON) -B tests/e2e/soak.py

tsan-build: deps # what tsan runs
	$(Q)$(MAKE) --no-print-directory $(TSAN) threaded-build

.PHONY: threaded threaded-build
threaded-build: all $(THREADED_TESTS)

threaded: threaded-build
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) CMOCKA_MESSAGE_OUTPUT=TAP \
		prove --failures --comments --jobs $(TEST_JOBS) -e '' \
		$(THREADED_TESTS) $(THREADED_SCRIPTS)

.PHONY: sanitized
sanitized: all unit-tests
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) CMOCKA_MESSAGE_OUTPUT=TAP \
		prove --failures --comments --jobs $(TEST_JOBS) -e '' $(UNIT_TESTS) \
		$(SANITIZED_SCRIPTS)

# ---- benchmarks --------------------------------------------------------------

ACCEPT_LOOP := $(BUILD)/tests/bench/accept_loop
CAPTURE := $(BUILD)/tests/bench/capture
ENGINE := $(BUILD)/tests/bench/engine
FLOOD := $(BUILD)/tests/bench/flood
RECALL := $(BUILD)/tests/bench/recall
SWEEP := $(BUILD)/tests/bench/sweep
TRAFFIC := $(BUILD)/tests/bench/traffic

$(ACCEPT_LOOP): $(BUILD)/tests/bench/accept_loop.o \
	$(BUILD)/daemon/datapath/mark.o \
	$(BUILD)/daemon/datapath/queue.o \
	$(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		-lnetfilter_queue -lmnl -lpthread

$(CAPTURE): $(BUILD)/tests/bench/capture.o
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^

$(SWEEP): $(patsubst %,$(BUILD)/tests/bench/%.o,report sweep workload) \
	$(BUILD)/tests/daemon/insert.o \
	$(patsubst %,$(BUILD)/daemon/datapath/%.o,address_list conntrack \
		conntrack_message local mark memo netlink pod_range rejudge sweep \
		unclaimed walker) \
	$(TWIN:%=$(BUILD)/tests/policy/twin/%.o) \
	$(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(POLICY_LIBS) -ljansson -lmnl -lpthread

$(RECALL): $(patsubst %,$(BUILD)/tests/bench/%.o,recall report workload) \
	$(RECALL_MODULES:%=$(BUILD)/daemon/%.o) \
	$(TWIN:%=$(BUILD)/tests/policy/twin/%.o) \
	$(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(POLICY_LIBS) -ljansson -lmnl -lurcu -lpthread

$(TRAFFIC): $(patsubst %,$(BUILD)/tests/bench/%.o,connections endpoint latency packets streams traffic)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

$(FLOOD): $(patsubst %,$(BUILD)/tests/bench/%.o,endpoint flood)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^

# The engine alone, held against its twin. Calls for memory are counted.
COUNTED := malloc calloc realloc reallocarray aligned_alloc
$(ENGINE): $(patsubst %,$(BUILD)/tests/bench/%.o,agreement allocations change \
		compile engine evaluate questions report workload) \
	$(TWIN:%=$(BUILD)/tests/policy/twin/%.o) \
	$(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(OUR_LDFLAGS) $(LDFLAGS) \
		$(COUNTED:%=-Wl,--wrap=%) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(POLICY_LIBS) -ljansson

# BENCH=name runs one row, BENCH_FLAGS=--quick a smoke run. Rows that a real API
# server feeds say that they were not run where there is none; one that is named
# has it built (see test-kube).
BENCH ?=
BENCH_FLAGS ?=
KUBE_ROWS := event_% events_% sync_%

.PHONY: bench
bench: deps ## measure it, and check its answers; build/bench.json
	$(Q)$(MAKE) --no-print-directory all $(ACCEPT_LOOP) $(ENGINE) \
		$(CAPTURE) $(FLOOD) $(RECALL) $(SWEEP) $(TRAFFIC) \
		$(if $(KUBEBUILDER_ASSETS),,$(and $(filter $(KUBE_ROWS),$(BENCH)),$(KUBE_PROGRAMS)))
	$(Q)NETPOLD=$(abspath $(BUILD)/netpold) $(PYTHON) -B tests/bench/run.py \
		$(BENCH_FLAGS) $(BENCH)

# ---- fuzzing -----------------------------------------------------------------

FUZZ_SECONDS ?= 300
FUZZ_TARGETS := $(notdir $(patsubst %_fuzz.c,%,$(sort $(wildcard tests/fuzz/*_fuzz.c))))

.PHONY: fuzz
fuzz: deps ## fuzz every parser of outside bytes, FUZZ_SECONDS each
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(CLANG) \
		CFLAGS='-O1 -g' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		$(FUZZ_TARGETS:%=fuzz-%)

# New inputs go to a folder of their own; the corpus in the repo stays small.
fuzz-%: $(BUILD)/tests/fuzz/%_fuzz
	$(say) FUZZ $*
	$(Q)mkdir -p $(BUILD)/corpus/$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix=$(BUILD)/crash-$*- \
		$(BUILD)/corpus/$* tests/fuzz/corpus/$*

# A target links the library and the modules that it names.
$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/libnetpold.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $(OUR_LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(POLICY_LIBS)

$(BUILD)/tests/fuzz/config_fuzz: $(SETTINGS)
$(BUILD)/tests/fuzz/kubeconfig_fuzz: POLICY_LIBS += -lcurl
$(BUILD)/tests/fuzz/kubeconfig_fuzz: $(KUBE_ACCESS:%=$(BUILD)/daemon/%.o)
$(BUILD)/tests/fuzz/mark_use_fuzz: $(BUILD)/daemon/datapath/mark_use.o
$(BUILD)/tests/fuzz/flows_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/flows_fuzz: $(patsubst %,$(BUILD)/daemon/%.o,flow_words \
	list_text plain_text question source/flow_line source/lines)

$(BUILD)/tests/fuzz/handover_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/handover_fuzz: $(patsubst %,$(BUILD)/daemon/%.o,\
	descriptors handover/terms handover/wire $(RUN_IPTABLES))

$(BUILD)/tests/fuzz/records_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/records_fuzz: $(RECORDS)

$(BUILD)/tests/fuzz/state_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/state_fuzz: $(sort $(PAUSE) $(WARM))
$(BUILD)/tests/fuzz/top_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/top_fuzz: $(patsubst %,$(BUILD)/daemon/%.o,$(STATUS_PAGE) \
	plain_text $(addprefix top/,top_choice top_columns top_keys top_numbers \
	top_page top_rows))

$(BUILD)/tests/fuzz/replay_fuzz: POLICY_LIBS += -lpcap
$(BUILD)/tests/fuzz/replay_fuzz: $(PLAYED)

$(BUILD)/tests/fuzz/suite_fuzz: $(SUITE)

$(BUILD)/tests/fuzz/request_fuzz: POLICY_LIBS += -ljansson
$(BUILD)/tests/fuzz/request_fuzz: $(PAUSE) \
	$(patsubst %,$(BUILD)/daemon/observe/%.o,client pause_desk request)

# ---- checks ------------------------------------------------------------------

LINT_SOURCES := $(POLICY_SOURCES) $(DAEMON_SOURCES) daemon/fault.c
LINT_FLAGS := -std=gnu11 -D_GNU_SOURCE -Iinclude -Ipolicy -Idaemon -Itests \
	-DNETPOLD_VERSION=$(VERSION) -DNETPOLD_COMMIT=unknown -DNETPOLD_FAULTS

# cppcheck does not know the cleanup attribute, so that it takes every early
# return for a leak; leaks are for LeakSanitizer (make asan).
CPPCHECK_FLAGS := --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	--enable=warning,performance,portability \
	--suppress=missingIncludeSystem --suppress=memleak \
	--suppress=resourceLeak -Iinclude -Ipolicy -Idaemon

.PHONY: lint
lint: deps ## clang-format, cppcheck, clang-tidy, include-what-you-use
	$(say) FORMAT
	$(Q)clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')
	$(Q)! grep -nE '^ \*[[:alpha:]]' $(shell git ls-files '*.c' '*.h')
	$(say) CPPCHECK
	$(Q)cppcheck $(CPPCHECK_FLAGS) $(LINT_SOURCES)
	$(say) TIDY
	$(Q)printf '%s\n' $(LINT_SOURCES) | xargs -P 2 -n 4 \
		sh -c 'clang-tidy --quiet "$$@" -- $(LINT_FLAGS) 2>/dev/null' tidy
	$(say) IWYU
	$(Q)printf '%s\n' $(LINT_SOURCES) | xargs -P 2 -n 1 \
		tests/iwyu $(LINT_FLAGS)

# ---- install -----------------------------------------------------------------

# What a node needs, and what embeds the engine.
.PHONY: install
install: install-program install-library ## install below DESTDIR and PREFIX

DOC_DIR := $(DESTDIR)$(PREFIX)/share/doc/netpold
MAN_DIR := $(DESTDIR)$(PREFIX)/share/man

.PHONY: install-program
install-program: all
	install -D -m 755 $(BUILD)/netpold $(DESTDIR)$(PREFIX)/bin/netpold
	install -D -m 644 manifests/completion/netpold.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/netpold
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local|$(PREFIX)|' manifests/netpold.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/netpold.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/netpold.service
	install -d $(MAN_DIR)/man1 $(MAN_DIR)/man8
	install -m 644 $(wildcard manifests/man/*.1) $(MAN_DIR)/man1
	install -m 644 $(wildcard manifests/man/*.8) $(MAN_DIR)/man8
	install -d $(DESTDIR)$(PREFIX)/share/netpold/schema
	install -m 644 $(wildcard include/netpold/schema/*.json) \
		$(DESTDIR)$(PREFIX)/share/netpold/schema
	install -D -m 644 README.md $(DOC_DIR)/README.md
	install -D -m 644 manifests/README.md $(DOC_DIR)/manifests.md
	install -d $(DOC_DIR)/examples
	install -m 644 manifests/rbac.yaml manifests/prometheus-rules.yaml \
		manifests/grafana-dashboard.json $(DOC_DIR)/examples

.PHONY: install-library
install-library: all
	install -D -m 644 $(BUILD)/libnetpold.a $(DESTDIR)$(PREFIX)/lib/libnetpold.a
	install -d $(DESTDIR)$(PREFIX)/include/netpold
	install -m 644 $(wildcard include/netpold/*.h) $(DESTDIR)$(PREFIX)/include/netpold

# The parts of Debian that netpold links, for who has to know whom a hole
# concerns.
SBOM := $(BUILD)/netpold.cdx.json

.PHONY: sbom
sbom: $(SBOM) ## say what is linked, as CycloneDX: build/netpold.cdx.json

$(SBOM): $(BUILD)/netpold manifests/sbom.py
	$(say) SBOM $@
	$(Q)$(PYTHON) -B manifests/sbom.py $(BUILD)/netpold > $@.new
	$(Q)mv $@.new $@

.PHONY: deb
deb: $(BUILD)/netpold $(SBOM) ## make a Debian package in build/
	$(say) DEB $(BUILD)
	$(Q)MAKE='$(MAKE) --no-print-directory' BUILD='$(BUILD)' \
		VERSION='$(VERSION)' sh manifests/debian/build

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

# Objects of tests are worth keeping.
.SECONDARY:

# An image's files are not ours.
-include $(shell find $(BUILD) -name image -prune -o -name '*.d' -type f -print 2>/dev/null)
