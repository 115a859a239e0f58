#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Takes the startup taint off each node whose netpold is ready. A watch ends now and then:
# the next one begins with all that there is.
taint=netpold.io/not-ready

while :; do
	kubectl --namespace kube-system get pods --watch \
		--selector app.kubernetes.io/name=netpold --output jsonpath='{.spec.nodeName}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\n"}' |
	while read -r node ready; do
		if [ "$ready" = True ]; then
			kubectl taint node "$node" "$taint-" 2>&1 | grep -v 'not found'
		fi
	done
	sleep 1
done
