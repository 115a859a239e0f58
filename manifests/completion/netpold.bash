# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of netpold's commands, their options and values, for bash.
#
# A command is a line in each of the three tables: its name, its options, and,
# where they are not free text, what the values are.

_netpold_commands="check clean diff explain matrix pause replay run status suggest test top wait"

_netpold_options() {
	case $1 in
	check) echo "--help --kubeconfig --output --strict" ;;
	clean) echo "--help --mark-mask --state-dir" ;;
	diff)
		echo "--by --help --kubeconfig --manifests --output --records" \
			"--staged"
		;;
	explain)
		echo "--all --expect --family --flows --from --help" \
			"--kubeconfig --live --manifests --output --port" \
			"--staged --status-socket --to"
		;;
	matrix) echo "--by --help --kubeconfig --namespace --output --staged" ;;
	pause) echo "--end --for --help --reason --status-socket" ;;
	replay)
		echo "--help --inner --kubeconfig --manifests --max-flows" \
			"--output --staged --summary --timeline --write-allowed --write-denied"
		;;
	run)
		echo "--api-server --check --config --deny --flow-log" \
			"--flow-log-bytes --flow-log-ends --flow-log-fold" \
			"--flow-log-keep" \
			"--flow-log-labels --flow-log-only --flow-log-rate" \
			"--help" \
			"--hold-unknown --iptables --kernel-cache --kubeconfig" \
			"--manifests --mark-mask --metrics-listen" \
			"--metrics-policies" \
			"--metrics-tls-cert --metrics-tls-key" \
			"--metrics-token-file --mode --node-egress" \
			"--node-name --on-failure --on-overload --on-start" \
			"--page-listen --pod-cidr --poll-us --queue-base --seccomp" \
			"--state-dir --status-socket --when-replaced --workers"
		;;
	status) echo "--help --live --output --policies --ready --status-socket" ;;
	suggest)
		echo "--diff --help --kubeconfig --manifests --merge-prefix" \
			"--min-count --output --report --staged --to-decide"
		;;
	test)
		echo "--coverage --help --kubeconfig --manifests --output" \
			"--update --watch"
		;;
	top)
		echo "--filter --for --help --interval --once --output --sort" \
			"--status-socket --view"
		;;
	wait)
		echo "--deleted --generation --help --output --policy" \
			"--staged --status-socket --timeout --uid"
		;;
	"") echo "--help --version" ;;
	esac
}

# What can follow an option: words, <file>, or <any> for what nobody can guess;
# nothing where it takes no value.
_netpold_values() {
	case "$1 $2" in
	*" --manifests" | *" --flows" | *" --config" | *" --kubeconfig" | \
		*" --records" | *" --status-socket" | *" --state-dir" | \
		"run --metrics-tls-"* | "run --metrics-token-file" | \
		"replay --timeline" | "replay --write-"* | \
		"suggest --to-decide")
		echo "<file>"
		;;
	"check --output") echo "text json sarif" ;;
	"diff --output") echo "text json markdown" ;;
	"matrix --output") echo "text json dot html" ;;
	"replay --output") echo "text json csv" ;;
	"test --output") echo "text json tap junit github" ;;
	*" --output") echo "text json" ;;
	"diff --by" | "matrix --by") echo "workload pod namespace" ;;
	"explain --expect") echo "allow deny" ;;
	"explain --family") echo "4 6" ;;
	"run --iptables") echo "auto nft legacy" ;;
	"run --deny") echo "drop reject" ;;
	"run --flow-log") echo "off stdout" ;;
	"run --flow-log-ends" | "run --flow-log-labels") echo "on off" ;;
	"run --flow-log-only") echo "all denied" ;;
	"run --flow-log-"*) echo "<any>" ;;
	"run --kernel-cache" | "run --seccomp") echo "on off" ;;
	"run --mode") echo "enforce audit" ;;
	"run --node-egress") echo "enforce allow" ;;
	"run --on-failure") echo "open closed" ;;
	"run --on-overload") echo "drop accept" ;;
	"run --on-start") echo "accept hold drop" ;;
	"run --when-replaced") echo "exit wait" ;;
	"matrix --namespace" | "replay --max-flows") echo "<any>" ;;
	"explain --port" | "explain --from" | "explain --to") echo "<any>" ;;
	*" --mark-mask" | "run --node-name" | "pause --reason") echo "<any>" ;;
	"pause --for") echo "90s 10m 1h" ;;
	"top --filter") echo "<any>" ;;
	"top --for") echo "10s 5m 1h" ;;
	"top --interval") echo "1s 2s 5s" ;;
	"top --sort") echo "rate count time" ;;
	"top --view") echo "flows denials would-denials" ;;
	"wait --generation" | "wait --policy" | "wait --uid") echo "<any>" ;;
	"suggest --merge-prefix") echo "24/64 32/128" ;;
	"suggest --min-count") echo "<any>" ;;
	"wait --timeout") echo "30s 5m" ;;
	"run --hold-unknown" | "run --metrics-listen" | "run --page-listen" | \
		"run --pod-cidr" | "run --api-server")
		echo "<any>"
		;;
	"run --metrics-policies" | "run --poll-us" | "run --queue-base" | \
		"run --workers")
		echo "<any>"
		;;
	esac
}

# What stands where no option is expected.
_netpold_operands() {
	case $1 in
	check | diff | matrix | replay | suggest | test) echo "<file>" ;;
	"") echo "$_netpold_commands" ;;
	esac
}

_netpold() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command="" words

	COMPREPLY=()
	# --option=value comes as three words.
	if [[ $cur == "=" ]]; then
		cur=""
	elif [[ $prev == "=" ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD > 1)); then
		command=${COMP_WORDS[1]}
	fi
	words=$(_netpold_values "$command" "$prev")
	if [[ -z $words && $cur == -* ]]; then
		words=$(_netpold_options "$command")
	elif [[ -z $words ]]; then
		words=$(_netpold_operands "$command")
	fi
	if [[ $words == "<file>" ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ -n $words && $words != "<any>" ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	fi
}

complete -F _netpold netpold
