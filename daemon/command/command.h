/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_COMMAND_H
#define NETPOLD_DAEMON_COMMAND_COMMAND_H

/**
 * The subcommands. Each gets its own arguments, argv[0] being its name, and
 * returns the exit status of the program.
 */

/** Exit status of every command. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_NEGATIVE = 1, /* differences, findings, an expectation not met */
	EXIT_TROUBLE = 2,  /* wrong usage, or something could not be done */
};

int command_check(int argc, char **argv);
int command_clean(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_matrix(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_run(int argc, char **argv);
int command_status(int argc, char **argv);
int command_suggest(int argc, char **argv);
int command_test(int argc, char **argv);
int command_top(int argc, char **argv);
int command_wait(int argc, char **argv);

#endif
